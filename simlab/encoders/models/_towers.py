"""Models with a tower for pictures and one for texts, as open_clip makes them."""

from typing import Any

from torch import Tensor, nn

from simlab.encoders._encoder import Encoder
from simlab.encoders.models._each import Each
from simlab.encoders.models._module import ModuleEncoder
from simlab.encoders.models._rgb import PLAIN
from simlab.encoders.models._several import SeveralEncoder


class _Tower(nn.Module):
    """One of the two ways through a model."""

    def __init__(self, model: nn.Module, method: str) -> None:
        super().__init__()
        self.model, self.method = model, method

    def forward(self, inputs: Tensor) -> Tensor:
        """Map pixels or tokens to (batch, dim)."""
        return getattr(self.model, self.method)(inputs)


def towers_encoder(
    model: nn.Module,
    *,
    preprocess: Any = None,
    tokenizer: Any = None,
    name: str | None = None,
    **options: Any,
) -> Encoder:
    """Make an encoder of a model with `encode_image` and `encode_text`.

    Parameters
    ----------
    model : torch.nn.Module
    preprocess : callable, optional
        From an RGB picture to a tensor; without it no pictures are read.
    tokenizer : callable, optional
        From a list of texts to a tensor; without it no texts are read.
    name : str, optional
        By default the class of the model.
    **options
        `device` and `precision`, see `ModuleEncoder`.
    """
    if preprocess is None and tokenizer is None:
        raise TypeError(
            f"{type(model).__name__} needs preprocess= to read pictures, tokenizer= to read texts, "
            "or both; open_clip.create_model_and_transforms and open_clip.get_tokenizer make them"
        )
    name = name or type(model).__name__
    parts: dict[str, Encoder] = {}
    if preprocess is not None:
        image = ModuleEncoder(
            _Tower(model, "encode_image"),
            collate=Each(preprocess, rgb=True),
            name=name,
            modalities=("array", "image"),
            **options,
        )
        image.probe = PLAIN
        parts["image"] = image
    if tokenizer is not None:
        text = ModuleEncoder(
            _Tower(model, "encode_text"),
            collate=tokenizer,
            name=name,
            modalities=("text",),
            **options,
        )
        text.probe = "a"
        parts["text"] = text
    return SeveralEncoder(parts, name=name) if len(parts) > 1 else next(iter(parts.values()))
