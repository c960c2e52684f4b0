"""Neighbors: what an index answered, query by query."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab import _html
from simlab.items import as_positions, similarity_between
from simlab.space._embeddings import Embeddings
from simlab.space.scores._graded import RELEVANT

if TYPE_CHECKING:
    import pandas as pd

_SHOWN_QUERIES = 6
_AT_ONCE = 64
"""Queries whose neighbors are judged at a time."""


@dataclass(frozen=True, eq=False, repr=False)
class Neighbors:
    """The nearest items of some queries, the most similar first.

    Attributes
    ----------
    queries : Embeddings
        The q items that were asked.
    gallery : Embeddings
        Where was searched.
    positions : ndarray of shape (q, k), int64
        Rows of the gallery.
    similarities : ndarray of shape (q, k), float32
        Cosine similarity in [-1, 1]; higher is nearer.

    Examples
    --------
    >>> from simlab.items import Items
    >>> items = Items.from_arrays(["a", "b"], labels=[0, 1])
    >>> both = Embeddings(np.eye(2), items)
    >>> Neighbors(both, both, np.array([[0], [1]]), np.ones((2, 1)))
    Neighbors: 1 of each of 2 queries
    """

    queries: Embeddings
    gallery: Embeddings
    positions: np.ndarray
    similarities: np.ndarray

    def __len__(self) -> int:
        return len(self.queries)

    def __getitem__(self, key: Any) -> "Neighbors":
        """Select queries by position, slice or mask; `neighbors[0]` keeps one query."""
        chosen = as_positions(key, len(self))
        return Neighbors(
            self.queries[chosen], self.gallery, self.positions[chosen], self.similarities[chosen]
        )

    def __iter__(self) -> Iterator["Neighbors"]:
        return (self[row] for row in range(len(self)))

    @property
    def k(self) -> int:
        """Number of neighbors per query."""
        return self.positions.shape[1]

    @property
    def ids(self) -> np.ndarray:
        """Ids of the neighbors, shape (q, k)."""
        return self.gallery.items.ids[self.positions]

    @property
    def labels(self) -> np.ndarray | None:
        """Labels of the neighbors, shape (q, k); None if the gallery has no labels."""
        labels = self.gallery.items.labels
        return None if labels is None else labels[self.positions]

    @property
    def matches(self) -> np.ndarray | None:
        """Whether each neighbor has its query's label, shape (q, k); None without labels.

        A query whose own label is not known matches nothing. Of items with several labels those
        match that have at least half of them in common, as in `simlab.score`.
        """
        own, labels = self.queries.items.labels, self.labels
        if own is None or labels is None:
            return None
        if self.queries.items.has_several_labels:
            return _share_half(self)
        known = np.array([label is not None for label in own.tolist()], dtype=bool)
        return (labels == own[:, None]) & known[:, None]

    @property
    def frame(self) -> "pd.DataFrame":
        """One row per query and neighbor, as a pandas frame."""
        import pandas as pd

        columns: dict[str, Any] = {
            "query": np.repeat(self.queries.items.ids, self.k),
            "rank": np.tile(np.arange(1, self.k + 1), len(self)),
            "neighbor": self.ids.ravel(),
            "similarity": self.similarities.ravel(),
        }
        if self.labels is not None:
            columns["label"] = self.labels.ravel()
        if self.matches is not None:
            columns["match"] = self.matches.ravel()
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        return f"Neighbors: {self.k} of each of {len(self)} quer{'y' if len(self) == 1 else 'ies'}"

    def _repr_html_(self) -> str:
        rows = "".join(neighbor_row(one) for one in self[:_SHOWN_QUERIES])
        more = len(self) - _SHOWN_QUERIES
        note = f"the first {_SHOWN_QUERIES} of {len(self)} queries" if more > 0 else ""
        return _html.block(repr(self), rows, note=note)


def _share_half(neighbors: Neighbors) -> np.ndarray:
    """Tell which neighbors are relevant, some queries at a time."""
    ours, theirs = neighbors.queries.items, neighbors.gallery.items
    known, ahead = similarity_between(ours, theirs), 0 if theirs is ours else len(ours)
    found = np.zeros(neighbors.positions.shape, dtype=bool)
    for start in range(0, len(neighbors), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(neighbors)))
        unique, place = np.unique(neighbors.positions[rows], return_inverse=True)
        relevance = known.relevance(rows, unique + ahead)  # (rows, unique)
        place = place.reshape(len(rows), -1)
        found[rows] = np.take_along_axis(relevance, place, axis=1) >= RELEVANT
    return found


def neighbor_row(one: Neighbors) -> str:
    """Draw one query and its neighbors: right and wrong marked by border, sign and word."""
    items, found = one.queries.items, one.gallery.items[one.positions[0]]
    own = [] if items.labels is None else [str(items.labels[0])]
    cells = [_html.figure(items.content[0], kind="query", mark="query", lines=own)]
    for rank, similarity in enumerate(one.similarities[0]):
        label = None if found.labels is None else found.labels[rank]
        is_told = label is not None and items.labels is not None and items.labels[0] is not None
        kind, mark = _judged(one, rank) if is_told else ("", "")
        said = [f"{similarity:.2f}"]
        said += [] if label is None else [str(label)]
        cells.append(_html.figure(found.content[rank], kind=kind, mark=mark, lines=said))
    return f'<div class="row">{"".join(cells)}</div>'


def _judged(one: Neighbors, rank: int) -> tuple[str, str]:
    is_same = one.matches is not None and one.matches[0, rank]
    return ("yes", "✓ same") if is_same else ("no", "✗ other")
