"""A segment: keys and vectors in one safetensors file, checksummed, written once and whole."""

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import numpy as np

from simlab._fingerprint import DIGEST_BYTES, array_parts, begin

SUFFIX = ".safetensors"
_TYPES: dict[str, np.dtype] = {"U8": np.dtype("u1"), "F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
_NAMES = {kind: name for name, kind in _TYPES.items()}
_HEADER_LIMIT = 1 << 16
_READ_BYTES = 1 << 20


@dataclass(frozen=True, eq=False)
class Segment:
    """A segment on disk: its keys are in memory, its vectors are not.

    Attributes
    ----------
    path : Path
    keys : ndarray of shape (n, 16), uint8
    shape : tuple of int
        Of the vectors: (n, dim).
    dtype : dtype
        Of the vectors: float32 or float16.
    start : int
        Where the vectors begin in the file, in bytes.
    check : str
        The checksum that the file tells of itself.
    """

    path: Path
    keys: np.ndarray
    shape: tuple[int, int]
    dtype: np.dtype
    start: int
    check: str

    @classmethod
    def open(cls, path: Path) -> "Segment":
        """Read the header and the keys.

        Raises
        ------
        OSError
            The file cannot be read.
        ValueError
            It is no segment.
        """
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            n_header = int.from_bytes(file.read(8), "little")
            if n_header > min(_HEADER_LIMIT, size):
                raise ValueError("a header longer than any segment has")
            header = file.read(n_header)
            base = 8 + n_header
            try:
                told = json.loads(header)
                check = str(told["__metadata__"]["check"])
                keys = _place(told["keys"])
                vectors = _place(told["vectors"])
            except (KeyError, OverflowError, RecursionError, TypeError) as error:
                raise ValueError("a header of another kind") from error
            sound = (
                keys.shape == (vectors.shape[0], DIGEST_BYTES)
                and keys.dtype == np.uint8
                and vectors.dtype != np.uint8
                and base + max(keys.end, vectors.end) == size
            )
            if not sound:
                raise ValueError("arrays that do not fit each other or the file")
            file.seek(base + keys.start)
            read = np.frombuffer(file.read(keys.end - keys.start), np.uint8).reshape(keys.shape)
        return cls(path, read, vectors.shape, vectors.dtype, base + vectors.start, check)

    @property
    def n_bytes(self) -> int:
        """Size of the vectors."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def vectors(self, told: str) -> np.ndarray | None:
        """Compare keys and vectors with the checksum, then map the vectors; None if damaged.

        The comparison reads the file (a failing disk is an OSError), the map does not.
        """
        state = _begin_check(told, self.keys, self.dtype, self.shape)
        with self.path.open("rb") as file:
            file.seek(self.start)
            left = self.n_bytes
            while left and (part := file.read(min(left, _READ_BYTES))):
                state.update(part)
                left -= len(part)
            if left or state.digest().hex() != self.check:
                return None
            mapped = np.memmap(file, self.dtype, mode="r", offset=self.start, shape=self.shape)
        return np.asarray(mapped)


@dataclass(frozen=True)
class _Place:
    dtype: np.dtype
    shape: tuple[int, int]
    start: int
    end: int


def _place(told: dict) -> _Place:
    """Read what a header says of one array."""
    rows, columns = (int(number) for number in told["shape"])
    start, end = (int(number) for number in told["data_offsets"])
    place = _Place(_TYPES[told["dtype"]], (rows, columns), start, end)
    fits = end - start == rows * columns * place.dtype.itemsize
    if not fits or min(rows, columns, start) < 0 or rows * columns == 0:
        raise ValueError("an array of another size than told")
    return place


def write_segment(
    path: Path, told: str, keys: Sequence[np.ndarray], vectors: Sequence[np.ndarray]
) -> None:
    """Write the parts of one segment, one after the other; the vectors may be larger than memory.

    Parameters
    ----------
    path : Path
        Must not be in use; the folder must exist.
    told : str
        Whose vectors these are; goes into the checksum.
    keys, vectors : sequences of ndarrays of shapes (n, 16) and (n, dim)
    """
    joined = np.concatenate(keys)
    shape = len(joined), vectors[0].shape[1]
    state = _begin_check(told, joined, vectors[0].dtype, shape)
    for part in vectors:
        state.update(_raw(part))
    n_vectors = shape[0] * shape[1] * vectors[0].dtype.itemsize
    header = {
        "__metadata__": {"check": state.digest().hex()},
        "vectors": _said(vectors[0].dtype, shape, 0, n_vectors),
        "keys": _said(joined.dtype, joined.shape, n_vectors, n_vectors + joined.nbytes),
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    write_whole(path, (len(text).to_bytes(8, "little"), text, *map(_raw, (*vectors, joined))))


def write_whole(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write a file aside, flush it to disk and rename it: nobody ever sees half of it."""
    aside = path.with_name(f"{path.name}.{uuid4().hex[:8]}.part")
    try:
        with aside.open("wb") as file:
            for part in parts:
                file.write(part)
            _flush(file)
        aside.replace(path)
    finally:
        with suppress(OSError):  # after the renaming there is nothing left
            aside.unlink()


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _said(dtype: np.dtype, shape: tuple[int, ...], start: int, end: int) -> dict[str, object]:
    return {"dtype": _NAMES[dtype], "shape": list(shape), "data_offsets": [start, end]}


def _begin_check(told: str, keys: np.ndarray, dtype: np.dtype, shape: tuple[int, int]) -> blake2b:
    """Begin to sum up a segment and whose it is: one that strayed from elsewhere is no use."""
    n_bytes = shape[0] * shape[1] * dtype.itemsize
    what = f"{dtype.str}{shape}".encode()
    return begin(told.encode(), *array_parts(keys), what, n_bytes=n_bytes)


def _raw(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data
