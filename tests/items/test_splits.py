"""Splits: who is trained on and who is tested on."""

from datetime import datetime
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from simlab.errors import ChoiceError, DataError
from simlab.items import Items, load

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


# -- by column --------------------------------------------------------------------------------


def grouped(codes, name="user"):
    return labeled([row % 3 for row in range(len(codes))]).with_column(name, list(codes))


@given(SETS, SHARES, st.integers(0, 5))
def test_by_column_no_value_is_in_two_parts(codes, share, seed):
    items = grouped(codes).split(by="user", test=share, val=0.2, seed=seed)

    owners = set(zip(items.column("user"), items.column("split"), strict=True))

    assert len(owners) == len(set(codes))


def test_by_column_needs_no_labels():
    items = Items.from_arrays(list("abcd")).with_column("user", ["x", "x", "y", "y"])

    assert items.split(by="user").columns == ("id", "user", "split")


def test_by_item_needs_no_labels():
    items = Items.from_arrays([str(row) for row in range(40)]).split(by="item", test=0.25)

    assert len(items.where(split="test")) == 10


def test_by_column_the_order_of_rows_does_not_matter():
    items = grouped(np.repeat(list("zyxwvu"), 4))
    turned = items[::-1].split(by="user", seed=3)

    assert parts(items.split(by="user", seed=3)) == parts(turned)


@pytest.mark.parametrize("kind", ["int", "bool", "category", "date"])
def test_any_simple_column_groups(kind):
    values = {
        "int": pd.Series([1, 1, 2, 2]),
        "bool": pd.Series([True, True, False, False]),
        "category": pd.Series(["x", "x", "y", "y"], dtype="category"),
        "date": pd.to_datetime(pd.Series(["2020-01-01"] * 2 + ["2021-01-01"] * 2)),
    }[kind]
    items = labeled([0, 1, 0, 1]).with_column("group", values)

    assert sorted(map(len, parts(items.split(by="group")).values())) == [0, 2, 2]


@given(st.integers(2, 6), st.integers(4, 20), SHARES)
def test_stratified_items_give_each_value_its_share_up_to_one(n_values, count, share):
    items = grouped(np.repeat(np.arange(n_values), count)).split(
        by="item", stratify="user", test=share
    )
    tested = np.bincount(items.where(split="test").column("user"), minlength=n_values)

    assert np.abs(tested - share * count).max() < 1 + 1e-6


def test_stratified_labels_give_each_coarse_value_its_share():
    fine = np.repeat(np.arange(40), 3)
    items = labeled(fine).with_column("coarse", [f"c{label % 4}" for label in fine])

    test = items.split(by="label", stratify="coarse", test=0.5).where(split="test")

    assert [len(test.where(coarse=f"c{one}").label_names) for one in range(4)] == [5] * 4


def test_a_group_counts_with_its_most_frequent_value():
    users = np.repeat(np.arange(20), 4)
    kinds = [("a" if user < 10 else "b") if row % 4 else "c" for row, user in enumerate(users)]
    items = labeled([0, 1] * 40).with_column("user", users).with_column("kind", kinds)

    test = items.split(by="user", stratify="kind", test=0.5).where(split="test")

    assert (test.column("user")[::4] < 10).sum() == 5


# -- by time ----------------------------------------------------------------------------------


@given(SETS, SHARES)
def test_by_time_the_test_is_later_than_all_else(times, share):
    items = grouped(times, "year").split(by="time", column="year", test=share, val=0.1)
    years = {part: items.where(split=part).column("year") for part in ("train", "val", "test")}

    assert years["train"].max() < years["val"].min()
    assert years["val"].max() < years["test"].min()


def test_by_time_the_shares_are_those_of_the_items():
    items = grouped(np.random.default_rng(0).permutation(100), "time")

    found = parts(items.split(by="time", test=0.2, val=0.1))

    assert {name: len(ids) for name, ids in found.items()} == {"train": 70, "val": 10, "test": 20}


@pytest.mark.parametrize(
    "times",
    [
        ["2020-01-01", "2020-03-01", "2020-02-01T10:00"],
        ["2020-01-01T00:00:00Z", "2020-01-01T01:00:00Z", "2020-01-01T02:30:00+02:00"],
        pd.to_datetime(pd.Series(["2020-01-01", "2022-01-01", "2021-01-01"])),
        [datetime(2020, 1, 1), datetime(2021, 1, 1), datetime(2020, 6, 1)],  # noqa: DTZ001
        [0.5, 2.5, 1.5],
    ],
)
def test_by_time_numbers_dates_and_iso_texts_are_times(times):
    items = labeled([0, 1, 0]).with_column("at", times)

    assert items.split(by="time", column="at", test=0.3).column("split").tolist()[1] == "test"


def test_a_split_by_time_is_not_drawn():
    items = grouped(range(10), "time")

    assert parts(items.split(by="time", seed=0)) == parts(items.split(by="time", seed=1))


# -- folds ------------------------------------------------------------------------------------


@given(SETS, st.integers(2, 4), st.sampled_from(["label", "item", "user"]), st.integers(0, 3))
def test_every_item_is_tested_exactly_once(codes, k, by, seed):
    items = labeled(codes).with_column("user", list(codes))

    tested = [fold.where(split="test").ids.tolist() for fold in items.folds(k, by=by, seed=seed)]

    assert sorted(np.concatenate(tested)) == sorted(items.ids)


