"""The record of one fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Everything that decides a run: `fit(items, encoder, **asdict(run.config))` repeats it.

    The fields are the keywords of `simlab.fit`, which describes them. A loss, miner or head that
    was given as an object is itself here; of a run that was loaded, only its description is left
    (the head is what was passed to `Run.load`), with which `fit` says what to pass.
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
    lr: float | Mapping[str, float] = 1e-3
    layer_decay: float = 1.0
    loss_lr: float | None = None
    weight_decay: float = 1.0
    dropout: float = 0.2
    val: float = 0.2
    patience: int = 15
    monitor: str = "auto"
    refit: bool = True
    views: int = 1
    seed: int = 0
