"""What all heads with a name share."""

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout


class _Centered(nn.Module):
    """Center and scale vectors by the mean and the mean length of the training items."""

    center: Tensor
    scale: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(()))

    def forward(self, vectors: Tensor) -> Tensor:
        return (vectors - self.center) * self.scale


class Head(nn.Module):
    """What all heads share: they see centered vectors, and drop some numbers in training."""

    never_decay: frozenset[str] = frozenset()
    """Names of parameters that are not at rest at zero: weight decay leaves them alone."""

    def __init__(self, dim: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.enter = _Centered(dim)

    def measure(self, vectors: Tensor) -> None:
        """Take the statistics of training vectors of shape (n, dim)."""
        self.enter.center.copy_(vectors.mean(dim=0))
        length = (vectors - self.enter.center).norm(dim=1).mean()
        self.enter.scale.copy_(vectors.shape[1] ** 0.5 / length.clamp(min=1e-12))

    def entered(self, vectors: Tensor) -> Tensor:
        """Center vectors of shape (batch, dim), and drop some of their numbers in training."""
        return self.dropped(self.enter(vectors), self.dropout)

    def dropped(self, values: Tensor, share: float) -> Tensor:
        """Set a share of the numbers to 0, in training only."""
        return dropout(values, share, self.training) if share else values
