"""Rate the neighbors of every query, chunk by chunk: memory grows with queries and depth."""

from collections.abc import Sequence

import numpy as np

from simlab.space._metrics import retrieval_metrics
from simlab.space._search import nearest_others

_CHUNK = 1024


def retrieval_rates(
    queries: np.ndarray,
    codes: np.ndarray,
    gallery: np.ndarray,
    gallery_codes: np.ndarray,
    *,
    own: np.ndarray,
    k: Sequence[int] = (1, 5, 10),
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Search and rate, leaving each query itself out.

    Parameters
    ----------
    queries, gallery : ndarray of shape (q, dim) and (n, dim), float32
        Unit vectors.
    codes, gallery_codes : ndarray of shape (q,) and (n,), int
        Labels; -1 for none.
    own : ndarray of shape (q,), int
        Where each query stands in the gallery; -1 if it does not.
    k : sequence of int, default=(1, 5, 10)
        Depths of recall@k.

    Returns
    -------
    asked : ndarray of int
        Rows of the queries that have a relevant item in the gallery; the others are not rated.
    rates : dict of str to ndarray of shape (len(asked),)
        As `retrieval_metrics`.

    Examples
    --------
    >>> unit, codes = np.eye(2, dtype="f4")[[0, 0, 1]], np.array([0, 0, 1])
    >>> asked, rates = retrieval_rates(unit, codes, unit, codes, own=np.arange(3), k=[1])
    >>> asked.tolist(), rates["recall@1"].tolist()
    ([0, 1], [1.0, 1.0])
    """
    size = 1 + max(codes.max(initial=-1), gallery_codes.max(initial=-1))
    counts = np.bincount(gallery_codes + 1, minlength=size + 1)[1:]
    counts = np.append(counts, 0)  # codes of -1 find the last entry
    relevant = counts[codes] - ((own >= 0) & (gallery_codes[own] == codes))
    asked = np.flatnonzero((codes >= 0) & (relevant > 0))
    if not asked.size:
        return asked, {}
    depth = min(max(*k, int(relevant[asked].max())), len(gallery) - int((own >= 0).any()))
    parts = []
    for start in range(0, len(asked), _CHUNK):
        rows = asked[start : start + _CHUNK]
        positions, _ = nearest_others(queries[rows], gallery, own[rows], depth)
        matches = gallery_codes[positions] == codes[rows, None]
        parts.append(retrieval_metrics(matches, relevant[rows], k))
    return asked, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
