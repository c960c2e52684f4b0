"""What each item is, as 16 bytes: hashed in bulk, straight from the buffers of Arrow."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa

from simlab._fingerprint import DIGEST_BYTES, begin, digest
from simlab.errors import DataError


def read_file(path: str) -> bytes:
    """Read the file of a picture; an unreadable one is an error that names it."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DataError(
            f"image {path!r} must be a readable file ({error.strerror or error}); "
            "restore it or leave it out"
        ) from None


def has_files(stored: pa.ChunkedArray, modality: str) -> bool:
    """Tell whether some items are files, which may change under us."""
    if modality != "image":
        return False
    return any(chunk.field("bytes").null_count for chunk in stored.chunks)


def digests(stored: pa.ChunkedArray, modality: str, rows: np.ndarray) -> np.ndarray:
    """Hash rows of a column, chunk by chunk; shape (n, 16), uint8.

    The value of an item is `digest(modality, *parts)`, the parts being the bytes of the image
    file, the text in UTF-8, or type and shape and values of the array.
    """
    rows = rows.astype(np.int64)  # an unsigned one would become a float when subtracted from
    found = np.empty((len(rows), DIGEST_BYTES), dtype=np.uint8)
    ends = np.cumsum([len(chunk) for chunk in stored.chunks])
    chunk_of = np.searchsorted(ends, rows, side="right")
    for number in np.unique(chunk_of):
        chunk = stored.chunk(int(number))
        here = np.flatnonzero(chunk_of == number)
        inside = rows[here] - (ends[number] - len(chunk))
        joined = b"".join(_HASHED[modality](chunk, inside))
        found[here] = np.frombuffer(joined, dtype=np.uint8).reshape(-1, DIGEST_BYTES)
    return found


def _texts(chunk: pa.Array, rows: np.ndarray) -> Iterable[bytes]:
    return _slices(b"text", chunk, rows)


def _images(chunk: pa.Array, rows: np.ndarray) -> Iterable[bytes]:
    inline = chunk.field("bytes")
    if not inline.null_count:
        return _slices(b"image", inline, rows)
    is_file = inline.is_null().to_numpy(zero_copy_only=False)
    path = chunk.field("path")
    return (
        digest(b"image", read_file(path[row].as_py()))
        if is_file[row]
        else digest(b"image", inline[row].as_py())
        for row in rows.tolist()
    )


def _slices(kind: bytes, column: pa.Array, rows: np.ndarray) -> Iterable[bytes]:
    """Hash binary values where they lie; the start of a hash is shared by values of one length."""
    _, places, values = column.buffers()
    is_large = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    offsets = np.frombuffer(places, dtype=np.int64 if is_large else np.int32)[column.offset :]
    data = memoryview(b"" if values is None else values)
    begun, found = {}, []
    for start, end in zip(offsets[rows].tolist(), offsets[rows + 1].tolist(), strict=True):
        n = end - start
        if n not in begun:
            begun[n] = begin(kind, n_bytes=n).copy
        state = begun[n]()
        state.update(data[start:end])
        found.append(state.digest())
    return found


def _arrays(chunk: pa.Array, rows: np.ndarray) -> Iterable[bytes]:
    values = chunk.to_numpy_ndarray()
    told = f"{values.dtype.str}{values.shape[1:]}".encode()
    n = values[0].nbytes
    start = begin(b"array", told, n_bytes=n).copy
    data = values.reshape(-1).view(np.uint8).data
    for place in (rows * n).tolist():
        state = start()
        state.update(data[place : place + n])
        yield state.digest()


_HASHED = {"array": _arrays, "image": _images, "text": _texts}
