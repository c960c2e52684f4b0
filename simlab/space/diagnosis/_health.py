"""How healthy a space is: spread, rank, alignment, uniformity, hubs. Pure functions of vectors."""

from collections.abc import Iterator

import numpy as np

from simlab.errors import ShapeError
from simlab.space.scores._graded import RELEVANT

_BLOCK = 1024
"""Rows that are compared with all others at a time."""


def variances(vectors: np.ndarray) -> np.ndarray:
    """Measure the variance of each dimension of the unit vectors.

    Their sum is 1 minus the squared length of the mean, which is the mean cosine similarity of
    all pairs: 1 where vectors point everywhere, 0 where all point the same way. A dimension of
    variance 0 tells nothing apart (SimSiam watches its root: Chen, He. *Exploring Simple Siamese
    Representation Learning*, 2021, arXiv:2011.10566, section 4.1).

    Parameters
    ----------
    vectors : ndarray of shape (n, dim)

    Returns
    -------
    ndarray of shape (dim,)
        Each at least 0, together at most 1.

    Raises
    ------
    ShapeError
        No matrix, or no row.

    Examples
    --------
    >>> variances(np.array([[1.0, 0.0], [-1.0, 0.0]])).tolist()
    [1.0, 0.0]
    """
    return _unit(vectors).var(axis=0, dtype=np.float64)


def effective_rank(vectors: np.ndarray) -> float:
    r"""Count the dimensions that the unit vectors, centered, really use.

    .. math:: \exp\left(-\sum_i p_i \ln p_i\right), \quad p_i = \sigma_i / \sum_j \sigma_j

    with the singular values :math:`\sigma` (Roy, Vetterli. *The effective rank: A measure of
    effective dimensionality*, EUSIPCO 2007). At most the smaller of `dim` and `n - 1`.

    Parameters
    ----------
    vectors : ndarray of shape (n, dim)

    Returns
    -------
    float
        At least 1; 0 if all vectors point the same way.

    Raises
    ------
    ShapeError
        No matrix, or no row.

    Examples
    --------
    >>> round(effective_rank(np.concatenate([np.eye(3), -np.eye(3)])), 6)
    3.0
    """
    unit = _unit(vectors)
    centered = unit - unit.mean(axis=0)
    n, dim = centered.shape
    gram = centered @ centered.T if n < dim else centered.T @ centered
    values = np.sqrt(np.clip(np.linalg.eigvalsh(gram), 0, None))
    noise = np.sqrt(np.finfo(gram.dtype).eps * max(n, dim))  # of lengths that are 1
    values = values[values > noise].astype(np.float64)
    if not values.size:
        return 0.0
    shares = values / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def alignment(vectors: np.ndarray, known: np.ndarray) -> float:
    """Measure how far apart friends lie: the mean squared distance of their unit vectors.

    Wang, Isola. *Understanding Contrastive Representation Learning through Alignment and
    Uniformity on the Hypersphere*, 2020, arXiv:2005.10242, section 4.1 (with alpha 2).

    Parameters
    ----------
    vectors : ndarray of shape (n, dim)
    known : ndarray of shape (n,) or (n, n)
        A whole number for the label of each item, negative for none; or how similar each item is
        to each, NaN where it is not known: friends are those of at least 0.5.

    Returns
    -------
    float
        In [0, 4], 0 if all friends coincide; NaN without friends.

    Raises
    ------
    ShapeError
        Labels or similarities that do not fit the vectors.

    Examples
    --------
    >>> alignment(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), np.array([0, 0, 1]))
    2.0
    """
    unit, known = _unit(vectors), np.asarray(known)
    n = len(unit)
    if known.shape not in {(n,), (n, n)}:
        raise ShapeError(
            f"alignment needs one label per vector or similarities of shape ({n}, {n}); "
            f"got shape {known.shape}"
        )
    if known.ndim == 1:
        return _alignment_of_labels(unit, known)
    is_friend = (known >= RELEVANT) & ~np.eye(n, dtype=bool)  # NaN is no friend
    if not is_friend.any():
        return float("nan")
    return float(2 - 2 * (unit @ unit.T)[is_friend].mean(dtype=np.float64))


def _alignment_of_labels(unit: np.ndarray, codes: np.ndarray) -> float:
    """Sum over labels: the length of the sum of vectors tells their mean similarity."""
    order = np.argsort(codes, kind="stable")[np.count_nonzero(codes < 0) :]
    counts = np.unique(codes[order], return_counts=True)[1]
    n_pairs = (counts * (counts - 1)).sum()
    if not n_pairs:
        return float("nan")
    sums = np.add.reduceat(unit[order], np.cumsum(counts) - counts, dtype=np.float64)
    lengths = (sums**2).sum() - counts.sum()  # without each with itself
    return max(0.0, float(2 - 2 * lengths / n_pairs))


