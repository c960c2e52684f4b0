"""Index: a gallery of embeddings that answers who is near."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from simlab.errors import ChoiceError, DataError, ShapeError
from simlab.space import _changing
from simlab.space._embeddings import Embeddings
from simlab.space._neighbors import Neighbors
from simlab.space._search import nearest, nearest_others
from simlab.space.unknown import _calibration, _classify

BACKENDS = ("exact",)


@dataclass(frozen=True, eq=False, repr=False)
class Index:
    """A gallery to search in.

    Parameters
    ----------
    embeddings : Embeddings
        The gallery.
    backend : {"exact"}, default="exact"
        `"exact"` compares with every item (faiss, or numpy without it).
    calibration : Calibration, optional
        From when on `classify` gives an answer; made by `calibrate`.

    Raises
    ------
    DataError
        An empty gallery.
    ChoiceError
        Unknown backend.

    Examples
    --------
    >>> from simlab.items import Items
    >>> items = Items.from_arrays(["left", "right", "up"], labels=["x", "x", "y"])
    >>> gallery = Embeddings(np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]), items)
    >>> Index(gallery).search(gallery[:1], k=2).labels.tolist()
    [['x', 'x']]
    """

    embeddings: Embeddings
    backend: str = "exact"
    calibration: _calibration.Calibration | None = None

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise ChoiceError.of("backend", self.backend, BACKENDS)
        if not len(self.embeddings):
            raise DataError("an index needs at least one item in its gallery; got none")

    def __len__(self) -> int:
        return len(self.embeddings)

    @cached_property
    def _row_of(self) -> dict[Any, int]:
        ids = self.embeddings.items.ids.tolist()
        rows = {name: row for row, name in enumerate(ids)}
        if len(rows) < len(ids):
            twice = next(name for row, name in enumerate(ids) if rows[name] != row)
            raise DataError(
                f"a gallery must hold each id once, so that queries find others and not "
                f"themselves; got {twice!r} more than once; select each item once"
            )
        return rows

    def search(self, queries: Embeddings, k: int = 10, *, exclude_self: bool = False) -> Neighbors:
        """Find the `k` nearest items of the gallery for each query.

        Parameters
        ----------
        queries : Embeddings
            From the same encoder as the gallery.
        k : int, default=10
            Number of neighbors; at most the size of the gallery, without the query itself.
        exclude_self : bool, default=False
            Leave out the gallery item that has the query's id. Without it the nearest
            neighbor of an item of the gallery is the item itself.

        Returns
        -------
        Neighbors

        Raises
        ------
        ShapeError
            Queries of another dimension than the gallery.
        DataError
            `k` below 1 or beyond the gallery, no queries, queries of another encoder, or a
            gallery with repeated ids when the query itself is to be left out.
        """
        self._check(queries, k, most=len(self) - exclude_self)
        unit, gallery = queries.unit, self.embeddings.unit
        if exclude_self:
            own = np.array([self._row_of.get(name, -1) for name in queries.items.ids.tolist()])
            positions, similarities = nearest_others(unit, gallery, own, k)
        else:
            positions, similarities = nearest(unit, gallery, k)
        return Neighbors(queries, self.embeddings, positions, similarities)

    add = _changing.add
    remove = _changing.remove
    prototypes = _changing.prototypes
    calibrate = _calibration.calibrate
    check = _calibration.check
    classify = _classify.classify

    def _check(self, queries: Embeddings, k: int, *, most: int) -> None:
        if not len(queries):
            raise DataError("a search needs at least one query; got none")
        if queries.dim != self.embeddings.dim:
            raise ShapeError(
                f"queries must have the gallery's {self.embeddings.dim} dimensions; got "
                f"{queries.dim}; embed both with the same encoder"
            )
        ours, theirs = self.embeddings.source, queries.source
        if ours is theirs or ours is None or theirs is None:  # the fingerprint may take a while
            pass
        elif ours.fingerprint != theirs.fingerprint:
            raise DataError(
                f"queries must come from the encoder of the gallery, {ours.name}; got "
                f"{theirs.name}; embed both with the same encoder"
            )
        if not 1 <= k <= most:
            raise DataError(
                f"k must be from 1 to {most}, the number of items that can be found; got {k}"
            )

    def __repr__(self) -> str:
        known = self.calibration
        told = "" if known is None else f", calibrated for {known.target}"
        return f"Index: {len(self):,} item{'s' * (len(self) != 1)}, {self.backend} search{told}"
