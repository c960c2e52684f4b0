"""Metrics equal slow loops written here, scikit-learn and pytorch-metric-learning; laws of each."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from sklearn.metrics import average_precision_score, ndcg_score
from sklearn.neighbors import KNeighborsClassifier

from simlab.errors import ChoiceError, DataError
from simlab.items import Items
from simlab.space import Embeddings, score
from simlab.space.scores._named import rates_of
from simlab.space.scores._ranked import ranked

NAMES = (
    *("recall@1", "recall@3", "hit@3", "precision@3", "ir-recall@3", "ndcg@3", "mrr", "mrr@3"),
    *("map", "map@r", "r-precision"),
)


def rate(ranking, relevant):
    """Rate one ranking by the book, rank by rank."""
    hits = [bool(hit) for hit in ranking]
    precisions = [sum(hits[: rank + 1]) / (rank + 1) * hits[rank] for rank in range(len(hits))]
    discount = [1 / np.log2(rank + 2) for rank in range(len(hits))]
    first = hits.index(True) + 1 if any(hits) else np.inf
    best = sum(discount[: min(relevant, 3)])
    return {
        "recall@1": float(hits[0]),
        "recall@3": float(any(hits[:3])),
        "hit@3": float(any(hits[:3])),
        "precision@3": sum(hits[:3]) / 3,
        "ir-recall@3": sum(hits[:3]) / relevant,
        "ndcg@3": sum(np.array(hits[:3]) * discount[:3]) / best,
        "mrr": 1 / first,
        "mrr@3": 1 / first if first <= 3 else 0,
        "map": sum(precisions) / relevant,
        "map@r": sum(precisions[:relevant]) / relevant,
        "r-precision": sum(hits[:relevant]) / relevant,
    }


def slow(vectors, labels, row):
    similarity = vectors @ vectors[row] / np.linalg.norm(vectors, axis=1)
    order = [other for other in np.argsort(-similarity, kind="stable") if other != row]
    hits = [labels[other] == labels[row] for other in order]
    return rate(hits, sum(hits))


def placed(vectors, labels):
    return Embeddings(vectors, Items.from_arrays(np.asarray(vectors), labels))


def clusters(n, n_labels, dim, seed, spread=1.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_labels, size=n)
    vectors = spread * rng.normal(size=(n_labels, dim))[labels] + rng.normal(size=(n, dim))
    return placed(np.float32(vectors), labels)


# -- agreement ------------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.integers(6, 40), st.integers(2, 5), st.integers(2, 6))
def test_every_query_is_rated_as_by_a_slow_loop(seed, n, n_labels, dim):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, dim))
    labels = np.concatenate([np.arange(n_labels).repeat(2)[:n], rng.integers(n_labels, size=n)])[:n]
    labels[np.isin(labels, np.flatnonzero(np.bincount(labels) == 1))] = labels[0]
    emb = placed(vectors, labels)
    rated = score(emb, metrics=NAMES).per_query
    shallow = [name for name in NAMES if name not in {"map", "mrr"}]
    searched = score(emb, metrics=shallow).per_query

    for row, found in enumerate(rated.to_dict("records")):
        wanted = slow(vectors, labels, row)
        assert {name: found[name] for name in wanted} == pytest.approx(wanted, abs=1e-6)
    assert np.allclose(rated[shallow], searched[shallow], atol=1e-9)


PML = {
    "recall@1": "precision_at_1",
    "r-precision": "r_precision",
    "map@r": "mean_average_precision_at_r",
}


def calculate(queries, labels, gallery, known, *, same, names=PML, k="max_bin_count"):
    calculator = AccuracyCalculator(include=tuple(names.values()), k=k)
    return calculator.get_accuracy(queries, labels, gallery, known, ref_includes_query=same)


@pytest.mark.parametrize("seed", range(3))
def test_a_set_is_scored_as_by_pytorch_metric_learning(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(12, size=300)
    emb = placed(np.float32(rng.normal(size=(300, 16)) + rng.normal(size=(12, 16))[labels]), labels)
    theirs = calculate(emb.unit, labels, emb.unit, labels, same=True)
    ours = score(emb)

    assert {name: ours.value(name) for name in PML} == pytest.approx(
        {name: theirs[other] for name, other in PML.items()}, abs=1e-6
    )


def test_whole_rankings_are_scored_as_by_pytorch_metric_learning():
    emb = clusters(60, 4, 8, seed=1)
    names = {"mrr": "mean_reciprocal_rank", "map": "mean_average_precision"}
    labels = np.array(emb.items.labels)
    theirs = calculate(emb.unit, labels, emb.unit, labels, same=True, names=names, k=59)
    ours = score(emb, metrics=list(names))

    assert ours.value("mrr") == pytest.approx(theirs["mean_reciprocal_rank"], abs=1e-6)
    assert ours.value("map") == pytest.approx(theirs["mean_average_precision"], abs=1e-6)


def test_a_gallery_is_scored_as_by_pytorch_metric_learning():
    rng = np.random.default_rng(5)
    centers = rng.normal(size=(8, 10))
    ours, theirs = (rng.integers(8, size=n) for n in (80, 200))
    queries, gallery = (
        placed(vectors, codes)
        for codes in (ours, theirs)
        for vectors in [centers[codes] + rng.normal(size=(len(codes), 10))]
    )
    wanted = calculate(queries.unit, ours, gallery.unit, theirs, same=False)
    found = score(queries, gallery=gallery)

    assert {name: found.value(name) for name in PML} == pytest.approx(
        {name: wanted[other] for name, other in PML.items()}, abs=1e-6
    )


def test_average_precision_is_that_of_scikit_learn():
    emb = clusters(50, 4, 6, seed=2)
    found = score(emb, metrics=["map"]).per_query["map"]
    labels = emb.items.labels
    for row in range(50):
        others = np.arange(50) != row
        wanted = average_precision_score(
            labels[others] == labels[row], (emb.unit @ emb.unit[row])[others]
        )
        assert found[row] == pytest.approx(wanted, abs=1e-6)


def test_graded_gain_is_that_of_scikit_learn():
    rng = np.random.default_rng(3)
    names = [
        [str(one) for one in rng.choice(6, size=size, replace=False)]
        for size in rng.integers(1, 4, size=40)
    ]
    vectors = rng.normal(size=(40, 5))
    emb = placed(vectors, names)
    known = emb.items.similarity.relevance(np.arange(40), np.arange(40))
    found = score(emb, metrics=["ndcg@10"]).per_query
    for name, value in zip(found["id"], found["ndcg@10"], strict=True):
        row = emb.items.ids.tolist().index(name)
        others = np.arange(40) != row
        wanted = ndcg_score([known[row, others]], [(emb.unit @ emb.unit[row])[others]], k=10)
        assert value == pytest.approx(wanted, abs=1e-6)


def test_accuracy_of_neighbors_is_that_of_scikit_learn_with_the_same_votes():
    emb = clusters(120, 5, 6, seed=4)
    train, test = emb[:80], emb[80:]
    theirs = KNeighborsClassifier(
        7,
        metric="cosine",
        algorithm="brute",
        weights=lambda distance: np.exp((1 - distance) / 0.07),
    ).fit(train.unit, train.items.labels)
    right = theirs.predict(test.unit) == test.items.labels
    found = score(test, gallery=train, metrics=["knn-accuracy@7"])

    assert found.per_query["knn-accuracy@7"].tolist() == right.tolist()


# -- ties -----------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=3, max_size=6).filter(
        lambda items: any(hit for _, hit in items)
    )
)
def test_a_tie_is_the_mean_over_all_orders(items):
    items = sorted(items, key=lambda item: -item[0])
    similarity, hits = (np.array(part)[None] for part in zip(*items, strict=True))
    relevant = np.array([hits.sum()])
    found = rates_of(ranked(similarity * 0.1, hits, relevant, depth=hits.size), NAMES)
    orders = [
        rate([hit for _, hit in order], int(relevant[0]))
        for order in permutations(items)
        if [near for near, _ in order] == [near for near, _ in items]
    ]
    for name, value in found.items():
        assert value[0] == pytest.approx(np.mean([order[name] for order in orders]), abs=1e-9)


def test_scikit_learn_shares_gains_among_ties_too():
    grades, similarity = np.array([[0.2, 1.0, 0.5, 0.0]]), np.array([[0.9, 0.4, 0.4, 0.4]])
    found = ranked(
        similarity,
        grades >= 0.5,
        np.array([2]),
        depth=4,
        grades=grades,
        best=-np.sort(-grades, axis=1),
    )

    assert rates_of(found, ["ndcg@2"])["ndcg@2"][0] == pytest.approx(
        ndcg_score(grades, similarity, k=2)
    )


@pytest.mark.parametrize("order", ["sorted", "mixed"])
def test_equal_vectors_score_chance_whatever_the_order_of_the_gallery(order):
    n, n_labels = 100, 10
    labels = np.arange(n) % n_labels if order == "mixed" else np.arange(n) // (n // n_labels)
    rng = np.random.default_rng(0)
    vectors = np.ones((n, 7)) * rng.uniform(0.5, 2, size=(n, 1))
    found = score(
        placed(vectors, labels),
        metrics=["recall@1", "precision@5", "r-precision", "map@r", "knn-accuracy@1", "auc", "ami"],
    )
    chance = 9 / 99

    assert found.value("recall@1") == pytest.approx(chance)
    assert found.value("precision@5") == pytest.approx(chance)
    assert found.value("r-precision") == pytest.approx(chance)
    assert found.value("map@r") < chance
    assert found.value("knn-accuracy@1") == pytest.approx(chance, abs=0.06)
    assert found.value("ami") == pytest.approx(0, abs=1e-9)


def test_a_tie_that_goes_on_beyond_the_last_neighbor_is_counted_whole():
    vectors = np.eye(3)[[0, 1, 1, 1, 1, 1, 1, 1, 1]] + [[0, 0.5, 0]] * 9
    emb = placed(vectors, ["x", *"yyyyyyy", "x"])
    found = score(emb[:1], gallery=emb, k=[2]).per_query

    assert found["recall@2"].tolist() == pytest.approx([2 / 8])


# -- what others get wrong ------------------------------------------------------------------

PERFECT = np.eye(4)[[0, 0, 1, 1, 2, 2, 3, 3]]


def test_a_perfect_space_is_perfect_in_every_metric():
    """Quaterion's evaluator reports 0.75 here."""
    metrics = [*NAMES, "knn-accuracy@1", "nmi", "ami", "auc", "average-precision", "best-f1"]
    found = score(placed(PERFECT, [0, 0, 1, 1, 2, 2, 3, 3]), metrics=metrics)
    wanted = dict.fromkeys(metrics, 1.0) | {"precision@3": 1 / 3}

    assert {name: found.value(name) for name in metrics} == pytest.approx(wanted)


