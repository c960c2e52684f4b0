"""Whatever shows a picture as an RGB picture, as pretrained networks want it."""

from typing import Any

from PIL import Image

from simlab._pictures import is_picture, on_white, to_picture
from simlab.errors import ShapeError

PLAIN = Image.new("RGB", (64, 64), "white")
"""A picture for finding out how many numbers a vector has."""


def as_rgb(value: Any) -> Image.Image:
    """Make a PIL image or an array of shape (height, width[, 1, 3 or 4]) an RGB picture.

    Examples
    --------
    >>> as_rgb(Image.new("LA", (2, 3))).mode
    'RGB'
    """
    if isinstance(value, Image.Image):
        return on_white(value)
    if not is_picture(value):
        raise ShapeError(
            "this encoder reads pictures, or arrays of shape (height, width) or (height, width, "
            f"1, 3 or 4 channels); got {getattr(value, 'shape', type(value).__name__)}; move the "
            "channels last, or choose another encoder"
        )
    return on_white(to_picture(value))
