"""gallery: queries and their neighbors, row by row."""

from dataclasses import dataclass

import numpy as np

from simlab import _html
from simlab.errors import ChoiceError, DataError
from simlab.space import Changes, Neighbors, neighbor_row

ORDERS = ("given", "worst")
_TOGETHER = "border-top:1px solid var(--line);padding-top:6px;margin-top:10px"


@dataclass(frozen=True, repr=False)
class Gallery:
    """Rows of neighbors; shows itself in a notebook and in a report, without a kernel."""

    neighbors: Neighbors | Changes
    n_left_out: int = 0

    def __repr__(self) -> str:
        return f"Gallery: {self._title}"

    @property
    def _title(self) -> str:
        return repr(self.neighbors).splitlines()[0]

    def _repr_html_(self) -> str:
        shown = self.neighbors
        if isinstance(shown, Changes):
            rows = "".join(_both(one) for one in shown)
            note = f"the query, then its nearest in {shown.names[0]} and in {shown.names[1]}"
        else:
            rows = "".join(neighbor_row(one) for one in shown)
            note = "the query first, then its nearest, with their cosine similarity"
            if shown.matches is not None and shown.matches.size:
                note += f"; {shown.matches.mean():.0%} share the label of their query"
        if self.n_left_out:
            note += f"; {self.n_left_out} more queries are not shown (max_queries)"
        return _html.block(self._title, rows, note=note)


def _both(one: Changes) -> str:
    """Draw the answers of two spaces to one query, one below the other."""
    answers = zip(one.names, (one.before, one.after), strict=True)
    lines = "".join(f"{_html.soft(name)}{neighbor_row(answer)}" for name, answer in answers)
    return f'<div style="{_TOGETHER}"><b>{one.nearest[0]}</b>{lines}</div>'


def gallery(
    neighbors: Neighbors | Changes, *, order: str = "given", max_queries: int = 24
) -> Gallery:
    """Look at queries and their neighbors: right and wrong are marked by border, sign and word.

    Parameters
    ----------
    neighbors : Neighbors or Changes
        What an index answered; of changes (`simlab.space.changes`) the answers of both spaces.
    order : {"given", "worst"}, default="given"
        `"worst"`: queries with the fewest neighbors of their own label first (of changes: after).
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
        answer = neighbors.after if isinstance(neighbors, Changes) else neighbors
        if answer.matches is None:
            raise DataError(
                "order 'worst' needs labels on queries and gallery; give labels= to the items"
            )
        rows = np.argsort(answer.matches.mean(axis=1), kind="stable")
    return Gallery(neighbors[rows[:max_queries]], max(len(rows) - max_queries, 0))
