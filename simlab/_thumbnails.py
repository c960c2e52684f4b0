"""Pictures made small: one thumbnail, one data URI, or sheets of a thousand for the browser."""

from base64 import b64encode
from collections.abc import Iterable
from io import BytesIO
from textwrap import wrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

from simlab._pictures import on_white, to_picture

CELLS_PER_SHEET = 1024
COLUMNS = 32
_QUALITY = 75
_LETTERS, _LINES = 11, 4
"""What of a text fits on a thumbnail."""


def thumbnail(
    image: Image.Image | np.ndarray,
    *,
    size: int = 64,
    limits: tuple[float, float] | None = None,
) -> Image.Image:
    """Fit a picture into a white square of `size` pixels.

    Large pictures are scaled down smoothly; small ones are scaled up by a whole factor and without
    smoothing, so that an 8 by 8 digit keeps its pixels.

    Parameters
    ----------
    image : PIL image, or array of shape (height, width) or (height, width, 1, 3 or 4)
        Arrays of bytes are taken as they are. Other arrays are stretched from `limits` to the
        range from black to white; values that are not finite become black.
    size : int, default=64
        Side of the square, in pixels.
    limits : tuple of two floats, optional
        The values shown black and white; by default the smallest and largest of this array.
        Turned round, `(16, 0)`, they make a negative.

    Returns
    -------
    PIL.Image.Image
        In mode RGB, of `size` by `size` pixels.

    Examples
    --------
    >>> thumbnail(np.arange(64.0).reshape(8, 8)).size
    (64, 64)
    """
    picture = image if isinstance(image, Image.Image) else to_picture(image, limits)
    picture = on_white(picture)
    width, height = picture.size
    longest = max(width, height)
    if longest <= size // 2:
        factor = size // longest
        picture = picture.resize((width * factor, height * factor), Image.Resampling.NEAREST)
    elif longest != size:
        shape = (max(1, round(width * size / longest)), max(1, round(height * size / longest)))
        picture = picture.resize(shape, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if picture.size == (size, size):
        return picture
    square = Image.new("RGB", (size, size), "white")
    square.paste(picture, ((size - picture.width) // 2, (size - picture.height) // 2))
    return square


def written(text: str, *, size: int = 64) -> Image.Image:
    """Write the first words of a text on a white square, to stand among pictures.

    Examples
    --------
    >>> written("a red fox").size
    (64, 64)
    """
    square = Image.new("RGB", (size, size), "white")
    font = ImageFont.load_default(max(size // 6, 1))
    lines = wrap(text, _LETTERS)[:_LINES]
    ImageDraw.Draw(square).multiline_text((2, 2), "\n".join(lines), fill="black", font=font)
    return square


def data_uri(image: Image.Image) -> str:
    """Write a picture as text that an `<img src>` understands: WebP, or PNG without WebP.

    Examples
    --------
    >>> data_uri(Image.new("RGB", (2, 2)))[:11]
    'data:image/'
    """
    kind = "webp" if features.check("webp") else "png"
    return f"data:image/{kind};base64,{b64encode(_encoded(image, kind)).decode()}"


def sprite_sheets(
    images: Iterable[Image.Image | np.ndarray | None],
    *,
    cell: int = 64,
    limits: tuple[float, float] | None = None,
) -> list[bytes]:
    """Lay thumbnails out on WebP sheets of at most 1,024, 32 side by side.

    Thumbnail number i is on sheet i // 1024, in column i % 32, so it is found by its row alone.
    One sheet costs about a third of a thousand separate files.

    Parameters
    ----------
    images : iterable of PIL images, arrays or None
        None leaves an empty cell. Only one sheet is held in memory at a time.
    cell : int, default=64
        Side of a thumbnail, in pixels; at most 512, because WebP ends at 16,383 pixels.
    limits : tuple of two floats, optional
        As in `thumbnail`: give the same limits to arrays whose brightness should compare.

    Returns
    -------
    list of bytes
        One encoded sheet for each 1,024 images; the last has only the rows it needs.

    Examples
    --------
    >>> [sheet] = sprite_sheets([np.eye(8), None], cell=16)
    >>> Image.open(BytesIO(sheet)).size
    (512, 16)
    """
    sheets: list[bytes] = []
    cells: list[Image.Image | None] = []
    for image in images:
        cells.append(None if image is None else thumbnail(image, size=cell, limits=limits))
        if len(cells) == CELLS_PER_SHEET:
            sheets.append(_sheet(cells, cell))
            cells = []
    return [*sheets, _sheet(cells, cell)] if cells else sheets


def _sheet(cells: list[Image.Image | None], cell: int) -> bytes:
    rows = -(-len(cells) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * cell, rows * cell), "white")
    for position, picture in enumerate(cells):
        if picture is not None:
            sheet.paste(picture, (position % COLUMNS * cell, position // COLUMNS * cell))
    return _encoded(sheet, "webp")


def _encoded(image: Image.Image, kind: str) -> bytes:
    file = BytesIO()
    image.save(file, kind, quality=_QUALITY, method=2)
    return file.getvalue()