def test_items_of_negative_similarity_keep_their_rank_and_vote():
    """Where torchmetrics leaves out what is not positive, nothing would be found here."""
    gallery = placed([[-1, 0.5], [-1, 0.1], [-1, 0]], ["x", "y", "y"])
    query = placed([[1, 0]], ["x"])
    found = score(query, gallery=gallery, metrics=["mrr", "recall@1", "map", "knn-accuracy@1"])

    assert set(found.frame["value"]) == {1.0}


# -- laws -----------------------------------------------------------------------------------

LISTS = st.lists(st.booleans(), min_size=1, max_size=12)


def rates(lists, relevant):
    matches = np.array(lists)
    similarity = np.tile(-np.arange(matches.shape[1], dtype=float), (len(matches), 1))
    found = ranked(similarity, matches, np.array(relevant), depth=matches.shape[1])
    return rates_of(found, NAMES)


@given(LISTS)
def test_rates_lie_between_zero_and_one_and_recall_rises_with_depth(matches):
    found = {name: value[0] for name, value in rates([matches], [max(1, sum(matches))]).items()}

    assert all(0 <= value <= 1 + 1e-12 for value in found.values())
    assert found["recall@1"] <= found["recall@3"]


@given(LISTS.filter(any), st.data())
def test_moving_a_match_nearer_never_lowers_a_rate(matches, data):
    rank = data.draw(st.sampled_from([rank for rank, match in enumerate(matches) if match]))
    better = data.draw(st.integers(0, rank))
    moved = matches[:rank] + matches[rank + 1 :]
    moved.insert(better, True)

    assert all(
        before <= after + 1e-12
        for before, after in rates([matches, moved], [sum(matches)] * 2).values()
    )


