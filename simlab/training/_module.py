"""The Lightning module: a head, a loss, and how good the space is after every epoch."""

from typing import Any

import numpy as np
import pytorch_lightning as pl  # noqa: TID253 (this file is opened by fit alone)
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.optim import lr_scheduler

from simlab.items import Similarity
from simlab.space import relevance_rates, retrieval_rates
from simlab.training._schedules import Schedule, check_schedule, factor_by_step
from simlab.training._top import weight_groups
from simlab.training.large import Memory, gathered, in_chunks
from simlab.training.losses import Loss

Batch = tuple[Tensor, Tensor]
_LOSS_PACE = 3.0
"""Learning rate of the parameters of a loss, in units of the head's: centers follow the items."""
_RANDOMNESS = "simlab_rng_state"


class SimilarityModule(pl.LightningModule):
    """Train a head on the vectors of a frozen encoder.

    Logs `loss`, and for validation items compared among themselves `val_map@r`,
    `val_r-precision` and `val_recall@1`. Clipping, accumulation, precision, loggers, checkpoints
    and strategies are the trainer's; a checkpoint holds the state of the random numbers and of
    the memory, so that a training that goes on from it ends with the weights of one that was
    never interrupted.

    Where several processes train (strategy `ddp`), each computes its share of a batch, and the
    loss sees all of it: batches of `SimilarityData` are then so many times as large.

    Parameters
    ----------
    head : torch.nn.Module
        From (batch, dim) to (batch, out).
    loss : callable
        Of embeddings and labels; if it is a module its parameters are trained too.
    lr : float, default=1e-3
        Of AdamW. An attribute, which the learning-rate finder of Lightning may set.
    weight_decay : float, default=1.0
        Of the head.
    loss_lr : float, optional
        Of the parameters of the loss; 3 times `lr`.
    schedule : str or callable, default="cosine"
        How the rates go on after the warm-up: `"cosine"` and `"linear"` fall to 0 (and stay where
        the trainer has no last step), `"constant"` stays; or a function from the share of the
        training that is done, 0 to 1, to a factor.
    warmup : float or int, default=0
        Steps in which the rates rise from 0, or their share of all steps if below 1.
    memory : Memory, optional
        Vectors of past batches, beside which the loss sees the present one.
    grad_cache : int, optional
        Send batches through the head in chunks of so many items: the same gradients, in the
        memory of one chunk.
    similarity : Similarity, optional
        Give the loss the relevance, shape (batch, batch), of the items whose numbers come with a
        batch, in place of labels: 1 the same, 0 strangers, NaN where nothing is known.

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
        schedule: str | Schedule = "cosine",
        warmup: float = 0,
        memory: Memory | None = None,
        grad_cache: int | None = None,
        similarity: Similarity | None = None,
    ) -> None:
        super().__init__()
        self.head, self.loss, self.memory = head, loss, memory
        self.lr, self._weight_decay, self._loss_lr = lr, weight_decay, loss_lr
        self._schedule, self._warmup = check_schedule(schedule, warmup), warmup
        self._grad_cache, self._similarity = grad_cache, similarity
        self._randomness: Tensor | None = None

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, out)."""
        return self.head(vectors)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Return the loss of a batch."""
        loss = self.judge(*batch)
        self.log("loss", loss, on_step=False, on_epoch=True, batch_size=len(batch[1]))
        return loss

    def judge(self, vectors: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of a batch, those of other processes and the memory included."""
        embeddings = gathered(in_chunks(self.head, vectors, self._grad_cache))
        labels = gathered(labels)
        if self.memory is not None:
            embeddings, labels = self.memory(embeddings, labels)
        if self._similarity is not None:
            numbers = labels.cpu().numpy()
            known = torch.from_numpy(self._similarity.relevance(numbers, numbers))
            labels = known.to(embeddings.device)
        return self.loss(embeddings, labels)

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
        """AdamW and its schedule; parameters of the loss learn faster and never decay."""
        optimizer, schedule = self.optimizer_and_schedule(self.trainer.estimated_stepping_batches)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]

    def optimizer_and_schedule(
        self, steps: float
    ) -> tuple[torch.optim.AdamW, lr_scheduler.LambdaLR]:
        """Make both for so many optimizer steps, which are infinite if only time ends them."""
        groups = weight_groups(self.head, self.lr, self._weight_decay)
        learned = list(self.loss.parameters()) if isinstance(self.loss, nn.Module) else []
        if learned:
            pace = _LOSS_PACE * self.lr if self._loss_lr is None else self._loss_lr
            groups.append({"params": learned, "lr": pace})
        # in mixed precision Lightning cannot clip gradients that a fused optimizer may unscale
        is_mixed = "mixed" in str(self.trainer.precision)
        is_fused = self.device.type in {"cpu", "cuda"} and not is_mixed
        optimizer = torch.optim.AdamW(groups, lr=self.lr, weight_decay=0.0, fused=is_fused)
        factor = factor_by_step(self._schedule, self._warmup, steps)
        return optimizer, lr_scheduler.LambdaLR(optimizer, factor)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the state of the random numbers, from which dropout draws."""
        checkpoint[_RANDOMNESS] = torch.get_rng_state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the state until training goes on: Lightning draws before that."""
        self._randomness = checkpoint.get(_RANDOMNESS)

    def on_train_start(self) -> None:
        """Go on with the random numbers where the checkpoint was."""
        if self._randomness is not None:
            torch.set_rng_state(self._randomness.cpu())
            self._randomness = None
