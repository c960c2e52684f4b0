"""Rate the neighbors of every query, chunk by chunk: memory grows with queries and depth."""

from collections.abc import Sequence

import numpy as np

from simlab.space._search import nearest_others
from simlab.space.scores._graded import graded_rates
from simlab.space.scores._named import checked, depth_of, needs, rates_of
from simlab.space.scores._ranked import TIE, Votes, ranked

_CHUNK = 4096
"""Queries at a time: faiss takes twice as long for each of 1,024."""
_ENTRIES = 1 << 21
"""Neighbors at a time, where many are asked for."""


def retrieval_rates(
    queries: np.ndarray,
    codes: np.ndarray,
    gallery: np.ndarray,
    gallery_codes: np.ndarray,
    *,
    own: np.ndarray,
    k: Sequence[int] = (1, 5, 10),
    metrics: Sequence[str] | None = None,
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
    metrics : sequence of str, optional
        Those of `score` that have a value per query, in place of recall@k, MAP@R, R-precision.

    Returns
    -------
    asked : ndarray of int
        Rows of the queries that have a relevant item in the gallery; the others are not rated.
    rates : dict of str to ndarray of shape (len(asked),)

    Examples
    --------
    >>> unit, codes = np.eye(2, dtype="f4")[[0, 0, 1]], np.array([0, 0, 1])
    >>> asked, rates = retrieval_rates(unit, codes, unit, codes, own=np.arange(3), k=[1])
    >>> asked.tolist(), rates["recall@1"].tolist()
    ([0, 1], [1.0, 1.0])
    """
    metrics = checked(metrics, k)
    size = 1 + max(codes.max(initial=-1), gallery_codes.max(initial=-1))
    counts = np.bincount(gallery_codes + 1, minlength=size + 1)[1:]
    counts = np.append(counts, 0)  # codes of -1 find the last entry
    relevant = counts[codes] - ((own >= 0) & (gallery_codes[own] == codes))
    asked = np.flatnonzero((codes >= 0) & (relevant > 0))
    if not asked.size:
        return asked, {}
    n = len(gallery) - int((own >= 0).any())
    depth = depth_of(metrics, int(relevant[asked].max()), n)
    rates = {name: np.empty(len(asked)) for name in metrics}
    by_vote = needs(metrics, "knn-accuracy")

    def in_full(places: np.ndarray) -> None:
        """Rate by the similarities to all items, for ranks that a search cannot settle."""
        rows = asked[places]
        _, told = graded_rates(
            queries[rows],
            gallery,
            lambda a, b: (codes[rows[a], None] == gallery_codes[b]).astype(np.float32),
            own=own[rows],
            metrics=metrics,
            labels=(codes[rows], gallery_codes),
        )
        for name, values in told.items():
            rates[name][places] = values

    if depth == n:
        in_full(np.arange(len(asked)))
        return asked, rates
    open_ended = []
    step = max(min(_CHUNK, _ENTRIES // depth), 1)
    for start in range(0, len(asked), step):
        rows = asked[start : start + step]
        positions, similarity = nearest_others(queries[rows], gallery, own[rows], depth + 1)
        open_ended.append(start + np.flatnonzero(similarity[:, -2] - similarity[:, -1] <= TIE))
        labels = gallery_codes[positions[:, :depth]]
        similarity = similarity[:, :depth]
        found = ranked(
            similarity,
            labels == codes[rows, None],
            relevant[rows],
            depth=depth,
            votes=Votes(labels, similarity, codes[rows]) if by_vote else None,
        )
        for name, values in rates_of(found, metrics).items():
            rates[name][start : start + len(rows)] = values
    if (cut := np.concatenate(open_ended)).size:  # ties that go on beyond the last neighbor
        in_full(cut)
    return asked, rates
