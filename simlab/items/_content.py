"""Content: a column of images, texts or arrays, kept in Arrow and read item by item."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pyarrow as pa

from simlab.errors import DataError, ShapeError
from simlab.items._digests import digests, has_files, read_file

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_TYPE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""How images lie in Arrow: encoded bytes, or the path of a file (the layout of `datasets`)."""
_PNG_MODES = frozenset({"1", "I;16", "L", "LA", "P", "RGB", "RGBA"})
_TIFF_MODES = frozenset({"CMYK", "F", "I", "LAB", "PA", "YCbCr"})


@dataclass(frozen=True)
class Modality:
    """What an item can be, and how one and many of them are read from Arrow."""

    name: str
    read: Callable[[Any], Any]
    read_many: Callable[[pa.ChunkedArray, np.ndarray], list[Any]]


def _image_bytes(stored: dict[str, Any]) -> bytes:
    inline: bytes | None = stored["bytes"]
    return read_file(stored["path"]) if inline is None else inline


def read_image(stored: dict[str, Any]) -> "Image":
    """Decode one image, turned upright; an unreadable one is an error that names the file."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    data = _image_bytes(stored)
    try:
        image: Image.Image = Image.open(BytesIO(data))
        image.load()
    except Exception as error:  # noqa: BLE001 (decoders of broken files raise nearly anything)
        name = repr(stored["path"]) if stored["path"] else f"of {len(data)} bytes"
        known = not isinstance(error, UnidentifiedImageError)  # whose text is a memory address
        reason = str(error) if known else "of no known format"
        raise DataError(
            f"image {name} must be a picture that pillow can read ({reason}); repair or remove it"
        ) from None
    with suppress(Exception):  # a broken note of how the camera was held spoils no picture
        image = ImageOps.exif_transpose(image)
    return image


def _array(scalar: Any) -> np.ndarray:
    return scalar.to_numpy()


def _images(stored: pa.ChunkedArray, rows: np.ndarray) -> "list[Image]":
    return [read_image(stored[row].as_py()) for row in rows.tolist()]


def _texts(stored: pa.ChunkedArray, rows: np.ndarray) -> list[str]:
    return stored.take(rows).to_pylist()


def _arrays(stored: pa.ChunkedArray, rows: np.ndarray) -> list[np.ndarray]:
    if stored.num_chunks == 1:  # as nearly always: ten times as fast
        return list(stored.chunk(0).to_numpy_ndarray()[rows])
    return [stored[row].to_numpy() for row in rows.tolist()]


MODALITIES = {
    "image": Modality("image", lambda scalar: read_image(scalar.as_py()), _images),
    "text": Modality("text", lambda scalar: scalar.as_py(), _texts),
    "array": Modality("array", _array, _arrays),
}


@dataclass(frozen=True, eq=False)
class Content(Sequence[Any]):
    """The content of some items: a sequence of pictures, texts or arrays, read when asked for.

    Attributes
    ----------
    stored : pyarrow.ChunkedArray
        The column; may be memory-mapped and larger than memory.
    modality : str
        `"image"`, `"text"` or `"array"`.
    rows : ndarray of shape (n,)
        Which rows of the column, in which order.
    """

    stored: pa.ChunkedArray
    modality: str
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, key: int) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> list[Any]: ...
    def __getitem__(self, key: int | slice) -> Any:
        modality = MODALITIES[self.modality]
        if isinstance(key, slice):
            return modality.read_many(self.stored, self.rows[key])
        return modality.read(self.stored[int(self.rows[key])])

    def __iter__(self) -> Iterator[Any]:
        return (self[position] for position in range(len(self)))

    def take(self, positions: np.ndarray) -> "Content":
        """Select items by position, without reading them."""
        taken = Content(self.stored, self.modality, self.rows[positions])
        if (known := vars(self).get("_remembered")) is not None:
            vars(taken)["_remembered"] = known[positions]
        return taken

    @property
    def may_change(self) -> bool:
        """Whether some items are files, which may change under us."""
        return has_files(self.stored, self.modality)

    def digests(self) -> np.ndarray:
        """Hash what each item is: the bytes of the image file, the text, or type, shape and values.

        Remembered, since content is a value; but files may change, and are read each time.

        Returns
        -------
        ndarray of shape (n, 16), uint8
        """
        if self.may_change:
            return digests(self.stored, self.modality, self.rows)
        return self._remembered.copy()

    @cached_property
    def _remembered(self) -> np.ndarray:
        return digests(self.stored, self.modality, self.rows)


def store(values: Any) -> Content:
    """Put texts, pictures, files or arrays into Arrow, and tell which of these they are."""
    if (
        isinstance(values, str | bytes)
        or not hasattr(values, "__iter__")
        or getattr(values, "ndim", 1) == 0
    ):
        raise DataError(
            f"content must be a sequence with one entry per item; got one {type(values).__name__}; "
            "put it into a list"
        )
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return _whole(_store_arrays(values), "array")
    values = list(values)
    if not values:
        raise DataError("content must hold at least one item; got none")
    if any(isinstance(value, str) for value in values):
        return _whole(_store_texts(values), "text")
    if any(isinstance(value, bytes | Path) or hasattr(value, "getpixel") for value in values):
        return _whole(_store_images(values), "image")
    return _whole(_store_arrays(_stack(values)), "array")


def _whole(column: pa.Array, modality: str) -> Content:
    return Content(pa.chunked_array([column]), modality, np.arange(len(column)))


def _store_texts(values: list[Any]) -> pa.Array:
    wrong = [row for row, value in enumerate(values) if not isinstance(value, str)]
    if wrong:
        raise DataError(
            f"every item of a text column must be a str; got {type(values[wrong[0]]).__name__} at "
            f"row {wrong[0]} ({len(wrong)} such rows); drop or fill them first"
        )
    return pa.array(values, type=pa.large_string())


def _store_images(values: list[Any]) -> pa.Array:
    return pa.array([_encoded(value, row) for row, value in enumerate(values)], type=IMAGE_TYPE)


def _encoded(value: Any, row: int) -> dict[str, Any]:
    if isinstance(value, Path):
        return {"bytes": None, "path": str(value)}
    if isinstance(value, bytes):
        return {"bytes": value, "path": None}
    if not hasattr(value, "getpixel"):
        raise DataError(
            "every item of an image column must be a picture (PIL), bytes or a Path; "
            f"got {type(value).__name__} at row {row}"
        )
    buffer = BytesIO()
    if value.mode not in _PNG_MODES | _TIFF_MODES:  # such as HSV, which no lossless format holds
        value = value.convert("RGBA" if value.mode.endswith("a") else "RGB")
    value.save(buffer, format="TIFF" if value.mode in _TIFF_MODES else "PNG")
    return {"bytes": buffer.getvalue(), "path": None}


def _stack(values: list[Any]) -> np.ndarray:
    try:
        arrays = [np.asarray(value) for value in values]
    except ValueError:
        raise ShapeError(
            "every item must be an array; got nested lists of unequal length"
        ) from None
    wrong = [row for row, array in enumerate(arrays) if array.dtype.kind not in "biuf"]
    if wrong:
        raise DataError(
            "content must be texts, pictures or arrays of numbers; "
            f"got {type(values[wrong[0]]).__name__} at row {wrong[0]}"
        )
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        more = f" and {len(shapes) - 3} more" if len(shapes) > 3 else ""  # noqa: PLR2004
        raise ShapeError(
            f"arrays must have one shape; got {', '.join(map(str, shapes[:3]))}{more}; "
            "resize or pad them first"
        )
    return np.stack(arrays)


def _store_arrays(array: np.ndarray) -> pa.Array:
    if len(array) == 0:
        raise DataError("content must hold at least one item; got none")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(axis=1))
        raise DataError(
            f"arrays must hold finite numbers; got NaN or infinity in {len(bad)} items (first at "
            f"row {bad[0]}); fill them or leave these items out"
        )
    if array.dtype.kind == "b":
        array = array.astype(np.uint8)
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:  # noqa: PLR2004 (unknown to Arrow)
        array = array.astype(np.float64)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.ndim == 1:
        array = array[:, None]
    own = np.array(array, order="C")  # a copy: items are a value, the given array is not
    return pa.FixedShapeTensorArray.from_numpy_ndarray(own)
