"""The Lightning module: a head, a loss, and how good the space is after every epoch."""

import math
from typing import Any

import numpy as np
import pytorch_lightning as pl  # noqa: TID253 (this file is opened by fit alone)
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.optim import lr_scheduler

from simlab.space import relevance_rates, retrieval_rates
from simlab.training._top import weight_groups
from simlab.training.losses import Loss

Batch = tuple[Tensor, Tensor]
_LOSS_PACE = 3.0
"""Learning rate of the parameters of a loss, in units of the head's: centers follow the items."""


class SimilarityModule(pl.LightningModule):
    """Train a head on the vectors of a frozen encoder.

    Logs `loss`, and for validation items compared among themselves `val_map@r`,
    `val_r-precision` and `val_recall@1`.

    Parameters
    ----------
    head : torch.nn.Module
        From (batch, dim) to (batch, out).
    loss : callable
        Of embeddings and labels; if it is a module its parameters are trained too.
    lr : float, default=1e-3
        Of AdamW; falls to 0 along half a cosine (stays, where the trainer has no last step).
    weight_decay : float, default=1.0
        Of the head.
    loss_lr : float, optional
        Of the parameters of the loss; 3 times `lr`.

    Examples
    --------
    >>> from simlab.training.losses import supcon
    >>> module = SimilarityModule(nn.Linear(4, 2), supcon)
    >>> module(torch.ones(3, 4)).shape
    torch.Size([3, 2])
    """

    def __init__(
        self,
        head: nn.Module,
        loss: Loss,
        *,
        lr: float = 1e-3,
        weight_decay: float = 1.0,
        loss_lr: float | None = None,
    ) -> None:
        super().__init__()
        self.head, self.loss = head, loss
        self._lr, self._weight_decay = lr, weight_decay
        self._loss_lr = _LOSS_PACE * lr if loss_lr is None else loss_lr

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, out)."""
        return self.head(vectors)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Return the loss of a batch."""
        vectors, labels = batch
        loss = self.loss(self(vectors), labels)
        self.log("loss", loss, on_step=False, on_epoch=True, batch_size=len(labels))
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Rate the space of the held-out items."""
        rates = self.rate(*batch)
        self.log_dict(rates, batch_size=len(batch[1]))

    def rate(self, vectors: Tensor, labels: Tensor) -> dict[str, float]:
        """Compare items among themselves; mean values by name.

        Labels of shape (n,), or the relevance of each item for each, of shape (n, n).
        """
        unit = normalize(self(vectors), dim=1).detach().float().cpu().numpy()
        codes = labels.cpu().numpy()
        if codes.ndim == 2:  # noqa: PLR2004
            return {f"val_{name}": value for name, value in relevance_rates(unit, codes).items()}
        _, rates = retrieval_rates(unit, codes, unit, codes, own=np.arange(len(codes)), k=[1])
        return {f"val_{name}": float(values.mean()) for name, values in rates.items()}

    def configure_optimizers(self) -> Any:
        """AdamW and half a cosine; parameters of the loss learn faster and never decay."""
        optimizer, schedule = self.optimizer_and_schedule(self.trainer.estimated_stepping_batches)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]

    def optimizer_and_schedule(
        self, steps: float
    ) -> tuple[torch.optim.AdamW, lr_scheduler.LambdaLR]:
        """Make both for so many optimizer steps, which are infinite if only time ends them."""
        groups = weight_groups(self.head, self._lr, self._weight_decay)
        learned = list(self.loss.parameters()) if isinstance(self.loss, nn.Module) else []
        if learned:
            groups.append({"params": learned, "lr": self._loss_lr})
        # Lightning cannot clip gradients that a fused optimizer is to unscale (float16 on a GPU)
        is_scaled = getattr(self.trainer, "scaler", None) is not None
        is_fused = self.device.type in {"cpu", "cuda"} and not is_scaled
        optimizer = torch.optim.AdamW(groups, lr=self._lr, weight_decay=0.0, fused=is_fused)
        last = max(steps, 1)
        return optimizer, lr_scheduler.LambdaLR(
            optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * min(step / last, 1)))
        )
