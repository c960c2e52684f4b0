"""Transformers as a cut needs them: a reader, embeddings, a stack of layers, and a pooling."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from torch import Tensor, nn

from simlab.encoders.models._pooling import pooled
from simlab.encoders.models._text import SentenceEncoder, settings_of


class Stack(Protocol):
    """A transformer between what reads content and what pools its tokens.

    Attributes
    ----------
    network : torch.nn.Module
        All of it.
    transformer : torch.nn.Module
        With embeddings and a stack of layers.
    pooling : torch.nn.Module
        From what the transformer answers and a mask (or None) to vectors.
    keeps_pooler : bool
        Whether the pooling uses the pooler of the transformer.
    longest : int or None
        Tokens that it reads at most; None: as many as there are, or pictures.
    libraries : collection of str
    probe : list
        Two items that it can read; texts of two lengths, so that one is padded.
    """

    network: nn.Module
    transformer: nn.Module
    pooling: nn.Module
    keeps_pooler: bool
    longest: int | None
    libraries: Collection[str]
    probe: list[Any]

    def read(self, content: list[Any], longest: int | None = None) -> dict[str, Tensor]:
        """Turn content into inputs, of at most so many tokens."""
        ...

    def run(self, inputs: dict[str, Tensor]) -> Any:
        """Run the transformer, and maybe what follows."""
        ...

    def settings(self) -> list[Any]:
        """Say what decides the activations besides weights and code."""
        ...


class SentenceStack:
    """A SentenceTransformer.

    Parameters
    ----------
    model : sentence_transformers.SentenceTransformer
    """

    keeps_pooler = False  # sentence models pool tokens themselves
    libraries: Collection[str] = SentenceEncoder.libraries

    def __init__(self, model: Any) -> None:
        self.network: Any = model
        self.transformer: Any = getattr(model[0], "auto_model", None)
        self.pooling: nn.Module = _SentencePooling(list(model)[1:], model.truncate_dim)
        self.longest, self.probe = model.max_seq_length, ["fox", "a red fox"]

    def settings(self) -> list[Any]:
        """Say tokenizer, configuration and prompts."""
        return settings_of(self.network)

    def read(self, content: list[Any], longest: int | None = None) -> dict[str, Tensor]:
        """Tokenize as the model does, with its prompt."""
        model = self.network
        prompt = model.prompts.get(model.default_prompt_name) or ""
        read = getattr(model, "preprocess", model.tokenize)  # its name before 5.2
        with self._shortened(longest):
            found = read([prompt + text for text in content])
        return {name: value for name, value in found.items() if isinstance(value, Tensor)}

    def run(self, inputs: dict[str, Tensor]) -> Any:
        """Run the transformer."""
        return self.network[0](dict(inputs))

    @contextmanager
    def _shortened(self, longest: int | None) -> Iterator[None]:
        model = self.network
        before = model.max_seq_length
        model.max_seq_length = longest or before
        try:
            yield
        finally:
            model.max_seq_length = before


class TransformersStack:
    """A model of transformers, for texts or pictures.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    reader : Tokens or Pictures
    pooling : str, optional
        As in `TransformersEncoder`.
    name : str
    settings : list
        Of configuration and reader.
    """

    def __init__(
        self, model: Any, reader: Any, pooling: str | None, name: str, settings: list[Any]
    ) -> None:
        self.network = self.transformer = model
        self.pooling: nn.Module = _TokenPooling(pooling, name)
        self.keeps_pooler = pooling == "pooler"
        self.longest, self.libraries = getattr(reader, "longest", None), reader.libraries
        self.probe = [reader.probe, reader.longer_probe]
        self._reader, self._settings = reader, settings

    def read(self, content: list[Any], longest: int | None = None) -> dict[str, Tensor]:
        """Tokenize, or resize and normalize."""
        reader = self._reader if longest is None else self._reader.up_to(longest)
        return reader(content)

    def run(self, inputs: dict[str, Tensor]) -> Any:
        """Run the model."""
        return self.network(**inputs)

    def settings(self) -> list[Any]:
        """Say configuration, and tokenizer or image processor."""
        return self._settings


class _SentencePooling(nn.Module):
    """The modules of a sentence model behind its transformer."""

    def __init__(self, later: list[nn.Module], truncate_dim: int | None) -> None:
        super().__init__()
        self.later, self._dim = nn.ModuleList(later), truncate_dim

    def forward(self, answer: Any, mask: Tensor) -> Tensor:
        features = {"token_embeddings": answer[0], "attention_mask": mask}
        for module in self.later:
            features = module(features)
        return features["sentence_embedding"][:, : self._dim]


class _TokenPooling(nn.Module):
    """One vector of what a model answers."""

    def __init__(self, pooling: str | None, name: str) -> None:
        super().__init__()
        self._pooling, self._name = pooling, name

    def forward(self, answer: Any, mask: Tensor | None) -> Tensor:
        return pooled(answer, mask, self._pooling, self._name)
