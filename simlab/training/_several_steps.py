"""The module that `fit` trains: several optimizer steps in one step of Lightning."""

from typing import Any

import torch
from torch import nn

from simlab.training._module import Batch, SimilarityModule
from simlab.training.losses import Loss


class SeveralSteps(SimilarityModule):
    """Train as `SimilarityModule` does, on several batches at a time.

    Around every batch Lightning does as much work as a small head itself; here it does it once
    for many. The weights come out the same. `trainer.global_step` counts optimizer steps, but
    whatever counts Lightning's batches (gradient accumulation, `max_steps`, callbacks at a batch)
    would see groups of them: hence this module is for the trainer that `fit` makes.

    Parameters
    ----------
    head, loss, **options
        See `SimilarityModule`.
    n_steps : int
        Optimizer steps until the learning rate is 0.
    """

    def __init__(self, head: nn.Module, loss: Loss, *, n_steps: int, **options: Any) -> None:
        super().__init__(head, loss, **options)
        self._n_steps = n_steps
        self.automatic_optimization = False

    def training_step(self, batches: list[Batch], _: int) -> None:  # type: ignore[override]
        """Take a step for every batch."""
        optimizer: Any = self.optimizers()
        schedule: Any = self.lr_schedulers()
        n_items = sum(len(labels) for _, labels in batches)
        mean = torch.zeros((), device=self.device)
        for vectors, labels in batches:
            loss = self.judge(vectors, labels)
            optimizer.zero_grad()
            loss.backward()  # nothing of Lightning's is in between in our own trainer
            _counted_step(optimizer)
            schedule.step()
            mean += loss.detach() * (len(labels) / n_items)
        self.log("loss", mean, on_step=False, on_epoch=True, batch_size=n_items)

    def configure_optimizers(self) -> Any:
        """Give both; the steps are taken here."""
        optimizer, schedule = self.optimizer_and_schedule(self._n_steps)
        return [optimizer], [schedule]


def _counted_step(optimizer: Any) -> None:
    """Step, and count it as Lightning does, without asking every callback twice."""
    optimizer._on_before_step()  # noqa: SLF001
    optimizer.optimizer.step()
    optimizer._on_after_step()  # noqa: SLF001
