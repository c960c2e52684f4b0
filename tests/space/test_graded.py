"""score in every form of similarity, against plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import spearmanr

from simlab.errors import DataError, SimlabWarning
from simlab.items import Items
from simlab.space import Embeddings, score


def space(items, seed=0, dim=4):
    vectors = np.random.default_rng(seed).normal(size=(len(items), dim)).astype("f4")
    return Embeddings(vectors, items)


def by_hand(emb, relevance):
    """Recall@1 and MAP@R of each query, as the definitions say."""
    found = {}
    for query in range(len(emb)):
        known = [
            other
            for other in range(len(emb))
            if other != query and not np.isnan(relevance[query, other])
        ]
        known.sort(key=lambda other: -float(emb.unit[query] @ emb.unit[other]))
        hits = [relevance[query, other] >= 0.5 for other in known]
        n = sum(hits)
        if n:
            precisions = [sum(hits[: rank + 1]) / (rank + 1) * hits[rank] for rank in range(n)]
            found[emb.items.ids[query]] = float(hits[0]), sum(precisions) / n
    return found


DEEP = ("recall@1", "map@r", "map", "mrr", "precision@3", "ndcg@4")


def check_deep(emb):
    """Compare metrics that look at all ranks, or at grades, with plain loops."""
    rows = np.arange(len(emb))
    relevance = emb.items.similarity.relevance(rows, rows)
    frame = score(emb, metrics=DEEP).per_query.set_index("id")
    for query in rows:
        known = [row for row in rows if row != query and not np.isnan(relevance[query, row])]
        known.sort(key=lambda row: -float(emb.unit[query] @ emb.unit[row]))
        grades = relevance[query, known]
        hits = grades >= 0.5
        if not hits.any():
            assert emb.items.ids[query] not in frame.index
            continue
        discount = 1 / np.log2(np.arange(len(grades)) + 2)
        gain, best = ((some * discount)[:4].sum() for some in (grades, np.sort(grades)[::-1]))
        told = frame.loc[emb.items.ids[query]]
        precisions = np.cumsum(hits) / (np.arange(len(hits)) + 1)
        assert told["map"] == pytest.approx(precisions[hits].mean(), abs=1e-6)
        assert told["mrr"] == pytest.approx(1 / (hits.argmax() + 1), abs=1e-6)
        assert told["precision@3"] == pytest.approx(hits[:3].sum() / 3, abs=1e-6)
        assert told["ndcg@4"] == pytest.approx(gain / best, abs=1e-6)


def check(emb):
    check_deep(emb)
    rows = np.arange(len(emb))
    expected = by_hand(emb, emb.items.similarity.relevance(rows, rows))
    frame = score(emb, k=[1]).per_query.set_index("id")

    assert set(frame.index) == set(expected)
    for name, (recall, average) in expected.items():
        assert frame.loc[name, "recall@1"] == recall
        assert frame.loc[name, "map@r"] == pytest.approx(average)


ignoring = pytest.mark.filterwarnings("ignore:.*have no other item")


@ignoring
@settings(max_examples=20)
@given(
    st.lists(st.sets(st.sampled_from("abcd"), min_size=1), min_size=4, max_size=12),
    st.integers(0, 99),
)
def test_several_labels(labels, seed):
    items = Items.from_arrays(
        [str(row) for row in range(len(labels))], labels=[*labels, {"z"}][:-1]
    )
    items = Items.concat(
        [items, items.with_column("id", [f"x{one}" for one in items.ids])], shared_labels=True
    )
    check(space(items, seed))


@ignoring
def test_levels():
    labels = [f"{top}/{low}" for top in "ab" for low in "xyz" for _ in range(3)]
    check(space(Items.from_arrays([str(row) for row in range(18)], labels=labels)))


@ignoring
def test_groups_pass_over_what_is_not_known():
    names = [str(row) for row in range(12)]
    check(space(Items.from_pairs(names[:6], names[6:], groups=[1, 1, 1, 2, 2, 3])))


@ignoring
def test_sets_put_together_are_searched_apart_and_told_apart():
    cars = Items.from_arrays(list("abcdef"), labels=[0, 0, 0, 1, 1, 1])
    dogs = Items.from_arrays(list("uvwxyz"), labels=[0, 0, 1, 1, 1, 0])
    emb = space(Items.concat({"cars": cars, "dogs": dogs}))
    check(emb)
    scores = score(emb, k=[1])
    alone = score(emb[:6], k=[1]).value("map@r")

    assert set(scores.frame["classes"]) == {"all", "all, cars", "all, dogs"}
    assert scores.value("map@r", "all, cars") == pytest.approx(alone)


def test_a_gallery_of_other_items_of_several_labels():
    queries = Items.from_arrays(["q", "r"], labels=[["a"], ["b", "c"]])
    gallery = Items.from_arrays(["1", "2", "3"], labels=[["b", "c"], ["a", "b"], ["d"]])
    vectors = np.eye(3, dtype="f4")
    found = score(
        Embeddings(vectors[[1, 0]], queries), gallery=Embeddings(vectors, gallery), k=[1]
    ).per_query

    assert found["recall@1"].tolist() == [1, 1]


def test_pairs_are_rated_by_rank_and_order():
    rng = np.random.default_rng(0)
    names, others = [f"a{row}" for row in range(30)], [f"b{row % 7}" for row in range(30)]
    scores = rng.integers(5, size=30) / 4
    emb = space(Items.from_pairs(names, others, scores=scores))
    pairs, given = emb.items.similarity.pairs, emb.items.similarity.scores
    cosines = [float(emb.unit[a] @ emb.unit[b]) for a, b in pairs]
    told = score(emb)

    assert told.value("spearman") == pytest.approx(spearmanr(cosines, given).statistic)
    low, high = told.frame.loc[0, ["low", "high"]]
    assert -1 < low < told.value("spearman") < high < 1
    shares = []
    for anchor in range(len(emb)):
        mine = [row for row, pair in enumerate(pairs) if anchor in pair]
        right = [
            cosines[one] > cosines[other]
            for one in mine
            for other in mine
            if given[one] > given[other]
        ]
        if right:
            shares.append(np.mean(right))
    assert told.value("triplet-accuracy") == pytest.approx(np.mean(shares))


def test_partners_of_scored_pairs_are_ranked_when_a_ranking_is_asked_for():
    rng = np.random.default_rng(1)
    names, others = [f"a{row}" for row in range(30)], [f"b{row % 7}" for row in range(30)]
    emb = space(Items.from_pairs(names, others, scores=rng.integers(5, size=30) / 4))
    with pytest.warns(SimlabWarning, match="are left out"):
        check_deep(emb)
    with pytest.warns(SimlabWarning, match="are left out"):
        found = score(emb, metrics=["ndcg@4", "spearman", "auc"])

    assert found.frame["metric"].tolist() == ["ndcg@4", "spearman", "auc"]
    assert found.value("spearman") == score(emb).value("spearman")


def test_a_perfect_space_of_triplets_scores_one():
    items = Items.from_triplets(["a"], ["p"], ["n"])
    emb = Embeddings(np.array([[1, 0], [1, 0.1], [0, 1]]), items)

    assert score(emb).value("triplet-accuracy") == 1


def test_pairs_take_no_gallery():
    emb = space(Items.from_pairs(["a"], ["b"], scores=[1]))
    with pytest.raises(DataError, match="score of pairs takes no gallery"):
        score(emb, gallery=emb[:1])


def test_without_a_pair_there_is_nothing_to_score():
    emb = space(Items.from_pairs(["a"], ["b"], scores=[1]))
    with pytest.raises(DataError, match="pairs of which both items are there; got none"):
        score(emb[:1])


def test_scored_pairs_are_split_without_cutting_one():
    names = [str(row) for row in range(40)]
    items = Items.from_pairs(names[:20], names[20:], scores=np.linspace(0, 1, 20)).split(test=0.3)
    split = items.column("split")
    ends = split[items.similarity.pairs]

    assert (ends[:, 0] == ends[:, 1]).all()
    assert 0 < (split == "test").sum() < 40
