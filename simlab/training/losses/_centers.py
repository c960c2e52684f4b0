"""What losses with a learned center for every class share."""

from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from simlab.training.losses._pairs import softmax_of


class Centers(nn.Module):
    """A parameter of shape (n_classes, dim), learned with the head."""

    def __init__(self, n_classes: int, dim: int) -> None:
        super().__init__()
        self.centers = nn.Parameter(torch.randn(n_classes, dim))

    @classmethod
    def around(cls, embeddings: Tensor, labels: Tensor, **parameters: Any) -> Self:
        """Start with each center at the mean direction of its items; labels are 0 to n - 1."""
        loss = cls(int(labels.max()) + 1, embeddings.shape[1], **parameters).to(embeddings)
        with torch.no_grad():
            loss.centers.zero_().index_add_(0, labels, normalize(embeddings, dim=1))
            loss.centers.copy_(normalize(loss.centers, dim=1))
        return loss


def cross_entropy(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the mean over rows and its derivative; the logits are overwritten.

    Examples
    --------
    >>> cross_entropy(torch.zeros(1, 2), torch.tensor([0]))
    (tensor(0.6931), tensor([[-0.5000,  0.5000]]))
    """
    own = logits.gather(1, labels[:, None]).squeeze(1)
    total, pulls = softmax_of(logits)
    pulls[torch.arange(len(labels), device=labels.device), labels] -= 1
    return (total - own).mean(), pulls.div_(len(labels))
