"""Column: pictures, texts or arrays, kept in Arrow and read item by item."""

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from simlab.errors import DataError
from simlab.items._content import Content, counted
from simlab.items._digests import digests, has_files, read_file

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_TYPE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""How images lie in Arrow: encoded bytes, or the path of a file (the layout of `datasets`)."""


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


@dataclass(frozen=True, eq=False)
class Column(Content):
    """Content of one modality.

    Attributes
    ----------
    stored : pyarrow.ChunkedArray
        May be memory-mapped and larger than memory.
    rows : ndarray of shape (n,)
        Which rows of it, in which order.
    part : str, optional
        Which part of larger items it is; errors name it.
    """

    stored: pa.ChunkedArray
    rows: np.ndarray
    part: str | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def modality(self) -> str:
        """`"image"`, `"text"` or `"array"`."""
        kind = self.stored.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return "text"
        return "image" if pa.types.is_struct(kind) else "array"

    @property
    def told(self) -> str:
        """Say how many of what there are."""
        shape = f" of shape {tuple(self.stored.type.shape)}" if self.modality == "array" else ""
        return f"{counted(len(self), self.modality)}{shape}"

    def read(self, position: int) -> Any:
        """Read one item."""
        row = int(self.rows[position])
        stored = self.stored[row]
        if self.modality != "image":
            return stored.as_py() if self.modality == "text" else stored.to_numpy()
        try:
            return read_image(stored.as_py())
        except DataError as error:
            raise self._of_part(error, f" of the item in row {row}") from None

    def read_many(self, positions: slice) -> list[Any]:
        """Read several items at once, which for texts and arrays is much faster."""
        rows = self.rows[positions]
        if self.modality == "text":
            return self.stored.take(rows).to_pylist()
        if self.modality == "array" and self.stored.num_chunks == 1:  # as nearly always
            return list(self.stored.chunk(0).to_numpy_ndarray()[rows])
        return [self.read(one) for one in range(len(self))[positions]]

    def take(self, positions: np.ndarray) -> "Column":
        """Select items by position, without reading them."""
        taken = replace(self, rows=self.rows[positions])
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
        """
        if not self.may_change:
            return self._remembered.copy()
        try:
            return digests(self.stored, self.modality, self.rows)
        except DataError as error:
            raise self._of_part(error) from None

    @cached_property
    def _remembered(self) -> np.ndarray:
        return digests(self.stored, self.modality, self.rows)

    def _of_part(self, error: DataError, where: str = "") -> DataError:
        return error if self.part is None else DataError(f"part {self.part!r}{where}: {error}")
