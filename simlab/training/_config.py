"""The record of one fit, and which numbers make sense in it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from simlab.errors import ChoiceError, DataError
from simlab.training._pacing import wrong_pacing
from simlab.training._schedules import check_schedule
from simlab.training.miners import check_miner

MONITORS = ("auto", "map@r", "r-precision", "recall@1", "spearman", "triplet-accuracy")
_LEAST = {"epochs": 1, "batch_size": 4, "per_class": 2, "patience": 1, "seed": 0}
_LEAST_IF_ANY = {"memory": 1, "grad_cache": 1}


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Everything that decides a run: `fit(items, encoder, **asdict(run.config))` repeats it.

    The fields are the keywords of `simlab.fit`, which describes them. A loss, miner, schedule or
    head that was given as an object is itself here; of a run that was loaded, only its
    description is left (the head is what was passed to `Run.load`), with which `fit` says what to
    pass.
    """

    loss: Any = "supcon"
    miner: Any = None
    head: Any = "auto"
    train: Any = "auto"
    freeze: int | Mapping[str, int] = 0
    recompute: bool = False
    epochs: int = 30
    batch_size: int = 128
    per_class: int = 5
    batches: str = "auto"
    lr: float | Mapping[str, float] = 1e-3
    layer_decay: float = 1.0
    loss_lr: float | None = None
    schedule: Any = "cosine"
    warmup: float = 0
    weight_decay: float = 1.0
    dropout: float = 0.2
    val: float = 0.2
    patience: int = 15
    monitor: str = "auto"
    refit: bool = True
    views: int = 1
    memory: int | None = None
    grad_cache: int | None = None
    seed: int = 0


def check_config(config: FitConfig) -> None:
    """Raise an error for settings that no training can have, all wrong numbers at once.

    Raises
    ------
    ChoiceError
        Unknown miner, schedule or monitor.
    TypeError, MissingExtraError
        As `simlab.training.miners.check_miner`.
    DataError
        Numbers out of their range.

    Examples
    --------
    >>> check_config(FitConfig(epochs=1))
    """
    check_miner(config.miner)
    check_schedule(config.schedule, config.warmup)
    if config.monitor not in MONITORS:
        raise ChoiceError.of("monitor", config.monitor, MONITORS)
    least = _LEAST | {
        name: low for name, low in _LEAST_IF_ANY.items() if getattr(config, name) is not None
    }
    wrong = [
        f"{name} must be a whole number, at least {low}; got {value!r}"
        for name, low in least.items()
        if not isinstance(value := getattr(config, name), Integral) or value < low
    ]
    wrong += wrong_pacing(config)
    if config.loss_lr is not None and not 0 < config.loss_lr < math.inf:
        wrong.append(f"loss_lr must be above 0 and finite; got {config.loss_lr!r}")
    if not 0 <= config.weight_decay < math.inf:
        wrong.append(f"weight_decay must be at least 0 and finite; got {config.weight_decay!r}")
    shares = {"dropout": config.dropout, "val": config.val}
    wrong += [
        f"{name} must be a share in [0, 1); got {share!r}"
        for name, share in shares.items()
        if not 0 <= share < 1
    ]
    if wrong:
        raise DataError("; ".join(wrong[:3]))
