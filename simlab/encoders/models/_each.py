"""A preprocessing function of one item, as a function of a batch; and models that come with one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from simlab.encoders.models._module import ModuleEncoder
from simlab.encoders.models._rgb import PLAIN, as_rgb
from simlab.errors import DataError, ShapeError

_PICTURES = ("array", "image")


@dataclass(frozen=True)
class Each:
    """Preprocess items one by one, and stack what comes out.

    Parameters
    ----------
    preprocess : callable
        From one item to a tensor, or an array of numbers; of one shape for all.
    rgb : bool, default=False
        Whether it is given an RGB picture, whatever the item is.

    Examples
    --------
    >>> Each(lambda text: [len(text)])(["a", "bcd"])
    tensor([[1],
            [3]])
    """

    preprocess: Callable[[Any], Any]
    rgb: bool = False

    @property
    def libraries(self) -> frozenset[str]:
        """Pillow, which opens and resizes RGB pictures."""
        return frozenset({"PIL"}) if self.rgb else frozenset()

    def __call__(self, items: list[Any]) -> Tensor:
        parts = [_as_tensor(self.preprocess(as_rgb(item) if self.rgb else item)) for item in items]
        shapes = sorted({tuple(part.shape) for part in parts})
        if len(shapes) > 1:
            raise ShapeError(
                "preprocess must make tensors of one shape; got "
                f"{', '.join(map(str, shapes[:3]))}; resize or pad in it, or use collate="
            )
        return torch.stack(parts)


def _as_tensor(value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise DataError(
                f"preprocess must make one tensor of an item; got {type(value).__name__}; "
                "for anything else use collate="
            )
        value = torch.from_numpy(np.array(array))
    return value.float() if value.dtype == torch.float64 else value


def module_encoder(module: nn.Module, *, preprocess: Any = None, **options: Any) -> ModuleEncoder:
    """Make an encoder of a torch module; one of torchvision's reads pictures as RGB."""
    if preprocess is None:
        return ModuleEncoder(module, **options)
    if "collate" in options:
        raise TypeError("a module takes preprocess= (of one item) or collate= (of many), not both")
    is_torchvision = any(_package(value) == "torchvision" for value in (module, preprocess))
    if is_torchvision:
        options.setdefault("modalities", _PICTURES)
    made = ModuleEncoder(module, collate=Each(preprocess, rgb=is_torchvision), **options)
    made.probe = PLAIN if is_torchvision else None
    return made


class _BeforeClasses(nn.Module):
    """A timm model up to its pooled features, whatever classes it was trained for."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        """Map (batch, 3, height, width) to (batch, features)."""
        model: Any = self.model
        return model.forward_head(model.forward_features(pixels), pre_logits=True)


def timm_encoder(model: nn.Module, *, preprocess: Any = None, **options: Any) -> ModuleEncoder:
    """Make an encoder of a timm model, with the preprocessing that it was trained with."""
    if preprocess is None:
        from timm import data

        settings = data.resolve_model_data_config(model)
        preprocess = data.create_transform(**settings, is_training=False)
    known = getattr(model, "default_cfg", {}).get("architecture")
    options.setdefault("name", known or type(model).__name__)
    options.setdefault("modalities", _PICTURES)
    collate = Each(preprocess, rgb=True)
    made = ModuleEncoder(_BeforeClasses(model), collate=collate, **options)
    made.probe = PLAIN
    return made


def _package(value: Any) -> str:
    return type(value).__module__.partition(".")[0]
