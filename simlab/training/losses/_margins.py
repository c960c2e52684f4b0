"""ArcFace and CosFace: a softmax over learned class centers that asks for a margin."""

import math

import torch
from torch import Tensor

from simlab.training.losses._centers import Centers, cross_entropy
from simlab.training.losses._similarity import between

_LEAST_SINE = 1e-3
"""Keeps the angle's derivative finite where an item meets its center."""


class ArcFace(Centers):
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
    pytorch-metric-learning (margin there in degrees, scale 64).

    Examples
    --------
    >>> loss = ArcFace(n_classes=2, dim=3)
    >>> loss(torch.eye(3)[:2], torch.tensor([0, 1])).shape
    torch.Size([])
    """

    def __init__(
        self, n_classes: int, dim: int, *, margin: float = 0.5, scale: float = 16.0
    ) -> None:
        super().__init__(n_classes, dim)
        self.margin, self.scale = margin, scale

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the mean over the batch; labels are positions of centers, shape (batch,)."""
        cells = torch.arange(len(labels), device=labels.device), labels

        def judge(cosine: Tensor) -> tuple[Tensor, Tensor]:
            own = cosine[cells].clamp_(-1, 1)
            angle = own.acos()
            before_turn = angle <= math.pi - self.margin
            cosine[cells] = torch.where(
                before_turn,
                (angle + self.margin).cos(),
                own - self.margin * math.sin(self.margin),
            )
            value, pulls = cross_entropy(cosine.mul_(self.scale), labels)
            steep = (angle + self.margin).sin() / angle.sin().clamp_(min=_LEAST_SINE)
            pulls[cells] *= torch.where(before_turn, steep, 1.0)
            return value, pulls.mul_(self.scale)

        return between(embeddings, self.centers, judge)


class CosFace(Centers):
    r"""Classify by the cosine to class centers, asking for a margin on the right one.

    .. math:: \ell_i = -\log \frac{e^{\gamma (\cos\theta_{y_i} - m)}}
        {e^{\gamma (\cos\theta_{y_i} - m)} + \sum_{j \ne y_i} e^{\gamma \cos \theta_j}}

    Parameters
    ----------
    n_classes, dim : int
        Centers and their dimensions; they are parameters of the loss and learned with the head.
    margin : float, default=0.35
        :math:`m`, in cosine.
    scale : float, default=16.0
        :math:`\gamma`; higher makes the softmax sharper.

    References
    ----------
    Wang et al. *CosFace: Large Margin Cosine Loss for Deep Face Recognition*. 2018.
    arXiv:1801.09414, equation 4. Equal to `CosFaceLoss` of pytorch-metric-learning (scale
    there 64).

    Examples
    --------
    >>> loss = CosFace(n_classes=2, dim=3)
    >>> loss(torch.eye(3)[:2], torch.tensor([0, 1])).shape
    torch.Size([])
    """

    def __init__(
        self, n_classes: int, dim: int, *, margin: float = 0.35, scale: float = 16.0
    ) -> None:
        super().__init__(n_classes, dim)
        self.margin, self.scale = margin, scale

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the mean over the batch; labels are positions of centers, shape (batch,)."""
        cells = torch.arange(len(labels), device=labels.device), labels

        def judge(cosine: Tensor) -> tuple[Tensor, Tensor]:
            cosine[cells] -= self.margin
            value, pulls = cross_entropy(cosine.mul_(self.scale), labels)
            return value, pulls.mul_(self.scale)

        return between(embeddings, self.centers, judge)
