"""Bootstrap intervals of a mean: over queries, or over whole classes."""

from collections.abc import Iterator

import numpy as np

LEVEL = 0.95
RESAMPLES = 1000
_AT_ONCE = 1 << 20
"""Draws held in memory at a time."""
_TWO_SIDED = 1.959964
"""Standard deviations that hold 95% of a normal distribution."""


def rank_interval(correlation: float, n: int) -> tuple[float, float]:
    """Compute the 95% interval of Spearman's rank correlation of n pairs, by Fisher's z.

    References
    ----------
    Bonett, Wright. *Sample size requirements for estimating Pearson, Kendall and Spearman
    correlations*. Psychometrika 65, 2000.

    Examples
    --------
    >>> [round(end, 2) for end in rank_interval(0.5, 100)]
    [0.33, 0.64]
    """
    if n < 4 or np.isnan(correlation):  # noqa: PLR2004
        return -1.0, 1.0
    middle = np.arctanh(np.clip(correlation, -1 + 1e-12, 1 - 1e-12))
    half = _TWO_SIDED * np.sqrt((1 + correlation**2 / 2) / (n - 3))
    return float(np.tanh(middle - half)), float(np.tanh(middle + half))


def expanded_level(n: int, level: float = LEVEL) -> float:
    """Widen a level so that the bootstrap of a mean of few units covers as often as it says.

    Drawing from n units finds too little variance, by (n - 1) / n, and knows nothing of Student's
    longer tails.

    References
    ----------
    Hesterberg. *What teachers should know about the bootstrap*. 2015. arXiv:1411.5279, section
    4.1.1 (expanded percentile interval).

    Examples
    --------
    >>> [round(expanded_level(n), 3) for n in (10, 1000)]
    [0.983, 0.95]
    """
    from scipy.special import ndtr, stdtrit  # scipy.stats takes a second to import

    if n < 2:  # noqa: PLR2004 (of one unit nothing is known)
        return 1.0
    half = np.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 + level) / 2)
    return float(1 - 2 * ndtr(-half))


def bootstrap_interval(
    values: np.ndarray,
    groups: np.ndarray | None = None,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap interval of the mean of each column.

    Parameters
    ----------
    values : ndarray of shape (n, m)
        One row per query, one column per metric.
    groups : ndarray of shape (n,), int, optional
        With groups (classes), whole groups are drawn: queries of one class are not independent,
        and the classes themselves are a sample of classes to come. Without, rows are drawn.
    level : float, default=0.95
        Share of resamples inside.
    resamples : int, default=1000
        How many times to draw.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    low, high : ndarray of shape (m,)

    References
    ----------
    Efron, Tibshirani. *An Introduction to the Bootstrap*. 1993, chapters 13 and 8.

    Examples
    --------
    >>> low, high = bootstrap_interval(np.ones((5, 1)))
    >>> float(low[0]), float(high[0])
    (1.0, 1.0)
    """
    if groups is None:
        sums, sizes = values, np.ones(len(values))
    else:
        _, codes = np.unique(groups, return_inverse=True)
        sizes = np.bincount(codes).astype(float)
        sums = np.stack([np.bincount(codes, weights=column) for column in values.T], axis=1)
    means = np.concatenate(
        [drawn @ sums / (drawn @ sizes)[:, None] for drawn in _draws(len(sums), resamples, seed)]
    )
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return low, high


def mean_interval(
    values: np.ndarray, groups: np.ndarray | None = None, *, resamples: int = RESAMPLES
) -> tuple[np.ndarray, np.ndarray]:
    """Give the 95% interval of the mean of values in [0, 1], right for few queries or classes too.

    As `bootstrap_interval` of an expanded level. One query or class says nothing of others: 0 to 1.

    Examples
    --------
    >>> low, high = mean_interval(np.array([[0.0], [1.0], [1.0], [0.0]]))
    >>> float(low[0]), float(high[0])
    (0.0, 1.0)
    """
    n_units = len(values) if groups is None else len(np.unique(groups))
    if n_units == 1:
        return np.zeros(values.shape[1]), np.ones(values.shape[1])
    return bootstrap_interval(values, groups, level=expanded_level(n_units), resamples=resamples)


def resampled_counts(n: int, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Draw n of n units with replacement, many times; tell how often each was drawn.

    Returns
    -------
    ndarray of shape (resamples, n), float64

    Examples
    --------
    >>> resampled_counts(5, 2).sum(axis=1).tolist()
    [5.0, 5.0]
    """
    return np.concatenate(list(_draws(n, resamples, seed)))


def _draws(n: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Give the counts of some resamples at a time."""
    rng = np.random.default_rng(seed)
    step = max(_AT_ONCE // n, 1)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = rng.integers(n, size=(size, n)) + np.arange(size)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(float)
