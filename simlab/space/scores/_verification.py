"""Metrics of pairs: how well one threshold tells alike from unlike, with intervals."""

from collections.abc import Sequence

import numpy as np

from simlab.space.scores._intervals import RESAMPLES, expanded_level, resampled_counts

_BINS = 128
"""Of similarities, for alike and for unlike pairs, in the resamples."""


def verification_rates(
    similarity: np.ndarray,
    is_alike: np.ndarray,
    ends: np.ndarray,
    metrics: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, tuple[float, float, float]]:
    r"""Rate the decision "alike if the similarity is at least t" over some pairs.

    - `auc`: area under the ROC curve, the chance that an alike pair is nearer than an unlike one.
    - `average-precision`: :math:`\sum_t (R_t - R_{t-1}) P_t` over falling thresholds t.
    - `best-f1`, `best-accuracy`: the largest at any threshold; `best-f1-threshold` and
      `best-accuracy-threshold`: there (infinite where accepting no pair is best). The threshold is
      chosen on the pairs that it is rated on: `Index.calibrate` chooses and checks on others.

    The interval is a bootstrap over items (or classes): pairs that share an item are not
    independent. A pair counts as often as both its ends are drawn, to first order (the Hájek
    projection): :math:`c_a + c_b - 1` times if they were drawn :math:`c_a` and :math:`c_b` times.

    Parameters
    ----------
    similarity : ndarray of shape (p,)
        Of each pair.
    is_alike : ndarray of shape (p,), bool
        What is to be told from it; both must occur.
    ends : ndarray of shape (p, 2), int
        What is drawn for each end: an item or its class; -1 for what is not drawn.
    metrics : sequence of str
    resamples : int, default=1000
    seed : int, default=0

    Returns
    -------
    dict of str to (value, low, high)

    References
    ----------
    Bickel, Freedman. *Some asymptotic theory for the bootstrap*. 1981, section 3 (U-statistics).

    Examples
    --------
    >>> pairs = np.array([[0, 1], [0, 2], [1, 2]])
    >>> similarity, is_alike = np.array([0.9, 0.2, 0.1]), np.array([True, False, False])
    >>> verification_rates(similarity, is_alike, pairs, ["auc"])["auc"][0]
    1.0
    """
    is_alike = is_alike.astype(bool)
    levels, place = np.unique(-similarity, return_inverse=True)
    values = _rates(*_counted(place, is_alike, len(levels)), -levels)
    edges = np.unique(
        np.concatenate(
            [
                np.quantile(-similarity[chosen], np.linspace(0, 1, _BINS))
                for chosen in (is_alike, ~is_alike)
            ]
        )
    )
    place = np.searchsorted(edges, -similarity)
    _, ends = np.unique(np.concatenate([[-1], ends.ravel()]), return_inverse=True)
    ends = ends[1:].reshape(-1, 2) - 1
    drawn = resampled_counts(int(ends.max()) + 1, resamples, seed)  # (resamples, units)
    alike, unlike = (
        _drawn(drawn, place[chosen], ends[chosen], len(edges)) for chosen in (is_alike, ~is_alike)
    )
    coarse = _rates(*_counted(place, is_alike, len(edges)), -edges)
    resampled = _rates(alike, unlike, -edges)
    level = expanded_level(drawn.shape[1])
    found = {}
    for name in metrics:
        value, low, high = _with_interval(
            float(values[name]), float(coarse[name]), resampled[name], level
        )
        is_share = not name.endswith("threshold")
        found[name] = (value, max(low, 0.0), min(high, 1.0)) if is_share else (value, low, high)
    return found


def _with_interval(
    value: float, coarse: float, resampled: np.ndarray, level: float
) -> tuple[float, float, float]:
    """Give a value its interval: that of the coarse value, moved."""
    ordered = np.sort(resampled[~np.isnan(resampled)])  # NaN: no pair of one kind was drawn
    tail = (1 - level) / 2 * (len(ordered) - 1)
    low, high = ordered[int(np.floor(tail))], ordered[-1 - int(np.floor(tail))]
    shift = value - coarse if np.isfinite([value, coarse]).all() else 0.0
    return value, float(low + shift), float(high + shift)


def _counted(place: np.ndarray, is_alike: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Count alike and unlike pairs at each level of similarity, the highest first."""
    return (
        np.bincount(place[is_alike], minlength=n).astype(float),
        np.bincount(place[~is_alike], minlength=n).astype(float),
    )


def _drawn(drawn: np.ndarray, place: np.ndarray, ends: np.ndarray, n: int) -> np.ndarray:
    """Count the pairs at each level in each resample."""
    units = drawn.shape[1]

    def table(chosen: np.ndarray, end: int) -> np.ndarray:
        cell = ends[chosen, end] * n + place[chosen]
        return np.bincount(cell, minlength=units * n).reshape(units, n).astype(float)

    is_across = (ends[:, 0] != ends[:, 1]) & (ends >= 0).all(axis=1)
    across = table(is_across, 0) + table(is_across, 1)
    return drawn @ (across + table(~is_across, 0)) - across.sum(axis=0) / 2


def _rates(alike: np.ndarray, unlike: np.ndarray, levels: np.ndarray) -> dict[str, np.ndarray]:
    """Rate every threshold by the pairs at each level, (..., levels), the highest level first."""
    right, wrong = np.cumsum(alike, axis=-1), np.cumsum(unlike, axis=-1)
    n_alike, n_unlike = right[..., -1:], wrong[..., -1:]
    with np.errstate(invalid="ignore", divide="ignore"):  # of a resample without alike pairs
        area = (unlike * (right - alike / 2)).sum(axis=-1) / (n_alike * n_unlike)[..., 0]
        right, wrong = np.maximum(right, 0), np.maximum(wrong, 0)  # first order can be below none
        precision = right / np.maximum(right + wrong, 1e-12)
        f1 = 2 * right / (right + wrong + n_alike)
        accuracy = (right + n_unlike - wrong) / (n_alike + n_unlike)
        rejecting = (n_unlike / (n_alike + n_unlike))[..., 0]
        average = (alike * precision).sum(axis=-1) / n_alike[..., 0]
    return {
        "auc": area,
        "average-precision": average,
        "best-f1": f1.max(axis=-1),
        "best-f1-threshold": levels[f1.argmax(axis=-1)],
        "best-accuracy": np.maximum(accuracy.max(axis=-1), rejecting),
        "best-accuracy-threshold": np.where(
            accuracy.max(axis=-1) >= rejecting, levels[accuracy.argmax(axis=-1)], np.inf
        ),
    }
