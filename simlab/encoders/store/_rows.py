"""Vectors that were found, and are read when asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_BLOCK = 512
"""Rows that are widened at a time: what lies between stays near the processor."""
_NOWHERE = np.iinfo(np.intp).max
"""Where an unknown vector lies: out of the bounds of any array, so that numpy refuses it."""
_UNITS = tuple(np.dtype(f"u{n_bytes}") for n_bytes in (8, 4, 2))


@dataclass(frozen=True, eq=False)
class Rows:
    """Vectors that were looked up: which are known, and where they lie. Make it with `Rows.of`.

    Attributes
    ----------
    known : ndarray of shape (n,), bool
    dim : int or None
        None if nothing is known.
    """

    known: np.ndarray
    dim: int | None
    _maps: Sequence[np.ndarray]
    _all: np.ndarray
    _place: np.ndarray

    @classmethod
    def of(cls, maps: Sequence[np.ndarray], segment: np.ndarray, row: np.ndarray) -> "Rows":
        """Say where each vector lies.

        Parameters
        ----------
        maps : sequence of ndarrays of shape (any, dim)
            Of one dim and one type, contiguous.
        segment, row : ndarrays of shape (n,)
            Which map and which of its rows; -1 where nothing is known.
        """
        known = segment >= 0
        if not maps:
            return cls(known, None, maps, np.empty((0, 1), np.float32), segment)
        everything, starts, step = _one_view(maps)
        place = np.where(known, starts[segment] + row * step, _NOWHERE)
        return cls(known, maps[0].shape[1], maps, everything, place)

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Read the vectors at some positions, all of them known.

        Returns
        -------
        ndarray of shape (len(positions), dim), float32

        Raises
        ------
        IndexError
            A position whose vector is not known.
        """
        place = self._place[positions]
        if not self._maps or self._maps[0].dtype == np.float32:
            return self._gather(place)
        vectors = np.empty((len(place), self.dim or 0), dtype=np.float32)
        for start in range(0, len(place), _BLOCK):
            block = slice(start, start + _BLOCK)
            _widen(self._gather(place[block]), vectors[block])
        return vectors

    def _gather(self, place: np.ndarray) -> np.ndarray:
        try:
            if len(self._maps) == 1:
                return self._all.take(place, axis=0)  # the fastest, but for contiguous arrays only
            return self._all[place].view(self._maps[0].dtype if self._maps else np.float32)
        except IndexError:
            raise IndexError("a vector that is not known cannot be read") from None


def _one_view(maps: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, int]:
    """See all maps through one array, so that any batch is one gathering, whatever their number.

    The vector `row` of map `i` is `view[starts[i] + row * step]`. Of several maps the view begins
    at the lowest address and has a row at each unit: what lies between the maps is not theirs and
    must not be asked for. Units are as wide as vectors allow, which numpy copies several times
    faster than single numbers.

    Returns
    -------
    tuple of view, starts and step
    """
    if len(maps) == 1:
        return maps[0], np.zeros(1, dtype=np.intp), 1
    addresses = np.array([one.ctypes.data for one in maps])
    n_bytes = maps[0].shape[1] * maps[0].itemsize
    unit = next(one for one in _UNITS if not (np.append(addresses, n_bytes) % one.itemsize).any())
    first, end = addresses.min(), max(one.ctypes.data + one.nbytes for one in maps)
    step = n_bytes // unit.itemsize
    view = np.lib.stride_tricks.as_strided(
        maps[int(addresses.argmin())].view(unit),
        shape=((end - int(first) - n_bytes) // unit.itemsize + 1, step),
        strides=(unit.itemsize, unit.itemsize),
        writeable=False,
    )
    return view, (addresses - first) // unit.itemsize, step


def _widen(half: np.ndarray, vectors: np.ndarray) -> None:
    """Turn float16 into float32 by torch, which is several times faster at it than numpy."""
    import torch

    torch.from_numpy(vectors).copy_(torch.from_numpy(half))
