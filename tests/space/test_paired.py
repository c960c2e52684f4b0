"""Paired tests: false alarms and coverage as often as they say, and a slow version of both."""

from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from simlab.errors import ChoiceError, DataError
from simlab.items import Items
from simlab.space import Embeddings, mean_of_seeds, paired, score
from simlab.space.scores._intervals import bootstrap_interval, expanded_level
from simlab.space.scores._paired import compared, holm

REPETITIONS = 500


def alone(rng, n=60):
    """Draw differences of queries that have nothing to do with each other."""
    return rng.normal(size=n), None


def skewed(rng, n=80):
    """Draw differences as recall@1 has them: mostly none."""
    return rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=n), None


def in_classes(rng, n_classes=25):
    """Draw differences that classes share, of classes of different sizes."""
    classes = np.repeat(np.arange(n_classes), rng.integers(3, 9, size=n_classes))
    shared = rng.normal(size=n_classes)[classes]
    return shared + 0.5 * rng.normal(size=len(classes)), classes


@cache
def repeated(draw):
    """Test freshly drawn differences, whose true mean is 0, many times."""
    found = []
    for seed in range(REPETITIONS):
        values, classes = draw(np.random.default_rng(seed))
        found += compared(values[:, None], classes, draws=1000, seed=seed)
    return pd.DataFrame(found)


@pytest.mark.parametrize("draw", [alone, skewed, in_classes])
def test_spaces_that_do_not_differ_are_told_apart_in_one_of_twenty_cases(draw):
    rate = (repeated(draw)["p"] < 0.05).mean()

    assert 0.03 <= rate <= 0.07


@pytest.mark.parametrize("draw", [alone, skewed, in_classes])
def test_the_interval_holds_the_true_difference_in_nineteen_of_twenty_cases(draw):
    found = repeated(draw)
    rate = ((found["low"] <= 0) & (found["high"] >= 0)).mean()

    assert 0.92 <= rate <= 0.98


def test_drawing_queries_of_classes_that_stick_together_cries_wolf():
    def unaware(rng):
        return in_classes(rng)[0], None

    assert (repeated(unaware)["p"] < 0.05).mean() > 0.2


def slow_p(values, classes):
    """Turn the signs of whole classes in every way, one by one."""
    names = sorted(set(classes))
    observed, ways = abs(sum(values)), list(product([1, -1], repeat=len(names)))
    as_far = 0
    for way in ways:
        sign = dict(zip(names, way, strict=True))
        total = sum(sign[name] * value for name, value in zip(classes, values, strict=True))
        as_far += abs(total) >= observed - 1e-9
    return as_far / len(ways)


@pytest.mark.parametrize("seed", range(4))
def test_p_is_that_of_turning_every_sign_one_by_one(seed):
    values, classes = in_classes(np.random.default_rng(seed), n_classes=11)
    expected = slow_p(values, classes)
    [all_ways] = compared(values[:, None], classes)
    [random_ways] = compared(values[:, None], classes, draws=2000)

    assert all_ways["p"] == pytest.approx(expected)
    assert random_ways["p"] == pytest.approx(expected, abs=0.04)


def test_the_interval_is_that_of_drawing_classes_one_by_one():
    values, classes = in_classes(np.random.default_rng(3))
    rng, n = np.random.default_rng(1), classes.max() + 1
    means = []
    for _ in range(4000):
        drawn = [values[classes == one] for one in rng.integers(n, size=n)]
        means.append(np.concatenate(drawn).mean())
    tail = (1 - expanded_level(n)) / 2
    [found] = compared(values[:, None], classes)

    assert [found["low"], found["high"]] == pytest.approx(
        np.quantile(means, [tail, 1 - tail]), abs=0.05
    )


def test_few_units_widen_the_interval():
    values = np.random.default_rng(0).normal(size=(6, 1))
    [found] = compared(values, None)
    low, high = bootstrap_interval(values)

    assert found["high"] - found["low"] > 1.2 * (high - low)[0]


def test_of_one_class_nothing_is_known():
    [found] = compared(np.ones((9, 1)), np.zeros(9, dtype=int))

    assert (found["p"], found["low"], found["high"]) == (1, -np.inf, np.inf)


def test_equal_spaces_differ_by_nothing():
    [found] = compared(np.zeros((50, 1)), None)

    assert found == {"difference": 0, "low": 0, "high": 0, "p": 1, "n_units": 50}


def test_columns_are_tested_as_if_each_were_alone():
    values = np.random.default_rng(0).normal([0, 0.3, 1], size=(40, 3))

    together = pd.DataFrame(compared(values, None))
    alone = pd.DataFrame([compared(one[:, None], None)[0] for one in values.T])

    pd.testing.assert_frame_equal(together, alone)


# -- many comparisons -----------------------------------------------------------------------


def slow_holm(p):
    """Reject step by step, as in the paper; the level at which each is first rejected."""
    corrected, reached = {}, 0.0
    for step, at in enumerate(sorted(range(len(p)), key=lambda at: p[at])):
        reached = max(reached, (len(p) - step) * p[at])
        corrected[at] = min(reached, 1)
    return [corrected[at] for at in range(len(p))]


@given(arrays(np.float64, st.integers(0, 12), elements=st.floats(0, 1)))
def test_the_correction_is_that_of_the_paper(p):
    assert holm(p).tolist() == pytest.approx(slow_holm(p.tolist()))


