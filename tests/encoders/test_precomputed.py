"""Given vectors: found by content, whatever the items are called and in whatever order."""

import numpy as np
import pytest

from simlab.encoders import Precomputed, embed, encoder
from simlab.errors import DataError, ShapeError
from simlab.items import Items

TEXTS = ["a red fox", "a blue car", "an oak"]


def test_embeddings_are_an_encoder_of_their_items(items, counting):
    told = embed(items, counting, progress=False)
    ready = encoder(told)

    assert ready.name == "counting"
    assert (embed(items[::-1], ready, progress=False).vectors == told.vectors[::-1]).all()


def test_pictures_are_found_by_their_pixels(photos):
    pictures = Items.from_folder(photos)
    ready = Precomputed(pictures, np.eye(6))

    assert (embed(pictures[[4, 1]], ready, progress=False).vectors == np.eye(6)[[4, 1]]).all()


def test_an_unknown_item_is_told():
    with pytest.raises(DataError) as caught:
        Precomputed(TEXTS, np.eye(3), name="mine").encode(["an oak", "an elm", "?"])

    assert str(caught.value) == (
        "mine has vectors for 3 given items only; 2 of 3 are others (first at row 1); compute "
        "theirs too, or use an encoder that can"
    )


def test_equal_items_need_equal_vectors():
    assert Precomputed(["a", "b", "a"], [[1], [2], [1]]).encode(["a"]).tolist() == [[1]]
    with pytest.raises(DataError, match=r"rows 0 and 2 are the same text with different vectors$"):
        Precomputed(["a", "b", "a"], np.eye(3))


@pytest.mark.parametrize("vectors", [np.eye(2), np.ones(3), np.ones((3, 2, 2))])
def test_one_vector_per_item_is_asked_for(vectors):
    with pytest.raises(ShapeError, match=r"^vectors must have one row per item; got shape .* 3 it"):
        Precomputed(TEXTS, vectors)


def test_numbers_must_be_finite():
    with pytest.raises(DataError, match="got NaN or infinity in row 2"):
        Precomputed(TEXTS, [[1], [2], [np.inf]])


def test_vectors_and_items_make_the_fingerprint():
    prints = [
        Precomputed(texts, vectors).fingerprint
        for texts, vectors in [
            (TEXTS, np.eye(3)),
            (TEXTS[::-1], np.eye(3)),
            (TEXTS, 2 * np.eye(3)),
            (TEXTS, np.eye(3)),
        ]
    ]

    assert len(set(prints)) == 3
    assert prints[0] == prints[3]


def test_given_vectors_are_a_value():
    given = np.eye(3)
    ready = Precomputed(TEXTS, given)
    given[0] = 9

    assert ready.encode(TEXTS[:1]).tolist() == [[1, 0, 0]]