def test_no_match_at_all_is_zero():
    assert all(value.tolist() == [0] for value in rates([[False] * 3], [2]).values())


def test_matches_beyond_the_number_of_relevant_items_do_not_count_for_map_at_r():
    found = rates([[False, True, True]], [1])

    assert (found["map@r"][0], found["r-precision"][0]) == (0, 0)


# -- names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["ndcg", "precision@0", "mapr", "nmi@3", "recall@k", "recall@-1", 5]
)
def test_an_unknown_metric_is_told_with_those_there_are(name):
    with pytest.raises(ChoiceError, match=r"metric must be one of 'ami', 'auc', .*'ndcg@k'.*got"):
        score(clusters(20, 2, 3, 0), metrics=[name])


def test_one_metric_without_a_list_is_told():
    with pytest.raises(DataError, match=r"metrics must be a list of names.*got 'mrr'"):
        score(clusters(20, 2, 3, 0), metrics="mrr")


def test_depths_beside_names_are_told():
    with pytest.raises(DataError, match=r"got k=\(3,\) and metrics; name it as 'recall@3'"):
        score(clusters(20, 2, 3, 0), k=(3,), metrics=["mrr"])


def test_metrics_come_in_the_order_they_were_asked_for():
    names = ["nmi", "mrr", "auc", "recall@1"]

    assert score(clusters(40, 2, 3, 0), metrics=names).frame["metric"].tolist() == names
