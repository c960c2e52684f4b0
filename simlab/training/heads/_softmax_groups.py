"""Groups of shares that sum to 1: embeddings that tell how sure they are."""

from torch import Tensor, nn

from simlab.training.heads._base import Head


class SoftmaxGroupsHead(Head):
    r"""A linear map whose numbers are turned into shares, group by group.

    .. math:: y_{gj} = \exp(z_{gj}) / \sum_k \exp(z_{gk}), \quad z = W x + b

    Quaterion's SoftmaxEmbeddingsHead.

    Parameters
    ----------
    dim : int
    groups : int, default=32
    size : int, default=8
        Numbers in each group; the new space has groups * size dimensions.
    dropout : float, default=0.0
        Share of the numbers set to 0 in training.

    Examples
    --------
    >>> import torch
    >>> SoftmaxGroupsHead(8, groups=3, size=2)(torch.ones(5, 8)).sum(dim=1).round()
    tensor([3., 3., 3., 3., 3.], grad_fn=<RoundBackward0>)
    """

    def __init__(self, dim: int, *, groups: int = 32, size: int = 8, dropout: float = 0.0) -> None:
        super().__init__(dim, dropout=dropout)
        self.size = size
        self.map = nn.Linear(dim, groups * size)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, groups * size)."""
        parts = self.map(self.entered(vectors)).unflatten(1, (-1, self.size))
        return parts.softmax(dim=2).flatten(1)  # (batch, groups * size)

    def confidence(self, vectors: Tensor) -> Tensor:
        """Tell how sure each vector is placed, shape (batch,): 1 / size (not at all) to 1.

        The largest share of each group, in the mean over the groups.
        """
        return self(vectors).unflatten(1, (-1, self.size)).amax(dim=2).mean(dim=1)
