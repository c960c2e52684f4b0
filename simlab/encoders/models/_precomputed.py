"""Vectors that were made elsewhere, found again by the content they belong to."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from simlab._fingerprint import array_parts, digest, fingerprint
from simlab.errors import DataError, ShapeError
from simlab.items import Items

_AT_ONCE = 256
"""Items read at a time: few enough pictures for any memory."""


class Precomputed:
    """Given vectors as an encoder: it knows these items and no others.

    Parameters
    ----------
    items : Items, or sequence of content
        Pictures are read once, for their pixels.
    vectors : ndarray of shape (n, dim)
        One per item.
    name : str, default="precomputed"

    Raises
    ------
    DataError
        Equal items with different vectors, or vectors that are not finite.
    ShapeError
        Not one vector per item.

    Examples
    --------
    >>> known = Precomputed(["a fox", "a car"], np.eye(2))
    >>> known.encode(["a car"])
    array([[0., 1.]], dtype=float32)
    """

    def __init__(self, items: Any, vectors: Any, *, name: str = "precomputed") -> None:
        items = items if isinstance(items, Items) else Items.from_arrays(items)
        table = np.array(vectors, dtype=np.float32)
        if table.ndim != 2 or len(table) != len(items):  # noqa: PLR2004
            raise ShapeError(
                f"vectors must have one row per item; got shape {table.shape} for {len(items)} "
                "items"
            )
        if not np.isfinite(table).all():
            bad = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])
            raise DataError(f"vectors must be finite; got NaN or infinity in row {bad}")
        table.flags.writeable = False
        self.name, self.modalities = name, items.content.modalities
        self._vectors = table
        self._row_of: dict[bytes, int] = {}
        for row, value in enumerate(_read(items)):
            first = self._row_of.setdefault(_key(value), row)
            if (table[first] != table[row]).any():
                raise DataError(
                    "equal items must have equal vectors; those in rows "
                    f"{first} and {row} are the same {items.modality} with different vectors"
                )

    @property
    def dim(self) -> int:
        """Numbers per vector."""
        return int(self._vectors.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the vectors and what they belong to."""
        return fingerprint("precomputed-1", b"".join(self._row_of), self._vectors)

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Look items up; shape (n, dim).

        Raises
        ------
        DataError
            Items that have no vector.
        """
        rows = [self._row_of.get(_key(value), -1) for value in content]
        unknown = [place for place, row in enumerate(rows) if row < 0]
        if unknown:
            raise DataError(
                f"{self.name} has vectors for {len(self._row_of)} given items only; "
                f"{len(unknown)} of {len(rows)} are others (first at row {unknown[0]}); compute "
                "theirs too, or use an encoder that can"
            )
        return self._vectors[rows]

    def __repr__(self) -> str:
        return f"Precomputed({self.name}, {len(self._row_of):,} items, {self.dim} dimensions)"


def _read(items: Items) -> Iterator[Any]:
    for start in range(0, len(items), _AT_ONCE):
        yield from items.content[start : start + _AT_ONCE]


def _key(value: Any) -> bytes:
    """Hash what an item shows: a text, the pixels of a picture, an array, or all its parts."""
    if isinstance(value, Mapping):
        parts = [(name.encode(), _key(value[name])) for name in sorted(value)]
        return digest(b"mixed", *chain.from_iterable(parts))
    if isinstance(value, str):
        return digest(b"text", value.encode())
    if hasattr(value, "getpixel"):
        return digest(b"image", f"{value.mode}{value.size}".encode(), value.tobytes())
    return digest(b"array", *array_parts(np.asarray(value)))
