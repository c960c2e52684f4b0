"""The cut: activations at the last frozen layer are remembered, the layers above can learn."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from math import prod
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from simlab._fingerprint import fingerprint
from simlab.encoders._encoder import Encoder
from simlab.encoders.cuts._trace import find_part, split_module
from simlab.encoders.models._module import Collate, ModuleEncoder
from simlab.errors import DataError, ShapeError

_AT_ONCE = 64
"""Items that go through the upper layers at a time when nothing learns: as many as `embed`
encodes."""
_DTYPES = (
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.bool,
    torch.int64,
    torch.int32,
)
_DIGIT = 1000
"""A size is told by two numbers below this: exact even in float16."""
_LONGEST = 32
"""Numbers that tell the type and shape of a tensor, at most: 15 axes."""


class Lower(Encoder, Protocol):
    """The layers below a cut: an Encoder that can say how the whole is made."""

    recipe: dict[str, Any]

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
        *,
        collate: Collate | None,
        identity: str | None,
    ) -> None:
        name, modalities = f"{whole.name} up to {recipe['cut']}", sorted(whole.modalities)
        super().__init__(below, collate=collate, name=name, modalities=modalities)
        self.recipe, self._whole, self._identity = recipe, whole, identity

    @property
    def libraries(self) -> frozenset[str]:
        """Those of a ready encoder, or those of the layers below and of `collate`."""
        return super().libraries if self._identity is None else frozenset(self._whole.libraries)

    @property
    def identity(self) -> str:
        """Changes with the weights, code and settings of the layers below and of `collate`."""
        if self._identity is None:
            return super().identity
        return fingerprint(self._identity, self.recipe["cut"])


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
        The last frozen part: a name of `named_modules()`, or the end of one.
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
    named = [name for name, _ in module.named_modules() if name]
    place = find_part(named, cut, whole.name)
    lower, upper = split_module(module, place)
    below = Below(lower, at_once)
    recipe = {"name": whole.name, **options, "cut": place}
    base = _LowerModule(below, recipe, whole, collate=collate, identity=identity)
    n_parts = sum(node.op == "placeholder" for node in upper.graph.nodes)
    return CutEncoder(whole.name, base, Above(upper, n_parts, below, at_once or _AT_ONCE))


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

    def code(self) -> str:
        """Name what the layers do, whatever their weights are."""
        empty = deepcopy(self)
        with torch.no_grad():
            for tensor in [*empty.parameters(), *empty.buffers()]:
                tensor.zero_()
        return ModuleEncoder(empty).identity

    def forward(self, rows: Tensor) -> Tensor:
        """Map (batch, n) to (batch, dim); in parts where no gradient needs them together."""
        if torch.is_grad_enabled() or len(rows) <= self.at_once:
            return self.body(*unpack(rows, self.n_parts)).float()
        return torch.cat([self(part) for part in rows.split(self.at_once)])

    def extra_repr(self) -> str:
        """Say what runs: it is a part of the fingerprint."""
        return getattr(self.body, "code", "")


def pack(parts: Sequence[Any]) -> Tensor:
    """Flatten tensors of shape (batch, ...) into rows that begin with their types and shapes.

    So remembered rows can be unpacked in another session, where the input was never seen.

    Examples
    --------
    >>> rows = pack([torch.ones(5, 2, 3), torch.zeros(5)])
    >>> [tuple(part.shape) for part in unpack(rows, 2)]
    [(5, 2, 3), (5,)]
    """
    for part in parts:
        if not isinstance(part, Tensor) or part.ndim == 0 or part.dtype not in _DTYPES:
            raise DataError(
                "what is made below a cut and needed above it must be tensors with one row per "
                f"item; got {_said(part)}; make it above the cut, or cut elsewhere"
            )
    if len({len(part) for part in parts}) > 1:
        raise DataError(
            "what crosses a cut must have one row per item; got tensors of shapes "
            f"{', '.join(str(tuple(part.shape)) for part in parts)}; cut elsewhere"
        )
    told = [number for part in parts for number in _told(part)]
    header = torch.tensor(told, dtype=torch.float32, device=parts[0].device)
    flat = [part.reshape(len(part), -1).float() for part in parts]
    return torch.cat([header.expand(len(parts[0]), -1), *flat], dim=1)


def unpack(rows: Tensor, n_parts: int) -> list[Tensor]:
    """Undo `pack`.

    Raises
    ------
    ShapeError
        Rows that were not packed, or not from tensors of one shape.
    """
    try:
        told = rows[0, : _LONGEST * n_parts].round().int().tolist()
        shapes, start = _shapes(told, n_parts)
        sizes = [prod(shape) for _, shape in shapes]
        is_packed = start + sum(sizes) == rows.shape[1]
    except (IndexError, ValueError):
        is_packed = False
    if not is_packed or not (rows[:, :start] == rows[0, :start]).all():
        raise ShapeError(
            "the layers above a cut take activations of one shape, as the base encoder returns "
            f"them; got vectors of shape {tuple(rows.shape)}; encode with .base"
        )
    flat = rows[:, start:].split(sizes, dim=1)
    return [
        part.reshape(len(rows), *shape).to(dtype)
        for part, (dtype, shape) in zip(flat, shapes, strict=True)
    ]


def _told(part: Tensor) -> Iterator[int]:
    yield from (_DTYPES.index(part.dtype), part.ndim - 1)
    for size in part.shape[1:]:
        yield from divmod(size, _DIGIT)


def _shapes(numbers: list[int], n_parts: int) -> tuple[list[tuple[torch.dtype, list[int]]], int]:
    shapes, at = [], 0
    for _ in range(n_parts):
        dtype, n_axes = _DTYPES[numbers[at]], numbers[at + 1]
        digits = numbers[at + 2 : at + 2 + 2 * n_axes]
        sizes = [high * _DIGIT + low for high, low in zip(digits[::2], digits[1::2], strict=True)]
        shapes.append((dtype, sizes))
        at += 2 + 2 * n_axes
    return shapes, at


def _said(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)} and type {value.dtype}"
    return f"{type(value).__name__} {value!r}"[:80]
