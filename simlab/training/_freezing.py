"""Parts of a network that wait: frozen for some epochs, as if they did not learn."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytorch_lightning as pl  # noqa: TID253 (this file is opened by fit alone)

if TYPE_CHECKING:
    from torch import nn


class Freeze(pl.Callback):
    """Keep the head, or the layers below it, as they are for some epochs.

    Parameters
    ----------
    epochs : mapping from "head" and "top" to int
    """

    def __init__(self, epochs: Mapping[str, int]) -> None:
        self._epochs = epochs
        self._weights: dict[str, list[nn.Parameter]] = {}

    def on_train_start(self, _: pl.Trainer, module: pl.LightningModule) -> None:
        """Note which weights learn."""
        self._weights = {
            part: [one for one in getattr(module.head, part).parameters() if one.requires_grad]
            for part in self._epochs
        }

    def on_train_epoch_start(self, trainer: pl.Trainer, _: pl.LightningModule) -> None:
        """Let the parts learn whose time has come."""
        for part, epochs in self._epochs.items():
            for weights in self._weights[part]:
                weights.requires_grad_(trainer.current_epoch >= epochs)
