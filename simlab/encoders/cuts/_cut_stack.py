"""The cut in a transformer: activations of tokens are remembered, the upper layers can learn."""

import warnings
from collections.abc import Collection, Sequence
from copy import copy
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from simlab._fingerprint import fingerprint
from simlab.encoders._encoder import Encoder
from simlab.encoders.cuts._cut import Above, CutEncoder
from simlab.encoders.cuts._layers import last_of, too_few
from simlab.encoders.cuts._packing import pack
from simlab.encoders.cuts._stacks import Stack
from simlab.encoders.cuts._trace import find_part
from simlab.encoders.fingerprints._libraries import Versioned
from simlab.encoders.models._module import frozen, module_fingerprint
from simlab.errors import DataError, SimlabWarning

_TOKENS = 64
"""Tokens kept per text, where activations are."""
_MOST_TOKENS = 512
"""Token numbers kept per text, of models that read any length."""
_FEWEST_TOKENS = 8
_NEAR = 1e-4
"""How far the vectors of the probe may lie from those of the whole model: rounding."""
_EMBEDDINGS = "embeddings"


def cut_stack(
    whole: Encoder, stack: Stack, cut: str, *, max_tokens: int | None = None
) -> CutEncoder:
    """Cut a transformer behind one of its layers.

    Parameters
    ----------
    whole : Encoder
        Gives its name and modalities.
    stack : Stack
        With embeddings, a stack of layers and pooling, as BERT and ViT have.
    cut : str
        The last frozen layer: a name of `named_modules()`, or the end of one. Or `"last:2"`, how
        many layers are above; `"last:all"` keeps what the model reads, token numbers or pixels.
    max_tokens : int, optional
        Tokens kept per text (fewer, if the model reads fewer); longer texts are shortened with a
        warning, and their vectors are then those of the shortened text. An item takes
        `max_tokens` times the width of the model. By default 64, or all that the model reads
        where nothing but token numbers is kept.

    Raises
    ------
    ChoiceError
        No such layer, or several.
    DataError
        A model that is not built so, or too few tokens or layers.
    """
    if max_tokens is not None and max_tokens < _FEWEST_TOKENS:
        raise DataError(f"max_tokens must be at least {_FEWEST_TOKENS}; got {max_tokens!r}")
    n = last_of(cut)
    base: LowerInputs
    if n == "all":
        _check_transformer(stack)
        base = LowerInputs(whole, stack, cut, max_tokens or stack.longest or _MOST_TOKENS)
        shell = stack.transformer
    else:
        place = _layer_name(stack, cut, whole.name) if n is None else _before(stack, n, whole.name)
        recipe_cut = place if n is None else cut
        base = LowerLayers(whole, stack, recipe_cut, max_tokens or _TOKENS, place)
        shell = _behind(stack, place)
    above = _UpperLayers(shell, stack.pooling, base.names)
    made = CutEncoder(whole.name, base, Above(above, len(base.names), base.module))
    try:
        far = np.abs(made.encode(stack.probe) - whole.encode(stack.probe)).max()
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
        raise _unfit(stack, f"cut there it does not run ({error})") from error
    if not far <= _NEAR:
        raise _unfit(stack, f"cut there its vectors differ by {far:.2g}")
    return made


