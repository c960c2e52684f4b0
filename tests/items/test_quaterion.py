"""Samples of Quaterion: groups, pairs, subgroups as they were meant there."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simlab.errors import DataError
from simlab.items import Items, from_quaterion


@dataclass
class GroupSample:
    obj: Any
    group: int


@dataclass
class PairSample:
    obj_a: Any
    obj_b: Any
    score: float = 1.0
    subgroup: int = 0


class Wrapped:
    """A data set of samples without __iter__, as torch has them."""

    def __init__(self, samples):
        self._samples = samples

    def __len__(self):
        return len(self._samples)

    def __getitem__(self, row):
        return self._samples[row]


def by_content(items):
    """Tell the similarity of any two objects."""
    rows = np.arange(len(items))
    known, names = items.similarity.relevance(rows, rows), list(items.content)
    return {(a, b): known[i, j] for i, a in enumerate(names) for j, b in enumerate(names)}


@pytest.mark.parametrize("kind", [list, tuple, iter, Wrapped])
def test_groups_are_labels(kind):
    samples = [GroupSample("a fox", 555), GroupSample("a car", 209), GroupSample("foxes", 555)]
    items = from_quaterion(kind(samples))

    assert list(items.content) == ["a fox", "a car", "foxes"]
    assert items.labels.tolist() == [555, 209, 555]


def test_objects_may_be_arrays_and_groups_any_labels():
    items = from_quaterion([GroupSample(np.full(3, row), f"g{row % 2}") for row in range(4)])

    assert items.modality == "array"
    assert items.label_names == ("g0", "g1")


def which(told):
    """Name the pair of a sample, whichever comes first in it."""
    first, second, _, group = told
    return group, min(first, second), max(first, second)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 10), st.integers(0, 2)),
        min_size=1,
        max_size=12,
        unique_by=which,
    )
)
def test_items_of_other_subgroups_are_strangers_and_no_others(told):
    samples = [
        PairSample(f"{group}:{a}", f"{group}:{b}", score / 10, group) for a, b, score, group in told
    ]
    known = by_content(from_quaterion(samples))
    scores = {(one.obj_a, one.obj_b): one.score for one in samples}

    for (a, b), found in known.items():
        expected = scores.get((a, b), scores.get((b, a), np.nan))
        if a[0] != b[0]:
            expected = 0
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_by_default_nothing_is_a_stranger():
    known = by_content(from_quaterion([PairSample("a", "b"), PairSample("c", "d", 0.0)]))

    assert known["a", "b"] == 1
    assert known["c", "d"] == 0
    assert np.isnan(known["a", "c"])


def test_it_is_from_pairs():
    items = from_quaterion([PairSample("a", "b", 0.5, 1), PairSample("a", "c", 0.2, 1)])
    same = Items.from_pairs(["a", "a"], ["b", "c"], [0.5, 0.2], [1, 1])

    assert items.table.equals(same.table)
    assert items.links.pairs.equals(same.links.pairs)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([], "from_quaterion needs at least one sample; got none"),
        (
            [GroupSample("a", 1), PairSample("a", "b")],
            "or all obj_a, obj_b, score, subgroup; got PairSample without obj, group at row 1",
        ),
        ([("a", 1)], "got tuple without obj_a, obj_b, score, subgroup at row 0"),
        ([PairSample("a", "b", 3.0)], r"scores of pairs must lie in \[0, 1\]; got 3.0 at row 0"),
        ([PairSample("a", "b"), PairSample("a", "c", 1.0, 2)], "an item must be of one group"),
    ],
)
def test_what_is_no_sample_is_refused(samples, message):
    with pytest.raises(DataError, match=message):
        from_quaterion(samples)
