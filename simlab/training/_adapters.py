"""Adapters of low rank beside linear layers: few weights that learn, the others frozen."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from torch import Tensor, nn

from simlab._require import require
from simlab.errors import DataError
from simlab.training._by_name import check_parameters

_PARAMETERS = ("alpha", "last", "rank", "targets")
_A, _B = ".lora_A.", ".lora_B."
_SHOWN = 8


@dataclass(frozen=True)
class Adapters:
    """Beside a layer with weights W, adapters compute (W + alpha / rank · B A) x.

    A starts by chance and B at zero, so that at first nothing changes.

    Parameters
    ----------
    names : tuple of str
        The linear layers, by their names in the layers above a cut.
    rank : int, default=8
        Rows of A and columns of B.
    alpha : float, default=16
        Strength, as `rank` times a factor.

    References
    ----------
    Hu et al. *LoRA: Low-Rank Adaptation of Large Language Models*. 2021. arXiv:2106.09685,
    section 4.1.

    Examples
    --------
    >>> network = Adapters(("0",), rank=2).added_to(nn.Sequential(nn.Linear(4, 3), nn.ReLU()))
    >>> [tuple(one.shape) for one in network.parameters() if one.requires_grad]
    [(2, 4), (3, 2)]
    """

    names: tuple[str, ...]
    rank: int = 8
    alpha: float = 16

    def added_to(self, module: nn.Module) -> nn.Module:
        """Freeze a module, and put adapters into it that learn.

        Raises
        ------
        MissingExtraError
            Without the package of `simlab[lora]`.
        """
        peft = require("peft", extra="lora", reason="train='lora'")
        module.requires_grad_(requires_grad=False)
        config = peft.LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            target_modules="|".join(map(re.escape, self.names)),
        )
        peft.inject_adapter_in_model(config, module)
        for name in self.names:  # torch's fused transformer layers pass by what has no hook
            module.get_submodule(name).register_forward_pre_hook(_pass_on)
        return module


def _pass_on(_: nn.Module, __: Any) -> None:
    """Change nothing."""


def check_lora(parameters: Mapping[str, Any]) -> None:
    """Raise an error for parameters that adapters do not have, or that are out of range."""
    check_parameters("train 'lora'", dict(parameters), list(_PARAMETERS))
    for name in ("rank", "last"):
        value = parameters.get(name, 1)
        if not isinstance(value, Integral) or value < 1:
            raise DataError(f"{name} of 'lora' must be a whole number, at least 1; got {value!r}")
    alpha = parameters.get("alpha", 1)
    if not isinstance(alpha, int | float) or not 0 < alpha < float("inf"):
        raise DataError(f"alpha of 'lora' must be above 0 and finite; got {alpha!r}")


def adaptable(module: nn.Module, targets: str | Iterable[str] | None) -> dict[str, nn.Module]:
    """Choose linear layers by the ends of their names, by default all.

    Raises
    ------
    DataError
        There are none.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    >>> [*adaptable(network, None)], [*adaptable(network, "1")]
    (['0', '1'], ['1'])
    """
    fused = [part for part in module.modules() if isinstance(part, nn.MultiheadAttention)]
    within = {id(inner) for part in fused for inner in part.modules()}  # their weights are read
    linear: dict[str, nn.Module] = {
        name: part
        for name, part in module.named_modules()
        if isinstance(part, nn.Linear) and id(part) not in within
    }
    ends = [targets] if isinstance(targets, str) else list(targets or [])
    chosen = {
        name: part
        for name, part in linear.items()
        if targets is None or any(f".{name}".endswith(f".{end}") for end in ends)
    }
    if chosen:
        return chosen
    shown = ", ".join(map(repr, [*linear][-_SHOWN:])) or "none"
    raise DataError(
        f"'lora' needs linear layers (nn.Linear) to put adapters beside; targets={targets!r} "
        f"names none; the last of the linear layers are: {shown}"
    )


def adapters_in(weights: Mapping[str, Tensor], prefix: str) -> tuple[str, ...]:
    """Name the layers that have adapters among saved weights.

    Examples
    --------
    >>> import torch
    >>> adapters_in({"top.body.0.lora_A.default.weight": torch.ones(2, 4)}, "top.")
    ('body.0',)
    """
    names = [name.partition(_A)[0] for name in weights if _A in name]
    return tuple(name.removeprefix(prefix) for name in names)


def adapters_of(told: Any, names: tuple[str, ...]) -> Adapters | None:
    """Describe adapters of some layers as `train` says; None where there are no layers.

    Examples
    --------
    >>> adapters_of(("lora", {"rank": 2, "last": 1}), ("0",))
    Adapters(names=('0',), rank=2, alpha=16)
    """
    parameters = told[1] if isinstance(told, tuple) else {}
    settings = {name: parameters[name] for name in ("rank", "alpha") if name in parameters}
    return Adapters(names, **settings) if names else None


def of_adapters(name: str) -> bool:
    """Tell whether a weight belongs to an adapter."""
    return _A in name or _B in name
