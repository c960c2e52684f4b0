"""Calibration: thresholds that reach a target, confidence that is true, and no cheating."""

import re
import warnings
from dataclasses import dataclass

import numpy as np
import pytest

import simlab as sl
from simlab.errors import ChoiceError, DataError, SimlabWarning
from simlab.items import Items
from simlab.space import Embeddings, Index
from simlab.space.unknown._answers import answers
from simlab.space.unknown._conformal import conformal
from simlab.space.unknown._target import as_target
from simlab.space.unknown._trials import trials

DIM = 16
BLURRED = {"embeddings": "blurred", "target": {"precision": 0.95}}


def blobs(labels, n, seed, *, noise=0.22, first=0, source=None, **columns):
    """Draw `n` items around the center of each label; equal labels have equal centers."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.asarray(labels), n)
    centers = np.stack([np.random.default_rng(label).normal(size=DIM) for label in labels])
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    vectors = centers + noise * rng.normal(size=centers.shape)
    items = Items.from_arrays(vectors, labels=labels, ids=range(first, first + len(labels)))
    for name, values in columns.items():
        items = items.with_column(name, values)
    return Embeddings(vectors, items, source)


@pytest.fixture(scope="module")
def index():
    return Index(blobs(range(30), 4, 0))


@pytest.fixture(scope="module")
def held():
    return blobs(range(30), 10, 1, first=1000)


@pytest.fixture(scope="module")
def calibrated(index, held):
    return index.calibrate(held, target={"precision": 0.95})


@dataclass(frozen=True)
class Trained:
    """What a run tells of itself."""

    seen_labels: frozenset
    name: str = "trained"
    fingerprint: str = "trained"


# -- thresholds -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("precision", [0.6, 0.8, 0.9, 0.95, 0.99]),
        ("f1", [0.3, 0.5, 0.7, 0.75]),
        ("false-accept-rate", [0.3, 0.1, 0.03, 0.01]),
        ("recall", [0.8, 0.7, 0.5, 0.2]),
    ],
)
def test_the_threshold_is_monotone_in_the_target(index, held, metric, values):
    at = [index.calibrate(held, target={metric: value}).calibration.threshold for value in values]

    assert at == sorted(at)
    assert at[0] < at[-1]


@pytest.mark.parametrize(
    ("metric", "value", "sign"),
    [("precision", 0.95, 1), ("recall", 0.6, 1), ("false-accept-rate", 0.02, -1)],
)
def test_the_target_is_reached_and_just_so(index, held, metric, value, sign):
    reached = index.calibrate(held, target={metric: value}).calibration.reached.value(metric)

    assert sign * (reached - value) >= -1e-9
    assert abs(reached - value) < 0.02


def test_the_best_f1_is_that_of_a_slow_search(index, held):
    calibration = index.calibrate(held, target={"f1": "best"}).calibration
    asked = calibration.reached.per_query
    found = {}
    for threshold in asked["confidence"].unique():
        answered = asked[asked["confidence"] >= threshold]
        precision = answered["is_right"].mean()  # as many unknown as known: half and half
        recall = answered["is_right"].sum() / asked["is_known"].sum()
        found[threshold] = 2 * precision * recall / max(precision + recall, 1e-12)

    assert calibration.reached.value("f1") == pytest.approx(max(found.values()))
    assert found[calibration.threshold] == pytest.approx(max(found.values()))


def test_the_interval_holds_the_threshold_and_narrows_with_more_classes():
    widths = []
    for n_classes in (12, 120):
        index = Index(blobs(range(n_classes), 4, 0))
        held = blobs(range(n_classes), 6, 1, first=5000)
        one = index.calibrate(held, target={"false-accept-rate": 0.1}).calibration
        assert one.low <= one.threshold <= one.high
        widths.append(one.high - one.low)

    assert widths[1] < widths[0] / 1.5


def test_a_cautious_threshold_holds_on_new_items_where_a_plain_one_often_does_not():
    index, target = Index(blobs(range(40), 3, 0)), {"false-accept-rate": 0.05}
    new = trials(index, blobs(range(40), 50, 1000, first=9000), 10, unknown=0.5)
    held_to = {"plain": 0, "cautious": 0}
    for seed in range(1, 21):
        one = index.calibrate(blobs(range(40), 4, seed, first=1000), target=target).calibration
        sure = one.confidence(new.evidence[~new.is_known])
        for name, threshold in {"plain": one.threshold, "cautious": one.high}.items():
            held_to[name] += (sure >= threshold).mean() <= target["false-accept-rate"]

    assert held_to["cautious"] >= 17
    assert held_to["plain"] <= 14


@pytest.mark.parametrize(("metric", "end"), [("false-accept-rate", "high"), ("recall", "low")])
def test_a_cautious_threshold_is_the_stricter_end_of_the_interval(index, held, metric, end):
    plain, cautious = (
        index.calibrate(held, target={metric: 0.1}, cautious=careful).calibration
        for careful in (False, True)
    )

    assert cautious.threshold == getattr(plain, end)
    assert str(cautious.target).endswith("0.1, cautiously")


def test_a_target_that_cannot_be_reached_names_the_best_there_is():
    noise = blobs(range(10), 6, 0, noise=3.0)
    index, held = Index(noise), blobs(range(10), 6, 1, noise=3.0, first=500)

    with pytest.raises(
        DataError, match=r"no threshold reaches f1 ≥ 0.9 .* best there is: f1 0\.\d"
    ):
        index.calibrate(held, target={"f1": 0.9})


def test_more_unknown_queries_lower_the_precision_and_the_confidence(index, held):
    few, many = (
        index.calibrate(held, target={"recall": 0.8}, unknown=share).calibration
        for share in (0.1, 0.9)
    )

    assert few.reached.value("precision") > many.reached.value("precision") + 0.02
    per_few, per_many = few.reached.per_query, many.reached.per_query
    assert per_few["confidence"].mean() > per_many["confidence"].mean() + 0.2


# -- confidence and prediction sets -------------------------------------------------------------


def test_confidence_is_the_share_of_right_answers(index, held):
    calibrated = index.calibrate(held, target={"f1": "best"})
    asked = calibrated.check(blobs(range(30), 100, 2, first=10_000)).per_query
    asked = asked.sort_values("confidence")
    groups = asked.groupby(np.arange(len(asked)) * 10 // len(asked))
    errors = (groups["confidence"].mean() - groups["is_right"].mean()).abs()  # of each tenth

    assert np.mean(errors) < 0.04


@pytest.mark.parametrize("per_label", [5, 25], ids=["pooled", "per label"])
def test_prediction_sets_cover_as_often_as_they_say(per_label):
    coverage, covered, of_label = 0.9, [], []
    for seed in range(300):
        gallery, held, new = (
            blobs(range(4), n, 3 * seed + place, noise=0.4)
            for place, n in enumerate((5, per_label, 30))
        )
        codes = np.repeat(np.arange(4), 5)
        said = [answers(one.unit, gallery.unit, codes, 5) for one in (held, new)]
        own = [one.items.label_codes for one in (held, new)]
        odd = said[0].oddness[np.arange(len(held)), own[0]]
        usual = conformal(odd, own[0], said[0].similarities[:, 0], coverage)
        assert bool(usual.by_label) == (per_label == 25)
        inside = usual.sets(said[1].oddness, range(4))[np.arange(len(new)), own[1]]
        covered.append(inside.mean())
        of_label.append([inside[own[1] == label].mean() for label in range(4)])

    assert coverage - 0.01 <= np.mean(covered) <= coverage + 0.05
    if per_label == 25:
        assert (np.mean(of_label, axis=0) >= coverage - 0.015).all()


def test_a_label_is_in_the_set_exactly_where_its_p_value_exceeds_the_level():
    rng = np.random.default_rng(0)
    usual = conformal(rng.random(57), np.zeros(57), rng.random(57), 0.85)
    oddness = rng.random(200)

    inside = usual.sets(oddness[:, None], ["a"])[:, 0]

    assert np.array_equal(inside, usual.p_label(oddness, ["a"] * 200) > 0.15)


def test_p_values_of_familiarity_are_small_for_known_queries_as_rarely_as_they_say(calibrated):
    found = calibrated.classify(blobs(range(30), 60, 3, first=20_000)).frame
    strange = calibrated.classify(blobs(range(100, 130), 60, 4, first=40_000)).frame

    assert 0.05 <= (found["p_known"] <= 0.1).mean() <= 0.15
    assert (strange["p_known"] <= 0.1).mean() > 0.5


# -- checks -------------------------------------------------------------------------------------


def test_new_classes_are_checked_and_the_target_holds_within_its_interval():
    index = Index(blobs(range(60), 4, 0))
    held = blobs(range(60), 8, 1, first=1000)
    calibrated = index.calibrate(held, target={"precision": 0.9})
    new = Index(blobs(range(60, 120), 4, 5), calibration=calibrated.calibration)

    check = new.check(blobs(range(60, 120), 8, 6, first=9000))
    precision = check.frame.set_index("metric").loc["precision"]

    assert check.n_new == 60
    assert precision["low"] <= 0.9 <= precision["high"]


def test_strangers_among_the_items_count_as_unknown(index):
    both = blobs([*range(30), *range(200, 230)], 5, 7, first=3000)
    reached = index.calibrate(both, target={"f1": "best"}).calibration.reached.per_query

    assert reached["is_known"].sum() == 150
    assert (~reached["is_known"]).sum() == 300  # as many hidden ones, and as many strangers
    assert set(reached.loc[~reached["is_known"], "label"]) == {*range(30), *range(200, 230)}


def test_a_hidden_class_never_answers(calibrated):
    asked = calibrated.calibration.reached.per_query
    hidden = asked[~asked["is_known"]]

    assert (hidden["answer"] != hidden["label"]).all()
    assert not hidden["is_right"].any()


def test_without_unknown_queries_nothing_is_told_of_them(index):
    trained = Trained(frozenset(range(30)))
    index = Index(Embeddings(index.embeddings.vectors, index.embeddings.items, trained))
    held = blobs(range(30), 5, 1, first=1000, source=trained)
    with pytest.warns(SimlabWarning, match="150 of 150 items are of classes that training saw"):
        reached = index.calibrate(held, target={"recall": 0.5}, unknown=0).calibration.reached

    assert np.isnan(reached.value("auroc"))
    assert reached.value("accuracy") > 0.5


def test_where_nothing_is_answered_precision_is_not_told(calibrated):
    strange = calibrated.add(blobs([99], 4, 2, first=8000))
    queries = Embeddings(
        -strange.embeddings.vectors[-4:],
        Items.from_arrays(strange.embeddings.vectors[-4:], labels=[99] * 4, ids=range(8500, 8504)),
    )
    check = strange.check(queries)

    assert np.isnan(check.value("precision"))
    assert check.value("recall") == 0
    assert check.frame["high"][1] > 0.9  # of one class nothing is certain


def test_a_check_shows_its_figures_and_reads_them(calibrated):
    check = calibrated.check(blobs(range(30), 5, 8, first=7000))

    assert check.value("precision") == check.frame["value"][0]
    with pytest.raises(ChoiceError, match="Did you mean 'precision'"):
        check.value("precison")
    assert re.search(r"precision 0\.\d{3}  \[", repr(check))
    assert "<td>false-accept-rate</td>" in check._repr_html_()
    assert "precision ≥ 0.95" in repr(calibrated.calibration)
    assert "fitted on" in calibrated.calibration._repr_html_()
    assert check.abstention["coverage"].is_monotonic_increasing
    assert (check.frame["low"] <= check.frame["value"]).all()
    assert (check.frame["value"] <= check.frame["high"]).all()


# -- honesty ------------------------------------------------------------------------------------


def test_items_of_the_gallery_cannot_calibrate_it(index):
    with pytest.raises(DataError, match=r"find themselves.*120 of 120.*first: 0"):
        index.calibrate(index.embeddings, target={"precision": 0.9})

    assert index.calibration is None


def test_items_of_the_calibration_cannot_check_it(calibrated, held):
    with pytest.raises(DataError, match="flatter it; 5 of 5"):
        calibrated.check(held[:5])


def trained_index(seen):
    source = Trained(frozenset(seen))
    gallery = blobs(range(30), 4, 0)
    return Index(Embeddings(gallery.vectors, gallery.items, source)), source


def test_items_that_were_trained_on_are_refused():
    index, source = trained_index(range(15))
    held = blobs(range(30), 5, 1, first=900, source=source, split=["train"] * 75 + ["test"] * 75)

    with pytest.raises(DataError, match="75 of 150 are of the split 'train'"):
        index.calibrate(held, target={"f1": "best"})


def test_classes_that_training_saw_are_never_taken_for_unknown():
    index, source = trained_index(range(15))
    held = blobs([*range(30), 400], 5, 1, first=900, source=source)
    with pytest.warns(SimlabWarning, match="75 of 155 items are of classes that training") as told:
        asked = index.calibrate(held, target={"f1": "best"}).calibration.reached.per_query

    assert told[0].filename == __file__  # it points at the line of the user
    assert set(asked.loc[~asked["is_known"], "label"]) == {*range(15, 30), 400}


@pytest.mark.filterwarnings("ignore::simlab.errors.SimlabWarning")
def test_unknown_classes_cannot_be_measured_by_classes_that_training_saw():
    index, source = trained_index(range(30))

    with pytest.raises(DataError, match="classes that training never saw are needed"):
        index.calibrate(blobs(range(30), 5, 1, first=900, source=source), target={"f1": "best"})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"target": {"precision": 1.5}}, r"in \[0, 1\]; got 1.5"),
        ({"target": {"precision": "best"}}, r"share in \[0, 1\]; got 'best'"),
        ({"target": {"f1": "most"}}, 'or "best"'),
        ({"target": {}}, "one metric"),
        ({"target": "precision"}, "one metric"),
        ({"unknown": 1}, "share of queries of unknown classes"),
        ({"coverage": 1.0}, "coverage must be"),
        ({"cautious": True}, "F1 has no stricter end"),
        ({**BLURRED, "cautious": True}, "too few for precision ≥ 0.95, cautiously"),
        ({"k": 0}, "k must be at least 1"),
        ({"embeddings": "few"}, "at least 20 items; got 5"),
        ({"embeddings": "strangers"}, "none of 50 is; put other items"),
    ],
)
def test_bad_input_is_named(index, held, change, told):
    change = dict(change)
    others = {
        "few": held[:5],
        "strangers": blobs(range(50, 60), 5, 1, first=900),
        "blurred": blobs(range(30), 2, 1, noise=0.6, first=900),
    }
    held = others.get(change.pop("embeddings", None), held)

    with pytest.raises(DataError, match=told):
        index.calibrate(held, **{"target": {"f1": "best"}, **change})


def test_an_unknown_target_names_those_there_are():
    with pytest.raises(ChoiceError, match="Did you mean 'precision'"):
        as_target({"precison": 0.9}, 0.5)


def test_labels_are_needed_on_both_sides(index, held):
    bare = Embeddings(held.vectors, Items.from_arrays(held.vectors, ids=range(900, 1200)))

    with pytest.raises(DataError, match="300 of 300 have none"):
        index.calibrate(bare, target={"f1": "best"})
    with pytest.raises(DataError, match="the gallery; it has none"):
        Index(bare).calibrate(held, target={"f1": "best"})
    with pytest.raises(DataError, match="begin with index"):
        index.check(held)


def test_calibrating_twice_gives_the_same_and_no_warning(index, held, calibrated):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = index.calibrate(held, target={"precision": 0.95}).calibration

    assert again.reached.frame.equals(calibrated.calibration.reached.frame)
    assert (again.low, again.high) == (calibrated.calibration.low, calibrated.calibration.high)


# -- a real set ---------------------------------------------------------------------------------


def test_digits_never_seen_are_rejected_as_the_calibration_says():
    digits = sl.embed(sl.load("striped-digits"), sl.encoder("pixels"), progress=False)
    halves = digits.items.split(by="label", test=0.5, seed=0)
    first, second = (digits[halves.rows_where(split=name)] for name in ("train", "test"))
    parts = first.items.split(by="item", test=0.5, seed=0)
    gallery, held = (first[parts.rows_where(split=name)] for name in ("train", "test"))
    calibrated = Index(gallery).calibrate(held, target={"false-accept-rate": 0.05})

    found = calibrated.classify(second)  # digits that neither gallery nor calibration knows

    assert found.is_unknown.mean() > 0.9
    assert (~calibrated.classify(held).is_unknown).mean() > 0.3
