"""Items cut into parts, and copies in which one part is replaced or left out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from PIL import Image

MAX_PIXELS = 256
"""Longest side of a picture before it is cut: no encoder here sees more of it."""

_CHANNELS = {1, 3, 4}


class Parts(Protocol):
    """An item cut into parts.

    Attributes
    ----------
    kind : {"cells", "words", "values"}
        What the parts are.
    shape : tuple of int
        How figures of the parts are laid out: (rows, columns) or (n parts,).
    words : tuple of str
        The words themselves; empty unless the parts are words.
    n_ways : int
        How many copies each part has, one per donor.
    original : PIL image, str or ndarray
        The item as it is cut.
    """

    @property
    def kind(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def words(self) -> tuple[str, ...]: ...
    @property
    def n_ways(self) -> int: ...
    @property
    def original(self) -> Any: ...

    def changes(self) -> list[tuple[int, int]]:
        """List the pairs (part, way) whose copy differs from the item."""
        ...

    def copy(self, part: int, way: int) -> Any:
        """Copy the item without this part."""
        ...


def cut(content: Any, donors: Sequence[Any], *, grid: int) -> Parts:
    """Cut one item into parts.

    Parameters
    ----------
    content : PIL image, str or ndarray
        Pictures and arrays of two or more axes become cells, 1-D arrays single values, texts
        words (whatever stands between white space).
    donors : sequence of items of the same kind
        Where replacements come from; not used for texts.
    grid : int
        Cells per side; an array with fewer rows or columns has one cell for each.

    Examples
    --------
    >>> cut("a red fox", [], grid=6).copy(1, 0)
    'a fox'
    >>> cut(np.zeros((2, 2)), [np.ones((2, 2))], grid=6).copy(3, 0).tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """
    if isinstance(content, str):
        return Words(content)
    if isinstance(content, np.ndarray):
        return ArrayParts(content, tuple(donors), grid)
    picture = prepared(content)
    fitted = [np.asarray(prepared(donor).resize(picture.size)) for donor in donors]
    return PictureParts(np.asarray(picture), tuple(fitted), grid)


@dataclass(frozen=True)
class Words:
    """A text; its words can only be left out, because any other word would say something new."""

    original: str
    kind: str = "words"
    n_ways: int = 1

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        return [found.span() for found in re.finditer(r"\S+", self.original)]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self._places),)

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.original[start:end] for start, end in self._places)

    def changes(self) -> list[tuple[int, int]]:
        return [(part, 0) for part in range(len(self._places))]

    def copy(self, part: int, way: int) -> str:  # noqa: ARG002 (there is one way)
        start, end = self._places[part]
        return (self.original[:start] + self.original[end:].lstrip()).strip()


@dataclass(frozen=True, eq=False)
class ArrayParts:
    """An array: cells of its plane, or its values if it has one axis."""

    array: np.ndarray
    donors: tuple[np.ndarray, ...]
    grid: int
    words: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return "values" if self.array.ndim == 1 else "cells"

    @property
    def n_ways(self) -> int:
        return len(self.donors)

    @property
    def original(self) -> Any:
        return self.array

    @cached_property
    def _slices(self) -> list[list[slice]]:
        """Where the parts begin and end, along each axis that is cut."""
        if self.array.ndim == 1:
            return [[slice(place, place + 1) for place in range(len(self.array))]]
        sides = [self.array.shape[axis] for axis in plane(self.array.shape)]
        return [[slice(*ends) for ends in pairwise(edges(n, min(self.grid, n)))] for n in sides]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(slices) for slices in self._slices)

    def _region(self, part: int) -> tuple[slice, ...]:
        places = np.unravel_index(part, self.shape)
        region = tuple(slices[place] for slices, place in zip(self._slices, places, strict=True))
        return (slice(None),) * (plane(self.array.shape)[0]) + region

    def changes(self) -> list[tuple[int, int]]:
        regions = [self._region(part) for part in range(int(np.prod(self.shape)))]
        return [
            (part, way)
            for part, region in enumerate(regions)
            for way, donor in enumerate(self.donors)
            if not np.array_equal(self.array[region], donor[region])
        ]

    def copy(self, part: int, way: int) -> Any:
        region = self._region(part)
        copied = self.array.copy()
        copied[region] = self.donors[way][region]
        return copied


class PictureParts(ArrayParts):
    """A picture: cells, and every copy is a picture again."""

    @property
    def original(self) -> Image.Image:
        return Image.fromarray(self.array)

    def copy(self, part: int, way: int) -> Image.Image:
        return Image.fromarray(super().copy(part, way))


def prepared(picture: Image.Image) -> Image.Image:
    """Put a picture on white, in RGB, with at most `MAX_PIXELS` a side.

    Examples
    --------
    >>> small = prepared(Image.new("RGBA", (512, 256), (0, 0, 0, 0)))
    >>> small.size, small.getpixel((0, 0))
    ((256, 128), (255, 255, 255))
    """
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture.convert("RGBA"))
    small = ground.convert("RGB")
    small.thumbnail((MAX_PIXELS, MAX_PIXELS))
    return small


def plane(shape: tuple[int, ...]) -> tuple[int, int]:
    """Tell which axes of an array are height and width: an axis of 1, 3 or 4 holds channels.

    Examples
    --------
    >>> plane((8, 8)), plane((8, 8, 3)), plane((3, 8, 8))
    ((0, 1), (0, 1), (1, 2))
    """
    if len(shape) == 3 and shape[2] not in _CHANNELS and shape[0] in _CHANNELS:  # noqa: PLR2004
        return (1, 2)
    return (0, 1)


def edges(n: int, cells: int) -> list[int]:
    """Divide `n` rows or columns among cells as evenly as whole numbers allow.

    Examples
    --------
    >>> edges(8, 3)
    [0, 3, 5, 8]
    """
    return [round(n * cell / cells) for cell in range(cells + 1)]


def part_names(shape: tuple[int, ...]) -> list[str]:
    """Call parts by their place, counted from 0.

    Examples
    --------
    >>> part_names((1, 2))
    ['row 0, column 0', 'row 0, column 1']
    """
    if len(shape) == 1:
        return [f"value {place}" for place in range(shape[0])]
    return [f"row {row}, column {column}" for row, column in np.ndindex(*shape)]
