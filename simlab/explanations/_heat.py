"""Heat: signed weights as color, over a grey picture or behind a word."""

from typing import Any

import numpy as np
from PIL import Image

from simlab.explanations._parts import edges, plane, prepared

TOGETHER, APART = (0, 114, 178), (213, 94, 0)
"""Blue and vermilion of Okabe and Ito (2008), told apart by every reader."""

_SHARPNESS = 2
_STRONGEST = 0.8
_PALE = 0.5


def tint(weight: float, scale: float) -> str:
    """Color a weight: blue above 0, orange below, as opaque as it is large.

    Examples
    --------
    >>> tint(0.1, 0.2), tint(-0.2, 0.2), tint(0.0, 0.0)
    ('rgba(0,114,178,0.40)', 'rgba(213,94,0,0.80)', 'rgba(213,94,0,0.00)')
    """
    red, green, blue = TOGETHER if weight > 0 else APART
    return f"rgba({red},{green},{blue},{_STRONGEST * _share(weight, scale):.2f})"


def heat_map(content: Any, weights: np.ndarray, scale: float, *, size: int) -> Image.Image:
    """Lay the weights of cells over a pale grey picture of the item.

    Parameters
    ----------
    content : PIL image or ndarray
    weights : ndarray of shape (rows, columns)
    scale : float
        The weight of the strongest color, one for all maps that are looked at together.
    size : int
        Longest side on the page; the picture has twice as many pixels.

    Returns
    -------
    PIL.Image.Image
        In mode RGB.
    """
    grey = picture(content).convert("L")
    height, width = (
        edges(n, cells) for n, cells in zip(grey.size[::-1], weights.shape, strict=True)
    )
    spread = np.repeat(np.repeat(weights, np.diff(height), axis=0), np.diff(width), axis=1)
    shown = fitted(grey, size)
    rows = np.arange(shown.height) * grey.height // shown.height
    columns = np.arange(shown.width) * grey.width // shown.width
    spread = spread[np.ix_(rows, columns)][..., None]  # (height, width, 1)
    opacity = _STRONGEST * _share(spread, scale)
    pale = 255 - _PALE * (255 - np.asarray(shown, dtype=float)[..., None])
    color = np.where(spread > 0, np.array(TOGETHER), np.array(APART))
    return Image.fromarray(np.rint(pale * (1 - opacity) + color * opacity).astype(np.uint8))


def picture(content: Any) -> Image.Image:
    """Make a picture of any item that has a plane: 3 or 4 channels as colors, others averaged.

    Examples
    --------
    >>> picture(np.zeros((3, 8, 6))).mode, picture(np.zeros((5, 8, 6))).size
    ('RGB', (8, 5))
    """
    if isinstance(content, Image.Image):
        return prepared(content)
    values = np.moveaxis(content.astype(float), plane(content.shape), (0, 1))
    values = values.reshape(*values.shape[:2], -1)  # (height, width, channels)
    if content.dtype != np.uint8:
        values = (values - values.min()) * (255 / max(np.ptp(values), 1e-12))
    has_colors = values.shape[2] in {3, 4}
    values = values[..., :3] if has_colors else values.mean(axis=2)
    return Image.fromarray(np.rint(values).astype(np.uint8)).convert("RGB")


def fitted(image: Image.Image, size: int) -> Image.Image:
    """Scale to `size` on the page; small pictures keep their pixels."""
    longest, wanted = max(image.size), size * _SHARPNESS
    shape = tuple(max(1, round(side * wanted / longest)) for side in image.size)
    smooth = longest * 4 > wanted
    way = Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST
    return image.resize((shape[0], shape[1]), way)


def _share(weight: Any, scale: float) -> Any:
    return np.abs(weight) / scale if scale > 0 else np.abs(weight) * 0.0
