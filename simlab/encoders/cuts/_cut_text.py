"""The cut in a sentence model: token activations are remembered, the upper layers can learn."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
from torch import Tensor, nn

from simlab._fingerprint import fingerprint
from simlab.encoders._encoder import Encoder
from simlab.encoders.cuts._cut import Above, CutEncoder, pack
from simlab.encoders.cuts._trace import find_part
from simlab.encoders.fingerprints._libraries import Versioned
from simlab.encoders.models._module import frozen, module_fingerprint
from simlab.encoders.models._text import SentenceEncoder, settings_of
from simlab.errors import DataError, SimlabWarning

_PROBE = ["fox", "a red fox"]
"""Of two lengths, so that one is padded."""
_FEWEST_TOKENS = 8
_NEAR = 1e-4
"""How far the vectors of the probe may lie from those of the whole model: rounding."""


def cut_sentences(whole: Encoder, model: Any, cut: str, *, max_tokens: int = 64) -> CutEncoder:
    """Cut a SentenceTransformer behind one of its transformer layers.

    Parameters
    ----------
    whole : Encoder
        Gives its name.
    model : sentence_transformers.SentenceTransformer
        With a stack of layers between embeddings and pooling, as BERT has.
    cut : str
        The last frozen layer: a name of `named_modules()`, or the end of one.
    max_tokens : int, default=64
        Tokens kept per text (fewer, if the model reads fewer); longer texts are shortened with a
        warning, and their vectors are then those of the shortened text. An item takes
        `max_tokens` times the width of the model.

    Raises
    ------
    ChoiceError
        No such layer, or several.
    DataError
        A model that is not built so, or too few tokens.
    """
    if max_tokens < _FEWEST_TOKENS:
        raise DataError(f"max_tokens must be at least {_FEWEST_TOKENS}; got {max_tokens!r}")
    place = _layer_name(model, cut, whole.name)
    base = LowerLayers(whole.name, model, place, max_tokens)
    above = _UpperLayers(_behind(model[0].auto_model, place), list(model)[1:], model.truncate_dim)
    made = CutEncoder(whole.name, base, Above(above, 2, base.module))
    far = np.abs(made.encode(_PROBE) - whole.encode(_PROBE)).max()
    if not far <= _NEAR:
        raise _unfit(model, f"cut there its vectors differ by {far:.2g}")
    return made


class LowerLayers(Versioned):
    """The layers of a sentence model up to a cut; its vectors are activations of tokens.

    Parameters
    ----------
    name : str
        That of the whole encoder.
    model : sentence_transformers.SentenceTransformer
    place : str
        The name of the last layer within the transformer.
    max_tokens : int
    """

    modalities = frozenset({"text"})
    libraries = SentenceEncoder.libraries

    def __init__(self, name: str, model: Any, place: str, max_tokens: int) -> None:
        self.name = f"{name} up to {place}"
        self.recipe = {"name": name, "cut": place, "max_tokens": max_tokens}
        self._model, self._layer = model, model[0].auto_model.get_submodule(place)
        self._n_tokens = min(max_tokens, model.max_seq_length or max_tokens)
        self._has_warned = False
        self.module = nn.ModuleList(self._finished())

    @property
    def identity(self) -> str:
        """Changes with the weights below the cut, the tokenizer, the configuration and the cut."""
        weights = module_fingerprint(self.module)
        settings = *settings_of(self._model), self.recipe["cut"], self._n_tokens, "v1"
        return fingerprint(weights, *settings)

    def encode(self, content: Sequence[str]) -> np.ndarray:
        """Give the activations of the tokens, and which tokens there are; shape (n, numbers)."""
        features = self._read(list(content))
        with frozen(self._model):
            mask = features["attention_mask"].to(self._model.device)
            hidden = self._run(features)
            rows = self._padded(hidden * mask[..., None]), self._padded(mask)
            return pack(rows).cpu().numpy()

    def _read(self, texts: list[str]) -> dict[str, Any]:
        """Tokenize as the model does; shorten what is longer than is kept."""
        prompt = self._model.prompts.get(self._model.default_prompt_name) or ""
        texts = [prompt + text for text in texts]
        read = getattr(self._model, "preprocess", self._model.tokenize)  # its name before 5.2
        features = read(texts)
        n_tokens = features["attention_mask"].sum(dim=1)
        if (n_tokens > self._n_tokens).any():
            self._warn(int(n_tokens.max()))
            with self._shortened():
                features = read(texts)
        return features

    def _warn(self, longest: int) -> None:
        """Tell of shortened texts, once: `embed` gives long ones first."""
        if not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"texts of more than {self._n_tokens} tokens are shortened below the cut; got one "
                f"of {longest}; a larger max_tokens= keeps more",
                SimlabWarning,
                stacklevel=4,
            )

    @contextmanager
    def _shortened(self) -> Iterator[None]:
        before = self._model.max_seq_length
        self._model.max_seq_length = self._n_tokens
        try:
            yield
        finally:
            self._model.max_seq_length = before

    def _run(self, features: dict[str, Any]) -> Tensor:
        """Run the model until the last layer below the cut has answered."""
        found: list[Tensor] = []

        def stop(_: nn.Module, __: Any, output: Any) -> None:
            found.append(output[0] if isinstance(output, tuple) else output)
            raise _Reached

        handle = self._layer.register_forward_hook(stop)
        on_device = {
            name: value.to(self._model.device) if isinstance(value, Tensor) else value
            for name, value in features.items()
        }
        try:
            self._model[0](on_device)
        except _Reached:
            return found[0]
        finally:
            handle.remove()
        raise _unfit(self._model, f"{self.recipe['cut']!r} does not run")

    def _finished(self) -> list[nn.Module]:
        """Find the modules that have run when the cut is reached, without those within them."""
        done: set[int] = set()
        parts = [part for part in self._model.modules() if part is not self._layer]
        handles = [
            part.register_forward_hook(lambda part, *_: done.add(id(part))) for part in parts
        ]
        try:
            with frozen(self._model):
                self._run(self._read(_PROBE[:1]))
        finally:
            for handle in handles:
                handle.remove()
        done.add(id(self._layer))
        return _outermost(self._model, done)

    def _padded(self, values: Tensor) -> Tensor:
        shape = (len(values), self._n_tokens, *values.shape[2:])
        whole = values.new_zeros(shape)
        whole[:, : values.shape[1]] = values
        return whole

    def __repr__(self) -> str:
        return f"LowerLayers({self.name})"


class _Reached(Exception):  # noqa: N818 (no error: it leaves the model in its middle)
    """The last layer below the cut has answered."""


class _PassOn(nn.Module):
    """In place of the embeddings: what is given instead of words has all of them already."""

    def forward(self, *given: Any, **named: Any) -> Tensor:
        values = [*given, *named.values()]  # transformers pass them by place or by name
        return next(one for one in values if isinstance(one, Tensor) and one.is_floating_point())


class _UpperLayers(nn.Module):
    """The layers above, pooling and what follows."""

    def __init__(self, shell: nn.Module, later: list[nn.Module], truncate_dim: int | None) -> None:
        super().__init__()
        self.shell, self.later = shell, nn.ModuleList(later)
        self._dim = truncate_dim

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Map (batch, tokens, width) and (batch, tokens) to (batch, dim)."""
        used = mask.any(dim=0)  # no work for what is padding in all of them
        hidden, mask = hidden[:, used], mask[:, used]
        tokens = self.shell(inputs_embeds=hidden, attention_mask=mask)[0]
        features = {"token_embeddings": tokens, "attention_mask": mask}
        for module in self.later:
            features = module(features)
        return features["sentence_embedding"][:, : self._dim]


