"""Metrics of pairs: equal to scikit-learn, with intervals that cover, in every form."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    roc_auc_score,
)

from simlab.errors import DataError
from simlab.items import Items
from simlab.space import Embeddings, score
from simlab.space.scores._verification import verification_rates

NAMES = (
    *("auc", "average-precision", "best-f1", "best-f1-threshold"),
    *("best-accuracy", "best-accuracy-threshold"),
)


def clusters(n=24, n_labels=4, dim=5, seed=0, **known):
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_labels, size=n)
    vectors = rng.normal(size=(n_labels, dim))[labels] + rng.normal(size=(n, dim))
    return Embeddings(vectors, Items.from_arrays(vectors, labels, **known))


def check(found, similarity, is_alike):
    thresholds = np.unique(similarity)
    for name, rate in (("best-f1", f1_score), ("best-accuracy", accuracy_score)):
        values = [rate(is_alike, similarity >= threshold) for threshold in thresholds]
        assert found.value(name) == pytest.approx(max(values), abs=1e-6)
        accepted = similarity >= found.value(f"{name}-threshold")
        assert rate(is_alike, accepted) == pytest.approx(max(values), abs=1e-6)
    assert found.value("auc") == pytest.approx(roc_auc_score(is_alike, similarity), abs=1e-6)
    assert found.value("average-precision") == pytest.approx(
        average_precision_score(is_alike, similarity), abs=1e-6
    )
    frame = found.frame
    assert ((frame["low"] <= frame["value"]) & (frame["value"] <= frame["high"])).all()
    assert (frame["n"] == len(similarity)).all()


def test_pairs_of_labels_are_rated_as_by_scikit_learn():
    emb = clusters()
    first, second = np.triu_indices(24, 1)
    labels = emb.items.labels

    check(
        score(emb, metrics=NAMES),
        (emb.unit @ emb.unit.T)[first, second],
        labels[first] == labels[second],
    )


def test_pairs_with_a_gallery_leave_out_each_query_itself():
    emb = clusters(ids=[f"item {row}" for row in range(24)])
    queries = emb[:10]
    is_other = ~np.eye(10, 24, dtype=bool)
    is_alike = queries.items.labels[:, None] == emb.items.labels

    check(
        score(queries, gallery=emb, metrics=NAMES),
        (queries.unit @ emb.unit.T)[is_other],
        is_alike[is_other],
    )


def test_pairs_with_scores_are_alike_from_a_half():
    rng = np.random.default_rng(0)
    scores = rng.integers(5, size=40) / 4
    items = Items.from_pairs(
        [f"a{row}" for row in range(40)], [f"b{row % 9}" for row in range(40)], scores=scores
    )
    emb = Embeddings(rng.normal(size=(len(items), 3)), items)
    known = items.similarity
    similarity = (emb.unit[known.pairs[:, 0]] * emb.unit[known.pairs[:, 1]]).sum(axis=1)

    check(score(emb, metrics=NAMES), similarity, known.scores >= 0.5)


def test_of_items_that_are_known_apart_only_known_pairs_count():
    emb = clusters(40)
    both = Items.concat({"cars": emb.items[:20], "dogs": emb.items[20:]})
    found = score(Embeddings(emb.vectors, both), metrics=["auc"])
    counts = found.frame.set_index("classes")["n"].to_dict()

    assert counts["all"] == counts["all, cars"] + counts["all, dogs"]


def test_ties_count_half():
    found = score(
        Embeddings(np.ones((20, 2)), Items.from_arrays(np.ones(20), [0, 1] * 10)), metrics=NAMES
    )

    assert found.value("auc") == 0.5
    assert found.value("average-precision") == pytest.approx(90 / 190)


def test_unseen_classes_are_drawn_as_classes():
    emb = clusters(80, 8)
    items = emb.items.split(by="label", test=0.5)
    frame = score(Embeddings(emb.vectors, items), metrics=["auc"]).frame

    assert frame.set_index("classes")["unit"].to_dict() == {"seen": "items", "unseen": "classes"}


def test_many_items_are_rated_by_some_of_them(monkeypatch):
    emb = clusters(400, 4)
    whole = score(emb, metrics=["auc"]).value("auc")
    monkeypatch.setattr("simlab.space.scores._whole._MOST_ITEMS", 150)
    some = score(emb, metrics=["auc"])

    assert some.frame["n"].tolist() == [150 * 149 / 2]
    assert some.value("auc") == pytest.approx(whole, abs=0.06)


def test_pairs_of_one_kind_are_told():
    emb = clusters(20, 1)
    with pytest.raises(DataError, match=r"auc needs pairs that are alike .* got none of one kind"):
        score(emb, metrics=["auc"])


def pairs_of(seed, n, n_labels):
    """Draw items around two centers, or around centers that are drawn too."""
    rng = np.random.default_rng(seed)
    if n_labels is None:
        labels = rng.integers(2, size=n)
        centers = np.array([[0.0], [1.5]])
    else:
        labels = np.repeat(np.arange(n_labels), n // n_labels)
        centers = rng.normal(size=(n_labels, 1)) * 1.5
    places = centers[labels] + rng.normal(size=(n, 1))
    first, second = np.triu_indices(n, 1)
    similarity = -np.abs(places[first, 0] - places[second, 0])
    ends = np.stack([first, second], axis=1)
    return similarity, labels[first] == labels[second], ends if n_labels is None else labels[ends]


@pytest.mark.parametrize(
    ("n_labels", "truth"),
    [  # of normal distances: alike ones of variance 2, unlike ones around 1.5 or of variance 6.5
        (None, norm.cdf(0.75) ** 2 + norm.cdf(-0.75) ** 2),
        (20, 2 / np.pi * np.arctan(np.sqrt(6.5 / 2))),
    ],
)
def test_intervals_of_pairs_cover_the_truth_as_often_as_they_say(n_labels, truth):
    inside = 0
    for seed in range(500):
        drawn = pairs_of(seed, 60, n_labels)
        _, low, high = verification_rates(*drawn, ["auc"], resamples=300)["auc"]
        inside += low <= truth <= high

    assert 0.92 <= inside / 500 <= 0.98
