"""Heads: small modules that turn the vectors of a frozen encoder into better ones."""

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from simlab.errors import ChoiceError


class _Centered(nn.Module):
    """Center and scale vectors by the mean and the mean length of the training items."""

    center: Tensor
    scale: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(()))

    def measure(self, vectors: Tensor) -> None:
        """Take the statistics of training vectors of shape (n, dim)."""
        self.center.copy_(vectors.mean(dim=0))
        length = (vectors - self.center).norm(dim=1).mean()
        self.scale.copy_(vectors.shape[1] ** 0.5 / length.clamp(min=1e-12))

    def forward(self, vectors: Tensor) -> Tensor:
        return (vectors - self.center) * self.scale


class LinearHead(nn.Module):
    """One linear map to `out` dimensions.

    Examples
    --------
    >>> LinearHead(8, out=3)(torch.ones(2, 8)).shape
    torch.Size([2, 3])
    """

    def __init__(self, dim: int, *, out: int = 256, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.enter = _Centered(dim)
        self.map = nn.Linear(dim, out)

    def measure(self, vectors: Tensor) -> None:
        """Take the statistics of training vectors of shape (n, dim)."""
        self.enter.measure(vectors)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, out)."""
        return self.map(dropout(self.enter(vectors), self.dropout, self.training))


class SkipHead(nn.Module):
    """The vector itself plus a linear correction that starts at zero.

    Training starts from the space of the encoder and can only leave it for a reason, which is
    what keeps unseen classes from getting worse (compare Quaterion's SkipConnectionHead, and
    He et al. 2015, arXiv:1512.03385).

    Examples
    --------
    >>> SkipHead(8)(torch.ones(2, 8)).shape
    torch.Size([2, 8])
    """

    def __init__(self, dim: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.enter = _Centered(dim)
        self.correction = nn.Linear(dim, dim, bias=False)
        nn.init.zeros_(self.correction.weight)

    def measure(self, vectors: Tensor) -> None:
        """Take the statistics of training vectors of shape (n, dim)."""
        self.enter.measure(vectors)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, dim)."""
        centered = self.enter(vectors)  # (batch, dim)
        return centered + self.correction(dropout(centered, self.dropout, self.training))


Head = LinearHead | SkipHead
HEADS: dict[str, type[Head]] = {"linear": LinearHead, "skip": SkipHead}


def check_head(name: str) -> None:
    """Raise a ChoiceError for a head that does not exist."""
    if name not in HEADS:
        raise ChoiceError.of("head", name, HEADS)


def make_head(name: str, vectors: Tensor, *, dropout: float = 0.0) -> Head:
    """Make a head for vectors like these training vectors of shape (n, dim).

    Examples
    --------
    >>> sum(p.numel() for p in make_head("skip", torch.rand(5, 4)).parameters())
    16
    """
    check_head(name)
    head = HEADS[name](vectors.shape[1], dropout=dropout)
    head.measure(vectors)
    return head