class LowerInputs(Versioned):
    """What a transformer reads, and nothing of it: token numbers and their mask, or pixels.

    Parameters
    ----------
    whole : Encoder
        Gives name and modalities.
    stack : Stack
    cut : str
        For the recipe.
    max_tokens : int
    """

    is_input = True

    def __init__(self, whole: Encoder, stack: Stack, cut: str, max_tokens: int) -> None:
        self.name = f"{whole.name} before all layers"
        self.modalities = whole.modalities
        self.recipe: dict[str, Any] = {"name": whole.name, "cut": cut}
        self._stack = stack
        self._n_tokens = min(max_tokens, stack.longest or max_tokens)
        self._has_warned = False
        with frozen(stack.network):
            inputs = stack.read(stack.probe[:1])
        self._reads_text = "input_ids" in inputs
        if self._reads_text:
            self.recipe["max_tokens"] = max_tokens
        shape = inputs["input_ids" if self._reads_text else "pixel_values"].shape
        self._kept = [name for name, value in inputs.items() if value.shape == shape]
        self.module: nn.Module = nn.ModuleList()

    @property
    def libraries(self) -> Collection[str]:
        """Those that read and run the model."""
        return self._stack.libraries

    @property
    def names(self) -> list[str]:
        """The arguments of the transformer that the parts of an activation are."""
        return self._kept

    @property
    def identity(self) -> str:
        """Changes with the tokenizer or image processor, and the configuration."""
        return fingerprint(*self._stack.settings(), self._kept, self._n_tokens, "v1")

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self._stack.network.parameters()).device

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Give what the transformer reads, as long as for all texts; shape (n, numbers)."""
        inputs = self._read(list(content))
        return pack([self._padded(inputs[name]) for name in self._kept]).cpu().numpy()

    def _read(self, content: list[Any]) -> dict[str, Tensor]:
        """Read as the model does; shorten what is longer than is kept."""
        inputs = self._stack.read(content)
        if not self._reads_text:
            return inputs
        n_tokens = inputs["attention_mask"].sum(dim=1)
        if (n_tokens > self._n_tokens).any():
            self._warn(int(n_tokens.max()))
        if inputs["input_ids"].shape[1] > self._n_tokens:
            inputs = self._stack.read(content, self._n_tokens)
        return inputs

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

    def _padded(self, values: Tensor) -> Tensor:
        if not self._reads_text:
            return values
        shape = (len(values), self._n_tokens, *values.shape[2:])
        whole = values.new_zeros(shape)
        whole[:, : values.shape[1]] = values
        return whole

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"


class LowerLayers(LowerInputs):
    """The layers of a transformer up to a cut; its vectors are activations of tokens.

    Parameters
    ----------
    whole, stack, cut, max_tokens
        See `LowerInputs`.
    place : str
        The name of the last layer within the transformer.
    """

    is_input = False

    def __init__(self, whole: Encoder, stack: Stack, cut: str, max_tokens: int, place: str) -> None:
        super().__init__(whole, stack, cut, max_tokens)
        self.name = f"{whole.name} up to {place}"
        self._place, self._layer = place, stack.transformer.get_submodule(place)
        self.module = nn.ModuleList(self._finished())

    @property
    def names(self) -> list[str]:
        """Given instead of words, activations pass the embeddings by."""
        return ["inputs_embeds", "attention_mask"] if self._reads_text else ["pixel_values"]

    @property
    def identity(self) -> str:
        """Changes with the weights below the cut, the tokenizer, the configuration and the cut."""
        weights = module_fingerprint(self.module)
        return fingerprint(weights, *self._stack.settings(), self._place, self._n_tokens, "v1")

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Give the activations of the tokens, and which tokens there are; shape (n, numbers)."""
        inputs = self._read(list(content))
        with frozen(self._stack.network):
            hidden = self._run(inputs)
            if not self._reads_text:
                return pack([hidden]).cpu().numpy()
            mask = inputs["attention_mask"].to(self.device)
            rows = self._padded(hidden * mask[..., None]), self._padded(mask)
            return pack(rows).cpu().numpy()

    def _run(self, inputs: dict[str, Tensor]) -> Tensor:
        """Run the model until the last layer below the cut has answered."""
        found: list[Tensor] = []

        def stop(_: nn.Module, __: Any, output: Any) -> None:
            found.append(output[0] if isinstance(output, tuple) else output)
            raise _Reached

        handle = self._layer.register_forward_hook(stop)
        try:
            self._stack.run({name: value.to(self.device) for name, value in inputs.items()})
        except _Reached:
            return found[0]
        finally:
            handle.remove()
        raise _unfit(self._stack, f"{self._place!r} does not run")

    def _finished(self) -> list[nn.Module]:
        """Find the modules that have run when the cut is reached, without those within them."""
        network = self._stack.network
        done: set[int] = set()
        parts = [part for part in network.modules() if part is not self._layer]
        handles = [
            part.register_forward_hook(lambda part, *_: done.add(id(part))) for part in parts
        ]
        try:
            with frozen(network):
                self._run(self._read(list(self._stack.probe[:1])))
        finally:
            for handle in handles:
                handle.remove()
        done.add(id(self._layer))
        return _outermost(network, done)


