"""Anomalies: far from everything normal, with a threshold from a few known ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simlab.errors import DataError
from simlab.space._embeddings import Embeddings
from simlab.space._index import Index
from simlab.space.unknown._draws import drawn, widened
from simlab.space.unknown._figures import told, told_html
from simlab.space.unknown._rates import Asked
from simlab.space.unknown._target import Target, as_target

if TYPE_CHECKING:
    import pandas as pd

_METRICS = ("auroc", "recall", "false-accept-rate", "precision")


@dataclass(frozen=True, eq=False, repr=False)
class AnomalyDetector:
    """Tells what lies far from normal items; made by `anomaly_detector`.

    Attributes
    ----------
    index : Index
        The normal items.
    k : int
    target : Target
    threshold : float
        Mean cosine distance to the k nearest normal items, from 0 to 2, from which on an item is
        an anomaly.
    low, high : float
        95% bootstrap interval of the threshold over items; 2 where a draw cannot reach the target.
    usual : ndarray of shape (n,)
        Distances of the normal items to the others, rising.
    frame : pandas.DataFrame
        One row per metric, with a 95% bootstrap interval over items: `auroc`, `recall` (share of
        the known anomalies that are found), `false-accept-rate` (share of normal items that are
        taken for anomalies), `precision` at the expected rate of anomalies. All but `auroc` are
        told of the items that the threshold was chosen on, which flatters them.
    """

    index: Index
    k: int
    target: Target
    threshold: float
    low: float
    high: float
    usual: np.ndarray
    frame: "pd.DataFrame"

    def detect(self, queries: Embeddings) -> "pd.DataFrame":
        """Judge new items.

        Returns
        -------
        pandas.DataFrame
            One row per query: `id`, `distance`, `p_normal` (share of normal items at least as far
            from the others, a conformal p-value) and `is_anomaly`.
        """
        import pandas as pd

        distance = _distances(self.index, queries, self.k)
        as_far = len(self.usual) - np.searchsorted(self.usual, distance)
        return pd.DataFrame(
            {
                "id": queries.items.ids,
                "distance": distance,
                "p_normal": (as_far + 1) / (len(self.usual) + 1),
                "is_anomaly": distance >= self.threshold,
            }
        )

    def __repr__(self) -> str:
        return told(self._title(), self.frame)

    def _title(self) -> str:
        return (
            f"AnomalyDetector for {self.target}: anomalies from distance {self.threshold:.3f} "
            f"[{self.low:.3f}, {self.high:.3f}] on, against {len(self.index):,} normal items"
        )

    def _repr_html_(self) -> str:
        return told_html(self._title(), self.frame, note="bootstrap over items")


def anomaly_detector(
    normal: Embeddings,
    anomalies: Embeddings,
    *,
    target: Mapping[str, float | str],
    k: int = 5,
    rate: float = 0.05,
    seed: int = 0,
) -> AnomalyDetector:
    """Learn from normal items and a few known anomalies from which distance on to raise an alarm.

    The score is the mean cosine distance to the k nearest normal items, so that anomalies need not
    be like each other. Normal items are measured against the others.

    Parameters
    ----------
    normal : Embeddings
        Labels are not needed. They should not have been trained on.
    anomalies : Embeddings
        A few are enough to choose a threshold; the intervals say how little they are.
    target : mapping
        One of `{"recall": 0.9}`, `{"precision": 0.9}`, `{"f1": "best"}` or a number (at least), or
        `{"false-accept-rate": 0.05}`, of normal items taken for anomalies (at most).
    k : int, default=5
        How many normal items are compared with.
    rate : float, default=0.05
        Share of anomalies that is to be expected, in (0, 1]; precision and F1 depend on it.
    seed : int, default=0
        Of the bootstrap.

    Returns
    -------
    AnomalyDetector

    Raises
    ------
    DataError
        A target that cannot be reached, anomalies among the normal items, too few normal items
        for k, or a bad value.
    ChoiceError
        An unknown target.

    References
    ----------
    Kuan, Mueller. *Back to the Basics: Revisiting Out-of-Distribution Detection Baselines*. 2022.
    arXiv:2207.03061 (the mean distance to the nearest neighbors). Bates, Candès, Lei, Romano,
    Sesia. *Testing for Outliers with Conformal p-values*. 2023. arXiv:2104.08279.

    Examples
    --------
    >>> from simlab import embed, encoder, load
    >>> digits = embed(load("striped-digits"), encoder("pixels"), progress=False)
    >>> zeros, fours = (digits.where(label=label) for label in (0, 4))
    >>> detector = anomaly_detector(zeros[:100], fours[:10], target={"recall": 0.9})
    >>> bool(detector.detect(fours[10:])["is_anomaly"].mean() > 0.6)
    True
    """
    if not 0 < rate <= 1:
        raise DataError(f"rate is the expected share of anomalies, in (0, 1]; got {rate!r}")
    wanted = as_target(target, 1 - rate)
    if not 1 <= k < len(normal):
        raise DataError(
            f"k must be from 1 to {len(normal) - 1}, one less than the normal items; got {k}"
        )
    both = set(normal.items.ids.tolist()) & set(anomalies.items.ids.tolist())
    if both:
        raise DataError(
            f"an item is normal or an anomaly; {len(both)} are given as both (first: "
            f"{min(both, key=str)!r}); take them out of one of the two"
        )
    index = Index(normal)
    usual, far = _distances(index, normal, k), _distances(index, anomalies, k)
    is_far = np.arange(len(usual) + len(far)) >= len(usual)
    asked = Asked(np.concatenate([usual, far]), is_far, is_far)
    threshold = wanted.reached(asked.rates())

    def figures(counts: np.ndarray) -> np.ndarray:
        rates = asked.rates(counts)
        here = rates.at(threshold)
        precision = here.precision(1 - rate)[0]
        own = np.nan_to_num(wanted.threshold(rates), nan=2.0)
        return np.array([rates.auroc, here.right[0], here.unknown[0], precision, own])

    value = figures(np.ones(len(is_far)))
    low, high = drawn(figures, np.arange(len(is_far)), is_far, seed=seed)
    wide = widened(value, low, high, min(len(far), len(usual)))
    return AnomalyDetector(
        index=index,
        k=k,
        target=wanted,
        threshold=threshold,
        low=float(low[-1]),
        high=float(high[-1]),
        usual=np.sort(usual),
        frame=_frame(value, *wide),
    )


def _distances(index: Index, queries: Embeddings, k: int) -> np.ndarray:
    found = index.search(queries, k=k, exclude_self=True)
    return 1 - found.similarities.mean(axis=1, dtype=np.float64)


def _frame(value: np.ndarray, low: np.ndarray, high: np.ndarray) -> "pd.DataFrame":
    import pandas as pd

    n = len(_METRICS)
    columns = {"metric": _METRICS, "value": value[:n], "low": low[:n], "high": high[:n]}
    return pd.DataFrame(columns)
