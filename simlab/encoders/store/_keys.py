"""Digests as numbers: duplicates and look-ups of many at once, with no Python per key."""

from collections.abc import Sequence

import numpy as np


def distinct(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find equal keys: the first place of each, in the order of the keys, and which each row has.

    Examples
    --------
    >>> keys = np.zeros((3, 16), np.uint8)
    >>> keys[0] = 1
    >>> first, again = distinct(keys)
    >>> first.tolist(), again.tolist()
    ([1, 0], [1, 0, 0])
    """
    high, low = _halves(keys)
    order = _sorted(high, low)
    high, low = high[order], low[order]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    again = np.empty(len(order), dtype=np.intp)
    again[order] = np.cumsum(is_new) - 1
    return order[is_new], again


class KeyIndex:
    """Where each key lies: the keys of all segments in one sorted array.

    Parameters
    ----------
    keys : sequence of ndarrays of shape (n, 16), uint8
        One per segment.
    """

    def __init__(self, keys: Sequence[np.ndarray]) -> None:
        lengths = [len(one) for one in keys]
        joined = np.concatenate([np.empty((0, 16), np.uint8), *keys])
        high, low = _halves(joined)
        order = _sorted(high, low)
        self._high, self._low = high[order], low[order]
        starts = np.cumsum([0, *lengths])[:-1]
        self._segment = np.repeat(np.arange(len(keys)), lengths)[order].astype(np.int32)
        self._row = (order - np.repeat(starts, lengths)[order]).astype(np.int32)

    def look_up(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return segment and row of every key, -1 for a key that is nowhere."""
        high, low = _halves(keys)
        order = np.argsort(high)  # neighbors are looked for together: twice as fast
        high, low = high[order], low[order]
        place = np.searchsorted(self._high, high)
        at = np.full(len(keys), -1)
        waiting = np.arange(len(keys))
        while waiting.size:  # once, unless two keys share their first half
            waiting = waiting[place[waiting] < len(self._high)]
            waiting = waiting[self._high[place[waiting]] == high[waiting]]
            hit = self._low[place[waiting]] == low[waiting]
            at[waiting[hit]] = place[waiting[hit]]
            waiting = waiting[~hit]
            place[waiting] += 1
        segment, row = np.full((2, len(keys)), -1)
        known = np.flatnonzero(at >= 0)
        segment[order[known]] = self._segment[at[known]]
        row[order[known]] = self._row[at[known]]
        return segment, row


def _halves(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.ascontiguousarray(keys).view("<u8")  # (n, 2)
    return np.ascontiguousarray(numbers[:, 0]), np.ascontiguousarray(numbers[:, 1])


def _sorted(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Order by both halves; equal keys keep their order. One half nearly always suffices."""
    order = np.argsort(high, kind="stable")
    first, second = high[order], low[order]
    if ((first[1:] == first[:-1]) & (second[1:] != second[:-1])).any():
        return np.lexsort((low, high))
    return order
