"""Heads of several linear maps with an activation between them."""

from collections.abc import Sequence

from torch import Tensor, nn

from simlab.training.heads._base import Head

ACTIVATIONS = ("elu", "gelu", "relu", "selu", "silu", "tanh")


class _Stack(Head):
    """Linear maps to these sizes, with an activation between them and none after the last."""

    def __init__(
        self, dim: int, sizes: Sequence[int], activation: str, *, dropout: float = 0.0
    ) -> None:
        super().__init__(dim, dropout=dropout)
        ends = zip([dim, *sizes[:-1]], sizes, strict=True)
        self.maps = nn.ModuleList(nn.Linear(start, end) for start, end in ends)
        self.activation = activation

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, the last size)."""
        first, *others = self.maps
        values = first(self.entered(vectors))  # (batch, the first size)
        bend = getattr(nn.functional, self.activation)
        for one in others:
            values = one(bend(values))  # (batch, the next size)
        return values


class MlpHead(_Stack):
    """Hidden layers, then a linear map to `out` dimensions.

    One hidden layer is the projection head of SimCLR (Chen et al. 2020, arXiv:2002.05709).

    Examples
    --------
    >>> [one.out_features for one in MlpHead(8, hidden=[16], out=3).maps]
    [16, 3]
    """

    def __init__(
        self,
        dim: int,
        *,
        hidden: Sequence[int] = (512,),
        out: int = 256,
        activation: str = "gelu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__(dim, [*hidden, out], activation, dropout=dropout)


class StackedHead(_Stack):
    """Linear maps to these sizes, one after another: Quaterion's StackedProjectionHead.

    Examples
    --------
    >>> [one.out_features for one in StackedHead(8, sizes=[6, 4, 2]).maps]
    [6, 4, 2]
    """

    def __init__(
        self,
        dim: int,
        *,
        sizes: Sequence[int] = (512, 256),
        activation: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__(dim, sizes, activation, dropout=dropout)


class WideningHead(_Stack):
    """From `dim` to `factor` times as many dimensions, and back: Quaterion's WideningHead.

    Examples
    --------
    >>> [one.out_features for one in WideningHead(8).maps]
    [32, 8]
    """

    def __init__(
        self, dim: int, *, factor: float = 4.0, activation: str = "relu", dropout: float = 0.0
    ) -> None:
        sizes = [max(int(factor * dim), 1), dim]
        super().__init__(dim, sizes, activation, dropout=dropout)
