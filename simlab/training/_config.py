"""The record of one fit."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Everything that decides a run: `fit(items, encoder, **asdict(run.config))` repeats it.

    The fields are the keywords of `simlab.fit`, which describes them.
    """

    loss: str = "supcon"
    head: str = "auto"
    train: str = "auto"
    epochs: int = 30
    batch_size: int = 128
    per_class: int = 5
    lr: float = 1e-3
    weight_decay: float = 1.0
    dropout: float = 0.2
    val: float = 0.2
    patience: int = 15
    monitor: str = "auto"
    refit: bool = True
    views: int = 1
    seed: int = 0