@given(SETS, st.integers(2, 4), st.integers(0, 3))
def test_no_label_is_trained_and_tested_in_one_fold(codes, k, seed):
    folds = labeled(codes).folds(k, seed=seed)

    assert not any(fold.where(split="test").column("seen").any() for fold in folds)


@given(SETS, st.integers(2, 4))
def test_folds_of_items_share_every_label_evenly(codes, k):
    counts = np.stack(
        [
            np.bincount(fold.where(split="test").labels, minlength=10)
            for fold in labeled(codes).folds(k, by="item")
        ]
    )

    assert np.ptp(counts, axis=0).max() <= 1


@given(SETS, st.integers(2, 4))
def test_folds_differ_in_size_by_one_item(codes, k):
    sizes = [len(fold.where(split="test")) for fold in labeled(codes).folds(k, by="item")]

    assert max(sizes) - min(sizes) <= 1


def test_folds_are_drawn_by_the_seed():
    items = labeled(np.repeat(np.arange(20), 5))

    assert len({tuple(items.folds(4, seed=seed)[0].column("split")) for seed in range(5)}) == 5


# -- what was published -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "expected"), [("label", "d6da64a23ca89563"), ("item", "cd2e97cc941c0078")]
)
def test_the_splits_of_published_figures_stay_what_they_are(by, expected):
    items = load("emoji-styles").split(by=by, test=0.5, seed=0)
    told = "".join(items.column("split")).encode() + items.column("seen").astype("u1").tobytes()

    assert sha256(told).hexdigest()[:16] == expected


# -- what cannot be split ---------------------------------------------------------------------

PAGES = (
    labeled([0, 0, 1, 1])
    .with_column("user", ["a", None, "b", "b"])
    .with_column("one", ["x"] * 4)
    .with_column("word", ["soon", "then", "soon", "2020-01-01"])
    .with_column("flag", [True, False, True, False])
    .with_column("when", [1.0, 2.0, np.inf, 3.0])
    .with_column("tags", [["a"], ["b"], ["a"], ["b"]])
)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        (
            {"by": "user"},
            DataError,
            (
                "a split by 'user' needs it for every item; 1 of 4 have none; fill the column or "
                "leave these items out"
            ),
        ),
        (
            {"by": "one"},
            DataError,
            "a split needs at least two values of 'one'; got 1; choose another column",
        ),
        (
            {"by": "tags"},
            DataError,
            (
                "column 'tags' must hold one value per item to split by it; got "
                "list<item: string>; choose another"
            ),
        ),
        (
            {"by": "userr"},
            ChoiceError,
            (
                "by must be one of 'flag', 'item', 'label', 'one', 'tags', 'time', 'user', 'when', "
                "'word'; got 'userr'. Did you mean 'user'?"
            ),
        ),
        (
            {"by": "item", "stratify": "kind"},
            ChoiceError,
            (
                "stratify must be one of 'flag', 'label', 'one', 'tags', 'user', 'when', 'word'; "
                "got 'kind'"
            ),
        ),
        (
            {"by": "label", "column": "user"},
            DataError,
            (
                "column is where the time stands, for by='time'; got by='label', column='user'; to "
                "keep equal values of a column together, say by='user'"
            ),
        ),
        (
            {"by": "time", "stratify": "label", "column": "when"},
            DataError,
            (
                "a split by time takes the latest items as they come; got stratify='label'; leave "
                "it out"
            ),
        ),
        (
            {"by": "time"},
            ChoiceError,
            (
                "column must be one of 'flag', 'id', 'label', 'one', 'tags', 'user', 'when', "
                "'word'; got 'time'"
            ),
        ),
        (
            {"by": "time", "column": "when"},
            DataError,
            (
                "a split by time needs a time for every item; 1 of 4 in 'when' are missing or not "
                "finite; fill the column or leave these items out"
            ),
        ),
        (
            {"by": "time", "column": "flag"},
            DataError,
            (
                "column 'flag' must hold times: numbers, dates, or texts in ISO 8601; got bool; "
                "convert it first"
            ),
        ),
        (
            {"by": "time", "column": "label", "test": 0.9, "val": 0.05},
            DataError,
            (
                "training must keep some items; test=0.9 and val=0.05 left none of 4; give smaller "
                "shares"
            ),
        ),
    ],
)
def test_what_cannot_be_split_by_a_column_is_told_in_full(options, kind, text):
    with pytest.raises(kind) as caught:
        PAGES.split(**options)

    assert str(caught.value) == text


def test_words_that_are_no_times_are_told():
    with pytest.raises(DataError) as caught:
        PAGES.split(by="time", column="word")

    assert str(caught.value) == (
        "column 'word' must hold times: numbers, dates, or texts in ISO 8601; got 'soon' (3 of 4 "
        "are none); convert it first"
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"k": 1}, "k must be from 2 to 2, the number of labels to deal out; got 1"),
        ({"k": 3}, "k must be from 2 to 2, the number of labels to deal out; got 3"),
        ({"k": 9, "by": "item"}, "k must be from 2 to 4, the number of items to deal out; got 9"),
    ],
)
def test_too_many_folds_are_told(options, text):
    with pytest.raises(DataError) as caught:
        PAGES.folds(**options)

    assert str(caught.value) == text


def test_the_past_is_not_tested_with_the_future():
    with pytest.raises(ChoiceError, match=r"^by must be one of 'flag', 'item', 'label', 'one'"):
        PAGES.folds(2, by="time")
