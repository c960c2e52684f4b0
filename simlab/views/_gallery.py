"""gallery: queries and their neighbors, row by row."""

from dataclasses import dataclass

import numpy as np

from simlab import _html
from simlab.errors import ChoiceError, DataError
from simlab.space import Neighbors, neighbor_row

ORDERS = ("given", "worst")


@dataclass(frozen=True, repr=False)
class Gallery:
    """Rows of neighbors; shows itself in a notebook and in a report, without a kernel."""

    neighbors: Neighbors
    n_left_out: int = 0

    def __repr__(self) -> str:
        return f"Gallery: {self.neighbors!r}"

    def _repr_html_(self) -> str:
        rows = "".join(neighbor_row(one) for one in self.neighbors)
        note = "the query first, then its nearest, with their cosine similarity"
        matches = self.neighbors.matches
        if matches is not None and matches.size:
            note += f"; {matches.mean():.0%} share the label of their query"
        if self.n_left_out:
            note += f"; {self.n_left_out} more queries are not shown (max_queries)"
        return _html.block(repr(self.neighbors), rows, note=note)


def gallery(neighbors: Neighbors, *, order: str = "given", max_queries: int = 24) -> Gallery:
    """Look at queries and their neighbors: right and wrong are marked by border, sign and word.

    Parameters
    ----------
    neighbors : Neighbors
        What an index answered.
    order : {"given", "worst"}, default="given"
        `"worst"`: queries with the fewest neighbors of their own label first.
    max_queries : int, default=24
        Rows to show, at least 1.

    Returns
    -------
    Gallery

    Raises
    ------
    ChoiceError
        Unknown order.
    DataError
        Nothing to show, or the order `"worst"` without labels.

    Examples
    --------
    >>> from simlab import Index, embed, encoder, load
    >>> digits = embed(load("striped-digits")[:50], encoder("pixels"), cache=False)
    >>> gallery(Index(digits).search(digits[:3], k=4))
    Gallery: Neighbors: 4 of each of 3 queries
    """
    if order not in ORDERS:
        raise ChoiceError.of("order", order, ORDERS)
    if max_queries < 1:
        raise DataError(f"max_queries must be at least 1; got {max_queries!r}")
    rows = np.arange(len(neighbors))
    if order == "worst":
        if neighbors.matches is None:
            raise DataError(
                "order 'worst' needs labels on queries and gallery; give labels= to the items"
            )
        rows = np.argsort(neighbors.matches.mean(axis=1), kind="stable")
    return Gallery(neighbors[rows[:max_queries]], max(len(rows) - max_queries, 0))
