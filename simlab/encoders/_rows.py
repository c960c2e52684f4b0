"""Vectors that were found, and are read when asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_BLOCK = 512
"""Rows that are copied at a time where a copy goes in between: they stay near the processor."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Vectors that were looked up: which are known, and where they lie.

    Attributes
    ----------
    known : ndarray of shape (n,), bool
    dim : int or None
        None if nothing is known.
    """

    known: np.ndarray
    dim: int | None
    _maps: Sequence[np.ndarray]
    _segment: np.ndarray
    _row: np.ndarray

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
        if not self.known[positions].all():
            raise IndexError("a vector that is not known cannot be read")
        segment, row = self._segment[positions], self._row[positions]
        vectors = np.empty((len(row), self.dim or 0), dtype=np.float32)
        if not self._maps:
            return vectors
        if len(self._maps) == 1:
            _gather(self._maps[0], row, vectors)
            return vectors
        order = np.argsort(segment, kind="stable")
        ends = np.searchsorted(segment[order], np.arange(len(self._maps)), side="right")
        for mapped, places in zip(self._maps, np.split(order, ends[:-1]), strict=True):
            for start in range(0, len(places), _BLOCK):
                block = places[start : start + _BLOCK]
                vectors[block] = _widened(mapped[row[block]])
        return vectors


def _gather(mapped: np.ndarray, row: np.ndarray, vectors: np.ndarray) -> None:
    if mapped.dtype == vectors.dtype:
        np.take(mapped, row, axis=0, out=vectors, mode="clip")  # other modes copy twice
        return
    for start in range(0, len(row), _BLOCK):
        vectors[start : start + _BLOCK] = _widened(mapped[row[start : start + _BLOCK]])


def _widened(vectors: np.ndarray) -> np.ndarray:
    """Turn float16 into float32 by torch, which is several times faster at it than numpy."""
    if vectors.dtype == np.float32:
        return vectors
    import torch

    return torch.from_numpy(vectors).float().numpy()
