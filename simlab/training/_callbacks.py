"""What happens around the epochs: keep the best head, stop in time, show progress."""

import time
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl  # noqa: TID253 (this file is opened by fit alone)
import torch
from torch import nn

if TYPE_CHECKING:
    import pandas as pd

_ROUNDING = 1e-6
"""What is no progress: Lightning keeps its metrics in float32, as means over batches."""


class KeepBest(pl.Callback):
    """Remember the history and the best weights; stop when they no longer improve.

    The head as it starts is a candidate too, so that training cannot end below it on the
    validation items.

    Parameters
    ----------
    monitor : str or None
        A validation metric, higher is better; None keeps the last weights.
    patience : int
        Epochs without improvement before stopping.
    until : int, optional
        Stop after this epoch in any case.
    since : int, default=0
        Epochs before patience is needed, since a part waits to learn.
    """

    def __init__(
        self, monitor: str | None, patience: int, until: int | None = None, *, since: int = 0
    ) -> None:
        self._monitor, self._patience = monitor, patience
        self._until, self._first = until, since
        self.history: list[dict[str, float]] = []
        self.best: dict[str, torch.Tensor] | None = None
        self.best_loss: dict[str, torch.Tensor] = {}
        self.best_epoch = 0
        self._best_value = -float("inf")
        self._since = time.perf_counter()

    @property
    def frame(self) -> "pd.DataFrame":
        """The history, one row per epoch."""
        import pandas as pd

        return pd.DataFrame(self.history)

    def state_dict(self) -> dict[str, Any]:
        """Tell all that a training needs to go on."""
        names = ("history", "best", "best_loss", "best_epoch", "_best_value")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what was told."""
        for name, value in state_dict.items():
            setattr(self, name, value)

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Rate the head as it starts, as epoch 0, unless training goes on from a later one."""
        self._since = time.perf_counter()
        if self.history:
            self._since -= self.history[-1]["seconds"]
            self._stop_if_idle(trainer, int(self.history[-1]["epoch"]))
            return
        val = trainer.datamodule.val_dataloader()  # type: ignore[attr-defined]
        rates: dict[str, float] = {}
        module.eval()
        with torch.no_grad():
            for vectors, labels in val:
                rates = module.rate(vectors.to(module.device), labels)  # type: ignore[operator]
        module.train()
        rates = {name: float(torch.tensor(value)) for name, value in rates.items()}  # as Lightning
        self._note(module, {"epoch": 0, "loss": float("nan"), **rates})

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Note the epoch; Lightning has validated it already."""
        rates = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self._note(module, {"epoch": trainer.current_epoch + 1, **rates})
        self._stop_if_idle(trainer, trainer.current_epoch + 1)

    def _stop_if_idle(self, trainer: pl.Trainer, epoch: int) -> None:
        idle = epoch - max(self.best_epoch, self._first)
        is_idle = self._monitor is not None and idle >= self._patience
        if is_idle or epoch == self._until:
            trainer.should_stop = True

    def _note(self, module: Any, rates: dict[str, float]) -> None:
        self.history.append({**rates, "seconds": time.perf_counter() - self._since})
        last = float(len(self.history))  # without validation the last weights are the best
        value = rates.get(self._monitor, -float("inf")) if self._monitor else last
        if value > self._best_value + _ROUNDING:
            self._best_value, self.best_epoch = value, int(rates["epoch"])
            self.best = deepcopy(module.head.state_dict())
            self.best_loss = state_of(module.loss)


def state_of(loss: Any) -> dict[str, torch.Tensor]:
    """Copy the centers and whatever else a loss has learned."""
    if not isinstance(loss, nn.Module):
        return {}
    state = loss.state_dict()
    return {name: one.detach().cpu().clone() for name, one in state.items()}


class EpochBar(pl.Callback):
    """One quiet progress bar over the epochs."""

    def __init__(self, title: str, until: int | None = None) -> None:
        self._title, self._until = title, until
        self._bar: Any = None

    def on_train_start(self, trainer: pl.Trainer, _: pl.LightningModule) -> None:
        """Open the bar."""
        from tqdm.auto import tqdm

        total = self._until or trainer.max_epochs
        self._bar = tqdm(total=total, desc=self._title, unit="epoch", leave=False)

    def on_train_epoch_end(self, trainer: pl.Trainer, _: pl.LightningModule) -> None:
        """Show loss and validation."""
        shown = {
            name: f"{float(value):.3f}"
            for name, value in trainer.callback_metrics.items()
            if name in {"loss", "val_map@r"}
        }
        self._bar.set_postfix(shown)
        self._bar.update()

    def teardown(self, *_: object, **__: object) -> None:
        """Close the bar, also after an interruption."""
        if self._bar is not None:
            self._bar.close()
