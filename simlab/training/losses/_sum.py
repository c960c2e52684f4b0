"""A weighted sum of losses."""

from collections.abc import Sequence

from torch import Tensor, nn

from simlab.training.losses._mining import Loss, Part
from simlab.training.losses._pairs import Mined


class Sum(nn.Module):
    """Add losses of the same embeddings and labels.

    Parameters
    ----------
    weights : sequence of float
    losses : sequence of callable
        Those that are modules are trained with the head. Where a miner is used, losses that take
        none see the whole batch.

    Examples
    --------
    >>> import torch
    >>> loss = Sum([1.0, 0.5], [lambda x, y: x.sum(), lambda x, y: x.sum()])
    >>> loss(torch.ones(2, 2), torch.tensor([0, 1])).item()
    6.0
    """

    def __init__(self, weights: Sequence[float], losses: Sequence[Loss]) -> None:
        super().__init__()
        self.weights = list(weights)
        self.parts = nn.ModuleList(Part(loss) for loss in losses)
        self.takes_mined = any(part.takes_mined for part in self.parts)

    def forward(self, embeddings: Tensor, labels: Tensor, mined: Mined | None = None) -> Tensor:
        """Return the weighted sum."""
        total = embeddings.new_zeros(())
        for weight, part in zip(self.weights, self.parts, strict=True):
            total = total + weight * part(embeddings, labels, mined)
        return total
