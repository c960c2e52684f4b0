"""Splits: who is trained on and who is tested on."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simlab.errors import ChoiceError, DataError
from simlab.items import Items

SETS = st.lists(st.integers(0, 9), min_size=12, max_size=60).filter(
    lambda codes: len(set(codes)) > 3
)
SHARES = st.sampled_from([0.1, 0.25, 0.34, 0.5])


def labeled(codes):
    return Items.from_arrays(np.arange(len(codes), dtype=float), labels=list(codes))


def parts(items):
    return {
        name: set(items.ids[items.column("split") == name]) for name in ("train", "val", "test")
    }


@given(SETS, SHARES, st.integers(0, 5))
def test_by_label_no_label_is_in_two_parts(codes, share, seed):
    items = labeled(codes).split(by="label", test=share, val=0.2, seed=seed)

    owners = {
        (label, part) for label, part in zip(items.labels, items.column("split"), strict=True)
    }

    assert len(owners) == len(set(codes))


@given(SETS, SHARES, st.sampled_from(["label", "item"]), st.integers(0, 5))
def test_every_item_is_in_one_part_and_every_asked_part_has_some(codes, share, by, seed):
    found = parts(labeled(codes).split(by=by, test=share, val=0.1, seed=seed))

    assert sum(len(ids) for ids in found.values()) == len(codes)
    assert all(found.values())


@given(SETS, SHARES, st.sampled_from(["label", "item"]))
def test_seen_tells_whether_the_label_is_in_training(codes, share, by):
    items = labeled(codes).split(by=by, test=share)
    trained = set(items.where(split="train").labels)

    assert items.column("seen").tolist() == [label in trained for label in items.labels]


@given(SETS, st.sampled_from(["label", "item"]), st.integers(0, 5))
def test_the_same_seed_gives_the_same_split(codes, by, seed):
    first, second = (labeled(codes).split(by=by, val=0.2, test=0.3, seed=seed) for _ in "12")

    assert parts(first) == parts(second)


@pytest.mark.parametrize("by", ["label", "item"])
def test_another_seed_gives_another_split(by):
    items = labeled(np.repeat(np.arange(20), 5))

    assert len({tuple(items.split(by=by, seed=seed).column("split")) for seed in range(5)}) == 5


@given(st.integers(2, 8), st.integers(4, 30), SHARES)
def test_by_item_every_label_gives_its_share_up_to_one_item(n_labels, count, share):
    items = labeled(np.repeat(np.arange(n_labels), count)).split(by="item", test=share)
    tested = np.bincount(items.where(split="test").labels, minlength=n_labels)

    assert np.abs(tested - share * count).max() < 1 + 1e-6


def test_by_item_validation_has_its_share_of_all_items():
    items = labeled(np.repeat(np.arange(10), 40)).split(by="item", test=0.25, val=0.25)

    assert {name: len(ids) for name, ids in parts(items).items()} == {
        "train": 200,
        "val": 100,
        "test": 100,
    }


def test_by_label_parts_have_their_share_of_the_labels():
    items = labeled(np.repeat(np.arange(20), 2)).split(by="label", test=0.3, val=0.2)

    assert [len(set(items.where(split=part).labels)) for part in ("train", "val", "test")] == [
        10,
        4,
        6,
    ]


def test_a_small_share_of_few_labels_still_gets_one_label():
    items = labeled([0, 0, 1, 1, 2, 2]).split(by="label", test=0.1, val=0.1)

    assert [len(items.where(split=part)) for part in ("train", "val", "test")] == [2, 2, 2]


def test_without_shares_all_is_training():
    assert set(labeled([0, 0, 1, 1]).split(test=0).column("split")) == {"train"}


def test_splitting_again_replaces_the_split():
    items = labeled([0, 0, 1, 1]).split().split(by="item")

    assert items.columns == ("id", "label", "split", "seen")


@pytest.mark.parametrize(
    ("codes", "options", "kind", "text"),
    [
        (
            [0, 0, 1, 1],
            {"by": "class"},
            ChoiceError,
            "by must be one of 'item', 'label', 'time'; got 'class'",
        ),
        (
            [0, 0, 0],
            {},
            DataError,
            "a split needs at least two labels; got 1; similarity is learned from what differs",
        ),
        (
            [0, None, 1],
            {},
            DataError,
            (
                "a split needs a label for every item; 1 of 3 have none; give labels, or drop "
                "these items with items.with_min_count(1)"
            ),
        ),
        (
            [0, 1],
            {"test": 1.0},
            DataError,
            (
                "test and val must be shares in [0, 1) that leave some for training; got test=1.0, "
                "val=0.0"
            ),
        ),
        (
            [0, 1],
            {"test": 0.6, "val": 0.4},
            DataError,
            (
                "test and val must be shares in [0, 1) that leave some for training; got test=0.6, "
                "val=0.4"
            ),
        ),
        (
            [0, 1],
            {"test": float("nan")},
            DataError,
            (
                "test and val must be shares in [0, 1) that leave some for training; got test=nan, "
                "val=0.0"
            ),
        ),
        (
            [0, 0, 1, 1],
            {"test": 0.4, "val": 0.4},
            DataError,
            (
                "training must keep some items; test=0.4 and val=0.4 left none of 4; give smaller "
                "shares"
            ),
        ),
    ],
)
def test_what_cannot_be_split_is_told_in_full(codes, options, kind, text):
    with pytest.raises(kind) as caught:
        labeled(codes).split(**options)

    assert str(caught.value) == text
