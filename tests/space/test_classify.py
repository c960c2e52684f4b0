"""classify: labels, "unknown", and the evidence for both."""

import numpy as np
import pytest

from simlab.errors import DataError, ShapeError
from simlab.items import Items
from simlab.space import Embeddings, Index
from simlab.space.unknown._answers import answers


def placed(vectors, labels=None, ids=None):
    vectors = np.asarray(vectors, dtype=float)
    return Embeddings(vectors, Items.from_arrays(vectors, labels=labels, ids=ids))


def clusters(n, seed, first=0, n_labels=6, spread=0.15):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(n_labels), n)
    vectors = np.eye(n_labels)[codes] + spread * rng.normal(size=(len(codes), n_labels))
    labels = [f"class {code}" for code in codes]
    return placed(vectors, labels=labels, ids=range(first, first + len(codes)))


@pytest.fixture(scope="module")
def calibrated():
    held = clusters(20, 1, first=1000)
    return Index(clusters(8, 0)).calibrate(held, target={"precision": 0.95}, k=5)


def slow(query, gallery, labels, k):
    """Let neighbors vote, one by one."""
    similarity = gallery @ query
    order = sorted(range(len(gallery)), key=lambda row: (-similarity[row], row))[:k]
    votes = {}
    for row in order:
        votes[labels[row]] = votes.get(labels[row], 0) + np.exp(similarity[row] / 0.07)
    best = max(votes, key=votes.get)
    like = max(similarity[row] for row in range(len(gallery)) if labels[row] == best)
    unlike = max(similarity[row] for row in range(len(gallery)) if labels[row] != best)
    return best, votes[best] / sum(votes.values()), like, like - unlike


@pytest.mark.parametrize("k", [1, 3, 10])
def test_answers_are_those_of_a_slow_vote(k):
    gallery, queries = clusters(5, 0, spread=0.6), clusters(7, 1, first=100, spread=0.6)
    found = Index(gallery).classify(queries, k=k).frame
    for row, query in enumerate(queries.unit):
        best, votes, like, margin = slow(query, gallery.unit, gallery.items.labels, k)
        assert found["label"][row] == best
        expected = [votes, like, margin]
        assert np.allclose(
            found.loc[row, ["votes", "similarity", "margin"]].tolist(), expected, atol=1e-5
        )


def test_large_galleries_are_answered_in_chunks_as_in_one(monkeypatch):
    gallery, queries = clusters(5, 0), clusters(7, 1)
    codes = gallery.items.label_codes
    whole = answers(queries.unit, gallery.unit, codes, 4)
    monkeypatch.setattr("simlab.space.unknown._answers._CELLS", 50)
    parts = answers(queries.unit, gallery.unit, codes, 4)

    assert np.array_equal(whole.positions, parts.positions)
    assert np.allclose(whole.oddness, parts.oddness, atol=1e-5)


def test_a_far_stranger_is_unknown_and_a_near_friend_is_not(calibrated):
    queries = placed([np.eye(6)[2], -np.ones(6)], ids=["friend", "stranger"])
    found = calibrated.classify(queries)

    assert found.labels.tolist() == ["class 2", "unknown"]
    assert found.is_unknown.tolist() == [False, True]
    assert found.frame["confidence"][0] > 0.9
    assert found.frame["confidence"][1] < 0.2
    assert found.frame["set"][0] == ("class 2",)
    assert found.frame["p_known"][1] < 0.05


def test_unknown_is_said_exactly_below_the_threshold(calibrated):
    found = calibrated.classify(clusters(20, 3, first=5000, spread=0.5))
    below = found.frame["confidence"] < calibrated.calibration.threshold

    assert below.any()
    assert not below.all()
    assert np.array_equal(found.is_unknown, below)
    assert (found.frame["label"] == found.frame["nearest"])[~below].all()


def test_without_a_calibration_votes_are_told_and_said_to_be_no_more():
    found = Index(clusters(5, 0)).classify(clusters(2, 1, first=500))

    assert "not calibrated: votes only" in repr(found)
    assert "not calibrated" in found._repr_html_()
    assert "confidence" not in found.frame
    assert not found.is_unknown.any()


def test_an_item_of_the_gallery_does_not_vote_for_itself():
    gallery = placed([[1, 0], [0.9, 0.2], [0.1, 1]], labels=["odd", "x", "y"], ids=[1, 2, 3])

    found = Index(gallery).classify(gallery)

    assert found.labels[0] == "x"
    assert 1 not in found.neighbors.ids[0]


def test_a_new_class_is_answered_once_it_is_added(calibrated):
    spot = -np.ones(6)
    new = placed([spot, spot], labels=["new", "new"], ids=[9001, 9002])
    query = placed([spot], ids=[9003])

    assert calibrated.classify(query).labels.tolist() == ["unknown"]
    assert calibrated.add(new).classify(query).labels.tolist() == ["new"]


def test_items_without_a_label_do_not_vote():
    labels = ["x", None, "y"]
    gallery = placed([[1, 0], [0.99, 0.01], [0, 1]], labels=labels, ids=[1, 2, 3])
    found = Index(gallery).classify(placed([[0.99, 0.01]], ids=[4]))

    assert found.labels.tolist() == ["x"]
    assert found.neighbors.positions.tolist() == [[0, 2]]


def test_a_classification_is_selected_and_shown(calibrated):
    found = calibrated.classify(clusters(2, 3, first=5000))
    html = found._repr_html_()

    assert len(found[:3]) == 3
    assert found[[5]].labels.tolist() == [found.labels[5]]
    assert "first 6 of 12 queries" in html
    assert "confidence" in html
    assert "precision ≥ 0.95" in repr(found)


@pytest.mark.parametrize(
    ("gallery", "told"),
    [
        (placed([[1, 0], [0, 1]], labels=["unknown", "x"], ids=[1, 2]), "rename the label"),
        (placed([[1, 0], [0, 1]], labels=[["a", "b"], ["a"]], ids=[1, 2]), "have several"),
        (placed([[1, 0], [0, 1]], ids=[1, 2]), "it has none"),
        (placed([[1, 0]], labels=["x"], ids=[7]), "one item"),
    ],
)
def test_a_gallery_that_cannot_answer_is_refused(gallery, told):
    with pytest.raises(DataError, match=told):
        Index(gallery).classify(placed([[1, 0]], ids=[7]))


def test_bad_queries_and_numbers_are_refused(calibrated):
    queries = clusters(1, 3, first=5000)
    with pytest.raises(DataError, match="k must be 5, as in the calibration; got 7"):
        calibrated.classify(queries, k=7)
    with pytest.raises(DataError, match="at least 1"):
        Index(calibrated.embeddings).classify(queries, k=0)
    with pytest.raises(ShapeError, match="6 dimensions"):
        calibrated.classify(placed([[1, 0]], ids=[1]))
