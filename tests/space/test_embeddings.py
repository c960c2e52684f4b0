"""Embeddings: one finite vector per item."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from simlab.errors import DataError, ShapeError
from simlab.items import Items
from simlab.space import Embeddings

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
MATRICES = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=FLOATS)


def placed(vectors, **known):
    vectors = np.asarray(vectors)
    return Embeddings(
        vectors, Items.from_arrays([str(row) for row in range(len(vectors))], **known)
    )


@given(MATRICES)
def test_unit_vectors_have_length_one_or_zero(vectors):
    length = np.linalg.norm(placed(vectors).unit.astype(float), axis=1)

    assert np.allclose(length, vectors.any(axis=1), atol=1e-5)


@given(MATRICES, st.sampled_from([2.0**-40, 2.0**40]))
def test_the_unit_vector_does_not_depend_on_the_length(vectors, factor):
    vectors = np.clip(vectors, -1e20, 1e20) * (np.abs(vectors) > 1e-20)

    assert np.allclose(placed(vectors).unit, placed(vectors * factor).unit, atol=1e-5)


def test_vectors_are_kept_as_float32_and_not_normalized():
    vectors = placed(np.array([[3, 4], [0, 0]])).vectors

    assert (vectors.dtype, vectors.tolist()) == (np.float32, [[3, 4], [0, 0]])


def test_selecting_takes_vectors_and_items_together():
    chosen = placed(np.arange(10.0)[:, None])[[7, 2]]

    assert (chosen.vectors.ravel().tolist(), list(chosen.items.content)) == ([7, 2], ["7", "2"])


def test_where_selects_by_the_columns_of_the_items():
    chosen = placed(np.arange(4.0)[:, None], labels=["x", "y", "x", "y"]).where(label="y")

    assert (chosen.vectors.ravel().tolist(), chosen.items.columns) == ([1, 3], ("id", "label"))


def test_selecting_keeps_the_source(counting):
    items = Items.from_arrays(["a", "b"])

    assert Embeddings(np.eye(2), items, counting)[:1].source is counting


def test_the_fingerprint_follows_the_vectors_and_nothing_else():
    one, other = placed(np.eye(3)), placed(np.eye(3), labels=[0, 1, 1])

    assert one.fingerprint == other.fingerprint
    assert one.fingerprint != placed(np.eye(3)[::-1]).fingerprint


def test_embeddings_cannot_be_assigned_to():
    with pytest.raises(dataclasses.FrozenInstanceError):
        placed(np.eye(2)).vectors = np.eye(2)


@pytest.mark.parametrize(
    ("vectors", "kind", "text"),
    [
        (
            np.eye(3),
            ShapeError,
            "Embeddings need one vector per item: got an array of shape (3, 3) for 2 items",
        ),
        (
            np.zeros(2),
            ShapeError,
            "Embeddings need one vector per item: got an array of shape (2,) for 2 items",
        ),
        (
            np.zeros((2, 0)),
            ShapeError,
            "Embeddings need one vector per item: got an array of shape (2, 0) for 2 items",
        ),
        (
            np.array([[1.0, 2.0], [np.nan, 0.0]]),
            DataError,
            (
                "vectors must be finite; 1 of 2 hold NaN or infinity (first: item 'b'); mend the "
                "encoder or leave them out"
            ),
        ),
        (
            np.array([[1e300], [1.0]]),
            DataError,
            (
                "vectors must be finite; 1 of 2 hold NaN or infinity (first: item 'a'); mend the "
                "encoder or leave them out"
            ),
        ),
    ],
)
def test_unfit_vectors_are_told_in_full(vectors, kind, text):
    with pytest.raises(kind) as caught:
        Embeddings(vectors, Items.from_arrays(["x", "y"], ids=["a", "b"]))

    assert str(caught.value) == text


def test_the_repr_says_how_many_of_what_size_from_where(counting):
    vectors, items = np.zeros((1200, 3)), Items.from_arrays(np.zeros((1200, 1)))

    assert repr(Embeddings(vectors, items)) == "Embeddings: 1,200 vectors of 3 dimensions"
    assert repr(Embeddings(vectors, items, counting)).endswith("3 dimensions from counting")


def test_html_escapes_the_name_of_the_source(counting):
    counting.name = "<script>"

    assert "<script" not in Embeddings(np.eye(1), Items.from_arrays(["a"]), counting)._repr_html_()
