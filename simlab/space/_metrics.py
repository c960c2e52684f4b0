"""Retrieval metrics of ranked neighbors: pure functions, one value per query."""

from collections.abc import Sequence

import numpy as np


def retrieval_metrics(
    matches: np.ndarray, relevant: np.ndarray, k: Sequence[int]
) -> dict[str, np.ndarray]:
    r"""Rate ranked lists, query by query.

    With :math:`m_j` whether the neighbor at rank j is relevant and R the number of relevant
    items in the gallery:

    - `recall@k`: 1 if one of the first k is relevant, else 0 (the convention of metric learning;
      Jégou, Douze, Schmid 2011; elsewhere called hit rate).
    - `r-precision`: :math:`\frac1R \sum_{j \le R} m_j`.
    - `map@r`: :math:`\frac1R \sum_{j \le R} m_j P_j`, with :math:`P_j` the precision of the
      first j (Musgrave, Belongie, Lim. *A Metric Learning Reality Check*, 2020,
      arXiv:2003.08505, section 3.2).

    Parameters
    ----------
    matches : ndarray of shape (q, depth), bool
        Whether each neighbor is relevant, the nearest first; depth is at least max(k, R).
    relevant : ndarray of shape (q,), int
        R of each query, at least 1.
    k : sequence of int
        Depths of recall@k.

    Returns
    -------
    dict of str to ndarray of shape (q,), float64
        In [0, 1]; 1 is best.

    Examples
    --------
    >>> found = retrieval_metrics(np.array([[False, True]]), np.array([2]), k=[1])
    >>> {name: float(value[0]) for name, value in found.items()}
    {'recall@1': 0.0, 'map@r': 0.25, 'r-precision': 0.5}
    """
    rates = {f"recall@{depth}": matches[:, :depth].any(axis=1).astype(float) for depth in k}
    rank = np.arange(1, matches.shape[1] + 1)
    within = matches & (rank <= relevant[:, None])  # (q, depth)
    precision = np.cumsum(within, axis=1) / rank
    rates["map@r"] = (within * precision).sum(axis=1) / relevant
    rates["r-precision"] = within.sum(axis=1) / relevant
    return rates
