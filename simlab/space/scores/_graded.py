"""Rate a space by what is known of similarity: grades, gaps and pairs in place of one label."""

from collections.abc import Callable, Sequence

import numpy as np

from simlab.space.scores._named import checked, depth_of, needs, rates_of
from simlab.space.scores._ranked import Votes, ranked

_ENTRIES = 1 << 21
"""Similarities that are held at a time."""
_MOST_PAIRS = 100_000
"""Beyond it, pairs are all but all pairs, and their order says little more than retrieval."""
RELEVANT = 0.5
"""Items at least so similar are what a query should find."""

Relevance = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From positions of queries and of gallery items to how similar they are; NaN: not known."""


def graded_rates(
    queries: np.ndarray,
    gallery: np.ndarray,
    relevance: Relevance,
    *,
    own: np.ndarray,
    metrics: Sequence[str],
    labels: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Search and rate among what is known: an item of which nothing is known is passed over.

    Parameters
    ----------
    queries, gallery : ndarray of shape (q, dim) and (n, dim), float32
        Unit vectors.
    relevance : callable
        Items of at least 0.5 are relevant.
    own : ndarray of shape (q,), int
        Where each query stands in the gallery; -1 if it does not.
    metrics : sequence of str
        Those that have a value per query.
    labels : tuple of two ndarrays of shapes (q,) and (n,), int, optional
        Of queries and gallery, for kNN accuracy; -1 for none.

    Returns
    -------
    asked : ndarray of int
        Queries with a relevant item; the others are not rated.
    rates : dict of str to ndarray of shape (len(asked),)

    Examples
    --------
    >>> unit, same = np.eye(2, dtype="f4")[[0, 0, 1]], np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1.0]])
    >>> asked, rates = graded_rates(
    ...     unit, unit, lambda a, b: same[a][:, b], own=np.arange(3), metrics=["recall@1"]
    ... )
    >>> asked.tolist(), rates["recall@1"].tolist()
    ([0, 1], [1.0, 1.0])
    """
    asked, parts = [], []
    everything = np.arange(len(gallery))
    step = max(_ENTRIES // max(len(gallery), 1), 1)
    for start in range(0, len(queries), step):
        rows = np.arange(start, min(start + step, len(queries)))
        known = relevance(rows, everything)  # (rows, n)
        here = own[rows] >= 0
        known[here, own[rows][here]] = np.nan
        relevant = (known >= RELEVANT).sum(axis=1)
        chosen = relevant > 0
        if not chosen.any():
            continue
        rows, known, relevant = rows[chosen], known[chosen], relevant[chosen]
        similarity = np.where(np.isnan(known), -np.inf, queries[rows] @ gallery.T)
        order = np.argsort(-similarity, axis=1)
        similarity = np.take_along_axis(similarity, order, axis=1)
        grades = np.nan_to_num(np.take_along_axis(known, order, axis=1))
        found = ranked(
            similarity,
            grades >= RELEVANT,
            relevant,
            depth=depth_of(metrics, int(relevant.max()), len(gallery)),
            grades=grades,
            best=-np.sort(-grades, axis=1) if needs(metrics, "ndcg") else None,
            votes=None if labels is None else Votes(labels[1][order], similarity, labels[0][rows]),
        )
        asked.append(rows)
        parts.append(rates_of(found, metrics))
    if not parts:
        return np.empty(0, dtype=int), {}
    return np.concatenate(asked), {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0]
    }


def relevance_rates(unit: np.ndarray, relevance: np.ndarray) -> dict[str, float]:
    """Rate items among themselves; means by name, of all that can be told.

    Parameters
    ----------
    unit : ndarray of shape (n, dim)
        Unit vectors.
    relevance : ndarray of shape (n, n)
        How similar items are; NaN where it is not known.

    Examples
    --------
    >>> known = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1.0]])
    >>> relevance_rates(np.eye(2)[[0, 0, 1]], known)["map@r"]
    1.0
    """
    n = len(unit)
    _, rates = graded_rates(
        unit,
        unit,
        lambda a, b: relevance[a][:, b],
        own=np.arange(n),
        metrics=checked(None, k=[1]),
    )
    found = {name: float(values.mean()) for name, values in rates.items()}
    pairs = np.argwhere(np.triu(~np.isnan(relevance), 1))
    if 0 < len(pairs) <= _MOST_PAIRS:
        similarity = (unit[pairs[:, 0]] * unit[pairs[:, 1]]).sum(axis=1)
        scores = relevance[pairs[:, 0], pairs[:, 1]]
        rank, _, accuracy = pair_rates(similarity, scores, pairs)
        found |= {} if np.isnan(rank) else {"spearman": rank}
        found |= {"triplet-accuracy": float(accuracy.mean())} if len(accuracy) else {}
    return found


def pair_rates(
    similarity: np.ndarray, scores: np.ndarray, pairs: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Compare the similarities of given pairs with their scores.

    Parameters
    ----------
    similarity, scores : ndarray of shape (p,)
        Cosines, and what they should be like.
    pairs : ndarray of shape (p, 2), int
        Positions of the two items of each pair.

    Returns
    -------
    spearman : float
        Rank correlation in [-1, 1]; NaN if all scores or all similarities are equal.
    anchors : ndarray of int
        Items that are in pairs of different scores.
    accuracy : ndarray of shape (len(anchors),)
        For each of them, the share of its two pairs of different scores that lie in the right
        order; a tie is half right. For triplets: the share that is fulfilled.

    Examples
    --------
    >>> pairs = np.array([[0, 1], [0, 2]])
    >>> pair_rates(np.array([0.9, 0.1]), np.array([1.0, 0.0]), pairs)[1:]
    (array([0]), array([1.]))
    """
    from scipy.stats import spearmanr

    varies = len(set(scores.tolist())) > 1 and len(set(similarity.tolist())) > 1
    rank = float(spearmanr(similarity, scores).statistic) if varies else np.nan
    ends = np.concatenate([pairs[:, 0], pairs[:, 1]])
    place = np.tile(np.arange(len(pairs)), 2)
    order = np.argsort(ends, kind="stable")
    anchors, starts = np.unique(ends[order], return_index=True)
    kept, accuracy = [], []
    for anchor, mine in zip(anchors, np.split(place[order], starts[1:]), strict=True):
        better = scores[mine][:, None] > scores[mine]
        if better.any():
            ahead = similarity[mine][:, None] - similarity[mine]
            kept.append(anchor)
            accuracy.append(((ahead > 0) + 0.5 * (ahead == 0))[better].mean())
    return rank, np.array(kept, dtype=int), np.array(accuracy)