def _layer_name(model: Any, cut: str, owner: str) -> str:
    """Find a layer by its name; the name within the transformer is returned."""
    transformer = getattr(model[0], "auto_model", None)
    names = {id(part): name for name, part in model.named_modules()}
    inner = {} if transformer is None else dict(transformer.named_modules())
    stacks = [name for name, part in inner.items() if isinstance(part, nn.ModuleList)]
    within = {
        names[id(inner[f"{stack}.{row}"])]: f"{stack}.{row}"
        for stack in stacks
        for row in range(len(inner[stack]))
        if not any(stack.startswith(f"{other}.") for other in stacks)
    }
    if not within or not hasattr(transformer, "embeddings"):
        raise _unfit(model, "got another")
    return within[find_part([*within], cut, owner)]


def _behind(transformer: nn.Module, place: str) -> nn.Module:
    """Copy a transformer so that it begins behind a layer; the layers are the same objects.

    It thus makes attention masks and position biases as it always does.
    """
    *path, stack, row = place.split(".")
    shell = inner = _with_parts_of_its_own(transformer)
    inner.embeddings = _PassOn()
    if hasattr(inner, "pooler"):  # sentence models pool tokens themselves
        inner.pooler = nn.Identity()
    for name in path:
        child = _with_parts_of_its_own(inner.get_submodule(name))
        setattr(inner, name, child)
        inner = child
    layers: Any = inner.get_submodule(stack)
    setattr(inner, stack, layers[int(row) + 1 :])
    return shell


def _with_parts_of_its_own(module: nn.Module) -> nn.Module:
    twin = copy(module)
    twin.__dict__["_modules"] = dict(module._modules)  # noqa: SLF001 (a copy shares them)
    return twin


def _outermost(module: nn.Module, chosen: set[int]) -> list[nn.Module]:
    if id(module) in chosen:
        return [module]
    return [part for child in module.children() for part in _outermost(child, chosen)]


def _unfit(model: Any, got: str) -> DataError:
    kind = type(getattr(model[0], "auto_model", model[0])).__name__
    return DataError(
        "a sentence model that is cut must be a transformer with embeddings, a stack of layers "
        f"and pooling; {kind} is not: {got}; use it without cut="
    )
