"""Models of transformers as encoders: texts, pictures, or both in one space."""

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from simlab._fingerprint import fingerprint
from simlab.encoders._encoder import Encoder
from simlab.encoders.fingerprints._libraries import Versioned
from simlab.encoders.models._module import frozen, module_fingerprint
from simlab.encoders.models._pooling import check_pooling, pooled
from simlab.encoders.models._precision import Precise
from simlab.encoders.models._processors import Pictures, Tokens, parts_of
from simlab.encoders.models._several import SeveralEncoder
from simlab.errors import DataError

if TYPE_CHECKING:
    from simlab.encoders.cuts._cut import CutEncoder

_AT_ONCE = 32
_OF_THE_FILE = (
    "_name_or_path",
    "architectures",
    "dtype",
    "torch_dtype",
    "transformers_version",
)
"""Where and how a model was saved is no part of it."""


class TransformersEncoder(Versioned, Precise):
    """A model of transformers that reads texts or pictures.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    reader : Tokens or Pictures
        From a list of items to the inputs of the model.
    method : str, default="forward"
        What of the model is called.
    pooling : {"mean", "cls", "last", "pooler"}, optional
        Mean of all tokens, the first, the last that is no padding, or the model's own pooler. By
        default the projection of a model that has one (`CLIPTextModelWithProjection`), else the
        mean.
    name : str, optional
        By default the folder that the model came from, or its class.
    precision : {"float32", "bfloat16"}, default="float32"
    device : str or torch.device, optional
        Where the model is moved to; by default it stays where it is.

    Raises
    ------
    ChoiceError
        Unknown pooling or precision.
    """

    def __init__(
        self,
        model: Any,
        reader: Tokens | Pictures,
        *,
        method: str = "forward",
        pooling: str | None = None,
        name: str | None = None,
        precision: str = "float32",
        device: Any = None,
    ) -> None:
        check_pooling(pooling)
        self.set_precision(precision)
        self.model: nn.Module = model if device is None else model.to(device)
        self.name = name or name_of(model)
        self.modalities = reader.modalities
        self.pooling = pooling
        self._reader, self._method = reader, method
        self._dim: int | None = None

    @property
    def libraries(self) -> frozenset[str]:
        """Those of the model and of its processor."""
        return self._reader.libraries

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    @property
    def dim(self) -> int:
        """Numbers per vector; a plain item is encoded to find out."""
        if self._dim is None:
            self.encode([self._reader.probe])
        return int(self._dim or 0)

    @property
    def identity(self) -> str:
        """Changes with weights, configuration, tokenizer or image processor, and pooling.

        Computed anew each time: the model belongs to the user and may have been trained.
        """
        return fingerprint(
            module_fingerprint(self.model),
            config_settings(self.model),
            self._reader.settings,
            [self._method, self.pooling, self.precision],
        )

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Place texts or pictures; shape (n, dim).

        Raises
        ------
        DataError
            The model does not answer with what is to be pooled.
        ShapeError
            Arrays that are no pictures.
        """
        content = list(content)
        with frozen(self.model), self._running(self.device):
            parts = [
                self._vectors(content[start : start + _AT_ONCE])
                for start in range(0, len(content), _AT_ONCE)
            ]
        vectors = torch.cat(parts).cpu().numpy()
        self._dim = vectors.shape[1]
        return vectors

    def _vectors(self, content: list[Any]) -> Tensor:
        call = getattr(self.model, self._method)
        taken = inspect.signature(call).parameters
        inputs = {name: value.to(self.device) for name, value in self._reader(content).items()}
        if not taken.keys().isdisjoint(inputs):  # else it takes anything, as wrappers do
            inputs = {name: value for name, value in inputs.items() if name in taken}
        answer = call(**inputs)
        pooling = self.pooling
        if self._method != "forward":  # older versions give the projection itself
            pooling = "pooler"
        return pooled(answer, inputs.get("attention_mask"), pooling, self.name).float()

    def cut_at(self, cut: str, *, max_tokens: int | None = None) -> "CutEncoder":
        """Freeze all up to a layer of the model; see `simlab.encoder`.

        Raises
        ------
        DataError
            One of two towers, such as CLIP's; or no embeddings with a stack of layers.
        """
        from simlab.encoders.cuts._cut_stack import cut_stack
        from simlab.encoders.cuts._stacks import TransformersStack

        if self._method != "forward":
            raise DataError(
                f"a model that is cut must have one tower; {self.name} has several; cut a model "
                "of one tower, such as CLIPVisionModel"
            )
        settings = [config_settings(self.model), self._reader.settings]
        stack = TransformersStack(self.model, self._reader, self.pooling, self.name, settings)
        return cut_stack(self, stack, cut, max_tokens=max_tokens)

    def __repr__(self) -> str:
        pooling = "" if self.pooling is None else f", pooling={self.pooling!r}"
        return f"TransformersEncoder({self.name}{pooling})"


def transformers_encoder(
    model: Any,
    *,
    processor: Any = None,
    max_tokens: int | None = None,
    **options: Any,
) -> Encoder:
    """Make an encoder of a `PreTrainedModel` and its processor.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Of two towers (with `get_text_features` and `get_image_features`) one encoder for both is
        made; of an encoder-decoder its encoder is used.
    processor : tokenizer, image processor, or processor of both
    max_tokens : int, optional
        Longer texts are cut off; by default what the model can read.
    **options
        See `TransformersEncoder`.
    """
    kind = type(model).__name__
    tokenizer, images = parts_of(processor)
    if tokenizer is None and images is None:
        raise TypeError(
            f"{kind} needs processor=, its tokenizer or image processor (such as "
            f"AutoProcessor.from_pretrained(...)); got {type(processor).__name__}"
        )
    given = {"image": images, "text": tokenizer}
    if hasattr(model, "get_text_features") and hasattr(model, "get_image_features"):
        readers = {
            tower: _reader(tower, one, model, max_tokens)
            for tower, one in given.items()
            if one is not None
        }
        return _two_towers(model, readers, options)
    if getattr(model.config, "is_encoder_decoder", False):
        options.setdefault("name", name_of(model))
        model = model.get_encoder()
    reads = "image" if getattr(model, "main_input_name", "") == "pixel_values" else "text"
    if given[reads] is None:
        needed = "an image processor" if reads == "image" else "a tokenizer"
        raise TypeError(f"{kind} needs {needed} as its processor; got {type(processor).__name__}")
    return TransformersEncoder(model, _reader(reads, given[reads], model, max_tokens), **options)


def _reader(reads: str, part: Any, model: Any, max_tokens: int | None) -> Tokens | Pictures:
    return Pictures(part) if reads == "image" else Tokens(part, model, max_tokens)


def _two_towers(model: Any, readers: dict[str, Any], options: dict[str, Any]) -> Encoder:
    if "pooling" in options:
        raise TypeError(f"{type(model).__name__} projects both towers itself; it takes no pooling=")
    parts: dict[str, Encoder] = {
        tower: TransformersEncoder(model, reader, method=f"get_{tower}_features", **options)
        for tower, reader in readers.items()
    }
    one, *more = parts.values()
    return SeveralEncoder(parts, name=one.name) if more else one


def name_of(model: Any) -> str:
    """Name a model by its folder, or by its class."""
    return Path(getattr(model, "name_or_path", "") or type(model).__name__).name


def config_settings(model: Any) -> str:
    """Say the configuration of a model, without where and how it was saved."""
    settings = model.config.to_dict()
    return json.dumps(_without(settings), sort_keys=True, default=repr)


def _without(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without(value) if isinstance(value, dict) else value
        for name, value in settings.items()
        if name not in _OF_THE_FILE
    }
