"""What a loss is, and a loss that learns from what a miner chose."""

import inspect
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from simlab.training.losses._pairs import Mined

Loss = Callable[..., Tensor]
"""From embeddings of shape (batch, dim) and labels of shape (batch,) to a scalar. One that takes
a miner has a third argument: what was mined."""
Miner = Callable[[Tensor, Tensor], Mined]
"""From embeddings and labels to pairs or triplets of positions in the batch."""


def takes_mined(loss: Any) -> bool:
    """Tell whether a loss has a third argument, for what a miner chose.

    Examples
    --------
    >>> takes_mined(lambda embeddings, labels: 0), takes_mined(lambda e, labels, mined=None: 0)
    (False, True)
    """
    asked = getattr(loss, "takes_mined", None)
    return asked if isinstance(asked, bool) else fits(loss, 3)


def fits(loss: Any, n_arguments: int) -> bool:
    """Tell whether a loss can be called with so many arguments."""
    try:
        signature = inspect.signature(loss.forward if isinstance(loss, nn.Module) else loss)
        signature.bind(*[None] * n_arguments)
    except (TypeError, ValueError):
        return False
    return True


class Part(nn.Module):
    """Any loss as a module, so that a module can hold it; passes on what was mined."""

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.loss = loss
        self.takes_mined = takes_mined(loss)

    def forward(self, embeddings: Tensor, labels: Tensor, mined: Mined | None = None) -> Tensor:
        """Call the loss with what it takes."""
        if mined is None or not self.takes_mined:
            return self.loss(embeddings, labels)
        return self.loss(embeddings, labels, mined)


class Mining(nn.Module):
    """A loss over what a miner chooses from each batch.

    Examples
    --------
    >>> import torch
    >>> from simlab.training.losses import triplet_all
    >>> from simlab.training.miners import batch_hard
    >>> loss = Mining(triplet_all, batch_hard)
    >>> loss(torch.eye(2)[[0, 0, 1]], torch.tensor([0, 0, 1])).item()
    0.0
    """

    def __init__(self, loss: Loss, miner: Miner) -> None:
        super().__init__()
        self.loss, self.miner = loss, miner

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mine without a gradient, then judge."""
        return self.loss(embeddings, labels, self.miner(embeddings.detach(), labels))
