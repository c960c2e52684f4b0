"""Ranked lists with ties: what stands at a rank where equally near items have no order."""

from dataclasses import dataclass

import numpy as np

TIE = 2.5e-7
"""Cosines this close are equal: float32 tells them apart by rounding alone."""


@dataclass(frozen=True, eq=False)
class Votes:
    """Who votes for the label of each query, the nearest first; tied items in random order.

    Attributes
    ----------
    labels : ndarray of shape (q, depth), int
        -1 for an item without a label, which has no vote.
    similarity : ndarray of shape (q, depth)
        Cosine; -inf for items of which nothing is known.
    own : ndarray of shape (q,), int
        Labels of the queries.
    """

    labels: np.ndarray
    similarity: np.ndarray
    own: np.ndarray


@dataclass(frozen=True, eq=False)
class Ranked:
    """What was found for some queries, the nearest first; tied items share their ranks.

    Attributes
    ----------
    hits : ndarray of shape (q, depth), float64
        Share of relevant items among those tied at a rank; 0 or 1 where nothing is tied.
    first, size : ndarray of shape (q, depth), int
        Where the items tied at a rank begin (from 0), and how many they are; 1 without a tie.
    before : ndarray of shape (q, depth), float64
        Relevant items ahead of those tied at a rank.
    relevant : ndarray of shape (q,), int
        Relevant items in the gallery, at least 1.
    grades : ndarray of shape (q, depth), float64
        Mean relevance in [0, 1] of the items tied at a rank.
    best : ndarray of shape (q, depth), float64, optional
        The grades of all items, the highest first; without, `relevant` ones and then zeros.
    votes : Votes, optional
        Who votes in kNN accuracy.
    """

    hits: np.ndarray
    first: np.ndarray
    size: np.ndarray
    before: np.ndarray
    relevant: np.ndarray
    grades: np.ndarray
    best: np.ndarray | None = None
    votes: Votes | None = None


def ranked(
    similarity: np.ndarray,
    matches: np.ndarray,
    relevant: np.ndarray,
    *,
    depth: int,
    grades: np.ndarray | None = None,
    best: np.ndarray | None = None,
    votes: Votes | None = None,
) -> Ranked:
    """Tell the ties of ranked lists.

    Parameters
    ----------
    similarity : ndarray of shape (q, m)
        Falling in each row; beyond `depth` as far as items are tied with one before it.
    matches : ndarray of shape (q, m), bool
        Whether each item is relevant.
    relevant : ndarray of shape (q,), int
        Relevant items in the gallery.
    depth : int
        Ranks that are asked for, at most m.
    grades, best : ndarray of shape (q, m), optional
        As in `Ranked`, of each item; without, whether it is relevant.
    votes : Votes, optional
        In the order of the list.

    Examples
    --------
    >>> matches = np.array([[True, False, False]])
    >>> found = ranked(np.array([[0.9, 0.9, 0.1]]), matches, np.array([1]), depth=2)
    >>> found.hits.tolist(), found.size.tolist()
    ([[0.5, 0.5]], [[2, 2]])
    """
    with np.errstate(invalid="ignore"):  # -inf is tied with -inf
        falls = similarity[:, :-1] - similarity[:, 1:] > TIE
    end = _end(falls, depth)
    q = len(similarity)
    begins = np.concatenate([np.ones((q, 1), bool), falls[:, : end - 1]], axis=1)
    group = np.cumsum(begins).reshape(q, end) - 1
    rank = np.arange(end)
    first = np.maximum.accumulate(np.where(begins, rank, 0), axis=1)
    size = np.bincount(group.ravel())[group]

    def shared(values: np.ndarray) -> np.ndarray:
        return np.bincount(group.ravel(), weights=values.ravel())[group] / size

    matches = matches[:, :end]
    ahead = np.cumsum(matches, axis=1) - matches
    hits = shared(matches)
    return Ranked(
        hits=hits[:, :depth],
        first=first[:, :depth],
        size=size[:, :depth],
        before=np.take_along_axis(ahead, first, axis=1)[:, :depth].astype(float),
        relevant=relevant,
        grades=(hits if grades is None else shared(grades[:, :end]))[:, :depth],
        best=None if best is None else best[:, :depth],
        votes=None if votes is None else _shuffled(votes, group),
    )


def _end(falls: np.ndarray, depth: int) -> int:
    """Tell how far lists must be read so that no tie is cut in two."""
    beyond = falls[:, depth - 1 :]
    if not beyond.shape[1]:
        return falls.shape[1] + 1
    ends = np.where(beyond.any(axis=1), beyond.argmax(axis=1), beyond.shape[1])
    return depth + int(ends.max(initial=0))


def _shuffled(votes: Votes, group: np.ndarray) -> Votes:
    """Bring tied items into random order."""
    key = group + np.random.default_rng(0).random(group.shape)
    order = np.argsort(key, axis=1)
    return Votes(
        np.take_along_axis(votes.labels, order, axis=1),
        np.take_along_axis(votes.similarity, order, axis=1),
        votes.own,
    )
