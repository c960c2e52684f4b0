"""Index and Neighbors: who is near, by which name, and is it right."""

import re

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simlab.errors import ChoiceError, DataError, ShapeError
from simlab.items import Items
from simlab.space import Embeddings, Index, Neighbors, _search


def placed(vectors, labels=None, ids=None, source=None):
    vectors = np.asarray(vectors, dtype=float)
    return Embeddings(vectors, Items.from_arrays(vectors, labels=labels, ids=ids), source)


def scattered(n=30, dim=8, seed=0, **known):
    return placed(np.random.default_rng(seed).normal(size=(n, dim)), **known)


# -- laws -----------------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(1, 10), st.booleans())
def test_a_stored_item_is_its_own_nearest_neighbor(seed, n, dim, without_faiss):
    with pytest.MonkeyPatch.context() as patch:
        if without_faiss:
            patch.setattr(_search, "_faiss", lambda: None)
        gallery = scattered(n, dim, seed)
        found = Index(gallery).search(gallery, k=1)

    assert np.allclose(found.similarities, 1, atol=1e-6)
    assert np.allclose(gallery.unit[found.positions[:, 0]], gallery.unit, atol=1e-3)


@given(st.integers(0, 10**6), st.integers(2, 20))
def test_without_itself_a_stored_item_finds_all_others(seed, n):
    gallery = scattered(n, 4, seed)
    found = Index(gallery).search(gallery, k=n - 1, exclude_self=True)

    assert [set(row) for row in found.positions.tolist()] == [
        set(range(n)) - {row} for row in range(n)
    ]


def test_itself_is_known_by_id_and_not_by_row():
    gallery = scattered(ids=range(30))
    found = Index(gallery).search(gallery[::-1], k=1, exclude_self=True)

    assert (found.ids[:, 0] != np.arange(30)[::-1]).all()


def test_a_stranger_in_the_same_row_is_no_reason_to_leave_an_item_out():
    gallery, queries = scattered(ids=range(30)), scattered(ids=range(100, 130))

    found = Index(gallery).search(queries, k=1, exclude_self=True)

    assert found.positions.ravel().tolist() == list(range(30))


def test_of_mixed_queries_only_the_stored_ones_leave_themselves_out():
    gallery = scattered(5, ids=range(5))
    queries = placed(gallery.vectors, ids=[0, 11, 2, 13, 14])

    own = Index(gallery).search(queries, k=4, exclude_self=True).positions[:, 0] == np.arange(5)

    assert own.tolist() == [False, True, False, True, True]


def test_a_twin_with_another_id_is_found():
    gallery = placed([[1, 0], [1, 0], [0, 1]], ids=["a", "twin", "b"])

    found = Index(gallery).search(gallery[:1], k=1, exclude_self=True)

    assert found.ids.tolist() == [["twin"]]


@pytest.mark.parametrize("factor", [1e-30, 1e-3, 1e3, 1e30])
def test_the_length_of_vectors_does_not_matter(factor):
    gallery = scattered()
    plain = Index(gallery).search(gallery, k=5)
    longer = Index(gallery).search(placed(gallery.vectors * factor), k=5)

    assert (plain.positions == longer.positions).all()


def test_opposite_vectors_have_a_similarity_of_minus_one():
    found = Index(placed([[1, 0]])).search(placed([[-2, 0]]), k=1)

    assert found.similarities.tolist() == [[-1.0]]


# -- errors ---------------------------------------------------------------------------------


class Named:
    modalities = frozenset({"array"})

    def __init__(self, name):
        self.name = self.fingerprint = name


