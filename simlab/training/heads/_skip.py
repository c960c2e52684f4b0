"""Heads with a way past them: what they learn is added to the vector as it was."""

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from simlab.training.heads._base import Head

_WIDEST = 512
"""Hidden units at most: twice as many gained nothing on held-out items of the demo sets."""
_CLOSED = -4.0
"""Where gates start: sigmoid(-4) lets 2 % through (Quaterion)."""


class SkipHead(Head):
    """The centered vector itself plus a linear correction that starts at zero.

    Training starts from the space of the encoder and can only leave it for a reason, which is
    what keeps unseen classes from getting worse (compare Quaterion's SkipConnectionHead, and
    He et al. 2015, arXiv:1512.03385).

    Parameters
    ----------
    dim : int
    dropout : float, default=0.0
        Share of the numbers set to 0 in training, on both ways.
    skip_dropout : float, default=0.0
        The same on the way through the correction alone.

    Examples
    --------
    >>> SkipHead(8)(torch.ones(2, 8)).shape
    torch.Size([2, 8])
    """

    def __init__(self, dim: int, *, dropout: float = 0.0, skip_dropout: float = 0.0) -> None:
        super().__init__(dim, dropout=dropout)
        self.skip_dropout = skip_dropout
        self.correction = nn.Linear(dim, dim, bias=False)
        nn.init.zeros_(self.correction.weight)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, dim)."""
        entered = self.entered(vectors)  # (batch, dim)
        return entered + self.correction(self.dropped(entered, self.skip_dropout))


class SkipMlpHead(Head):
    """The centered vector itself plus a correction of two layers that starts at zero.

    It bends the space more than `SkipHead`, which is what classes known from training ask for;
    on held-out classes of the demo sets it was worse.

    Parameters
    ----------
    dim : int
    dropout, skip_dropout : float, default=0.0
        As in `SkipHead`.

    Examples
    --------
    >>> SkipMlpHead(8)(torch.ones(2, 8)).shape
    torch.Size([2, 8])
    """

    def __init__(self, dim: int, *, dropout: float = 0.0, skip_dropout: float = 0.0) -> None:
        super().__init__(dim, dropout=dropout)
        self.skip_dropout = skip_dropout
        hidden = min(2 * dim, _WIDEST)
        self.widen, self.narrow = nn.Linear(dim, hidden), nn.Linear(hidden, dim, bias=False)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, dim)."""
        entered = self.entered(vectors)  # (batch, dim)
        return entered + self.narrow(gelu(self.widen(self.dropped(entered, self.skip_dropout))))


class GatedSkipHead(Head):
    r"""The centered vector plus a linear map behind gates that start almost closed.

    In each layer :math:`x \leftarrow x + \sigma(g) \odot (W x + b)`, with :math:`g = -4` at the
    start: Quaterion's SkipConnectionHead.

    Parameters
    ----------
    dim : int
    layers : int, default=1
    dropout, skip_dropout : float, default=0.0
        As in `SkipHead`.

    Examples
    --------
    >>> GatedSkipHead(8, layers=2)(torch.ones(2, 8)).shape
    torch.Size([2, 8])
    """

    never_decay: frozenset[str] = frozenset({"gates"})

    def __init__(
        self, dim: int, *, layers: int = 1, dropout: float = 0.0, skip_dropout: float = 0.0
    ) -> None:
        super().__init__(dim, dropout=dropout)
        self.skip_dropout = skip_dropout
        self.maps = nn.ModuleList(nn.Linear(dim, dim) for _ in range(layers))
        self.gates = nn.Parameter(torch.full((layers, dim), _CLOSED))

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, dim)."""
        values = self.entered(vectors)  # (batch, dim)
        for one, gates in zip(self.maps, self.gates.sigmoid(), strict=True):
            values = values + gates * one(self.dropped(values, self.skip_dropout))
        return values
