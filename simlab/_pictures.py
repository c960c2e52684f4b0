"""Pictures: what counts as one, arrays made into one, and a white ground for the transparent."""

import numpy as np
from PIL import Image


def is_picture(content: object) -> bool:
    """Tell PIL images and arrays of shape (height, width[, 1, 3 or 4]) from other content.

    Examples
    --------
    >>> is_picture(np.zeros((8, 8))), is_picture(np.zeros((3, 8, 8))), is_picture("text")
    (True, False, False)
    """
    shape = getattr(content, "shape", ())
    return hasattr(content, "getpixel") or len(shape) == 2 or shape[2:] in {(1,), (3,), (4,)}  # noqa: PLR2004


def on_white(picture: Image.Image) -> Image.Image:
    """Put a picture on a white ground and make it RGB.

    Pictures of more than 8 bits are stretched from their smallest to their largest value, which
    pillow would cut off at 255.

    Examples
    --------
    >>> on_white(Image.new("RGBA", (1, 1), (0, 0, 0, 0))).getpixel((0, 0))
    (255, 255, 255)
    """
    if picture.mode[0] in "IF":
        return to_picture(np.asarray(picture)).convert("RGB")
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(ground, picture).convert("RGB")
    return picture.convert("RGB")


def to_picture(array: np.ndarray, limits: tuple[float, float] | None = None) -> Image.Image:
    """Make an array of shape (height, width[, 1, 3 or 4]) a picture.

    Bytes are taken as they are; other values are stretched from `limits`, by default from the
    smallest to the largest, to the range from black to white.

    Examples
    --------
    >>> to_picture(np.array([[0.0, 4.0]])).getpixel((1, 0))
    255
    """
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[2] == 1:  # noqa: PLR2004
        array = array[:, :, 0]
    if array.ndim not in {2, 3} or (array.ndim == 3 and array.shape[2] not in {3, 4}):  # noqa: PLR2004
        message = (
            "a picture needs the shape (height, width) or (height, width, 1, 3 or 4 channels); "
            f"got {array.shape}"
        )
        raise ValueError(message)
    if array.dtype != np.uint8 or limits is not None:
        array = _stretched(array, limits)
    return Image.fromarray(array)


def _stretched(array: np.ndarray, limits: tuple[float, float] | None) -> np.ndarray:
    values = np.asarray(array, np.float32)
    finite = values[np.isfinite(values)]
    low, high = limits or ((finite.min(), finite.max()) if finite.size else (0.0, 1.0))
    values = np.nan_to_num(values, nan=low, posinf=low, neginf=low)
    return np.rint(np.clip((values - low) * (255 / ((high - low) or 1)), 0, 255)).astype(np.uint8)