@pytest.mark.parametrize(
    ("ask", "kind", "text"),
    [
        (
            lambda: Index(scattered(), backend="exakt"),
            ChoiceError,
            "backend must be one of 'exact'; got 'exakt'. Did you mean 'exact'?",
        ),
        (
            lambda: Index(scattered()[:0]),
            DataError,
            "an index needs at least one item in its gallery; got none",
        ),
        (
            lambda: Index(scattered()).search(scattered()[:0]),
            DataError,
            "a search needs at least one query; got none",
        ),
        (
            lambda: Index(scattered()).search(scattered(dim=5)),
            ShapeError,
            "queries must have the gallery's 8 dimensions; got 5; embed both with the same encoder",
        ),
        (
            lambda: Index(scattered(source=Named("minilm"))).search(scattered(source=Named("x"))),
            DataError,
            (
                "queries must come from the encoder of the gallery, minilm; got x; embed both with "
                "the same encoder"
            ),
        ),
        (
            lambda: Index(scattered(ids=range(30))[[4, 7, 4]]).search(
                scattered(), k=1, exclude_self=True
            ),
            DataError,
            (
                "a gallery must hold each id once, so that queries find others and not "
                "themselves; got 4 more than once; select each item once"
            ),
        ),
        (
            lambda: Index(scattered()).search(scattered(), k=0),
            DataError,
            "k must be from 1 to 30, the number of items that can be found; got 0",
        ),
        (
            lambda: Index(scattered()).search(scattered(), k=31),
            DataError,
            "k must be from 1 to 30, the number of items that can be found; got 31",
        ),
        (
            lambda: Index(scattered()).search(scattered(), k=0, exclude_self=True),
            DataError,
            "k must be from 1 to 29, the number of items that can be found; got 0",
        ),
        (
            lambda: Index(scattered()).search(scattered(), k=30, exclude_self=True),
            DataError,
            "k must be from 1 to 29, the number of items that can be found; got 30",
        ),
    ],
)
def test_what_cannot_be_searched_is_told_in_full(ask, kind, text):
    with pytest.raises(kind) as caught:
        ask()

    assert str(caught.value) == text


def test_an_encoder_with_an_equal_fingerprint_may_ask():
    found = Index(scattered(source=Named("x"))).search(scattered(source=Named("x")), k=1)

    assert found.k == 1


def test_the_same_encoder_is_not_asked_for_its_fingerprint():
    class Slow(Named):
        @property
        def fingerprint(self):
            raise AssertionError

        @fingerprint.setter
        def fingerprint(self, value):
            pass

    gallery = scattered(source=Slow("slow"))

    assert len(Index(gallery).search(gallery[:3], k=2)) == 3


def test_an_index_says_its_size():
    assert (repr(Index(scattered())), len(Index(scattered()))) == (
        "Index: 30 items, exact search",
        30,
    )


# -- neighbors ------------------------------------------------------------------------------


@pytest.fixture
def found():
    gallery = placed([[1, 0], [0.9, 0.1], [0, 1]], labels=["<x>", "<x>", "y"], ids=["a", "b", "c"])
    return Index(gallery).search(gallery, k=2)


def test_neighbors_tell_ids_labels_and_matches(found):
    assert found.ids.tolist() == [["a", "b"], ["b", "a"], ["c", "b"]]
    assert found.labels[2].tolist() == ["y", "<x>"]
    assert found.matches.tolist() == [[True, True], [True, True], [True, False]]


def test_one_query_of_several_is_again_neighbors(found):
    assert [repr(one) for one in found] == ["Neighbors: 2 of each of 1 query"] * 3
    assert found[2].ids.tolist() == [["c", "b"]]


def test_the_frame_has_a_row_per_query_and_rank(found):
    assert list(found.frame.columns) == [
        "query", "rank", "neighbor", "similarity", "label", "match",
    ]  # fmt: skip
    assert found.frame[["query", "rank", "neighbor"]].values.tolist()[-1] == ["c", 2, "b"]


def test_without_labels_nothing_is_right_or_wrong():
    gallery = scattered()
    found = Index(gallery).search(gallery, k=1)

    assert (found.labels, found.matches, list(found.frame.columns)[-1]) == (
        None,
        None,
        "similarity",
    )


def test_unknown_labels_match_nothing_not_even_each_other():
    gallery = placed([[1, 0], [1, 0], [0, 1]], labels=[None, None, "x"])

    assert not Index(gallery).search(gallery[:2], k=3).matches.any()


def test_integer_labels_match_too():
    gallery = placed([[1, 0], [1, 0.1], [0, 1]], labels=[5, 5, 6])

    assert Index(gallery).search(gallery[:1], k=3).matches.tolist() == [[True, True, False]]


def test_html_marks_right_and_wrong_in_words(found):
    html = found._repr_html_()

    assert (html.count("✓ same"), html.count("✗ other")) == (5, 1)


def test_html_escapes_labels(found):
    assert "<x>" not in found._repr_html_()


def test_html_shows_six_queries_and_says_so():
    gallery = scattered()
    html = Index(gallery).search(gallery, k=2)._repr_html_()

    assert len(re.findall('class="row"', html)) == 6
    assert "the first 6 of 30 queries" in html


def test_neighbors_can_be_made_by_hand():
    both = placed(np.eye(2))

    assert Neighbors(both, both, np.array([[1], [0]]), np.zeros((2, 1))).k == 1
