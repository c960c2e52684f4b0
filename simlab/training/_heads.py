"""Heads: small modules that turn the vectors of a frozen encoder into better ones."""

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, gelu

from simlab.errors import ChoiceError

_WIDEST = 512
"""Hidden units at most: twice as many gained nothing on held-out items of the demo sets."""


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

    def __init__(self, dim: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.enter = _Centered(dim)

    def measure(self, vectors: Tensor) -> None:
        """Take the statistics of training vectors of shape (n, dim)."""
        self.enter.center.copy_(vectors.mean(dim=0))
        length = (vectors - self.enter.center).norm(dim=1).mean()
        self.enter.scale.copy_(vectors.shape[1] ** 0.5 / length.clamp(min=1e-12))

    def dropped(self, centered: Tensor) -> Tensor:
        """Set a share of the numbers to 0, in training only."""
        return dropout(centered, self.dropout, self.training)


class LinearHead(Head):
    """One linear map to `out` dimensions.

    Examples
    --------
    >>> LinearHead(8, out=3)(torch.ones(2, 8)).shape
    torch.Size([2, 3])
    """

    def __init__(self, dim: int, *, out: int = 256, dropout: float = 0.0) -> None:
        super().__init__(dim, dropout=dropout)
        self.map = nn.Linear(dim, out)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, out)."""
        return self.map(self.dropped(self.enter(vectors)))


class SkipHead(Head):
    """The centered vector itself plus a linear correction that starts at zero.

    Training starts from the space of the encoder and can only leave it for a reason, which is
    what keeps unseen classes from getting worse (compare Quaterion's SkipConnectionHead, and
    He et al. 2015, arXiv:1512.03385).

    Examples
    --------
    >>> SkipHead(8)(torch.ones(2, 8)).shape
    torch.Size([2, 8])
    """

    def __init__(self, dim: int, *, dropout: float = 0.0) -> None:
        super().__init__(dim, dropout=dropout)
        self.correction = nn.Linear(dim, dim, bias=False)
        nn.init.zeros_(self.correction.weight)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, dim)."""
        centered = self.enter(vectors)  # (batch, dim)
        return centered + self.correction(self.dropped(centered))


class SkipMlpHead(Head):
    """The centered vector itself plus a correction of two layers that starts at zero.

    It bends the space more than `SkipHead`, which is what classes known from training ask for;
    on held-out classes of the demo sets it was worse.

    Examples
    --------
    >>> SkipMlpHead(8)(torch.ones(2, 8)).shape
    torch.Size([2, 8])
    """

    def __init__(self, dim: int, *, dropout: float = 0.0) -> None:
        super().__init__(dim, dropout=dropout)
        hidden = min(2 * dim, _WIDEST)
        self.widen, self.narrow = nn.Linear(dim, hidden), nn.Linear(hidden, dim, bias=False)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, dim)."""
        centered = self.enter(vectors)  # (batch, dim)
        return centered + self.narrow(gelu(self.widen(self.dropped(centered))))


HEADS: dict[str, type[Head]] = {
    "linear": LinearHead,
    "skip": SkipHead,
    "skip-mlp": SkipMlpHead,
}


def choose_head(name: str, *, is_seen: bool) -> str:
    """Choose a head for `"auto"`: by whether the classes to come are those of training.

    Examples
    --------
    >>> choose_head("auto", is_seen=False), choose_head("auto", is_seen=True)
    ('skip', 'skip-mlp')
    """
    if name not in {"auto", *HEADS}:
        raise ChoiceError.of("head", name, ["auto", *HEADS])
    if name != "auto":
        return name
    return "skip-mlp" if is_seen else "skip"


def make_head(name: str, vectors: Tensor, *, dropout: float = 0.0) -> Head:
    """Make a head for vectors like these training vectors of shape (n, dim).

    Examples
    --------
    >>> sum(p.numel() for p in make_head("skip", torch.rand(5, 4)).parameters())
    16
    """
    head = HEADS[name](vectors.shape[1], dropout=dropout)
    head.measure(vectors)
    return head
