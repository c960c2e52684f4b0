"""Open-set metrics: equal to slow and independent implementations, with intervals that widen."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from simlab.errors import DataError, ShapeError
from simlab.space import open_set_scores
from simlab.space.unknown._rates import Asked


def drawn(seed, n=60, steps=12):
    """Draw scores with ties, of known and unknown queries."""
    rng = np.random.default_rng(seed)
    is_known = rng.random(n) < 0.5
    is_known[:2] = True, False
    scores = rng.integers(steps, size=n) / steps + 0.2 * is_known
    return scores, is_known, is_known & (rng.random(n) < 0.7)


def slow_oscr(scores, is_known, is_right):
    """Count at each threshold, one by one."""
    points = [(0.0, 0.0)]
    for threshold in sorted(set(scores), reverse=True):
        accepted = scores >= threshold
        across = (accepted & ~is_known).sum() / (~is_known).sum()
        points.append((across, (accepted & is_right).sum() / is_known.sum()))
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(points))


def value(frame, metric):
    return frame.set_index("metric").loc[metric, "value"]


@given(st.integers(0, 10**6))
def test_auroc_and_fpr_at_95_agree_with_scikit_learn(seed):
    scores, is_known, is_right = drawn(seed)
    rates = Asked(scores, is_known, is_right).rates()
    false, true, _ = roc_curve(is_known, scores, drop_intermediate=False)

    assert rates.auroc == pytest.approx(roc_auc_score(is_known, scores), abs=1e-9)
    assert rates.fpr_at_95 == pytest.approx(false[np.argmax(true >= 0.95)], abs=1e-9)


@given(st.integers(0, 10**6))
def test_oscr_is_what_a_slow_count_gives(seed):
    asked = drawn(seed)

    assert Asked(*asked).rates().oscr == pytest.approx(slow_oscr(*asked), abs=1e-9)


@given(st.integers(0, 10**6), st.floats(0.05, 0.95))
def test_precision_agrees_with_scikit_learn_that_weighs_unknown_queries(seed, unknown):
    scores, is_known, is_right = drawn(seed)
    weights = np.where(is_known, (1 - unknown) / is_known.sum(), unknown / (~is_known).sum())
    theirs, _, at = precision_recall_curve(is_right, scores, sample_weight=weights)
    ours = Asked(scores, is_known, is_right).rates().precision(unknown)

    assert np.allclose(ours[::-1], theirs[:-1][-len(at) :], atol=1e-9)


def test_counting_a_question_twice_equals_asking_it_twice():
    scores, is_known, is_right = drawn(3)
    counts = np.random.default_rng(0).integers(3, size=len(scores))
    twice = Asked(*(np.repeat(part, counts) for part in (scores, is_known, is_right))).rates()
    counted = Asked(scores, is_known, is_right).rates(counts)

    assert counted.auroc == pytest.approx(twice.auroc)
    assert counted.oscr == pytest.approx(twice.oscr)
    assert counted.risk_area(0.3) == pytest.approx(twice.risk_area(0.3))


def test_oscr_without_errors_is_auroc_and_never_above_the_accuracy():
    scores, is_known, is_right = drawn(5, n=400)
    perfect = open_set_scores(scores, is_known, is_known)
    some = open_set_scores(scores, is_known, is_right)

    assert value(perfect, "oscr") == pytest.approx(value(perfect, "auroc"))
    assert value(some, "oscr") <= is_right.sum() / is_known.sum()


def test_intervals_hold_the_value_and_widen_when_whole_classes_are_drawn():
    rng = np.random.default_rng(0)
    units = np.repeat(np.arange(20), 10)
    is_known = units < 10
    scores = np.repeat(rng.normal(size=20), 10) + is_known + 0.1 * rng.normal(size=200)
    alone, whole = (open_set_scores(scores, is_known, units=own) for own in (None, units))

    assert (alone["low"] <= alone["value"]).all()
    assert (alone["value"] <= alone["high"]).all()
    assert np.ptp(whole.loc[0, ["low", "high"]]) > 2 * np.ptp(alone.loc[0, ["low", "high"]])


def test_a_perfect_rate_of_few_queries_is_not_certain():
    found = open_set_scores([0.9, 0.8, 0.2, 0.1], [True, True, False, False])

    assert value(found, "auroc") == 1
    assert found["low"][0] < 0.6
    assert found["high"][1] > 0.4


def test_the_auroc_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    truth = 0.7602499389  # of normal scores one standard deviation apart
    is_known = np.arange(120) < 60
    covered = 0
    for seed in range(100):
        frame = open_set_scores(rng.normal(size=120) + is_known, is_known, seed=seed)
        covered += frame["low"][0] <= truth <= frame["high"][0]

    assert 0.88 <= covered / 100 <= 0.99  # three standard errors below 0.95


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (([0.1, 0.2], [True, True]), "known and unknown queries; got 2 known of 2"),
        (([0.1, np.nan], [True, False]), "must be finite"),
        (([0.1, 0.2], [True, False], [True, True]), "no answer to a query of an unknown class"),
    ],
)
def test_what_cannot_be_measured_is_refused(asked, told):
    with pytest.raises(DataError, match=told):
        open_set_scores(*asked)


def test_arrays_of_other_lengths_are_refused():
    with pytest.raises(ShapeError, match="one entry per query"):
        open_set_scores([0.1, 0.2, 0.3], [True, False])
