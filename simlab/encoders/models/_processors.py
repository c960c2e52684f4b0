"""Tokenizers and image processors of transformers: content as the inputs of a model."""

import json
from copy import copy
from typing import Any

from torch import Tensor

from simlab._fingerprint import fingerprint
from simlab.encoders.models._hub import words_of
from simlab.encoders.models._rgb import PLAIN, as_rgb
from simlab.errors import DataError

_UNLIMITED = 1_000_000
"""Tokenizers that know no limit tell a number far above this."""
_OF_THE_FILE = frozenset(
    {"_processor_class", "auto_map", "image_processor_type", "name_or_path", "processor_class"}
)


def parts_of(processor: Any) -> tuple[Any, Any]:
    """Take a processor apart: its tokenizer and its image processor, None for what it has not."""
    tokenizer = getattr(processor, "tokenizer", None)
    images = getattr(processor, "image_processor", None)
    if hasattr(processor, "convert_ids_to_tokens"):
        tokenizer = processor
    elif any(kind.__name__ == "ImageProcessingMixin" for kind in type(processor).__mro__):
        images = processor
    return tokenizer, images


class Tokens:
    """Texts as token numbers, padded at the right to the longest of a batch.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
    model : transformers.PreTrainedModel
        Whose positions limit how much is read.
    max_tokens : int, optional
        Cut longer texts off here.

    Raises
    ------
    DataError
        A tokenizer without padding, or a limit below 1.
    """

    modalities = frozenset({"text"})
    libraries = frozenset({"tokenizers", "torch", "transformers"})
    probe = "a"
    longer_probe = "a a a"

    def __init__(self, tokenizer: Any, model: Any, max_tokens: int | None = None) -> None:
        if tokenizer.pad_token is None:
            raise DataError(
                "the tokenizer needs a padding token for texts of unequal length; got none; set "
                "tokenizer.pad_token = tokenizer.eos_token"
            )
        if max_tokens is not None and max_tokens < 1:
            raise DataError(f"max_tokens must be at least 1; got {max_tokens!r}")
        self._tokenizer = tokenizer
        self.longest = max_tokens or _longest(tokenizer, model)
        # trained on texts of one length, without a mask
        self._to_the_end = str(getattr(model.config, "model_type", "")).startswith("siglip")

    @property
    def settings(self) -> dict[str, Any]:
        """The vocabulary and rules of the tokenizer, and where texts are cut off."""
        return {
            "words": fingerprint(words_of(self._tokenizer)),
            "special": {name: str(value) for name, value in _special(self._tokenizer).items()},
            "longest": self.longest,
        }

    def up_to(self, longest: int) -> "Tokens":
        """Cut texts off earlier."""
        shorter = copy(self)
        shorter.longest = longest
        return shorter

    def __call__(self, texts: list[str]) -> dict[str, Tensor]:
        inputs = self._read(texts, "max_length" if self._to_the_end else "longest", self.longest)
        if not inputs["input_ids"].shape[1]:
            inputs = self._read(texts, "max_length", 1)
        if "attention_mask" in inputs:
            inputs["attention_mask"][:, 0] = 1  # an empty text is read as one token of padding
        return inputs

    def _read(self, texts: list[str], padding: str, longest: int | None) -> dict[str, Tensor]:
        found = self._tokenizer(
            texts,
            padding=padding,
            truncation=longest is not None,
            max_length=longest,
            padding_side="right",  # so that padding moves no position
            return_tensors="pt",
        )
        return {name: value.long() for name, value in found.items()}


class Pictures:
    """Pictures as pixels, by an image processor.

    Parameters
    ----------
    processor : transformers.BaseImageProcessor
    """

    modalities = frozenset({"array", "image"})
    libraries = frozenset({"PIL", "torch", "torchvision", "transformers"})
    probe = longer_probe = PLAIN

    def __init__(self, processor: Any) -> None:
        self._processor = processor

    @property
    def settings(self) -> str:
        """Class and settings of the image processor."""
        told = {
            name: value
            for name, value in sorted(self._processor.to_dict().items())
            if name not in _OF_THE_FILE
        }
        told["class"] = type(self._processor).__name__
        return json.dumps(told, sort_keys=True, default=repr)

    def __call__(self, pictures: list[Any]) -> dict[str, Tensor]:
        seen = [as_rgb(picture) for picture in pictures]
        return dict(self._processor(images=seen, return_tensors="pt"))


def _special(tokenizer: Any) -> dict[str, Any]:
    return dict(getattr(tokenizer, "special_tokens_map", {}))


def _longest(tokenizer: Any, model: Any) -> int | None:
    """Tell how many tokens a model can read, if it is limited."""
    if tokenizer.model_max_length < _UNLIMITED:
        return int(tokenizer.model_max_length)
    config = getattr(model.config, "text_config", None) or model.config
    places = getattr(config, "max_position_embeddings", None)
    if not isinstance(places, int) or places < 1:
        return None
    if "roberta" in str(config.model_type) or config.model_type in {"camembert", "mpnet"}:
        places -= (config.pad_token_id or 0) + 1  # their positions begin behind that of padding
    return places
