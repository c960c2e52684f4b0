"""What a user gave, as plain data: names and numbers stay, objects are described."""

from collections.abc import Mapping
from typing import Any

_OBJECT = "object"
_PLAIN = (str, int, float, bool, type(None))


def plain(told: Any) -> Any:
    """Turn names, parameters and sums into what JSON can hold.

    Objects become `{"object": repr}`: for readers, since nothing can be made of it again.

    Examples
    --------
    >>> plain([(1, "softmax"), (0.1, ("center", {}))])
    [[1, 'softmax'], [0.1, ['center', {}]]]
    >>> plain(plain)
    {'object': 'simlab.training._records.plain'}
    """
    if isinstance(told, _PLAIN):
        return told
    if hasattr(told, "item") and getattr(told, "ndim", None) == 0:  # a numpy number
        return told.item()
    if isinstance(told, Mapping):
        return {str(key): plain(value) for key, value in told.items()}
    if isinstance(told, tuple | list):
        return [plain(one) for one in told]
    name = getattr(told, "__qualname__", None)
    return {_OBJECT: f"{told.__module__}.{name}" if name else " ".join(repr(told).split())}


def restored(read: Any) -> Any:
    """Give lists of two back their form of a tuple, as a user writes them.

    Examples
    --------
    >>> restored([[1, "softmax"], [0.1, ["center", {}]]])
    [(1, 'softmax'), (0.1, ('center', {}))]
    """
    if isinstance(read, Mapping):
        return {key: restored(value) for key, value in read.items()}
    if not isinstance(read, list):
        return read
    parts = [restored(one) for one in read]
    is_pair = len(parts) == 2 and (  # noqa: PLR2004
        isinstance(parts[1], dict) and isinstance(parts[0], str)
    )
    is_weighted = len(parts) == 2 and (  # noqa: PLR2004
        isinstance(parts[0], int | float) and isinstance(parts[1], str | tuple | list | dict)
    )
    return tuple(parts) if is_pair or is_weighted else parts


def told_object(told: Any) -> str | None:
    """Return the description of an object that was not kept.

    Examples
    --------
    >>> told_object({"object": "MyLoss()"}), told_object("supcon")
    ('MyLoss()', None)
    """
    is_lost = isinstance(told, Mapping) and set(told) == {_OBJECT}
    return str(told[_OBJECT]) if is_lost else None
