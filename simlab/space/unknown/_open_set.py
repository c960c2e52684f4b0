"""Open-set metrics: how well unknown classes are told from known ones."""

from typing import TYPE_CHECKING, Any

import numpy as np

from simlab.errors import DataError, ShapeError
from simlab.space.scores._intervals import LEVEL
from simlab.space.unknown._draws import drawn, widened
from simlab.space.unknown._rates import Asked, Rates

if TYPE_CHECKING:
    import pandas as pd


def open_set_scores(
    scores: Any, is_known: Any, is_right: Any = None, *, units: Any = None, seed: int = 0
) -> "pd.DataFrame":
    """Measure how well a score tells known classes from unknown ones, with intervals.

    Parameters
    ----------
    scores : array of shape (n,)
        One per query; higher means rather known.
    is_known : array of shape (n,), bool
        Whether the class of the query is in the gallery.
    is_right : array of shape (n,), bool, optional
        Whether the query's class was found; needed for OSCR.
    units : array of shape (n,), optional
        Classes of the queries: then whole classes are drawn for the interval, as queries of one
        class are alike. By default queries are drawn.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    pandas.DataFrame
        One row per metric: `metric`, `value`, `low` and `high` (95% bootstrap interval), `n`.

        - `auroc`: probability that a known query scores above an unknown one (ties half).
        - `fpr@95`: share of unknown queries accepted where 95% of the known ones are.
        - `oscr`: area under the rate of known queries that are accepted and right, against the
          rate of unknown ones that are accepted; at most the accuracy on known ones.

    Raises
    ------
    ShapeError
        Not one entry per query.
    DataError
        No known or no unknown query, a score that is not finite, or an unknown query that is right.

    References
    ----------
    Hendrycks, Gimpel. *A Baseline for Detecting Misclassified and Out-of-Distribution Examples*.
    2017. arXiv:1610.02136 (AUROC). Liang, Li, Srikant. *Enhancing the Reliability of
    Out-of-distribution Image Detection*. 2018. arXiv:1706.02690 (FPR at 95% TPR). Dhamija,
    Günther, Boult. *Reducing Network Agnostophobia*. NeurIPS 2018. arXiv:1811.04110 (OSCR).

    Examples
    --------
    >>> found = open_set_scores([0.9, 0.8, 0.4, 0.1], [True, True, False, False])
    >>> found[["metric", "value"]].values.tolist()
    [['auroc', 1.0], ['fpr@95', 0.0]]
    """
    import pandas as pd

    scores = np.asarray(scores, dtype=np.float64)
    is_known = np.asarray(is_known, dtype=bool)
    told = is_right is not None
    is_right = np.asarray(is_right, dtype=bool) if told else is_known
    units = np.arange(len(scores)) if units is None else np.unique(units, return_inverse=True)[1]
    _check(scores, is_known, is_right, units)
    asked = Asked(scores, is_known, is_right)
    names = ["auroc", "fpr@95", *(["oscr"] if told else [])]

    def figures(counts: np.ndarray | None = None) -> np.ndarray:
        return open_set_figures(asked.rates(counts))[: len(names)]

    value = figures()
    strata = np.bincount(units, is_known)[units] > 0
    low, high = widened(value, *drawn(figures, units, strata, seed=seed), len(np.unique(units)))
    frame = pd.DataFrame({"metric": names, "value": value, "low": low, "high": high})
    frame["n"] = len(scores)
    frame.attrs["level"] = LEVEL
    return frame


def open_set_figures(rates: Rates) -> np.ndarray:
    """Compute AUROC, FPR@95 and OSCR, shape (3,)."""
    return np.array([rates.auroc, rates.fpr_at_95, rates.oscr])


def _check(
    scores: np.ndarray, is_known: np.ndarray, is_right: np.ndarray, units: np.ndarray
) -> None:
    shapes = {scores.shape, is_known.shape, is_right.shape, units.shape}
    if len(shapes) > 1 or scores.ndim != 1:
        raise ShapeError(
            "open-set scores need one entry per query in each array; got shapes "
            f"{scores.shape}, {is_known.shape}, {is_right.shape}, {units.shape}"
        )
    if not np.isfinite(scores).all():
        raise DataError("scores must be finite; got NaN or infinity; leave these queries out")
    if is_known.all() or not is_known.any():
        raise DataError(
            f"open-set scores need known and unknown queries; got {int(is_known.sum())} known of "
            f"{len(scores)}"
        )
    if (is_right & ~is_known).any():
        raise DataError("no answer to a query of an unknown class is right; got one that is")
