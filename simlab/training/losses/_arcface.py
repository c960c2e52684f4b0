"""ArcFace: an angular margin against learned class centers."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear, normalize

_EDGE = 1e-6
"""Keeps the angle's derivative finite where an item meets its center."""


class ArcFace(nn.Module):
    r"""Classify by the angle to class centers, asking for a margin on the right one.

    .. math:: \ell_i = -\log \frac{e^{\gamma \cos(\theta_{y_i} + m)}}
        {e^{\gamma \cos(\theta_{y_i} + m)} + \sum_{j \ne y_i} e^{\gamma \cos \theta_j}}

    Beyond :math:`\theta = \pi - m` the cosine would rise again; there it goes on as
    :math:`\cos\theta - m \sin m`.

    Parameters
    ----------
    n_classes, dim : int
        Centers and their dimensions; they are parameters of the loss and learned with the head.
    margin : float, default=0.5
        :math:`m`, in radians.
    scale : float, default=16.0
        :math:`\gamma`; higher makes the softmax sharper.

    References
    ----------
    Deng, Guo, Xue, Zafeiriou. *ArcFace: Additive Angular Margin Loss for Deep Face
    Recognition*. 2019. arXiv:1801.07698, equation 3. Equal to `ArcFaceLoss` of
    pytorch-metric-learning (margin there in degrees).

    Examples
    --------
    >>> loss = ArcFace(n_classes=2, dim=3)
    >>> loss(torch.eye(3)[:2], torch.tensor([0, 1])).shape
    torch.Size([])
    """

    def __init__(
        self, n_classes: int, dim: int, *, margin: float = 0.5, scale: float = 16.0
    ) -> None:
        super().__init__()
        self.centers = nn.Parameter(torch.randn(n_classes, dim))
        self.margin, self.scale = margin, scale

    @classmethod
    def around(cls, embeddings: Tensor, labels: Tensor) -> "ArcFace":
        """Start with each center at the mean direction of its items; labels are 0 to n - 1."""
        loss = cls(int(labels.max()) + 1, embeddings.shape[1]).to(embeddings)
        with torch.no_grad():
            loss.centers.zero_().index_add_(0, labels, normalize(embeddings, dim=1))
            loss.centers.copy_(normalize(loss.centers, dim=1))
        return loss

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the mean over the batch; labels are positions of centers, shape (batch,)."""
        cosine = linear(normalize(embeddings, dim=1), normalize(self.centers, dim=1))
        rows = torch.arange(len(labels), device=labels.device)
        own = cosine[rows, labels]  # (batch,)
        angle = own.clamp(-1 + _EDGE, 1 - _EDGE).acos()
        pushed = torch.where(
            angle <= math.pi - self.margin,
            (angle + self.margin).cos(),
            own - self.margin * math.sin(self.margin),
        )
        logits = cosine.index_put((rows, labels), pushed)  # (batch, n_classes)
        return cross_entropy(self.scale * logits, labels)
