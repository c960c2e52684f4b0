"""Findings: items that stand out, with what was measured of each and what lies around them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simlab import _html
from simlab.space._neighbors import Neighbors, neighbor_row

if TYPE_CHECKING:
    import pandas as pd

_ROWS, _PICTURES, _TEXTS = 3, 6, 3
"""How many items are shown, and how many neighbors of each."""


@dataclass(frozen=True, eq=False, repr=False)
class Findings:
    """Items that stand out, the most striking first; part of a `Diagnosis`.

    Attributes
    ----------
    title : str
        What they are.
    frame : pandas.DataFrame
        One row per item: `id`, `label` (with labels) and figures.
    neighbors : Neighbors
        Row by row what lies around them, for `simlab.gallery`.

    Examples
    --------
    >>> from simlab import embed, encoder, load
    >>> from simlab.space import diagnose
    >>> digits = embed(load("striped-digits")[:100], encoder("pixels"), cache=False)
    >>> diagnose(digits, most=5).hardest
    hardest queries, by map@r: 5
    """

    title: str
    frame: "pd.DataFrame"
    neighbors: Neighbors

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def html(self) -> str:
        """The first rows, each with its figures, without a title."""
        parts = []
        for row in range(min(len(self), _ROWS)):
            told = self.frame.iloc[row].drop("label", errors="ignore")
            said = ", ".join(f"{name} {_written(value)}" for name, value in told.items())
            parts += [_html.soft(said), neighbor_row(shortened(self.neighbors[row]))]
        return "".join(parts)

    def __repr__(self) -> str:
        return f"{self.title}: {len(self):,}"

    def _repr_html_(self) -> str:
        more = len(self) - _ROWS
        note = f"the first {_ROWS} of {len(self):,}: see .frame and .neighbors" if more > 0 else ""
        return _html.block(repr(self), self.html, note=note)


def shortened(one: Neighbors) -> Neighbors:
    """Keep as many neighbors as a line of a static page has room for."""
    n = _TEXTS if one.gallery.items.modality == "text" else _PICTURES
    return Neighbors(one.queries, one.gallery, one.positions[:, :n], one.similarities[:, :n])


def _written(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
