"""Proxy-anchor loss."""

import torch
from torch import Tensor

from simlab.training.losses._centers import Centers
from simlab.training.losses._pairs import softmax_of
from simlab.training.losses._similarity import between
from simlab.training.losses._sums import softmax_by


class ProxyAnchor(Centers):
    r"""Let each class center draw its items and repel all others, the hard ones most.

    .. math:: \ell = \frac{1}{|C^+|} \sum_{c \in C^+}
        \log\Bigl(1 + \sum_{y_i = c} e^{-\alpha (s_{ic} - \delta)}\Bigr) + \frac{1}{|C|}
        \sum_c \log\Bigl(1 + \sum_{y_i \ne c} e^{\alpha (s_{ic} + \delta)}\Bigr)

    with :math:`C` all centers and :math:`C^+` those with items in the batch.

    Parameters
    ----------
    n_classes, dim : int
        Centers and their dimensions; they are parameters of the loss and learned with the head.
    margin : float, default=0.1
        :math:`\delta`, in cosine.
    alpha : float, default=32.0
        Sharpness.

    References
    ----------
    Kim, Kim, Cho, Kwak. *Proxy Anchor Loss for Deep Metric Learning*. 2020. arXiv:2003.13911,
    equation 4. Equal to `ProxyAnchorLoss` of pytorch-metric-learning.

    Examples
    --------
    >>> loss = ProxyAnchor(n_classes=2, dim=3)
    >>> loss(torch.eye(3)[:2], torch.tensor([0, 1])).shape
    torch.Size([])
    """

    def __init__(
        self, n_classes: int, dim: int, *, margin: float = 0.1, alpha: float = 32.0
    ) -> None:
        super().__init__(n_classes, dim)
        self.margin, self.alpha = margin, alpha

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of the batch; labels are positions of centers, shape (batch,)."""
        cells = torch.arange(len(labels), device=labels.device), labels
        n_classes = len(self.centers)
        n_present = (torch.bincount(labels, minlength=n_classes) > 0).sum()

        def judge(cosine: Tensor) -> tuple[Tensor, Tensor]:
            too_far = (cosine[cells] - self.margin) * -self.alpha  # (batch,)
            far, of_own = softmax_by(labels, too_far, n_classes, and_one=True)
            too_near = cosine.add_(self.margin).mul_(self.alpha)
            too_near[cells] = -torch.inf
            near, pulls = softmax_of(too_near, dim=0, and_one=True)
            pulls.mul_(self.alpha / n_classes)
            pulls[cells] -= of_own * self.alpha / n_present
            return far.sum() / n_present + near.mean(), pulls

        return between(embeddings, self.centers, judge)
