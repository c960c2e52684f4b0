"""Suspects: planted mistakes are found, with scores that mean what they say."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from simlab.errors import ChoiceError, DataError, SimlabWarning
from simlab.items import Items
from simlab.space import Embeddings, near_duplicates, suspects
from simlab.views import gallery

DIGITS = load_digits()
VECTORS = DIGITS.data[:600].astype(np.float32)
LABELS = DIGITS.target[:600]
RNG = np.random.default_rng(0)
WRONG = RNG.permutation(600)[:30]


def space(vectors, labels=None, **columns):
    items = Items.from_arrays(vectors, labels=labels, ids=list(range(len(vectors))))
    for name, values in columns.items():
        items = items.with_column(name, values)
    return Embeddings(vectors, items)


@pytest.fixture(scope="module")
def noisy():
    """Return suspects of 600 digits, 30 of which carry a wrong label."""
    labels = LABELS.copy()
    labels[WRONG] = (labels[WRONG] + 1 + RNG.integers(9, size=30)) % 10
    return suspects(space(VECTORS, labels))


# -- mislabeled -------------------------------------------------------------------------------


def test_most_planted_labels_are_found_and_most_found_are_planted(noisy):
    found = noisy.where("mislabeled").ids

    assert np.isin(WRONG, found).mean() > 0.85
    assert np.isin(found, WRONG).mean() > 0.85


def test_the_suggestion_is_the_true_label(noisy):
    frame = noisy.where("mislabeled").frame
    planted = frame[frame["id"].isin(WRONG)]

    assert (planted["suggestion"] == LABELS[planted["id"].astype(int)]).mean() > 0.9


def test_the_evidence_carries_the_suggestion(noisy):
    frame, labels = noisy.where("mislabeled").frame, noisy.neighbors.gallery.items.labels

    assert all(
        labels[list(row.evidence)].tolist() == [row.suggestion] * len(row.evidence)
        for row in frame.itertuples()
    )


def test_scores_are_shares_and_the_most_suspect_come_first(noisy):
    for _, part in noisy.frame.groupby("kind"):
        assert part["score"].between(0, 1).all()
        assert part["score"].is_monotonic_decreasing
    assert noisy.where("mislabeled").frame["score"].min() > 0.5


def test_clean_labels_of_clear_classes_raise_no_suspicion():
    rng = np.random.default_rng(0)
    vectors = np.repeat(np.eye(5), 20, axis=0) + rng.normal(scale=0.05, size=(100, 5))

    assert len(suspects(space(vectors, np.repeat(range(5), 20))).where("mislabeled")) == 0


def test_a_class_of_one_item_convicts_nobody():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 8))

    assert len(suspects(space(vectors, range(40))).where("mislabeled")) == 0


def test_all_votes_for_one_other_label_score_one():
    vectors = np.array([[1.0, 0.01 * row] for row in range(6)])

    [score] = suspects(space(vectors, [0, 0, 0, 1, 0, 0])).where("mislabeled").frame["score"]

    assert score == pytest.approx(1)


def test_unknown_labels_neither_vote_nor_are_doubted():
    vectors = np.array([[1.0, 0.01 * row] for row in range(8)])

    found = suspects(space(vectors, [0, 0, None, 1, None, 0, 0, None])).where("mislabeled")

    assert found.ids.tolist() == [3]
    assert found.frame["score"][0] == pytest.approx(1)


def test_without_labels_none_are_mislabeled():
    found = suspects(space(VECTORS[:50]))

    assert len(found.where("mislabeled")) == 0
    assert "label" not in found.frame


# -- outliers ---------------------------------------------------------------------------------


def test_planted_outliers_are_found_and_lead_the_list():
    rng = np.random.default_rng(1)
    noise = rng.uniform(0, 16, size=(6, 64)) * (rng.random((6, 64)) < 0.3)

    found = suspects(space(np.concatenate([VECTORS, noise]))).where("outlier")

    assert set(found.ids[:6]) == set(range(600, 606))
    assert len(found) < 20


def test_an_outlier_twice_as_far_scores_one_half():
    from simlab.space._evidence import loneliness

    score, is_apart = loneliness(1 - np.array([[0.1], [0.1], [0.1], [0.1], [0.2]]))

    assert score[-1] == pytest.approx(0.5)
    assert is_apart.tolist() == [False] * 4 + [True]


# -- near duplicates --------------------------------------------------------------------------


def planted_twins():
    rng = np.random.default_rng(2)
    twins = rng.permutation(600)[:20]
    copies = VECTORS[twins] + rng.normal(scale=0.05, size=(20, 64))
    return twins, space(np.concatenate([VECTORS, copies]))


def test_planted_near_duplicates_are_found_and_the_later_one_is_listed():
    twins, digits = planted_twins()

    frame = suspects(digits).where("near-duplicate").frame

    assert sorted(frame["id"]) == list(range(600, 620))
    assert {row.id: row.evidence[0] for row in frame.itertuples()} == dict(
        zip(range(600, 620), twins.tolist(), strict=True)
    )


def test_near_duplicates_are_those_pairs():
    twins, digits = planted_twins()

    found = near_duplicates(digits).frame

    assert sorted(zip(found["id"], found["other"], strict=True)) == list(
        zip(range(600, 620), twins.tolist(), strict=True)
    )


@pytest.mark.parametrize("cells", [1, 1000, 2**25])
def test_near_duplicates_are_all_pairs_above_the_threshold(monkeypatch, cells):
    monkeypatch.setattr("simlab.space._near._CELLS", cells)
    digits = space(VECTORS[:80])
    similarity = digits.unit @ digits.unit.T
    expected = {
        (later, earlier)
        for later in range(80)
        for earlier in range(later)
        if similarity[later, earlier] >= 0.95
    }

    found = near_duplicates(digits, threshold=0.95)

    assert {tuple(pair) for pair in found.pairs.tolist()} == expected
    assert (np.diff(found.similarities) <= 0).all()


def test_a_near_duplicate_in_the_test_is_a_leak_and_the_one_in_training_goes():
    vectors = np.array([[1, 0], [1, 1e-4], [0, 1], [-1, 0], [0, -1], [0.7, 0.7]])
    split = space(vectors, split=["test", "train", "train", "test", "train", "train"])

    with pytest.warns(SimlabWarning, match=r"^1 pair of .*: 1 \(train\) and 0 \(test\)") as told:
        found = near_duplicates(split)

    assert found.leaks.ids.tolist() == [1]
    assert told[0].filename == __file__
    assert suspects(split).where("near-duplicate").ids.tolist() == [1]


def test_one_item_has_no_near_duplicate():
    assert len(near_duplicates(space(VECTORS[:1]))) == 0


@pytest.mark.parametrize("threshold", [-1, 1.5, float("nan")])
def test_a_threshold_that_is_no_similarity_is_told(threshold):
    with pytest.raises(DataError) as caught:
        near_duplicates(space(VECTORS[:3]), threshold=threshold)

    assert str(caught.value) == (
        f"threshold must be a cosine similarity in (-1, 1]; got {threshold!r}; begin with 0.95, or "
        "leave it out"
    )


def test_a_threshold_that_pairs_everything_is_told():
    with pytest.raises(DataError) as caught:
        near_duplicates(space(np.ones((1500, 2))), threshold=0.5)

    assert str(caught.value) == (
        "threshold must leave at most 1,000,000 pairs; 0.5000 has more among 1,500 items; raise it"
    )


# -- the value --------------------------------------------------------------------------------


def test_suspects_leave_in_one_line(noisy):
    items = noisy.neighbors.gallery.items

    assert len(items.without(noisy.ids)) == len(items) - len(noisy.ids)


def test_suspects_are_shown_in_a_gallery(noisy):
    html = gallery(noisy.where("mislabeled").neighbors)._repr_html_()

    assert html.count("✗ other") > 10


def test_suspects_say_what_they_are(noisy):
    counts = noisy.frame["kind"].value_counts()

    assert repr(noisy) == (
        f"Suspects: {counts['mislabeled']} mislabeled, {counts.get('outlier', 0)} outliers, "
        f"{counts.get('near-duplicate', 0)} near-duplicates of 600 items"
    )


def test_suspects_show_a_few_of_each_kind_and_escape():
    evil = "<script>"
    vectors = np.array([[1.0, 0.01 * row] for row in range(12)])
    items = Items.from_arrays([evil] * 12, labels=["x"] * 5 + [evil] + ["x"] * 6)

    html = suspects(Embeddings(vectors, items))._repr_html_()

    assert "its neighbors say x (score 1.00)" in html
    assert "<script" not in html


def test_nothing_suspect_is_shown_as_nothing():
    html = suspects(space(np.eye(3), [0, 1, 2]))._repr_html_()

    assert "0 mislabeled, 0 outliers, 0 near-duplicates of 3 items" in html


def test_another_kind_is_told(noisy):
    with pytest.raises(ChoiceError, match=r"^kind must be one of 'mislabeled'"):
        noisy.where("wrong")


def test_one_item_has_no_neighbors():
    with pytest.raises(DataError, match=r"^suspects need at least two items; got 1"):
        suspects(space(VECTORS[:1]))


def test_results_are_the_same_each_time(noisy):
    again = suspects(noisy.neighbors.gallery)

    assert again.frame.equals(noisy.frame)
