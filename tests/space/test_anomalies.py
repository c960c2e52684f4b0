"""Anomalies: a threshold on the distance to what is normal, from a few known ones."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from simlab.errors import DataError
from simlab.items import Items
from simlab.space import Embeddings, anomaly_detector


def cloud(n, spread, seed, first=0):
    vectors = np.eye(8)[0] + spread * np.random.default_rng(seed).normal(size=(n, 8))
    return Embeddings(vectors, Items.from_arrays(vectors, ids=range(first, first + n)))


@pytest.fixture
def normal():
    return cloud(300, 0.1, 0)


@pytest.fixture
def odd():
    return cloud(12, 0.3, 1, first=1000)


def test_distances_and_auroc_agree_with_scikit_learn(normal, odd):
    detector = anomaly_detector(normal, odd, target={"recall": 0.9}, k=4)
    theirs = NearestNeighbors(n_neighbors=4, metric="cosine").fit(normal.vectors)
    far = theirs.kneighbors(odd.vectors)[0].mean(axis=1)
    usual = theirs.kneighbors()[0].mean(axis=1)  # without themselves
    truth = np.arange(312) >= 300

    assert np.allclose(detector.detect(odd)["distance"], far, atol=1e-5)
    auroc = detector.frame.set_index("metric").loc["auroc"]
    assert auroc["value"] == pytest.approx(
        roc_auc_score(truth, np.concatenate([usual, far])), abs=1e-6
    )
    assert auroc["low"] <= auroc["value"] <= auroc["high"]


def test_the_threshold_holds_on_new_items(normal, odd):
    detector = anomaly_detector(normal, odd, target={"false-accept-rate": 0.05})
    alarms = detector.detect(cloud(2000, 0.1, 2, first=5000))
    found = detector.detect(cloud(500, 0.3, 3, first=9000))

    assert 0.02 < alarms["is_anomaly"].mean() < 0.09
    assert 0.02 < (alarms["p_normal"] <= 0.05).mean() < 0.09
    assert found["is_anomaly"].mean() > 0.6


@pytest.mark.parametrize("metric", ["recall", "false-accept-rate"])
def test_a_stricter_target_moves_the_threshold_one_way(normal, odd, metric):
    at = [anomaly_detector(normal, odd, target={metric: value}).threshold for value in (0.3, 0.7)]

    assert at[0] > at[1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rate": 0}, "share of anomalies"),
        ({"k": 300}, "from 1 to 299"),
        ({"target": {"precision": 1.0}, "rate": 0.001, "odd": "inside"}, "the best there is"),
        ({"odd": "same"}, "normal or an anomaly; 5"),
    ],
)
def test_what_cannot_be_learned_is_refused(normal, odd, change, told):
    change = dict(change)
    others = {"inside": cloud(12, 0.02, 4, first=1000), "same": normal[:5]}
    odd = others.get(change.pop("odd", None), odd)

    with pytest.raises(DataError, match=told):
        anomaly_detector(normal, odd, **{"target": {"recall": 0.5}, **change})


def test_a_detector_shows_its_threshold_and_what_it_reaches(normal, odd):
    detector = anomaly_detector(normal, odd, target={"recall": 0.9})

    assert "300 normal items" in repr(detector)
    assert "<td>auroc</td>" in detector._repr_html_()
