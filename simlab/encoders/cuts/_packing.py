"""What crosses a cut as one row per item: tensors of any shape, flattened behind a header."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from simlab.errors import DataError, ShapeError

_DTYPES = (
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.bool,
    torch.int64,
    torch.int32,
    torch.uint8,
)
_DIGIT = 1000
"""A size is told by two numbers below this: exact even in float16."""
_LONGEST = 32
"""Numbers that tell the type and shape of a tensor, at most: 15 axes."""


def pack(parts: Sequence[Any]) -> Tensor:
    """Flatten tensors of shape (batch, ...) into rows that begin with their types and shapes.

    So remembered rows can be unpacked in another session, where the input was never seen.

    Examples
    --------
    >>> rows = pack([torch.ones(5, 2, 3), torch.zeros(5)])
    >>> [tuple(part.shape) for part in unpack(rows, 2)]
    [(5, 2, 3), (5,)]
    """
    for part in parts:
        if not isinstance(part, Tensor) or part.ndim == 0 or part.dtype not in _DTYPES:
            raise DataError(
                "what is made below a cut and needed above it must be tensors with one row per "
                f"item; got {_said(part)}; make it above the cut, or cut elsewhere"
            )
    if len({len(part) for part in parts}) > 1:
        raise DataError(
            "what crosses a cut must have one row per item; got tensors of shapes "
            f"{', '.join(str(tuple(part.shape)) for part in parts)}; cut elsewhere"
        )
    told = [number for part in parts for number in _told(part)]
    header = torch.tensor(told, dtype=torch.float32, device=parts[0].device)
    flat = [part.reshape(len(part), -1).float() for part in parts]
    return torch.cat([header.expand(len(parts[0]), -1), *flat], dim=1)


def unpack(rows: Tensor, n_parts: int) -> list[Tensor]:
    """Undo `pack`.

    Raises
    ------
    ShapeError
        Rows that were not packed, or not from tensors of one shape.
    """
    try:
        told = rows[0, : _LONGEST * n_parts].round().int().tolist()
        shapes, start = _shapes(told, n_parts)
        sizes = [prod(shape) for _, shape in shapes]
        is_packed = start + sum(sizes) == rows.shape[1]
    except (IndexError, ValueError):
        is_packed = False
    if not is_packed or not (rows[:, :start] == rows[0, :start]).all():
        raise ShapeError(
            "the layers above a cut take activations of one shape, as the base encoder returns "
            f"them; got vectors of shape {tuple(rows.shape)}; encode with .base"
        )
    flat = rows[:, start:].split(sizes, dim=1)
    return [
        part.reshape(len(rows), *shape).to(dtype)
        for part, (dtype, shape) in zip(flat, shapes, strict=True)
    ]


def _told(part: Tensor) -> Iterator[int]:
    yield from (_DTYPES.index(part.dtype), part.ndim - 1)
    for size in part.shape[1:]:
        yield from divmod(size, _DIGIT)


def _shapes(numbers: list[int], n_parts: int) -> tuple[list[tuple[torch.dtype, list[int]]], int]:
    shapes, at = [], 0
    for _ in range(n_parts):
        dtype, n_axes = _DTYPES[numbers[at]], numbers[at + 1]
        digits = numbers[at + 2 : at + 2 + 2 * n_axes]
        sizes = [high * _DIGIT + low for high, low in zip(digits[::2], digits[1::2], strict=True)]
        shapes.append((dtype, sizes))
        at += 2 + 2 * n_axes
    return shapes, at


def _said(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)} and type {value.dtype}"
    return f"{type(value).__name__} {value!r}"[:80]
