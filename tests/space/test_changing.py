"""Galleries that change: items added and left out, and prototypes."""

import numpy as np
import pytest

from simlab.errors import DataError, ShapeError
from simlab.items import Items, appended
from simlab.space import Embeddings, Index


def placed(vectors, labels=None, ids=None, **columns):
    vectors = np.asarray(vectors, dtype=float)
    items = Items.from_arrays(vectors, labels=labels, ids=ids)
    for name, values in columns.items():
        items = items.with_column(name, values)
    return Embeddings(vectors, items)


@pytest.fixture
def gallery():
    return placed([[1, 0], [0.9, 0.1], [0, 1]], labels=["x", "x", "y"], ids=[1, 2, 3])


def test_an_added_class_is_found_and_the_old_index_stays(gallery):
    index = Index(gallery)
    more = index.add(placed([[-1, 0]], labels=["z"], ids=[9]))

    assert (len(index), len(more)) == (3, 4)
    assert more.classify(placed([[-1, 0.1]], ids=[11])).labels.tolist() == ["z"]
    assert more.embeddings.items.ids.tolist() == [1, 2, 3, 9]


def test_what_is_added_and_removed_again_leaves_the_same_gallery(gallery):
    index = Index(gallery)
    more = placed([[-1, 0]], labels=["z"], ids=[9])

    for same in (index.add(more).remove(label="z"), index.add(more).remove(ids=9)):
        assert same.embeddings.items.frame.equals(gallery.items.frame)
        assert np.array_equal(same.embeddings.vectors, gallery.vectors)


def test_a_column_that_only_some_have_is_missing_for_the_others(gallery):
    both = appended(gallery.items, placed([[1, 1]], ids=[4], color=["red"]).items)

    assert both.column("color").tolist() == [None, None, None, "red"]
    assert both.labels.tolist() == ["x", "x", "y", None]


def test_prototypes_are_mean_directions_shown_by_their_nearest_item():
    index = Index(
        placed([[2, 0.4], [1, -0.2], [1, 0], [0, 3]], labels=list("xxxy"), ids=[1, 2, 3, 4])
    )
    found = index.prototypes().embeddings

    assert found.items.ids.tolist() == [3, 4]
    assert np.allclose(found.vectors, [[1, 0], [0, 1]], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda index: index.add(index.embeddings[:1]), "ids of their own; 1 of 1"),
        (lambda index: index.add(placed([[1, 0]], ids=["a"])), "columns of the same types"),
        (lambda index: index.remove(), "either label= or ids="),
        (lambda index: index.remove(label="x", ids=1), "either label= or ids="),
        (lambda index: index.remove(label="w"), "'w'"),
        (lambda index: index.remove(ids=[77]), r"has the ids \[77\]"),
        (lambda index: index.remove(label=["x", "y"]), "at least one item"),
        (lambda _: Index(placed([[1, 0]])).prototypes(), "one label per item"),
    ],
)
def test_a_change_that_makes_no_gallery_is_refused(gallery, change, told):
    with pytest.raises(DataError, match=told):
        change(Index(gallery))


def test_items_of_another_dimension_cannot_be_added(gallery):
    with pytest.raises(ShapeError, match="2 dimensions"):
        Index(gallery).add(placed([[1, 0, 0]], ids=[4]))
