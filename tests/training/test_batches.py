"""Batches of P labels with K items each: what an epoch visits, and in which order."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from simlab.training._batches import BalancedBatches, DrawnViews


def epoch(codes, number=0, *, batch_size=12, per_class=3, seed=0):
    batches = BalancedBatches(
        np.asarray(codes), batch_size=batch_size, per_class=per_class, seed=seed
    )
    batches.set_epoch(number)
    return list(batches)


def equal_labels(n_labels=8, size=6):
    return np.repeat(np.arange(n_labels), size)


def test_a_batch_holds_so_many_labels_with_so_many_items():
    codes = equal_labels()
    counts = {tuple(sorted(Counter(codes[batch]).values())) for batch in epoch(codes)}

    assert counts == {(3, 3, 3, 3)}


def test_an_epoch_visits_every_item_once_where_groups_come_out_even():
    visited = [row for batch in epoch(equal_labels()) for row in batch]

    assert sorted(visited) == list(range(48))


def test_labels_with_one_item_are_left_out():
    codes = np.append(equal_labels(), 99)

    assert 48 not in {row for batch in epoch(codes) for row in batch}


def test_items_without_a_label_are_left_out():
    codes = np.append(equal_labels(), [-1, -1, -1])

    assert {row for batch in epoch(codes) for row in batch} == set(range(48))


def test_a_label_smaller_than_a_group_comes_whole():
    codes = np.append(equal_labels(), [8, 8])
    [batch] = [batch for batch in epoch(codes) if 48 in batch]

    assert 49 in batch


def test_what_fills_no_group_comes_in_another_epoch():
    codes = equal_labels(size=7)
    visited = {row for number in range(30) for batch in epoch(codes, number) for row in batch}

    assert len({row for batch in epoch(codes) for row in batch}) == 48
    assert visited == set(range(56))


def test_with_few_labels_the_groups_grow_until_a_batch_is_full():
    codes = equal_labels(n_labels=2, size=24)
    counts = {tuple(Counter(codes[batch]).values()) for batch in epoch(codes)}

    assert counts == {(6, 6)}


def test_seed_and_epoch_decide_the_order():
    assert epoch(equal_labels(), 3, seed=5) == epoch(equal_labels(), 3, seed=5)


@pytest.mark.parametrize(("number", "seed"), [(1, 0), (0, 1)])
def test_another_epoch_or_seed_is_another_order(number, seed):
    assert epoch(equal_labels(), number, seed=seed) != epoch(equal_labels(), 0, seed=0)


def test_the_chance_of_others_is_left_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 (the state that libraries share)
    epoch(equal_labels())

    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


sizes = st.lists(st.integers(2, 40), min_size=2, max_size=8)


@settings(deadline=None, derandomize=True)
@given(sizes, st.integers(4, 40), st.integers(2, 6), st.integers(0, 9))
def test_no_batch_has_one_label_only(sizes, batch_size, per_class, number):
    codes = np.repeat(np.arange(len(sizes)), sizes)
    batches = epoch(codes, number, batch_size=batch_size, per_class=per_class)

    assert min(len(set(codes[batch])) for batch in batches) >= 2


@settings(deadline=None, derandomize=True)
@given(sizes, st.integers(4, 40), st.integers(2, 6), st.integers(0, 9))
def test_there_are_as_many_batches_as_told(sizes, batch_size, per_class, number):
    codes = np.repeat(np.arange(len(sizes)), sizes)
    batches = BalancedBatches(codes, batch_size=batch_size, per_class=per_class, seed=0)
    batches.set_epoch(number)

    assert len(list(batches)) == len(batches)


@settings(deadline=None, derandomize=True)
@given(sizes, st.integers(4, 40), st.integers(2, 6))
def test_a_batch_repeats_no_item(sizes, batch_size, per_class):
    codes = np.repeat(np.arange(len(sizes)), sizes)
    batches = epoch(codes, batch_size=batch_size, per_class=per_class)

    assert all(len(batch) == len(set(batch)) for batch in batches)


def test_a_large_label_is_spread_over_all_batches():
    codes = np.repeat(np.arange(4), [96, 12, 12, 12])
    batches = epoch(codes, batch_size=16, per_class=4)

    assert max(Counter(codes[batch])[0] for batch in batches) < 16


def test_a_lone_large_label_borrows_strangers():
    codes = np.repeat([0, 1], [60, 4])
    shares = [Counter(codes[batch])[1] for batch in epoch(codes, batch_size=8, per_class=2)]

    assert min(shares) == 4


def test_without_a_pair_of_friends_there_is_no_batch():
    assert epoch([0, 1, 2]) == []


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        ([2, 2, 3, 5], [[0, 1, 7, 11], [5, 6, 10, 8]]),
        ([13, 2, 3, 1], [[7, 4, 5, 10, 17, 16], [0, 3, 8, 11, 15, 16], [9, 12, 17, 16]]),
    ],
)
def test_the_order_of_a_seed_never_changes(sizes, batches):
    codes = np.repeat([0, -1, 4, 7], sizes)

    assert epoch(codes, 1, batch_size=4, per_class=2, seed=3)[:3] == batches


# -- views --------------------------------------------------------------------------------------


def test_each_item_shows_one_view_in_an_epoch_and_others_later():
    codes = np.repeat(np.arange(10), 6)
    drawn = DrawnViews(BalancedBatches(codes, batch_size=12, per_class=3, seed=0), 60, 4)
    seen = []
    for epoch in range(30):
        drawn.set_epoch(epoch)
        rows = np.array([row for batch in drawn for row in batch])
        assert len(np.unique(rows // 4)) == len(rows) == 60
        seen.append(rows[np.argsort(rows)] % 4)

    assert len({tuple(one) for one in seen}) == 30
    shares = np.bincount(np.concatenate(seen), minlength=4) / (30 * 60)
    assert abs(shares - 0.25).max() < 0.05


def test_batches_of_views_stay_class_balanced():
    codes = np.repeat(np.arange(10), 6)
    batches = BalancedBatches(codes, batch_size=12, per_class=3, seed=0)
    plain = [sorted(batch) for batch in batches]

    assert [sorted(row // 4 for row in batch) for batch in DrawnViews(batches, 60, 4)] == plain
