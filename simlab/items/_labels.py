"""Labels as people have them, brought into what Arrow can hold."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pyarrow as pa

from simlab.errors import DataError

_PLAIN = (str, int, float, bytes, np.generic)
_SEVERAL = (list, set, frozenset, np.ndarray)


def as_simple(labels: Any) -> Any:
    """Turn labels of any hashable kind into strings or integers, and sets into lists.

    A list or set holds several labels of one item. A tuple is one label of several levels, the
    widest first: ("animal", "dog") becomes "animal/dog". Anything else hashable (dates, enums) is
    named by its `str`, which must tell labels apart.

    Examples
    --------
    >>> as_simple([("animal", "dog"), ("animal", "cat")])
    ['animal/dog', 'animal/cat']
    """
    if isinstance(labels, pa.Array | pa.ChunkedArray):
        return labels
    if hasattr(labels, "dtype"):
        if str(labels.dtype) != "object":
            return labels
        labels = labels.tolist()
    labels = list(labels)
    if all(label is None or isinstance(label, _PLAIN) for label in labels):
        return labels
    names: dict[Hashable, Any] = {}
    return [_simple(label, row, names) for row, label in enumerate(labels)]


def _simple(label: Any, row: int, names: dict[Hashable, Any]) -> Any:
    if label is None or isinstance(label, _PLAIN):
        return label
    if isinstance(label, _SEVERAL):
        return [_simple(one, row, names) for one in label]
    try:
        if label not in names:
            is_levels = isinstance(label, tuple)
            name = "/".join(map(str, label)) if is_levels else str(label)
            if name in names.values():
                raise DataError(
                    f"labels must be told apart by their names; two of them are called {name!r} "
                    f"(one at row {row}); rename one"
                )
            names[label] = name
    except TypeError:
        raise DataError(
            f"labels must be hashable, or lists of what is; got {type(label).__name__} at row "
            f"{row}; use a string or an integer"
        ) from None
    return names[label]
