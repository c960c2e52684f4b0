"""The cut: activations at the last frozen layer are remembered, the layers above can learn."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from simlab._fingerprint import fingerprint
from simlab.encoders._encoder import Encoder
from simlab.encoders.cuts._layers import last_of, layers_of
from simlab.encoders.cuts._packing import pack, unpack
from simlab.encoders.cuts._trace import find_part, split_before, split_module
from simlab.encoders.models._module import Collate, ModuleEncoder

_AT_ONCE = 64
"""Items that go through the upper layers at a time when nothing learns: as many as `embed`
encodes."""


class Lower(Encoder, Protocol):
    """The layers below a cut: an Encoder that can say how the whole is made."""

    recipe: dict[str, Any]
    is_input: bool
    """Whether nothing of the network is below: the vectors are what the network reads."""

    @property
    def identity(self) -> str:
        """As its fingerprint, without versions of libraries."""
        ...


class CutEncoder:
    """An encoder in two parts: the frozen layers below a cut, and the layers above it.

    Parameters
    ----------
    name : str
        That of the whole encoder.
    base : Encoder
        The layers below. Its vectors are the activations that cross the cut, flattened; its
        fingerprint says nothing of the layers above. With a `recipe`: the name and the options
        by which `encoder` makes this one again.
    top : Above
        The layers above, from flattened activations to vectors.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> ready = ModuleEncoder(net).cut_at("0")
    >>> np.allclose(ready.encode([np.ones(4)]), ModuleEncoder(net).encode([np.ones(4)]))
    True
    """

    def __init__(self, name: str, base: "Lower", top: "Above") -> None:
        self.name, self.base, self.top = name, base, top
        self.modalities = base.modalities
        self.recipe = base.recipe
        self._above = ModuleEncoder(top, name=name)

    @property
    def identity(self) -> str:
        """Changes with weights, code and settings of the two parts."""
        return fingerprint(self.base.identity, self._above.identity)

    @property
    def fingerprint(self) -> str:
        """Changes with all that the two parts depend on, versions of libraries included."""
        return fingerprint(self.base.fingerprint, self._above.fingerprint)

    @property
    def dim(self) -> int | None:
        """Numbers per vector; None before anything was encoded."""
        return self._above.dim

    def on(self, base: Any) -> "CutEncoder":
        """Put the same layers above on a base that gives the same activations."""
        return CutEncoder(self.name, base, self.top)

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        """Send activations, the vectors of `base`, through the layers above; shape (n, dim)."""
        starts = range(0, max(len(vectors), 1), _AT_ONCE)
        parts = [self._above.encode(list(vectors[start : start + _AT_ONCE])) for start in starts]
        return np.concatenate(parts)

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Place content: the vectors of the whole encoder."""
        return self.transform(self.base.encode(content))

    def __repr__(self) -> str:
        return f"CutEncoder({self.name}, cut={self.recipe['cut']!r})"


class _LowerModule(ModuleEncoder):
    """The layers below a cut in a torch module."""

    def __init__(
        self,
        below: nn.Module,
        recipe: dict[str, Any],
        whole: Any,
        place: str,
        *,
        collate: Collate | None,
        identity: str | None,
    ) -> None:
        where = place if last_of(recipe["cut"]) else f"up to {place}"
        modalities = sorted(whole.modalities)
        super().__init__(
            below, collate=collate, name=f"{whole.name} {where}", modalities=modalities
        )
        self.recipe, self._whole, self._identity = recipe, whole, identity
        self.is_input, self._place = last_of(recipe["cut"]) == "all", place

    @property
    def libraries(self) -> frozenset[str]:
        """Those of a ready encoder, or those of the layers below and of `collate`."""
        return super().libraries if self._identity is None else frozenset(self._whole.libraries)

    @property
    def identity(self) -> str:
        """Changes with the weights, code and settings of the layers below and of `collate`."""
        if self._identity is None:
            return super().identity
        return fingerprint(self._identity, self._place)


