"""Hardest queries: those that find least, and among equals those that lie worst."""

import warnings

import numpy as np

from simlab.errors import ChoiceError, SimlabWarning
from simlab.items import similarity_between
from simlab.space._neighbors import Neighbors
from simlab.space.diagnosis._findings import Findings
from simlab.space.scores._graded import RELEVANT
from simlab.space.scores._score import score
from simlab.space.scores._scores import metrics_of

_ENTRIES = 1 << 22
"""Similarities that are held at a time."""


def hardest(near: Neighbors, *, metric: str, most: int) -> Findings:
    """Rank queries by a metric, the lowest first, ties by their margin.

    Parameters
    ----------
    near : Neighbors
        Of all queries; a query that is in the gallery never counts for itself.
    metric : str
        Of `simlab.score`.
    most : int
        How many to keep.

    Returns
    -------
    Findings
        `id`, `label`, the metric and `margin`. Queries without a friend in the gallery are left
        out.

    Raises
    ------
    ChoiceError
        No such metric, or one of all queries together.
    DataError
        No query has a friend in the gallery.
    """
    queries = near.queries
    gallery = None if near.gallery is queries else near.gallery
    with warnings.catch_warnings():  # of queries without a friend: nothing is hard for them
        warnings.simplefilter("ignore", SimlabWarning)
        scored = score(queries, gallery=gallery, metrics=[metric]).per_query
    if metric not in metrics_of(scored):
        raise ChoiceError(
            f"metric must be one that each query has of its own; got {metric!r}, one of all "
            "queries together; choose for example 'map@r'"
        )
    row_of = {name: row for row, name in enumerate(queries.items.ids.tolist())}
    values = scored[metric].to_numpy()
    last = np.sort(values)[: min(most, len(values))][-1]
    scored = scored[values <= last]  # with all that tie with the last one
    rows = np.array([row_of[name] for name in scored["id"]])
    frame = scored[["id", "label", metric]].assign(margin=margins(near, rows))
    order = np.lexsort((frame["margin"], frame[metric]))[:most]
    title = f"hardest queries, by {metric}"
    return Findings(title, frame.iloc[order].reset_index(drop=True), near[rows[order]])


def margins(near: Neighbors, rows: np.ndarray) -> np.ndarray:
    """Measure how much nearer the nearest friend of some queries lies than the nearest stranger.

    Parameters
    ----------
    near : Neighbors
    rows : ndarray of shape (m,), int
        Queries. Each is compared with the whole gallery, some at a time.

    Returns
    -------
    ndarray of shape (m,)
        Cosine similarity of the nearest friend minus that of the nearest stranger, in [-2, 2]:
        below 0 where a stranger is nearest; NaN without friends or without strangers.
    """
    ours, theirs = near.queries.items, near.gallery.items
    known, ahead = similarity_between(ours, theirs), 0 if theirs is ours else len(ours)
    everything = np.arange(len(theirs))
    step = max(_ENTRIES // len(theirs), 1)
    found = np.empty(len(rows))
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        relevance = known.relevance(some, everything + ahead)  # (some, n)
        relevance[theirs.ids == ours.ids[some, None]] = np.nan
        similarity = near.queries.unit[some] @ near.gallery.unit.T
        best = [
            np.where(is_one, similarity, -np.inf).max(axis=1)
            for is_one in (relevance >= RELEVANT, relevance < RELEVANT)
        ]
        gap = np.where(np.isfinite(best).all(axis=0), best[0], np.nan) - best[1]
        found[start : start + step] = gap
    return found
