"""Content: what items are, read one by one; a column, parts side by side, or of various kinds."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

MIXED = "mixed"
"""The modality of items of several parts: mappings from names to content."""
VARIOUS = "various"
"""The modality of a set in which some items are, say, pictures and others texts."""


class Content(Sequence[Any], ABC):
    """The content of some items: a sequence that is read when asked for."""

    @property
    @abstractmethod
    def modality(self) -> str:
        """`"image"`, `"text"`, `"array"`, `"mixed"` (several parts each) or `"various"`."""

    @property
    def modalities(self) -> frozenset[str]:
        """What an encoder must read to place all items."""
        return frozenset({self.modality})

    @property
    @abstractmethod
    def told(self) -> str:
        """Say how many of what there are, such as `"3 texts"`."""

    @property
    @abstractmethod
    def may_change(self) -> bool:
        """Whether some items are files, which may change under us."""

    @abstractmethod
    def read(self, position: int) -> Any:
        """Read one item."""

    @abstractmethod
    def read_many(self, positions: slice) -> list[Any]:
        """Read several items at once."""

    @abstractmethod
    def take(self, positions: np.ndarray) -> "Content":
        """Select items by position, without reading them."""

    @abstractmethod
    def digests(self) -> np.ndarray:
        """Hash what each item is.

        Returns
        -------
        ndarray of shape (n, 16), uint8
        """

    @overload
    def __getitem__(self, key: int) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> list[Any]: ...
    def __getitem__(self, key: int | slice) -> Any:
        return self.read_many(key) if isinstance(key, slice) else self.read(key)

    def __iter__(self) -> Iterator[Any]:
        return (self.read(position) for position in range(len(self)))


def counted(n: int, what: str) -> str:
    """Say how many of what.

    Examples
    --------
    >>> counted(1, "text"), counted(2000, "text")
    ('1 text', '2,000 texts')
    """
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def distinct(content: Content) -> tuple[np.ndarray, np.ndarray]:
    """Find the first row of each distinct content, in their order, and where each item went."""
    keys = content.digests().view("V16").ravel()
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[place]


def modality_of(value: Any) -> str:
    """Tell what a single item is.

    Examples
    --------
    >>> modality_of("a fox"), modality_of(np.zeros(3)), modality_of({"text": "a fox"})
    ('text', 'array', 'mixed')
    """
    if isinstance(value, str):
        return "text"
    if isinstance(value, Mapping):
        return MIXED
    is_image = isinstance(value, bytes | Path) or hasattr(value, "getpixel")
    return "image" if is_image else "array"
