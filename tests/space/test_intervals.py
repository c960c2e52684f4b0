"""Bootstrap intervals: they hold the mean, shrink with data, and cover as often as they say."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from simlab.space.scores._intervals import bootstrap_interval, mean_interval, resampled_counts

UNIT = st.floats(0, 1)


def width(values, groups=None, **options):
    low, high = bootstrap_interval(values, groups, resamples=400, **options)
    return float((high - low)[0])


def by_class(n_classes, each, seed):
    """Draw values whose classes differ much and whose queries within a class differ little."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_classes), each)
    means, noise = rng.normal(size=n_classes), rng.normal(scale=0.3, size=(len(groups), 1))
    return means[groups, None] + noise, groups


@given(arrays(np.float64, (9, 2), elements=UNIT), st.booleans())
def test_an_interval_lies_between_the_smallest_and_the_largest_value(values, grouped):
    low, high = bootstrap_interval(values, np.arange(9) // 2 if grouped else None, resamples=50)

    assert (values.min(axis=0) <= low + 1e-12).all()
    assert (low <= high).all()
    assert (high <= values.max(axis=0) + 1e-12).all()


@pytest.mark.parametrize("seed", range(10))
def test_an_interval_holds_the_mean(seed):
    values = np.random.default_rng(seed).random((30, 1))
    low, high = bootstrap_interval(values)

    assert low[0] < values.mean() < high[0]


def test_four_times_the_data_halve_the_interval():
    rng = np.random.default_rng(0)
    few, many = rng.normal(size=(100, 1)), rng.normal(size=(400, 1))

    assert width(many) / width(few) == pytest.approx(0.5, abs=0.12)


def test_more_classes_narrow_the_interval_and_more_queries_of_each_hardly_do():
    base, classes, queries = by_class(10, 5, 0), by_class(90, 5, 0), by_class(10, 45, 0)

    assert width(*classes) < 0.5 * width(*base) < 0.75 * width(*queries)


def test_drawing_classes_is_wider_than_drawing_queries_when_classes_differ():
    values, groups = by_class(20, 10, 0)

    assert width(values, groups) > 2 * width(values)


def test_drawing_classes_of_one_query_each_is_drawing_queries():
    values = np.random.default_rng(0).random((25, 2))

    assert np.allclose(bootstrap_interval(values), bootstrap_interval(values, np.arange(25)))


def test_names_of_the_groups_do_not_matter():
    values, groups = by_class(8, 3, 0)

    assert width(values, groups) == width(values, 1000 + 13 * groups)


def test_the_same_seed_gives_the_same_interval_and_another_another():
    values = np.random.default_rng(0).random((30, 1))

    assert width(values, seed=1) == width(values, seed=1) != width(values, seed=2)


def test_a_higher_level_is_wider():
    values = np.random.default_rng(0).random((30, 1))

    assert width(values, level=0.5) < width(values, level=0.95) < width(values, level=0.99)


def test_every_column_has_its_own_interval():
    rng = np.random.default_rng(0)
    values = np.stack([rng.random(40), rng.random(40) * 10], axis=1)
    low, high = bootstrap_interval(values)

    assert (high - low)[1] > 5 * (high - low)[0]


def coverage(draw, truth):
    """Tell how often the interval of freshly drawn data holds the truth."""
    inside = 0
    for seed in range(500):
        values, groups = draw(seed)
        low, high = mean_interval(values, groups, resamples=500)
        inside += bool(low[0] <= truth <= high[0])
    return inside / 500


def by_query(seed):
    """Draw one query of every class, as of a large set."""
    return by_class(40, 1, seed)[0], None


def test_intervals_over_queries_cover_the_truth_as_often_as_they_say():
    assert 0.92 <= coverage(by_query, 0.0) <= 0.98


def test_intervals_over_queries_cover_a_share_of_hits_as_often_as_they_say():
    def draw(seed):
        return np.random.default_rng(seed).binomial(1, 0.7, size=(80, 1)).astype(float), None

    assert 0.92 <= coverage(draw, 0.7) <= 0.98


@pytest.mark.parametrize("n_classes", [6, 30])
def test_intervals_over_classes_cover_the_mean_of_classes_to_come(n_classes):
    assert 0.92 <= coverage(lambda seed: by_class(n_classes, 6, seed), 0.0) <= 0.98


def test_intervals_over_queries_are_too_narrow_for_classes_to_come():
    assert coverage(lambda seed: (by_class(30, 6, seed)[0], None), 0.0) < 0.7


@pytest.mark.parametrize("groups", [None, np.zeros(1, int)])
def test_one_query_or_class_says_nothing_of_others(groups):
    assert np.concatenate(mean_interval(np.full((1, 2), 0.7), groups)).tolist() == [0, 0, 1, 1]


def test_resamples_draw_as_many_as_there_are_and_each_as_often():
    counts = resampled_counts(20, 2000)

    assert (counts.sum(axis=1) == 20).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(20), abs=0.1)
    assert counts.var() == pytest.approx(0.95, abs=0.05)
