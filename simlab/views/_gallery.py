"""gallery: queries and their neighbours, row by row."""

from dataclasses import dataclass

import numpy as np

from simlab import _html
from simlab.errors import ChoiceError
from simlab.space import Neighbors, neighbor_row

ORDERS = ("given", "worst")


@dataclass(frozen=True, repr=False)
class Gallery:
    """Rows of neighbours; shows itself in a notebook and in a report, without a kernel."""

    neighbors: Neighbors
    n_left_out: int = 0

    def __repr__(self) -> str:
        return f"Gallery: {self.neighbors!r}"

    def _repr_html_(self) -> str:
        rows = "".join(neighbor_row(one) for one in self.neighbors)
        note = "the query first, then its nearest, with their cosine similarity"
        if self.neighbors.matches is not None:
            note += f"; {self.neighbors.matches.mean():.0%} share the label of their query"
        if self.n_left_out:
            note += f"; {self.n_left_out} more queries are not shown (max_queries)"
        return _html.block(repr(self.neighbors), rows, note=note)


def gallery(neighbors: Neighbors, *, order: str = "given", max_queries: int = 24) -> Gallery:
    """Look at queries and their neighbours: right and wrong are marked by border, sign and word.

    Parameters
    ----------
    neighbors : Neighbors
        What an index answered.
    order : {"given", "worst"}, default="given"
        `"worst"`: queries with the fewest neighbours of their own label first.
    max_queries : int, default=24
        Rows to show.

    Returns
    -------
    Gallery

    Raises
    ------
    ChoiceError
        Unknown order.

    Examples
    --------
    >>> from simlab import Index, embed, encoder, load
    >>> digits = embed(load("striped-digits")[:50], encoder("pixels"), cache=False)
    >>> gallery(Index(digits).search(digits[:3], k=4))
    Gallery: Neighbors: 4 of each of 3 queries
    """
    if order not in ORDERS:
        raise ChoiceError.of("order", order, ORDERS)
    rows = np.arange(len(neighbors))
    if order == "worst" and neighbors.matches is not None:
        rows = np.argsort(neighbors.matches.mean(axis=1), kind="stable")
    return Gallery(neighbors[rows[:max_queries]], max(len(rows) - max_queries, 0))
