"""Check: what a calibrated index reaches on items whose label is known."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simlab.errors import ChoiceError
from simlab.space._embeddings import Embeddings
from simlab.space.scores._intervals import LEVEL
from simlab.space.unknown._conformal import Conformal
from simlab.space.unknown._draws import drawn, widened
from simlab.space.unknown._figures import told, told_html
from simlab.space.unknown._open_set import open_set_figures
from simlab.space.unknown._rates import Asked
from simlab.space.unknown._trials import UNKNOWN, Trials

if TYPE_CHECKING:
    import pandas as pd

METRICS = (
    "precision",
    "recall",
    "f1",
    "false-accept-rate",
    "accuracy",
    "auroc",
    "fpr@95",
    "oscr",
    "risk-area",
    "overconfidence",
    "brier",
    "set-coverage",
    "set-size",
)
_OF_UNKNOWN = ("false-accept-rate", "auroc", "fpr@95", "oscr")
_NO_SHARES = ("risk-area", "overconfidence", "brier", "set-size")


@dataclass(frozen=True, eq=False, repr=False)
class Check:
    """What a calibrated index reaches; made by `index.check`, and kept by a calibration.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per metric: `metric`, `value`, `low` and `high` (95% bootstrap interval over
        classes), `n` (queries) and `classes`.

        - `precision`: share of right ones among the answers; `recall`: share of queries of known
          classes that are answered rightly; `f1` of both.
        - `false-accept-rate`: share of queries of unknown classes that get an answer.
        - `accuracy`: share of right answers to known classes, if all are answered.
        - `auroc`, `fpr@95`, `oscr`: of the confidence, whatever the threshold is; see
          `open_set_scores`.
        - `risk-area`: mean share of wrong ones among the answers, over all shares of answers.
        - `overconfidence`: mean confidence less the share of right answers (above 0: too sure);
          `brier`: mean squared difference of confidence and rightness, 0 is best.
        - `set-coverage`, `set-size`: of the prediction sets for known classes.
    abstention : pandas.DataFrame
        One row per threshold: `threshold`, `coverage` (share of queries that are answered) and
        `precision` (share of right ones among them). `simlab.views.abstention` draws it.
    per_query : pandas.DataFrame
        One row per question: `id`, `label`, `is_known` (False where the class is not in the
        gallery, or was hidden), `answer`, `confidence`, `is_right`.
    threshold : float
    n_new : int
        Classes that are not among those of the calibration.

    References
    ----------
    Geifman, El-Yaniv. *Selective Classification for Deep Neural Networks*. NeurIPS 2017.
    arXiv:1705.08500 (risk and coverage). Brier. *Verification of Forecasts Expressed in Terms of
    Probability*. Monthly Weather Review 78, 1950.
    """

    frame: "pd.DataFrame"
    abstention: "pd.DataFrame"
    per_query: "pd.DataFrame"
    threshold: float
    n_new: int

    def value(self, metric: str) -> float:
        """Read one figure, for example `check.value("precision")`.

        Raises
        ------
        ChoiceError
            No such metric.
        """
        if metric not in METRICS:
            raise ChoiceError.of("metric", metric, METRICS)
        return float(self.frame.set_index("metric").loc[metric, "value"])

    def __repr__(self) -> str:
        return told(self._title(), self.frame)

    def _title(self) -> str:
        is_known = self.per_query["is_known"]
        n_classes = self.per_query["label"].nunique()
        n_known, n_new = int(is_known.sum()), self.n_new
        return (
            f"Check at threshold {self.threshold:.3f}: {n_known:,} queries of known and "
            f"{len(is_known) - n_known:,} of unknown classes; {n_new} of {n_classes} classes new"
        )

    def _repr_html_(self) -> str:
        return told_html(self._title(), self.frame, note="bootstrap over classes")


def check_of(
    done: Trials,
    queries: Embeddings,
    names: tuple,
    confidence: np.ndarray,
    *,
    threshold: float,
    unknown: float,
    usual: Conformal,
    n_new: int,
    seed: int = 0,
) -> Check:
    """Measure trials at a threshold.

    Parameters
    ----------
    done : Trials
    queries : Embeddings
        Those who asked.
    names : tuple
        Labels of the gallery.
    confidence : ndarray of shape (n,)
        Of each trial.
    threshold, unknown : float
    usual : Conformal
    n_new : int
    seed : int, default=0
        Of the draws.
    """
    import pandas as pd

    asked = Asked(confidence, done.is_known, done.is_right)
    weights = done.weights(unknown)
    inside = usual.sets(done.known.oddness, names)
    n_known = len(inside)
    is_covered = inside[np.arange(n_known), done.own]
    sizes = inside.sum(axis=1)
    surplus = confidence - done.is_right

    def figures(counts: np.ndarray) -> np.ndarray:
        rates = asked.rates(counts)
        here = rates.at(threshold)
        each = counts * weights / (counts @ weights)
        known = counts[:n_known] / counts[:n_known].sum()
        found = [
            here.precision(unknown)[0] if here.answered(unknown)[0] else np.nan,
            here.right[0],
            here.f1(unknown)[0],
            here.unknown[0],
            rates.right[-1],
            *open_set_figures(rates),
            rates.risk_area(unknown),
            each @ surplus,
            each @ surplus**2,
            known @ is_covered,
            known @ sizes,
        ]
        return np.array(found)

    value = figures(np.ones(len(confidence)))
    low, high = drawn(figures, done.units, done.strata, seed=seed)
    wide = widened(value, low, high, len(np.unique(done.units)))
    is_share = ~np.isin(METRICS, _NO_SHARES)
    low, high = (np.where(is_share, *ends) for ends in zip(wide, (low, high), strict=True))
    frame = pd.DataFrame({"metric": METRICS, "value": value, "low": low, "high": high})
    frame["n"] = len(confidence)
    frame["classes"] = len(np.unique(done.units))
    if done.is_known.all():
        frame.loc[frame["metric"].isin(_OF_UNKNOWN), ["value", "low", "high"]] = np.nan
    frame.attrs["level"] = LEVEL
    rates = asked.rates()
    curve = pd.DataFrame(
        {
            "threshold": rates.thresholds,
            "coverage": rates.answered(unknown),
            "precision": rates.precision(unknown),
        }
    )
    said = np.array([*names, None], dtype=object)[done.label]
    per_query = pd.DataFrame(
        {
            "id": queries.items.ids[done.rows],
            "label": np.array(queries.items.labels, dtype=object)[done.rows],
            "is_known": done.is_known,
            "answer": np.where(confidence >= threshold, said, UNKNOWN),
            "confidence": confidence,
            "is_right": done.is_right,
        }
    )
    return Check(frame, curve, per_query, threshold, n_new)
