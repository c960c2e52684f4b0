"""Any torch module as an encoder, and what all torch encoders share."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import nn

from simlab._fingerprint import digest
from simlab.encoders._dropout import is_dropping
from simlab.encoders.fingerprints._libraries import Versioned
from simlab.encoders.fingerprints._settings import (
    class_parts,
    describe,
    module_settings,
    tensor_parts,
)
from simlab.encoders.fingerprints._walk import packages
from simlab.encoders.models._precision import Precise
from simlab.errors import ShapeError

if TYPE_CHECKING:
    from simlab.encoders.cuts._cut import CutEncoder

Collate = Callable[[list[Any]], Any]
_STATES: "WeakKeyDictionary[Any, dict[str, bytes]]" = WeakKeyDictionary()
"""What encoding itself changed on a module or a collate, as it was before: counters, buffers.
They are no settings, so the fingerprint keeps the first value seen."""


def best_device() -> torch.device:
    """Choose the accelerator of this machine, or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Use a module without learning: eval mode, no gradients; its modes are put back after.

    Where views are made by dropout, only the layers with statistics of their own are in eval mode.
    """
    modes = {part: part.training for part in module.modules()}
    module.train(is_dropping())
    for part in modes:
        if hasattr(part, "running_mean"):
            part.eval()
    if is_dropping():  # a SentenceTransformer calls it while it encodes
        vars(module)["eval"] = lambda: module
    try:
        with torch.inference_mode():
            yield
    finally:
        if is_dropping():
            del vars(module)["eval"]
        for part, training in modes.items():
            part.training = training


def module_fingerprint(module: nn.Module) -> str:
    """Name a module by the code of its classes, its repr, parameters and buffers.

    Examples
    --------
    >>> one = nn.Linear(2, 2)
    >>> before = module_fingerprint(one)
    >>> with torch.no_grad():
    ...     _ = one.weight.add_(1)
    >>> module_fingerprint(one) == before
    False
    """
    parts = [re.sub(r" at 0x[0-9a-f]+", "", repr(module)).encode()]
    parts += sorted(
        digest(*class_parts(kind)) for kind in {type(part) for part in module.modules()}
    )
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        parts += [name.encode(), *tensor_parts(tensor)]
    return digest(*parts).hex()


def _stack(content: list[Any]) -> torch.Tensor:
    return torch.from_numpy(np.stack([np.asarray(value, dtype=np.float32) for value in content]))


class ModuleEncoder(Versioned, Precise):
    """A torch module that maps a batch of items to a batch of vectors.

    Parameters
    ----------
    module : torch.nn.Module
        Takes what `collate` makes; returns a tensor of shape (batch, dim).
    collate : callable, optional
        From a list of items to the module's input. By default arrays are stacked to a float32
        tensor of shape (batch, ...).
    name : str, optional
        By default the class of the module.
    modalities : collection of str, optional
        By default arrays; with `collate` anything.
    precision : {"float32", "bfloat16"}, default="float32"
        bfloat16 is faster and moves some neighbors; how many is printed when `embed` first
        encodes.
    device : str or torch.device, optional
        Where the module is moved to; by default it stays where it is.

    Examples
    --------
    >>> ModuleEncoder(nn.Flatten()).encode([np.zeros((2, 3))]).shape
    (1, 6)
    """

    probe: Any = None
    """An item that the module can read, if there is one for certain: it tells `dim`."""
    _dim: int | None = None

    def __init__(
        self,
        module: nn.Module,
        *,
        collate: Collate | None = None,
        name: str | None = None,
        modalities: Sequence[str] | None = None,
        precision: str = "float32",
        device: Any = None,
    ) -> None:
        self.set_precision(precision)
        self.module = module if device is None else module.to(device)
        self.collate = collate or _stack
        self.name = name or type(module).__name__
        default = ("array",) if collate is None else ("array", "image", "text")
        self.modalities = frozenset(modalities or default)
        self._watched = False

    @property
    def device(self) -> torch.device:
        """Where the module is."""
        return _device_of(self.module)

    @property
    def dim(self) -> int | None:
        """Numbers per vector; None before anything was encoded, where no item is known."""
        if self._dim is None and self.probe is not None:
            self.encode([self.probe])
        return self._dim

    @property
    def libraries(self) -> frozenset[str]:
        """The packages that module and `collate` come from or name."""
        own = [] if self.collate is _stack else [self.collate]
        told: frozenset[str] = getattr(self.collate, "libraries", frozenset())
        return packages(self.module, *own) | {"torch"} | told

    @property
    def identity(self) -> str:
        """Changes with the weights, the code and the settings of the module and of `collate`.

        Computed anew each time: the module belongs to the user and may have been trained.
        """
        parts = [module_fingerprint(self.module).encode(), self.precision.encode()]
        for owner, settings in self._settings():
            settings.update(_state_of(owner))
            parts += [name.encode() + value for name, value in sorted(settings.items()) if value]
        return digest(*parts).hex()

    def _settings(self) -> list[tuple[Any, dict[str, bytes]]]:
        own = {} if self.collate is _stack else {"collate": describe(self.collate)}
        return [(self.module, module_settings(self.module)), (self.collate, own)]

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Place a batch of items.

        Raises
        ------
        ShapeError
            The module does not return one vector per item.
        """
        before = None if self._watched else self._settings()
        with frozen(self.module), self._running(_device_of(self.module)):
            inputs = self.collate(list(content))
            if isinstance(inputs, torch.Tensor):
                inputs = inputs.to(_device_of(self.module))
            vectors = self.module(inputs)
        if before is not None:
            self._watched = True
            for (owner, old), (_, new) in zip(before, self._settings(), strict=True):
                _keep_state(owner, old, new)
        n = len(content)
        is_tensor = isinstance(vectors, torch.Tensor)
        if not is_tensor or vectors.ndim != 2 or len(vectors) != n:  # noqa: PLR2004
            got = tuple(vectors.shape) if is_tensor else type(vectors).__name__
            raise ShapeError(
                f"{self.name} must return a tensor of shape ({n}, dim) for {n} "
                f"item{'s' * (n != 1)}; got {got}; end it with a pooling or nn.Flatten()"
            )
        self._dim = vectors.shape[1]
        return vectors.float().cpu().numpy()

    def cut_at(self, cut: str) -> "CutEncoder":
        """Freeze all up to a module within this one; see `simlab.encoder`."""
        from simlab.encoders.cuts._cut import cut_module

        return cut_module(self, self.module, cut, collate=self.collate)

    def __repr__(self) -> str:
        return f"ModuleEncoder({self.name})"


def _device_of(module: nn.Module) -> torch.device:
    tensors = [*module.parameters(), *module.buffers()]
    return tensors[0].device if tensors else torch.device("cpu")


def _state_of(owner: Any) -> dict[str, bytes]:
    try:
        return _STATES.setdefault(owner, {})
    except TypeError:  # neither hashed nor held weakly: each encode may then look like a change
        return {}


def _keep_state(owner: Any, old: dict[str, bytes], new: dict[str, bytes]) -> None:
    """Note what changed by encoding; what was not there before is noted as nothing."""
    known = _state_of(owner)
    for name in old | new:
        if old.get(name) != new.get(name):
            known.setdefault(name, old.get(name, b""))