def uniformity(vectors: np.ndarray) -> float:
    """Measure how evenly unit vectors cover the sphere: lower is more even.

    The logarithm of the mean of exp(-2 d²) over all pairs, with the distance d of unit vectors
    (Wang and Isola 2020, arXiv:2005.10242, section 4.1, with t 2).

    Parameters
    ----------
    vectors : ndarray of shape (n, dim)

    Returns
    -------
    float
        In [-8, 0], 0 if all vectors point the same way; NaN for a single vector.

    Raises
    ------
    ShapeError
        No matrix, or no row.

    Examples
    --------
    >>> round(uniformity(np.array([[1.0, 0.0], [-1.0, 0.0]])), 6)
    -8.0
    """
    unit = _unit(vectors)
    n = len(unit)
    if n == 1:
        return float("nan")
    total = -float(n)  # each with itself: exp(0)
    for _, similarity in _blocks(unit):
        total += np.exp(4 * similarity - 4).sum(dtype=np.float64)
    return min(0.0, float(np.log(max(total / (n * (n - 1)), np.exp(-8)))))


def hubness(vectors: np.ndarray, *, k: int = 10) -> float:
    """Measure how unevenly items occur among the nearest neighbors of others.

    The skewness of the number of times that each item is one of the `k` nearest, by cosine
    similarity (Radovanović, Nanopoulos, Ivanović. *Hubs in Space*, JMLR 11, 2010, equation 1).

    Parameters
    ----------
    vectors : ndarray of shape (n, dim)
    k : int, default=10
        Neighbors of each item; at most n - 1 are looked at.

    Returns
    -------
    float
        0 if no item is chosen unusually often; large if a few are neighbors of many.

    Raises
    ------
    ShapeError
        No matrix, or no row.

    Examples
    --------
    >>> star = np.concatenate([np.eye(5), np.full((1, 5), 0.5)])
    >>> round(hubness(star, k=1), 2)
    1.64
    """
    unit = _unit(vectors)
    n = len(unit)
    depth = min(k, n - 1)
    if depth < 1:
        return float("nan")
    counts = np.zeros(n)
    for rows, similarity in _blocks(unit):
        similarity[np.arange(len(rows)), rows] = -np.inf
        counts += occurrences(np.argpartition(similarity, n - depth, axis=1)[:, n - depth :], n)
    return float(skewness(counts))


def occurrences(positions: np.ndarray, n: int) -> np.ndarray:
    """Count how often each item of a gallery is a neighbor (its k-occurrence).

    Parameters
    ----------
    positions : ndarray of shape (q, k), int
        Rows of the gallery.
    n : int
        Size of the gallery.

    Returns
    -------
    ndarray of shape (n,), int

    Examples
    --------
    >>> occurrences(np.array([[1], [0], [1]]), 3).tolist()
    [1, 2, 0]
    """
    return np.bincount(positions.ravel(), minlength=n)


def skewness(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Measure how far the tail of larger values is the longer one: the third standardized moment.

    Parameters
    ----------
    values : ndarray of shape (n,)
    weights : ndarray of shape (..., n), optional
        How often each value occurs; once by default.

    Returns
    -------
    ndarray of shape (...)
        0 where all values are equal.

    Examples
    --------
    >>> round(float(skewness(np.array([0, 0, 3]))), 3)
    0.707
    """
    counts = np.ones(len(values)) if weights is None else weights
    total = counts.sum(axis=-1)
    away = values - ((counts @ values) / total)[..., None]
    second, third = ((counts * away**power).sum(axis=-1) / total for power in (2, 3))
    return np.where(second > 0, third / np.where(second > 0, second, 1) ** 1.5, 0.0)


def _blocks(unit: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give rows and their similarity to all, some rows at a time."""
    for start in range(0, len(unit), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(unit)))
        yield rows, unit[rows] @ unit.T


def _unit(vectors: np.ndarray) -> np.ndarray:
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or not len(vectors):  # noqa: PLR2004
        raise ShapeError(f"health is told of vectors of shape (n, dim); got {vectors.shape}")
    kept = vectors if vectors.dtype in (np.float32, np.float64) else vectors.astype(np.float64)
    length = np.linalg.norm(kept, axis=1, keepdims=True)
    return kept / np.maximum(length, np.finfo(kept.dtype).tiny)
