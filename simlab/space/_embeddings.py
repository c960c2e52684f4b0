"""Embeddings: where items lie in the space of an encoder."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from simlab import _html
from simlab._fingerprint import fingerprint
from simlab.errors import DataError, ShapeError
from simlab.items import Items, as_positions


class Source(Protocol):
    """What made the vectors: an encoder, seen from a room that knows nothing of encoders."""

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...


@dataclass(frozen=True, eq=False, repr=False)
class Embeddings:
    """One vector per item. `simlab.embed` makes them.

    Attributes
    ----------
    vectors : ndarray of shape (n, dim), float32
        As the encoder gave them, not normalized.
    items : Items
        What lies there, in the same order.
    source : Encoder or Run, optional
        What placed the items.
    views : ndarray of shape (n, k, dim), float32, optional
        Vectors of k augmented views of each item, for training.

    Raises
    ------
    ShapeError
        Not one vector per item, or not as many views of each.
    DataError
        NaN or infinity in a vector; the items are named.

    Examples
    --------
    >>> items = Items.from_arrays(["a", "b"], labels=[0, 1])
    >>> Embeddings(np.eye(2), items)
    Embeddings: 2 vectors of 2 dimensions
    """

    vectors: np.ndarray
    items: Items
    source: Source | None = None
    views: np.ndarray | None = None

    def __post_init__(self) -> None:
        with np.errstate(over="ignore"):  # too large for float32 is infinite, and refused below
            vectors = np.ascontiguousarray(self.vectors, dtype=np.float32)
        if vectors.ndim != 2 or len(vectors) != len(self.items) or not vectors.shape[1]:  # noqa: PLR2004
            raise ShapeError(
                f"Embeddings need one vector per item: got an array of shape {vectors.shape} "
                f"for {len(self.items)} items"
            )
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if bad.size:
            raise DataError(
                f"vectors must be finite; {bad.size} of {len(vectors)} hold NaN or infinity "
                f"(first: item {self.items.ids[bad[0]]!r}); mend the encoder or leave them out"
            )
        if self.views is not None and self.views[:, 0].shape != vectors.shape:
            raise ShapeError(
                f"views must have the shape (items, views, dim) for vectors of {vectors.shape}; "
                f"got {self.views.shape}"
            )
        object.__setattr__(self, "vectors", vectors)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def dim(self) -> int:
        """Number of dimensions."""
        return self.vectors.shape[1]

    @cached_property
    def unit(self) -> np.ndarray:
        """Vectors of length 1, whose product is the cosine similarity; zero stays zero.

        Returns
        -------
        ndarray of shape (n, dim), float32
        """
        largest = np.abs(self.vectors).max(axis=1, keepdims=True)  # (n, 1): squares stay in range
        scaled = self.vectors / np.where(largest > 0, largest, 1)
        length = np.linalg.norm(scaled, axis=1, keepdims=True)
        return scaled / np.where(length > 0, length, 1)

    @cached_property
    def fingerprint(self) -> str:
        """Name of the vectors by what they hold; layouts are remembered under it."""
        return fingerprint(self.vectors)

    def __getitem__(self, key: Any) -> "Embeddings":
        """Select by position, slice or mask, as for Items."""
        positions = as_positions(key, len(self))
        views = None if self.views is None else self.views[positions]
        return replace(
            self, vectors=self.vectors[positions], items=self.items[positions], views=views
        )

    def where(self, **values: Any) -> "Embeddings":
        """Select by the columns of the items, for example `emb.where(split="test")`."""
        return self[self.items.rows_where(**values)]

    def __repr__(self) -> str:
        source = f" from {self.source.name}" if self.source is not None else ""
        return f"Embeddings: {len(self):,} vectors of {self.dim:,} dimensions{source}"

    def _repr_html_(self) -> str:
        return _html.block(repr(self), note=f"of {self.items!r}")
