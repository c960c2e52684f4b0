"""What happens around the epochs: keep the best head, stop in time, tell how it goes."""

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl  # noqa: TID253 (this file is opened by fit alone)
import torch
from torch import nn

from simlab.training._progress import Progress
from simlab.training._watch import Watch

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, float]
_ROUNDING = 1e-6
"""What is no progress: Lightning keeps its metrics in float32, as means over batches."""


class StopAskedError(Exception):
    """A listener asked to stop: caught by `fit`, which keeps the best weights so far."""


@dataclass(frozen=True)
class Kept:
    """The weights of one epoch, and how well they did."""

    epoch: int
    value: float
    head: dict[str, torch.Tensor]
    loss: dict[str, torch.Tensor]


@dataclass(frozen=True)
class Story:
    """All epochs so far and the best weights among them, replaced as a whole.

    So an interruption at any moment finds weights that belong to their epoch.
    """

    rows: tuple[Row, ...] = ()
    best: Kept | None = None

    @property
    def frame(self) -> "pd.DataFrame":
        """One row per epoch."""
        import pandas as pd

        return pd.DataFrame(list(self.rows))


class KeepBest(pl.Callback):
    """Remember the history and the best weights; stop when they no longer improve.

    The head as it starts is a candidate too, so that training cannot end below it on the
    validation items. Weights that are no numbers are never kept: they end the training.

    Parameters
    ----------
    monitor : str or None
        A validation metric, higher is better; None keeps the last weights.
    patience : int
        Epochs without improvement before stopping.
    until : int, optional
        Stop after this epoch in any case.
    watch : Watch, optional
        Measures the health of the space, which becomes a part of the history.
    since : int, default=0
        Epochs before patience is needed, since a part waits to learn.
    """

    def __init__(
        self,
        monitor: str | None,
        patience: int,
        until: int | None = None,
        *,
        watch: Watch | None = None,
        since: int = 0,
    ) -> None:
        self.monitor, self._patience = monitor, patience
        self._until, self._first = until, since
        self._watch = watch
        self._since = time.perf_counter()
        self.story = Story()

    @property
    def best_epoch(self) -> int:
        """The epoch of the best weights so far."""
        return self.story.best.epoch if self.story.best else 0

    def state_dict(self) -> dict[str, Any]:
        """Tell all that a training needs to go on."""
        best = self.story.best
        return {"rows": list(self.story.rows), "best": None if best is None else vars(best)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what was told."""
        best = state_dict["best"]
        self.story = Story(tuple(state_dict["rows"]), None if best is None else Kept(**best))

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Rate the head as it starts, as epoch 0, unless training goes on from a later one."""
        self._since = time.perf_counter()
        if self._watch is not None:
            self._watch.listen(module.head, trainer.optimizers)  # type: ignore[arg-type]
        if self.story.rows:
            self._since -= self.story.rows[-1]["seconds"]
            self._stop_if_idle(trainer, int(self.story.rows[-1]["epoch"]))
            return
        val = trainer.datamodule.val_dataloader()  # type: ignore[attr-defined]
        rates: Row = {}
        module.eval()
        with torch.no_grad():
            for vectors, labels in val:
                rates = module.rate(vectors.to(module.device), labels)  # type: ignore[operator]
        module.train()
        rates |= {} if self._watch is None else self._watch.measure(module)
        rates = {name: float(torch.tensor(value)) for name, value in rates.items()}  # as Lightning
        self._note(module, {"epoch": 0, "loss": float("nan"), **rates})

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Note the epoch; Lightning has validated it already."""
        rates = {name: float(value) for name, value in trainer.callback_metrics.items()}
        if self._watch is not None:
            health = self._watch.measure(module)
            rates |= {name: float(torch.tensor(value)) for name, value in health.items()}
            if trainer.loggers:  # milliseconds in every epoch, where anyone listens
                module.log_dict(health)
        epoch = trainer.current_epoch + 1
        row = {"epoch": epoch, **rates}
        is_sound = _is_sound(row, module)
        self._note(module, row, is_candidate=is_sound)
        self._stop_if_idle(trainer, epoch)
        if not is_sound:
            trainer.should_stop = True

    def _stop_if_idle(self, trainer: pl.Trainer, epoch: int) -> None:
        idle = epoch - max(self.best_epoch, self._first)
        is_idle = self.monitor is not None and idle >= self._patience
        if is_idle or epoch == self._until:
            trainer.should_stop = True

    def _note(self, module: Any, rates: Row, *, is_candidate: bool = True) -> None:
        row = {**rates, "seconds": time.perf_counter() - self._since}
        rows, best = (*self.story.rows, row), self.story.best
        last = float(len(rows))  # without validation the last weights are the best
        value = rates.get(self.monitor, -float("inf")) if self.monitor else last
        if is_candidate and value > (best.value if best else -float("inf")) + _ROUNDING:
            head = deepcopy(module.head.state_dict())
            best = Kept(int(rates["epoch"]), value, head, state_of(module.loss))
        self.story = Story(rows, best)


def _is_sound(row: Row, module: Any) -> bool:
    """Tell whether the loss and all weights are numbers."""
    is_number = torch.tensor(row.get("loss", 0.0)).isfinite()
    return bool(is_number) and all(bool(one.isfinite().all()) for one in module.head.parameters())


def state_of(loss: Any) -> dict[str, torch.Tensor]:
    """Copy the centers and whatever else a loss has learned."""
    if not isinstance(loss, nn.Module):
        return {}
    state = loss.state_dict()
    return {name: one.detach().cpu().clone() for name, one in state.items()}


@dataclass
class Tell(pl.Callback):
    """Tell a listener of every epoch that was noted, and stop when it asks.

    Parameters
    ----------
    progress : Progress
    kept : KeepBest
        Comes before this among the callbacks.
    name : str
        Of the run.
    advise : callable
        Of the rows and the best epoch: what is wrong, in words.
    until : int, optional
        The last epoch of a refit.
    """

    progress: Progress
    kept: KeepBest
    name: str
    advise: Callable[[Sequence[Row], int], list[str]]
    until: int | None = None
    _is_open: bool = field(default=False, init=False)

    def on_train_start(self, trainer: pl.Trainer, _: pl.LightningModule) -> None:
        """Say what begins, and how the head starts."""
        epochs = self.until or trainer.max_epochs or -1
        self._is_open = True
        metric, refits = self.kept.monitor, self.until is not None
        self.progress.start(self.name, epochs, metric=metric, refits=refits)
        for row in self.kept.story.rows[:-1]:  # of a training that goes on
            self.progress.epoch(row, [])
        self._say()

    def on_train_batch_end(self, *_: object) -> None:
        """End the training if that is asked."""
        if self.progress.asks_to_stop:
            raise StopAskedError

    def on_train_epoch_end(self, *_: object) -> None:
        """Tell of the epoch."""
        self._say()

    def close(self, *, finished: bool) -> None:
        """Say that it is over, whatever ended it."""
        if self._is_open:
            self._is_open = False
            self.progress.end(best_epoch=self.kept.best_epoch, finished=finished)

    def _say(self) -> None:
        rows = self.kept.story.rows
        self.progress.epoch(rows[-1], self.advise(rows, self.kept.best_epoch))
