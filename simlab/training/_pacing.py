"""How fast each part learns and from which epoch on: the head, and the layers below it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from simlab.errors import DataError

if TYPE_CHECKING:
    from simlab.training._config import FitConfig

_PARTS = ("head", "top")
_HEAD_LR = 1e-3
"""Learning rate of the head, where only that of the top is given."""


@dataclass(frozen=True)
class Pace:
    """How fast the layers below a head learn.

    Attributes
    ----------
    lr : float or None
        Their learning rate; None is 0.3 times that of the head, for adapters that of the head.
    layer_decay : float
        Each layer learns so many times as fast as the one above it.
    """

    lr: float | None = None
    layer_decay: float = 1.0

    @classmethod
    def of(cls, config: "FitConfig") -> "Pace":
        """Read it from the record of a fit."""
        lr = config.lr.get("top") if isinstance(config.lr, Mapping) else None
        return cls(lr, config.layer_decay)


def head_lr(lr: float | Mapping[str, float]) -> float:
    """Tell the learning rate of the head.

    Examples
    --------
    >>> head_lr(0.01), head_lr({"top": 1e-4})
    (0.01, 0.001)
    """
    return lr.get("head", _HEAD_LR) if isinstance(lr, Mapping) else lr


def frozen_epochs(freeze: int | Mapping[str, int]) -> dict[str, int]:
    """Tell for how many epochs each part stays as it is.

    Examples
    --------
    >>> frozen_epochs(3), frozen_epochs({"head": 1}), frozen_epochs(0)
    ({'top': 3}, {'head': 1}, {})
    """
    told = freeze if isinstance(freeze, Mapping) else {"top": freeze}
    return {part: epochs for part, epochs in told.items() if epochs}


def wrong_pacing(config: "FitConfig") -> list[str]:
    """List what is wrong with `lr`, `layer_decay` and `freeze`."""
    rates = config.lr if isinstance(config.lr, Mapping) else {"head": config.lr}
    wrong = [
        f"lr must be above 0 and finite; got {config.lr!r}"
        for rate in rates.values()
        if not isinstance(rate, Real) or not 0 < float(rate) < math.inf
    ][:1]
    freeze = config.freeze if isinstance(config.freeze, Mapping) else {"top": config.freeze}
    for name, told in (("lr", rates), ("freeze", freeze)):
        unknown = [part for part in told if part not in _PARTS]
        if unknown or not told:
            wrong.append(f"{name} must be for 'head', 'top' or both; got {dict(told)!r}")
    if any(not isinstance(one, Integral) or one < 0 for one in freeze.values()):
        wrong.append(f"freeze must be a whole number of epochs, at least 0; got {config.freeze!r}")
    elif len(freeze) == len(_PARTS) and min(freeze.values()):
        wrong.append(f"freeze must leave a part that learns from the start; got {config.freeze!r}")
    elif isinstance(config.epochs, Integral) and 0 < config.epochs <= max(
        freeze.values(), default=0
    ):
        wrong.append(
            f"freeze must leave epochs in which all learn; got {config.freeze!r} of "
            f"{config.epochs} epochs"
        )
    if not 0 < config.layer_decay <= 1:
        wrong.append(f"layer_decay must be above 0 and at most 1; got {config.layer_decay!r}")
    return wrong


def check_used(config: "FitConfig") -> None:
    """Refuse settings of the layers below a head where the head learns alone.

    Raises
    ------
    DataError
        Naming the first of them.
    """
    lr: Any = config.lr if isinstance(config.lr, Mapping) else {}
    asked = {
        "freeze": bool(frozen_epochs(config.freeze)),
        "lr of 'top'": "top" in lr,
        "layer_decay": config.layer_decay != 1,
        "recompute": config.recompute,
    }
    told = [name for name, is_asked in asked.items() if is_asked]
    if config.train == "head" and told:
        raise DataError(
            f"{told[0]} is for layers that learn below the head; none do with train='head'; "
            "let some learn with train='last:2', 'all' or 'lora'"
        )
