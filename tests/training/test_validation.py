"""What training may see, what is held out of it, and that test items are neither."""

import warnings

import numpy as np
import pytest

from simlab.errors import SimlabWarning
from simlab.items import Items
from simlab.training import _validation
from simlab.training._validation import hold_out, usable


def held(items, share=0.2, seed=0):
    """Hold out as `fit` does; returns usable items, training rows and validation rows."""
    by_item = _validation.tests_seen_classes(items)
    items = usable(items)
    return items, *hold_out(items, share, seed, by_item=by_item)


def labels_of(items, rows):
    return set(items.labels[rows].tolist())


# -- by label or by item --------------------------------------------------------------------


def test_whole_classes_are_held_out_where_nothing_is_known_of_a_test(blobs):
    items, train, val = held(blobs(10))

    assert not labels_of(items, train) & labels_of(items, val)


def test_whole_classes_are_held_out_where_the_test_classes_are_unseen(blobs):
    items, train, val = held(blobs(20).split(by="label"))

    assert not labels_of(items, train) & labels_of(items, val)


def test_whole_classes_are_held_out_where_there_are_no_test_items(blobs):
    items, train, val = held(blobs(10).with_column("split", ["train"] * 80))

    assert not labels_of(items, train) & labels_of(items, val)


def test_items_are_held_out_where_the_test_items_are_of_seen_classes(blobs):
    items, train, val = held(blobs(10, 20).split(by="item"))

    assert labels_of(items, train) == labels_of(items, val)


def test_items_are_held_out_where_there_are_few_classes(blobs):
    items, train, val = held(blobs(3, 20))

    assert labels_of(items, train) == labels_of(items, val)


@pytest.mark.parametrize(("n_classes", "n"), [(4, 2), (7, 3), (8, 4), (12, 4)])
def test_of_few_classes_four_or_half_are_held_out(blobs, n_classes, n):
    items, train, val = held(blobs(n_classes, 4))

    assert not labels_of(items, train) & labels_of(items, val)
    assert len(labels_of(items, val)) == n


@pytest.mark.parametrize(("share", "n"), [(0.2, 8), (0.4, 16), (0.5, 20)])
def test_the_share_is_a_share_of_the_classes(blobs, share, n):
    items, _, val = held(blobs(40, 4), share)

    assert len(labels_of(items, val)) == n


def test_the_parts_cover_all_items_and_share_none(blobs):
    items, train, val = held(blobs(10))

    assert sorted([*train, *val]) == list(range(len(items)))


def test_the_seed_decides_what_is_held_out(blobs):
    (*_, one), (*_, again), (*_, other) = (held(blobs(10), seed=seed) for seed in (1, 1, 2))

    assert (one.tolist() == again.tolist(), one.tolist() == other.tolist()) == (True, False)


def test_nothing_is_held_out_when_nothing_shall_be(blobs):
    _, train, val = held(blobs(10), share=0)

    assert (len(train), len(val)) == (80, 0)


def test_the_val_part_is_what_is_held_out(blobs):
    items = blobs(10).split(by="label", test=0.3, val=0.3)
    chosen, train, val = held(items)

    assert chosen.ids[train].tolist() == items.where(split="train").ids.tolist()
    assert chosen.ids[val].tolist() == items.where(split="val").ids.tolist()


# -- too few --------------------------------------------------------------------------------


def test_too_few_items_to_hold_out_is_a_warning_and_trains_on_all(blobs):
    items, by_item = usable(blobs(3, 2)), False
    with pytest.warns(SimlabWarning) as caught:
        train, val = hold_out(items, 0.2, 0, by_item=by_item)

    assert str(caught[0].message) == (
        "6 items are too few to hold 20% out for validation (it needs two labels with two items "
        "each); training runs to its end and keeps the last weights"
    )
    assert (len(train), len(val)) == (6, 0)


def test_a_share_that_leaves_no_friends_to_train_on_is_too_large(blobs):
    with pytest.warns(SimlabWarning, match="8 items are too few to hold 75% out"):
        train, val = hold_out(usable(blobs(2, 4)), 0.75, 0, by_item=False)

    assert (len(train), len(val)) == (8, 0)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(["train"] * 7 + ["val"], id="one item per label"),
        pytest.param(None, id="one label"),
    ],
)
def test_a_val_part_in_which_nothing_can_be_told_apart_is_not_used(blobs, parts):
    items = blobs(4, 8)
    split = np.tile(parts, 4) if parts else np.repeat(["train", "val"], [24, 8])
    with pytest.warns(SimlabWarning, match="items of the val part are too few for validation"):
        _, train, val = held(items.with_column("split", split))

    assert (len(train), len(val)) == ((split == "train").sum(), 0)


def test_the_warning_points_to_the_call_of_fit(blobs, learn):
    with pytest.warns(SimlabWarning) as caught:
        learn(blobs(3, 2), epochs=1)

    assert caught[0].filename.endswith("conftest.py")


# -- test items -----------------------------------------------------------------------------


@pytest.mark.parametrize("other", ["test", "gallery", "Test", "validation", None])
def test_only_items_called_train_or_val_are_used(blobs, other):
    split = np.array([*["train"] * 56, *["val"] * 16, *[other] * 8], dtype=object)
    items = usable(blobs(10).with_column("split", split))

    assert set(items.column("split").tolist()) == {"train", "val"}


def test_test_items_need_no_labels(blobs):
    items = blobs(9, 8)
    labels = np.where(np.arange(72) < 64, items.labels, None)
    split = np.repeat(["train", "test"], [64, 8])

    assert len(usable(items.with_column("label", labels).with_column("split", split))) == 64


def poisoned(items):
    """Exchange the content and the labels of the test items for something absurd."""
    values = np.stack(list(items.content))
    test = items.column("split") == "test"
    values[test] = 1e6 * (1 + np.arange(test.sum()))[:, None]
    labels = np.where(test, "poison", items.labels)
    return Items.from_arrays(values, labels=labels, ids=items.ids).with_column(
        "split", items.column("split")
    )


@pytest.fixture
def both(blobs):
    items = blobs(20, 6).split(by="label")
    return items, poisoned(items)


def test_no_number_of_a_run_depends_on_the_test_items(both, learn):
    clean, poison = (learn(items) for items in both)

    assert clean.fingerprint == poison.fingerprint
    assert clean.history.drop(columns="seconds").equals(poison.history.drop(columns="seconds"))


def test_the_labels_of_test_items_are_not_seen(both, learn):
    items, poison = both
    run = learn(poison)

    assert run.seen_labels == set(items.where(split="train").label_names)


def test_the_encoder_is_never_asked_for_test_items(both, learn, counting):
    items, _ = both
    learn(items, counting)

    assert counting.n_encoded == len(items.where(split="train"))


def test_scores_of_a_run_are_of_held_out_items(both, learn):
    items, _ = both
    run = learn(items)

    assert set(run.scores.per_query["id"]) < set(items.where(split="train").ids)


def test_held_out_items_without_a_friend_are_no_reason_to_warn(blobs, learn):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        learn(blobs(4, 9), epochs=1)

    assert [str(one.message) for one in caught] == []
