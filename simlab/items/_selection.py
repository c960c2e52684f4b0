"""Selections: positions, slices and masks, all turned into positions."""

from collections.abc import Collection

import numpy as np

from simlab.errors import DataError, ShapeError

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