def cut_module(
    whole: Encoder,
    module: nn.Module,
    cut: str,
    *,
    collate: Collate | None = None,
    at_once: int | None = None,
    identity: str | None = None,
    **options: Any,
) -> CutEncoder:
    """Cut an encoder that is a torch module behind a function which reads content.

    Parameters
    ----------
    whole : Encoder
        Gives its name and modalities.
    module : torch.nn.Module
        From what `collate` makes to vectors.
    cut : str
        The last frozen part: a name of `named_modules()`, or the end of one; or `"last:2"`,
        `"last:all"`: how many layers are above.
    collate : callable, optional
        See `ModuleEncoder`.
    at_once : int, optional
        Items that go through the module at a time.
    identity : str, optional
        In place of that computed from the layers below: of a ready encoder whose weights are not
        the user's to change.
    **options
        Of the whole encoder, for the recipe.
    """
    n = last_of(cut)
    lower: nn.Module
    upper: nn.Module
    if n == "all":
        place, lower, upper, n_parts = "before all layers", _AsRead(), module, 1
    else:
        if n is None:
            named = [name for name, _ in module.named_modules() if name]
            place = cut = find_part(named, cut, whole.name)
            lower, upper = split_module(module, place)
        else:
            first, lower, upper = split_before(module, layers_of(module), n)
            place = f"before {first}"
        n_parts = sum(node.op == "placeholder" for node in upper.graph.nodes)
    below = Below(lower, at_once)
    recipe = {"name": whole.name, **options, "cut": cut}
    how: dict[str, Any] = {"collate": collate, "identity": identity}
    base = _LowerModule(below, recipe, whole, place, **how)
    return CutEncoder(whole.name, base, Above(upper, n_parts, below, at_once or _AT_ONCE))


class _AsRead(nn.Module):
    """In place of layers below: give what the network reads."""

    def forward(self, inputs: Any) -> list[Any]:
        return [inputs]


class Below(nn.Module):
    """The layers below: from the input of a module to packed activations."""

    def __init__(self, body: nn.Module, at_once: int | None = None) -> None:
        super().__init__()
        self.body, self.at_once = body, at_once

    def forward(self, inputs: Any) -> Tensor:
        """Map what the module takes to (batch, n)."""
        if self.at_once is None:
            return pack(self.body(inputs))
        return torch.cat([pack(self.body(part)) for part in inputs.split(self.at_once)])

    def extra_repr(self) -> str:
        """Say what runs: it is a part of the fingerprint."""
        return getattr(self.body, "code", "")


class Above(nn.Module):
    """The layers above: from packed activations, shape (batch, n), to vectors, (batch, dim).

    Attributes
    ----------
    shared : frozenset of str
        Names of parameters that are also used below the cut, and thus stay frozen.
    """

    def __init__(
        self, body: nn.Module, n_parts: int, below: nn.Module, at_once: int = _AT_ONCE
    ) -> None:
        super().__init__()
        self.body, self.n_parts, self.at_once = body, n_parts, at_once
        frozen = {id(parameter) for parameter in below.parameters()}
        self.shared = frozenset(
            name for name, parameter in self.named_parameters() if id(parameter) in frozen
        )

    @property
    def can_learn(self) -> bool:
        """Whether any weight is used above the cut alone."""
        return any(name not in self.shared for name, _ in self.named_parameters())

    def copy_to_learn(self) -> "Above":
        """Copy the layers, on the CPU; the weights that are used above the cut alone may learn."""
        twin = deepcopy(self).cpu()
        for name, parameter in twin.named_parameters():
            parameter.requires_grad_(name not in self.shared)
        return twin

    @property
    def identity(self) -> str:
        """Changes with weights, code and settings of the layers."""
        return ModuleEncoder(self).identity

    def code(self) -> str:
        """Name what the layers do, whatever their weights are."""
        empty = deepcopy(self)
        with torch.no_grad():
            for tensor in [*empty.parameters(), *empty.buffers()]:
                tensor.zero_()
        return empty.identity

    def forward(self, rows: Tensor) -> Tensor:
        """Map (batch, n) to (batch, dim); in parts where no gradient needs them together."""
        if torch.is_grad_enabled() or len(rows) <= self.at_once:
            return self.body(*unpack(rows, self.n_parts)).float()
        return torch.cat([self(part) for part in rows.split(self.at_once)])

    def extra_repr(self) -> str:
        """Say what runs: it is a part of the fingerprint."""
        return getattr(self.body, "code", "")
