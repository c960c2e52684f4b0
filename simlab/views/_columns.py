"""Values of items on their way to a page: checked, and written as codes or numbers."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from simlab.errors import DataError, ShapeError

_MOST_CLASSES = 12
"""Numbers of more values than there are colors are shown on a scale."""


def column(name: str, values: Sequence[Any] | np.ndarray) -> dict[str, Any]:
    """Write a column for the page: numbers of many values as numbers, all else as codes."""
    plain = _plain(values)
    numbers = {value for value in plain if isinstance(value, int | float)}
    named = any(not isinstance(value, int | float | None) for value in plain)
    if named or len(numbers) <= _MOST_CLASSES:
        codes, names = coded(plain)
        return {"name": name, "codes": codes.tobytes(), "names": names}
    held = np.array([np.nan if value is None else value for value in plain], "<f4")
    return {"name": name, "values": np.where(np.isfinite(held), held, np.nan).tobytes()}


def _plain(values: Iterable[Any]) -> list[Any]:
    """Turn numpy scalars into Python's own, and every kind of missing value into None."""
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    return [None if _is_missing(value) else value for value in plain]


def coded(values: Iterable[Any]) -> tuple[np.ndarray, list[str]]:
    """Replace values by their number in the sorted list of distinct ones; missing ones by -1."""
    plain = _plain(values)
    distinct = {value for value in plain if value is not None}
    is_number = all(isinstance(value, int | float) for value in distinct)
    ordered = sorted(distinct, key=None if is_number else _natural)
    code_of = {value: code for code, value in enumerate(ordered)}
    codes = np.fromiter((code_of.get(value, -1) for value in plain), "<i4", len(plain))
    return codes, [str(value) for value in ordered]


def _natural(value: object) -> list[tuple[int, int, str]]:
    """Sort "shape 2" before "shape 10"."""
    parts = re.split(r"(\d+)", str(value))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _is_missing(value: object) -> bool:
    try:
        return value is None or bool(value != value)  # noqa: PLR0124 (NaN and NaT)
    except TypeError:  # pandas.NA refuses to be compared
        return True


def check_shapes(
    xy: np.ndarray,
    neighbors: np.ndarray,
    similarities: np.ndarray,
    per_item: Mapping[str, Sequence[Any] | np.ndarray | None],
    maps: Mapping[str, np.ndarray],
) -> None:
    """Refuse arrays that do not fit each other; all problems are named together."""
    n = len(xy)
    problems = []
    if xy.ndim != 2 or xy.shape[1] != 2:  # noqa: PLR2004
        problems.append(f"xy must have the shape (n, 2); got {xy.shape}")
    problems += [
        f"map {name!r} must have the shape ({n}, 2); got {places.shape}"
        for name, places in maps.items()
        if places.shape != (n, 2)
    ]
    if neighbors.ndim != 2 or len(neighbors) != n:  # noqa: PLR2004
        problems.append(f"neighbors must have the shape ({n}, k); got {neighbors.shape}")
    elif neighbors.shape != similarities.shape:
        problems.append(
            f"similarities must have the shape of neighbors, {neighbors.shape}; "
            f"got {similarities.shape}"
        )
    problems += [
        f"{name} must have one entry per item: got {len(values)} for {n} items"
        for name, values in per_item.items()
        if values is not None and len(values) != n
    ]
    if problems:
        raise ShapeError("; ".join(problems))


def check_values(
    xy: np.ndarray,
    neighbors: np.ndarray,
    similarities: np.ndarray,
    has_neighbor: np.ndarray,
    maps: Mapping[str, np.ndarray],
) -> None:
    """Refuse places and similarities that are not finite, and neighbors that are no rows."""
    n = len(xy)
    if neighbors.size and not np.issubdtype(neighbors.dtype, np.integer):
        raise DataError(f"neighbors must be whole row numbers; got dtype {neighbors.dtype}")
    claims = {
        "xy must be finite": np.isfinite(xy).all(axis=1),
        **{
            f"map {name!r} must be finite": np.isfinite(places).all(axis=1)
            for name, places in maps.items()
        },
        "similarities must be finite": (np.isfinite(similarities) | ~has_neighbor).all(axis=1),
        f"neighbors must be rows from 0 to {n - 1}": (neighbors < n).all(axis=1),
        "no item may be its own neighbor": (neighbors != np.arange(n)[:, None]).all(axis=1),
        "negative neighbors may only end a row": (
            (np.diff(has_neighbor.astype(int), axis=1) <= 0).all(axis=1)
        ),
    }
    problems = []
    for claim, holds in claims.items():
        rows = np.flatnonzero(~holds)
        if len(rows):
            listed = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")  # noqa: PLR2004
            noun = "row" if len(rows) == 1 else "rows"
            problems.append(f"{claim}; {len(rows):,} {noun} differ: {listed}")
    if problems:
        raise DataError("; ".join(problems))
