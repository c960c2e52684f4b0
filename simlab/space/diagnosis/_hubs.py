"""Hubs: items that are neighbors of many others."""

import numpy as np

from simlab.space._neighbors import Neighbors
from simlab.space.diagnosis._findings import Findings
from simlab.space.diagnosis._health import occurrences

_FAR = 2
"""Standard deviations above the mean."""


def hubs(near: Neighbors, *, most: int) -> Findings:
    """Find the items that are among the neighbors of unusually many queries.

    Parameters
    ----------
    near : Neighbors
    most : int
        How many to keep.

    Returns
    -------
    Findings
        `id`, `label`, `n` (queries that have the item among their neighbors), `share` (of all)
        and, with labels, `n_wrong` (those of another label). Items above the mean by more than two
        standard deviations, the largest `n` first. The neighbors of a hub are here queries that
        have it among theirs, from the nearest to the farthest.

    References
    ----------
    Radovanović, Nanopoulos, Ivanović. *Hubs in Space*. JMLR 11, 2010, sections 2 and 7.1 (hubs
    as points beyond two standard deviations, and bad occurrences).

    Examples
    --------
    >>> from simlab.items import Items
    >>> from simlab.space import Embeddings, Index
    >>> star = np.concatenate([np.eye(6), np.full((1, 6), 0.5)])
    >>> space = Embeddings(star, Items.from_arrays(list("abcdefg")))
    >>> found = hubs(Index(space).search(space, k=1, exclude_self=True), most=3)
    >>> found.frame["n"].tolist(), found.neighbors.queries.items.content[0]
    ([6], 'g')
    """
    import pandas as pd

    items = near.gallery.items
    counts = occurrences(near.positions, len(items))
    limit = counts.mean() + _FAR * counts.std()
    far = np.flatnonzero(counts > limit)
    chosen = far[np.argsort(-counts[far], kind="stable")][:most]
    columns = {"id": items.ids[chosen]}
    if items.labels is not None:
        columns["label"] = items.labels[chosen]
    columns |= {"n": counts[chosen], "share": counts[chosen] / len(near)}
    if near.matches is not None:
        wrong = occurrences(near.positions[~near.matches], len(items))
        columns["n_wrong"] = wrong[chosen]
    title = "hubs" if len(chosen) == len(far) else f"the largest of {len(far):,} hubs"
    return Findings(title, pd.DataFrame(columns), _those_who_chose(near, chosen))


def _those_who_chose(near: Neighbors, chosen: np.ndarray) -> Neighbors:
    """Turn neighbors round: for each item some of the queries that found it."""
    found = []
    for item in chosen:
        rows, ranks = np.nonzero(near.positions == item)
        order = np.argsort(-near.similarities[rows, ranks], kind="stable")
        found.append((rows[order], near.similarities[rows, ranks][order]))
    width = min([near.k, *(len(rows) for rows, _ in found)])
    positions = np.zeros((len(chosen), width), dtype=np.int64)
    similarities = np.zeros((len(chosen), width), dtype=np.float32)
    for line, (rows, values) in enumerate(found):
        spread = np.linspace(0, len(rows) - 1, width).round().astype(int)
        positions[line], similarities[line] = rows[spread], values[spread]
    return Neighbors(near.gallery[chosen], near.queries, positions, similarities)
