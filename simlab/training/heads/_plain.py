"""Heads with one step: nothing, gates, one linear map."""

import torch
from torch import Tensor, nn

from simlab.training.heads._base import Head

_OPEN = 2.0
"""Where gates start: tanh(2) = 0.96, all numbers pass (Quaterion)."""


class IdentityHead(Head):
    """The centered vector as it is; nothing in it learns.

    Examples
    --------
    >>> IdentityHead(2).eval()(torch.ones(1, 2))
    tensor([[1., 1.]])
    """

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, dim)."""
        entered = self.entered(vectors)
        if self.training and torch.is_grad_enabled() and not entered.requires_grad:
            entered.requires_grad_()  # the loss is asked for a gradient, whoever uses it
        return entered


class GatedHead(Head):
    r"""Each number times a gate, :math:`x \odot \tanh(g)`, with :math:`g = 2` at the start.

    So few parameters that even few items can train them: Quaterion's GatedHead.

    Examples
    --------
    >>> sum(p.numel() for p in GatedHead(8).parameters())
    8
    """

    never_decay: frozenset[str] = frozenset({"gates"})

    def __init__(self, dim: int, *, dropout: float = 0.0) -> None:
        super().__init__(dim, dropout=dropout)
        self.gates = nn.Parameter(torch.full((dim,), _OPEN))

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, dim)."""
        return self.entered(vectors) * self.gates.tanh()


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
        return self.map(self.entered(vectors))
