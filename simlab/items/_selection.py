"""Selections: positions, slices and masks, all turned into positions."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simlab.errors import DataError, ShapeError

if TYPE_CHECKING:
    from simlab.items._items import Items

_FEW = 12
Selection = int | slice | np.ndarray | Collection[int] | Collection[bool]


def as_positions(key: Selection, n: int) -> np.ndarray:
    """Turn any selection of `n` things into positions.

    Examples
    --------
    >>> as_positions(slice(1, None), 3)
    array([1, 2])
    """
    if isinstance(key, slice):
        return np.arange(n)[key]
    chosen = np.atleast_1d(np.asarray(key))
    if chosen.ndim > 1:
        raise ShapeError(f"a selection needs one dimension; got an array of shape {chosen.shape}")
    if chosen.dtype == bool and len(chosen) != n:
        raise ShapeError(f"a mask needs one entry per item: got {len(chosen)} for {n} items")
    if chosen.dtype.kind not in "biu" and chosen.size:
        raise DataError(f"items are selected by position, slice or mask; got {key!r}")
    try:
        return np.arange(n)[chosen.astype(bool if chosen.dtype == bool else np.int64)]
    except IndexError:
        raise IndexError(
            f"positions must be below {n} (the number of items); got {key!r}"
        ) from None


def rows_where(columns: Mapping[str, np.ndarray], values: Mapping[str, Any]) -> np.ndarray:
    """Find the rows in which every column has the value asked for, or one of them.

    Examples
    --------
    >>> rows_where({"style": np.array(["flat", "3d", "flat"])}, {"style": "flat"})
    array([0, 2])
    """
    if not columns:
        raise DataError("where needs at least one column=value; got none")
    chosen = [_has(column, values[name]) for name, column in columns.items()]
    rows = np.flatnonzero(np.logical_and.reduce(chosen))
    if not rows.size:
        asked = ", ".join(f"{name}={value!r}" for name, value in values.items())
        raise DataError(
            f"some item must have {asked}; none of {len(chosen[0])} has{_there(columns)}"
        )
    return rows


def _has(column: np.ndarray, value: Any) -> np.ndarray:
    several = isinstance(value, list | set | tuple | frozenset | range | np.ndarray)
    wanted = set(value) if several else {value}
    return np.array(
        [
            not wanted.isdisjoint(entry) if isinstance(entry, tuple) else entry in wanted
            for entry in column
        ],
        dtype=bool,
    )


def _there(columns: Mapping[str, np.ndarray]) -> str:
    """Tell which values there are, for columns with few of them."""
    said = []
    for name, column in columns.items():
        there = sorted({str(entry) for entry in column})
        said += [f"; {name} is one of {', '.join(there)}"] if len(there) < _FEW else []
    return "".join(said)


def without(items: "Items", ids: Any) -> "Items":
    """Leave out the items with these ids, for example `items.without(suspects.ids)`.

    Parameters
    ----------
    ids : sequence, or a single id
        Those that no item has are passed over, so that one list may follow another.

    Raises
    ------
    DataError
        Ids of another type than those of the items.

    Examples
    --------
    >>> from simlab.items import Items
    >>> items = Items.from_arrays(["a", "b", "c"], ids=["x", "y", "z"])
    >>> items.without(["y", "gone"]).ids.tolist()
    ['x', 'z']
    """
    column = items.table["id"]
    single = isinstance(ids, str) or not hasattr(ids, "__len__")
    try:
        gone = pa.array([ids] if single else list(ids), type=column.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"ids must be of the items' own type, {column.type}; {error}") from None
    return items[~pc.is_in(column, value_set=gone).to_numpy()]