class _Reached(Exception):  # noqa: N818 (no error: it leaves the model in its middle)
    """The last layer below the cut has answered."""


class _PassOn(nn.Module):
    """In place of the embeddings: what is given instead of words or pixels has all of them."""

    @property
    def patch_embeddings(self) -> Any:
        """Say the type of the patches, which vision models turn pixels into."""
        return SimpleNamespace(projection=SimpleNamespace(weight=torch.empty(0)))

    def forward(self, *given: Any, **named: Any) -> Tensor:
        values = [*given, *named.values()]  # transformers pass them by place or by name
        return next(one for one in values if isinstance(one, Tensor) and one.is_floating_point())


class _UpperLayers(nn.Module):
    """The layers above, and the pooling."""

    def __init__(self, shell: nn.Module, pooling: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.shell, self.pooling, self._names = shell, pooling, names

    def forward(self, *parts: Tensor) -> Tensor:
        """Map parts of shape (batch, tokens, ...) or (batch, channels, ...) to (batch, dim)."""
        given = dict(zip(self._names, parts, strict=True))
        mask = given.get("attention_mask")
        if mask is not None:
            used = mask.any(dim=0)  # no work for what is padding in all of them
            given = {name: part[:, used] for name, part in given.items()}
        return self.pooling(self.shell(**given), given.get("attention_mask"))


def _check_transformer(stack: Stack) -> None:
    """Refuse a sentence model without a transformer, such as one of word vectors."""
    if stack.transformer is None:
        raise _unfit(stack, "got another")


def _rows(stack: Stack) -> list[str]:
    """Name the embeddings and the layers of the outermost stacks, in the transformer."""
    _check_transformer(stack)
    transformer = stack.transformer
    inner = dict(transformer.named_modules())
    stacks = [name for name, part in inner.items() if isinstance(part, nn.ModuleList)]
    outer = [one for one in stacks if not any(one.startswith(f"{other}.") for other in stacks)]
    rows = [f"{one}.{row}" for one in outer for row in range(len(inner[one]))]
    if not rows or not hasattr(transformer, _EMBEDDINGS):
        raise _unfit(stack, "got another")
    return [_EMBEDDINGS, *rows]


def _layer_name(stack: Stack, cut: str, owner: str) -> str:
    """Find a layer by its name; the name within the transformer is returned."""
    names = {id(part): name for name, part in stack.network.named_modules()}
    rows = _rows(stack)
    within = {names[id(stack.transformer.get_submodule(row))]: row for row in rows}
    return within[find_part([*within], cut, owner)]


def _before(stack: Stack, n: int, owner: str) -> str:
    """Name what comes before the last n layers."""
    rows = _rows(stack)
    if n >= len(rows):
        raise too_few(n, len(rows) - 1, owner)
    return rows[-n - 1]


def _behind(stack: Stack, place: str) -> nn.Module:
    """Copy a transformer so that it begins behind a layer; the layers are the same objects.

    It thus makes attention masks and position biases as it always does.
    """
    shell = inner = _with_parts_of_its_own(stack.transformer)
    inner.embeddings = _PassOn()
    if hasattr(inner, "pooler") and not stack.keeps_pooler:
        inner.pooler = nn.Identity()
    if place == _EMBEDDINGS:
        return shell
    *path, row_of, row = place.split(".")
    for name in path:
        child = _with_parts_of_its_own(inner.get_submodule(name))
        setattr(inner, name, child)
        inner = child
    layers: Any = inner.get_submodule(row_of)
    setattr(inner, row_of, layers[int(row) + 1 :])
    return shell


def _with_parts_of_its_own(module: nn.Module) -> nn.Module:
    twin = copy(module)
    twin.__dict__["_modules"] = dict(module._modules)  # noqa: SLF001 (a copy shares them)
    return twin


def _outermost(module: nn.Module, chosen: set[int]) -> list[nn.Module]:
    if id(module) in chosen:
        return [module]
    return [part for child in module.children() for part in _outermost(child, chosen)]


def _unfit(stack: Stack, got: str) -> DataError:
    kind = type(stack.transformer or stack.network).__name__
    return DataError(
        "a transformer that is cut must have embeddings, a stack of layers and pooling; "
        f"{kind} is not: {got}; use it without cut="
    )
