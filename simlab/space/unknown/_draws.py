"""Intervals of figures that are no means: draw whole classes anew and compute them again."""

from collections.abc import Callable

import numpy as np

from simlab.space.scores._intervals import LEVEL, RESAMPLES


def drawn(
    figures: Callable[[np.ndarray], np.ndarray],
    units: np.ndarray,
    strata: np.ndarray,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap interval of any figures.

    Parameters
    ----------
    figures : callable
        From how often each question is counted, shape (n,), to m figures.
    units : ndarray of shape (n,), int
        What is drawn whole: the class of each question.
    strata : ndarray of shape (n,), int
        Of the units: as many of each stratum are drawn as there are, so that no draw is without
        known or without unknown classes.
    level, resamples, seed
        As in `bootstrap_interval`.

    Returns
    -------
    low, high : ndarray of shape (m,)
        Figures that are not a number in some draws are taken over the others; in all: NaN.

    References
    ----------
    Efron, Tibshirani. *An Introduction to the Bootstrap*. 1993, chapters 13 and 8.

    Examples
    --------
    >>> values, each = np.array([0.0, 1.0, 1.0, 1.0]), np.arange(4)
    >>> low, high = drawn(lambda n: np.array([n @ values / n.sum()]), each, np.zeros(4, int))
    >>> float(low[0]), float(high[0])
    (0.25, 1.0)
    """
    _, first, codes = np.unique(units, return_index=True, return_inverse=True)
    groups = [np.flatnonzero(strata[first] == stratum) for stratum in np.unique(strata)]
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        counts = np.zeros(len(first))
        for group in groups:
            chosen = rng.integers(len(group), size=len(group))
            counts[group] = np.bincount(chosen, minlength=len(group))
        found.append(figures(counts[codes]))
    tail = (1 - level) / 2
    values = np.stack(found)
    is_told = ~np.isnan(values).all(axis=0)
    ends = np.full((2, values.shape[1]), np.nan)
    ends[:, is_told] = np.nanquantile(values[:, is_told], [tail, 1 - tail], axis=0)
    return ends[0], ends[1]


def widened(
    value: np.ndarray, low: np.ndarray, high: np.ndarray, n: int, *, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Widen the intervals of shares that are 0 or 1 in all draws: of n units it may be chance.

    References
    ----------
    Clopper, Pearson. *The Use of Confidence or Fiducial Limits Illustrated in the Case of the
    Binomial*. Biometrika 26, 1934.

    Examples
    --------
    >>> low, high = widened(np.array([0.0]), np.array([0.0]), np.array([0.0]), 10)
    >>> float(high[0].round(2))
    0.31
    """
    apart = 1 - ((1 - level) / 2) ** (1 / max(n, 1))
    high = np.where((value <= 0) & (low >= high), apart, high)
    low = np.where((value >= 1) & (low >= high), 1 - apart, low)
    return low, high