def test_of_twenty_spaces_that_do_not_differ_one_is_rarely_called_better():
    alarms = 0
    for seed in range(100):
        values = np.random.default_rng(seed).normal(size=(60, 20))
        p = np.array([one["p"] for one in compared(values, None, draws=1000, seed=seed)])
        alarms += bool((holm(p) < 0.05).any())

    assert alarms / 100 <= 0.09


# -- of scores ------------------------------------------------------------------------------


def space(noise, seed=0, n_labels=12, known="unseen"):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(n_labels), 5)
    vectors = np.eye(n_labels)[labels] + noise * rng.normal(size=(len(labels), n_labels))
    items = Items.from_arrays(vectors, labels=labels, ids=[f"q{at}" for at in range(len(labels))])
    if known != "all":
        items = items.with_column("seen", np.full(len(labels), known == "seen"))
    return Embeddings(vectors, items)


def scores(**noises):
    return {name: score(space(noise)) for name, noise in noises.items()}


def test_the_difference_is_that_of_the_values():
    found = scores(clean=0.2, noisy=0.9)
    frame = paired(found, metric="recall@1")
    expected = found["noisy"].value("recall@1") - found["clean"].value("recall@1")

    assert frame["difference"].tolist() == pytest.approx([expected])
    assert frame["verdict"].tolist() == ["worse"]


def test_the_baseline_can_be_chosen():
    frame = paired(scores(clean=0.2, noisy=0.9), against="noisy")

    assert dict(zip(frame["space"], frame["verdict"], strict=True)) == {"clean": "better"}


def test_words_follow_the_corrected_test():
    found = scores(**{f"space {at}": 0.4 + 0.01 * at for at in range(10)})
    frame = paired(found)
    is_sure = frame["p_corrected"] < 0.05

    assert frame["p_corrected"].tolist() == pytest.approx(slow_holm(frame["p"].tolist()))
    assert set(frame["verdict"][~is_sure]) <= {"no difference seen"}
    assert set(frame["verdict"][is_sure]) <= {"worse", "better"}
    assert 0 < is_sure.sum() < 9


@pytest.mark.parametrize(
    ("known", "unit", "n_units"),
    [("unseen", "classes", 12), ("seen", "queries", 60), ("all", "queries", 60)],
)
def test_the_unit_is_the_one_that_score_draws(known, unit, n_units):
    found = {name: score(space(noise, known=known)) for name, noise in [("a", 0.2), ("b", 0.9)]}
    [row] = paired(found).to_dict("records")

    assert (row["classes"], row["unit"], row["n_units"]) == (known, unit, n_units)
    assert set(found["a"].frame["unit"]) == {unit}


def test_a_class_that_any_space_has_seen_counts_as_seen():
    found = {"a": score(space(0.2, known="all")), "b": score(space(0.9, known="seen"))}

    assert paired(found)["classes"].tolist() == ["seen"]


def test_one_space_alone_has_nothing_to_be_compared_with():
    assert paired(scores(alone=0.5)).empty


def test_a_table_without_rows_has_its_columns():
    assert "verdict" in paired(scores(alone=0.5))


# -- seeds ----------------------------------------------------------------------------------


def test_queries_are_averaged_over_seeds_and_the_spread_is_told():
    each = [score(space(0.6, seed=seed)) for seed in range(3)]
    mean = mean_of_seeds(each)
    values = [one.value("map@r") for one in each]
    row = mean.frame.set_index("metric").loc["map@r"]

    assert row["value"] == pytest.approx(np.mean(values))
    assert row["spread"] == pytest.approx(np.std(values, ddof=1))
    np.testing.assert_allclose(
        mean.per_query["map@r"], np.mean([one.per_query["map@r"] for one in each], axis=0)
    )


def test_one_seed_stays_as_it_is():
    one = score(space(0.5))

    assert mean_of_seeds([one]) is one


def test_metrics_without_a_value_per_query_are_left_out_of_seeds():
    found = mean_of_seeds([score(space(noise), metrics=["auc", "mrr"]) for noise in (0.4, 0.6)])

    assert found.frame["metric"].tolist() == ["mrr"]
    assert found.frame["spread"].notna().all()


# -- bad input ------------------------------------------------------------------------------


def pairs():
    items = Items.from_pairs(["a", "b", "c"], ["d", "e", "f"], scores=[0.0, 0.5, 1.0])
    return score(Embeddings(np.random.default_rng(0).normal(size=(len(items), 3)), items))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (dict, "needs at least one space; got none"),
        (lambda: {"pairs": pairs()}, "'pairs' was scored by pairs"),
        (
            lambda: {"all": score(space(0.5)), "half": score(space(0.5)[:30])},
            r"the ids of 'half' \(30 queries\) differ from those of 'all' \(60 queries\)",
        ),
    ],
)
def test_what_cannot_be_paired(found, told):
    with pytest.raises(DataError, match=told):
        paired(found())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"against": "nois"}, "Did you mean 'noisy'"), ({"metric": "map"}, "Did you mean 'map@r'")],
)
def test_a_baseline_or_metric_that_is_not_there(wrong, told):
    with pytest.raises(ChoiceError, match=told):
        paired(scores(clean=0.2, noisy=0.9), **wrong)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (list, "at least one run; got none"),
        (lambda: [pairs(), pairs()], "2 scores of pairs cannot be averaged"),
        (lambda: [score(space(0.5)), score(space(0.5)[:30])], "needs the same queries"),
    ],
)
def test_what_cannot_be_averaged(found, told):
    with pytest.raises(DataError, match=told):
        mean_of_seeds(found())
