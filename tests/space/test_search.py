"""Exact search equals brute force, with faiss and without."""

import sys
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simlab.space import _search
from simlab.space._search import nearest, nearest_others

WAYS = pytest.mark.parametrize("way", ["faiss", "numpy"])


@contextmanager
def searching(way):
    """Search with faiss, or as if it could not be imported."""
    with pytest.MonkeyPatch.context() as patch:
        if way == "numpy":
            patch.setattr(_search, "_faiss", lambda: None)
        yield


def unit(rng, n, dim):
    vectors = rng.normal(size=(n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@st.composite
def spaces(draw, most=30):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, q, dim = draw(st.integers(2, most)), draw(st.integers(1, 8)), draw(st.integers(1, 6))
    gallery = unit(rng, n, dim)
    if draw(st.booleans()):  # points that coincide
        gallery[rng.integers(n, size=n // 2)] = gallery[0]
    return unit(rng, q, dim), gallery, draw(st.integers(1, n))


@WAYS
@given(space=spaces())
def test_the_nearest_are_those_that_brute_force_finds(way, space):
    queries, gallery, k = space
    with searching(way):
        positions, similarities = nearest(queries, gallery, k)
    product = queries.astype(float) @ gallery.T.astype(float)

    assert np.allclose(similarities, -np.sort(-product, axis=1)[:, :k], atol=1e-5)
    assert np.allclose(similarities, np.take_along_axis(product, positions, axis=1), atol=1e-5)


@WAYS
@given(space=spaces())
def test_no_item_is_found_twice(way, space):
    queries, gallery, k = space
    with searching(way):
        positions, _ = nearest(queries, gallery, k)

    assert all(len(set(row)) == k for row in positions.tolist())


@WAYS
@given(space=spaces())
def test_similarity_never_leaves_its_range_and_never_rises(way, space):
    queries, gallery, k = space
    with searching(way):
        _, similarities = nearest(queries, gallery, k)

    assert np.abs(similarities).max() <= 1
    assert (np.diff(similarities, axis=1) <= 0).all()


@WAYS
def test_rounding_never_makes_an_item_more_than_equal_to_itself(way):
    gallery = unit(np.random.default_rng(0), 500, 64)
    with searching(way):
        _, similarities = nearest(gallery, gallery, 1)

    assert (gallery * gallery).sum(axis=1).max() > 1
    assert similarities.max() == 1


@WAYS
@given(space=spaces(), data=st.data())
def test_the_others_are_brute_force_without_the_query_itself(way, space, data):
    queries, gallery, k = space
    k = min(k, len(gallery) - 1)
    rows = st.integers(-1, len(gallery) - 1)
    own = np.array(data.draw(st.lists(rows, min_size=len(queries), max_size=len(queries))))
    with searching(way):
        positions, similarities = nearest_others(queries, gallery, own, k)
    product = queries.astype(float) @ gallery.T.astype(float)
    product[own >= 0, own[own >= 0]] = -np.inf

    assert (positions != own[:, None]).all()
    assert np.allclose(similarities, -np.sort(-product, axis=1)[:, :k], atol=1e-5)


@WAYS
def test_among_coinciding_points_the_query_itself_is_still_left_out(way):
    gallery = np.ones((50, 1), dtype=np.float32)
    with searching(way):
        positions, _ = nearest_others(gallery, gallery, np.arange(50), 3)

    assert (positions != np.arange(50)[:, None]).all()


def test_with_and_without_faiss_the_answer_is_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    queries, gallery = unit(rng, 1500, 16), unit(rng, 700, 16)
    positions, similarities = nearest(queries, gallery, 12)
    monkeypatch.setattr(_search, "_faiss", lambda: None)
    again, alike = nearest(queries, gallery, 12)

    assert (positions == again).all()
    assert np.allclose(similarities, alike, atol=1e-6)


def test_faiss_is_what_is_used_where_it_is_installed():
    assert _search._faiss().__name__ == "faiss"


def test_without_faiss_numpy_takes_over(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)

    assert _search._faiss.__wrapped__() is None
