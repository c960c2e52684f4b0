"""Matryoshka: one space whose first dimensions are a space, too."""

from collections.abc import Sequence
from typing import Any, Self

from torch import Tensor, nn

from simlab.errors import DataError
from simlab.training.losses._mining import Loss, Part
from simlab.training.losses._pairs import Mined


class Matryoshka(nn.Module):
    """Apply a loss to the first so many dimensions, for several sizes.

    Parameters
    ----------
    losses : sequence of callable
        One for each size; with centers of their own, if any.
    dims : sequence of int
        Sizes.
    weights : sequence of float, optional
        Of each size; 1 each.

    References
    ----------
    Kusupati et al. *Matryoshka Representation Learning*. 2022. arXiv:2205.13147.

    Examples
    --------
    >>> import torch
    >>> loss = Matryoshka([lambda x, y: x.sum()] * 2, [4, 2])
    >>> loss(torch.ones(1, 4), torch.tensor([0])).item()
    6.0
    """

    def __init__(
        self, losses: Sequence[Loss], dims: Sequence[int], weights: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        self.dims = list(dims)
        self.weights = [1.0] * len(self.dims) if weights is None else list(weights)
        if not len(self.weights) == len(self.dims) == len(losses):
            raise DataError(
                f"matryoshka needs a weight for each of its {len(self.dims)} dims; "
                f"got {len(self.weights)} weights"
            )
        self.parts = nn.ModuleList(Part(loss) for loss in losses)
        self.takes_mined = all(part.takes_mined for part in self.parts)

    @classmethod
    def around(
        cls,
        embeddings: Tensor,
        labels: Tensor,
        *,
        loss: Any = "supcon",
        dims: Sequence[int] | None = None,
        weights: Sequence[float] | None = None,
    ) -> Self:
        """Make the losses, any that `fit` takes; by default for 1, 1/2, 1/4 and 1/8 of the dim."""
        from simlab.training.losses._making import make_loss

        dim = embeddings.shape[1]
        dims = sorted({max(dim // part, 1) for part in (1, 2, 4, 8)}) if dims is None else dims
        wrong = [size for size in dims if not 1 <= size <= dim]
        if wrong or not dims:
            raise DataError(f"matryoshka needs dims of 1 to {dim}, that of the head; got {dims!r}")
        losses = [make_loss(loss, embeddings[:, :size], labels) for size in dims]
        return cls(losses, dims, weights)

    def forward(self, embeddings: Tensor, labels: Tensor, mined: Mined | None = None) -> Tensor:
        """Return the weighted sum over the sizes."""
        total = embeddings.new_zeros(())
        for size, weight, part in zip(self.dims, self.weights, self.parts, strict=True):
            total = total + weight * part(embeddings[:, :size], labels, mined)
        return total
