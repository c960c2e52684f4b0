"""Metrics equal a slow loop written here, and pytorch-metric-learning."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

from simlab.items import Items
from simlab.space import Embeddings, score
from simlab.space._metrics import retrieval_metrics


def slow(vectors, labels, row, depths):
    """Rate one query by the book, rank by rank."""
    similarity = vectors @ vectors[row] / np.linalg.norm(vectors, axis=1)
    ranked = [other for other in np.argsort(-similarity, kind="stable") if other != row]
    hits = [labels[other] == labels[row] for other in ranked]
    n_relevant = sum(hits)
    rates = {f"recall@{depth}": float(any(hits[:depth])) for depth in depths}
    rates["r-precision"] = sum(hits[:n_relevant]) / n_relevant
    rates["map@r"] = 0.0
    for rank in range(1, n_relevant + 1):
        if hits[rank - 1]:
            rates["map@r"] += sum(hits[:rank]) / rank / n_relevant
    return rates


@given(st.integers(0, 10**6), st.integers(6, 40), st.integers(2, 5), st.integers(2, 6))
def test_every_query_is_rated_as_by_a_slow_loop(seed, n, n_labels, dim):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, dim))
    labels = np.concatenate([np.arange(n_labels).repeat(2)[:n], rng.integers(n_labels, size=n)])[:n]
    labels[np.isin(labels, np.flatnonzero(np.bincount(labels) == 1))] = labels[0]
    rated = score(Embeddings(vectors, Items.from_arrays(vectors, labels)), k=(1, 3)).per_query

    for row, found in enumerate(rated.to_dict("records")):
        wanted = slow(vectors, labels, row, (1, 3))
        assert {name: found[name] for name in wanted} == pytest.approx(wanted, abs=1e-9)


PML = {
    "recall@1": "precision_at_1",
    "r-precision": "r_precision",
    "map@r": "mean_average_precision_at_r",
}


def calculate(queries, labels, gallery, known, *, same):
    calculator = AccuracyCalculator(include=tuple(PML.values()), k="max_bin_count")
    return calculator.get_accuracy(queries, labels, gallery, known, ref_includes_query=same)


@pytest.mark.parametrize("seed", range(3))
def test_a_set_is_scored_as_by_pytorch_metric_learning(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(12, size=300)
    vectors = np.float32(rng.normal(size=(300, 16)) + rng.normal(size=(12, 16))[labels])
    emb = Embeddings(vectors, Items.from_arrays(vectors, labels))
    theirs = calculate(emb.unit, labels, emb.unit, labels, same=True)
    ours = score(emb)

    assert {name: ours.value(name) for name in PML} == pytest.approx(
        {name: theirs[other] for name, other in PML.items()}, abs=1e-6
    )


def test_a_gallery_is_scored_as_by_pytorch_metric_learning():
    rng = np.random.default_rng(5)
    centers = rng.normal(size=(8, 10))
    ours, theirs = (rng.integers(8, size=n) for n in (80, 200))
    queries, gallery = (
        Embeddings(vectors, Items.from_arrays(vectors, codes))
        for codes in (ours, theirs)
        for vectors in [centers[codes] + rng.normal(size=(len(codes), 10))]
    )
    wanted = calculate(queries.unit, ours, gallery.unit, theirs, same=False)
    found = score(queries, gallery=gallery)

    assert {name: found.value(name) for name in PML} == pytest.approx(
        {name: wanted[other] for name, other in PML.items()}, abs=1e-6
    )


# -- laws -----------------------------------------------------------------------------------

LISTS = st.lists(st.booleans(), min_size=1, max_size=12)


@given(LISTS)
def test_rates_lie_between_zero_and_one_and_recall_rises_with_depth(matches):
    found = retrieval_metrics(np.array([matches]), np.array([max(1, sum(matches))]), k=(1, 2, 4))
    rates = {name: float(value[0]) for name, value in found.items()}

    assert all(0 <= rate <= 1 for rate in rates.values())
    assert rates["recall@1"] <= rates["recall@2"] <= rates["recall@4"]


@given(LISTS.filter(any), st.data())
def test_moving_a_match_nearer_never_lowers_a_rate(matches, data):
    rank = data.draw(st.sampled_from([rank for rank, match in enumerate(matches) if match]))
    better = data.draw(st.integers(0, rank))
    moved = matches[:rank] + matches[rank + 1 :]
    moved.insert(better, True)
    both, relevant = np.array([matches, moved]), np.array([sum(matches)] * 2)

    assert all(
        before <= after + 1e-12
        for before, after in retrieval_metrics(both, relevant, k=(1, 2, 3)).values()
    )


def test_all_matches_first_is_perfect_and_none_at_all_is_zero():
    matches = np.array([[True, True, False], [False, False, False]])

    assert all(
        value.tolist() == [1, 0]
        for value in retrieval_metrics(matches, np.array([2, 2]), k=(1, 2)).values()
    )


def test_matches_beyond_the_number_of_relevant_items_do_not_count_for_map_at_r():
    rates = retrieval_metrics(np.array([[False, True, True]]), np.array([1]), k=(1,))

    assert (rates["map@r"][0], rates["r-precision"][0]) == (0, 0)
