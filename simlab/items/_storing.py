"""From what people bring to content in Arrow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from simlab.errors import DataError, ShapeError
from simlab.items._column import IMAGE_TYPE, Column
from simlab.items._content import Content, modality_of
from simlab.items._mixed import Mixed
from simlab.items._various import Various

Told = str | Sequence[str] | Mapping[str, Any]
"""Which columns are content: one; several; or the name of each part with its column or columns."""
_PNG_MODES = frozenset({"1", "I;16", "L", "LA", "P", "RGB", "RGBA"})
_TIFF_MODES = frozenset({"CMYK", "F", "I", "LAB", "PA", "YCbCr"})


def store(values: Any) -> Content:
    """Put texts, pictures, files, arrays or items of several parts into Arrow; tell what they are.

    Examples
    --------
    >>> store({"word": ["fox", "car"], "size": [3, 5]})[1]
    {'word': 'car', 'size': array([5])}
    >>> store(["a fox", np.zeros(2)]).told
    '1 array of shape (2,) and 1 text'
    """
    if isinstance(values, Content) and len(values):
        return values
    if isinstance(values, Mapping):
        return _mixed({name: partial(store, part) for name, part in values.items()})
    if (
        isinstance(values, str | bytes)
        or not hasattr(values, "__iter__")
        or getattr(values, "ndim", 1) == 0
    ):
        raise DataError(
            f"content must be a sequence with one entry per item; got one {type(values).__name__}; "
            "put it into a list"
        )
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return _column(_store_arrays(values))
    values = list(values)
    if not values:
        raise DataError("content must hold at least one item; got none")
    if any(isinstance(value, Mapping) for value in values):
        return store(_by_part(values))
    kinds = np.array([modality_of(value) for value in values])
    is_clear = all(
        kind != "array" or isinstance(value, np.ndarray)
        for kind, value in zip(kinds, values, strict=True)
    )
    if is_clear and len(set(kinds)) > 1:
        return _store_various(values, kinds)
    kind = next((one for one in ("text", "image") if one in kinds), "array")
    return _column(_STORED[kind](values))


def store_columns(told: Told, column: Callable[[str], Content]) -> Content:
    """Make content of one column, or items whose parts are columns."""
    if isinstance(told, str):
        return column(told)
    parts = told if isinstance(told, Mapping) else {name: name for name in told}
    return _mixed({name: partial(store_columns, part, column) for name, part in parts.items()})


def columns_of(told: Told) -> list[str]:
    """List the columns that are content.

    Examples
    --------
    >>> columns_of({"picture": "file", "row": ["price", "color"]})
    ['file', 'price', 'color']
    """
    if isinstance(told, str):
        return [told]
    parts = told.values() if isinstance(told, Mapping) else told
    return [name for part in parts for name in columns_of(part)]


def _column(column: pa.Array) -> Column:
    return Column(pa.chunked_array([column]), np.arange(len(column)))


def _mixed(makers: Mapping[str, Callable[[], Content]]) -> Mixed:
    """Put parts side by side; what is wrong with one is told with its name."""
    if not makers or not all(isinstance(name, str) for name in makers):
        raise DataError(f"content needs parts with names (str); got {list(makers)}")
    parts = {}
    for name, make in makers.items():
        try:
            part = make()
        except (DataError, ShapeError) as error:
            raise type(error)(f"part {name!r}: {error}") from None
        parts[name] = replace(part, part=name) if isinstance(part, Column) else part
    if len({len(part) for part in parts.values()}) > 1:
        told = ", ".join(f"{len(part)} of {name!r}" for name, part in parts.items())
        raise ShapeError(f"parts need one entry per item: got {told}")
    return Mixed(parts)


def _by_part(values: list[Any]) -> dict[str, list[Any]]:
    """Turn a list of items with parts into a list for each part."""
    names = list(values[0]) if isinstance(values[0], Mapping) else []
    for row, value in enumerate(values):
        there = sorted(map(str, value)) if isinstance(value, Mapping) else type(value).__name__
        if there != sorted(map(str, names)) or not names:
            raise DataError(
                f"all items must have the same parts; the first has {sorted(map(str, names))}, "
                f"the one in row {row} {there}; fill them or leave these items out"
            )
    return {name: [value[name] for value in values] for name in names}


def _store_various(values: list[Any], kinds: np.ndarray) -> Various:
    modalities, column = np.unique(kinds, return_inverse=True)
    place = np.empty(len(values), dtype=np.int64)
    columns = []
    for number in range(len(modalities)):
        rows = np.flatnonzero(column == number)
        place[rows] = np.arange(len(rows))
        columns.append(store([values[row] for row in rows]))
    return Various(tuple(columns), column, place)


def _store_texts(values: list[Any]) -> pa.Array:
    wrong = [row for row, value in enumerate(values) if not isinstance(value, str)]
    if wrong:
        raise DataError(
            f"every item of a text column must be a str; got {type(values[wrong[0]]).__name__} at "
            f"row {wrong[0]} ({len(wrong)} such rows); drop or fill them first"
        )
    return pa.array(values, type=pa.large_string())


def _store_images(values: list[Any]) -> pa.Array:
    return pa.array([_encoded(value, row) for row, value in enumerate(values)], type=IMAGE_TYPE)


def _encoded(value: Any, row: int) -> dict[str, Any]:
    if isinstance(value, Path):
        return {"bytes": None, "path": str(value)}
    if isinstance(value, bytes):
        return {"bytes": value, "path": None}
    if not hasattr(value, "getpixel"):
        raise DataError(
            "every item of an image column must be a picture (PIL), bytes or a Path; "
            f"got {type(value).__name__} at row {row}"
        )
    buffer = BytesIO()
    if value.mode not in _PNG_MODES | _TIFF_MODES:  # such as HSV, which no lossless format holds
        value = value.convert("RGBA" if value.mode.endswith("a") else "RGB")
    value.save(buffer, format="TIFF" if value.mode in _TIFF_MODES else "PNG")
    return {"bytes": buffer.getvalue(), "path": None}


def _stack(values: list[Any]) -> np.ndarray:
    try:
        arrays = [np.asarray(value) for value in values]
    except ValueError:
        raise ShapeError(
            "every item must be an array; got nested lists of unequal length"
        ) from None
    wrong = [row for row, array in enumerate(arrays) if array.dtype.kind not in "biuf"]
    if wrong:
        raise DataError(
            "content must be texts, pictures or arrays of numbers; "
            f"got {type(values[wrong[0]]).__name__} at row {wrong[0]}"
        )
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        more = f" and {len(shapes) - 3} more" if len(shapes) > 3 else ""  # noqa: PLR2004
        raise ShapeError(
            f"arrays must have one shape; got {', '.join(map(str, shapes[:3]))}{more}; "
            "resize or pad them first"
        )
    return np.stack(arrays)


def _store_arrays(array: np.ndarray) -> pa.Array:
    if len(array) == 0:
        raise DataError("content must hold at least one item; got none")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(axis=1))
        raise DataError(
            f"arrays must hold finite numbers; got NaN or infinity in {len(bad)} items (first at "
            f"row {bad[0]}); fill them or leave these items out"
        )
    if array.dtype.kind == "b":
        array = array.astype(np.uint8)
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:  # noqa: PLR2004 (unknown to Arrow)
        array = array.astype(np.float64)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.ndim == 1:
        array = array[:, None]
    own = np.array(array, order="C")  # a copy: items are a value, the given array is not
    return pa.FixedShapeTensorArray.from_numpy_ndarray(own)


_STORED: dict[str, Callable[[list[Any]], pa.Array]] = {
    "array": lambda values: _store_arrays(_stack(values)),
    "image": _store_images,
    "text": _store_texts,
}
