"""Softmax over learned class centers."""

from torch import Tensor
from torch.nn import functional

from simlab.training.losses._centers import Centers, cross_entropy
from simlab.training.losses._similarity import between


class Softmax(Centers):
    r"""Classify by the cosine to class centers.

    .. math:: \ell_i = -\log \frac{e^{\cos\theta_{y_i} / \tau}}{\sum_j e^{\cos\theta_j / \tau}}

    Parameters
    ----------
    n_classes, dim : int
        Centers and their dimensions; they are parameters of the loss and learned with the head.
    temperature : float, default=0.05
        :math:`\tau`; lower makes the softmax sharper.
    normalized : bool, default=True
        False takes the dot product of vectors as they are: a linear classifier.

    References
    ----------
    Zhai, Wu. *Classification is a Strong Baseline for Deep Metric Learning*. 2018.
    arXiv:1811.12649. Equal to `NormalizedSoftmaxLoss` of pytorch-metric-learning; with
    `normalized=False` to `SoftmaxLoss` of Quaterion.

    Examples
    --------
    >>> import torch
    >>> loss = Softmax(n_classes=2, dim=3)
    >>> loss(torch.eye(3)[:2], torch.tensor([0, 1])).shape
    torch.Size([])
    """

    def __init__(
        self, n_classes: int, dim: int, *, temperature: float = 0.05, normalized: bool = True
    ) -> None:
        super().__init__(n_classes, dim)
        self.temperature, self.normalized = temperature, normalized

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the mean over the batch; labels are positions of centers, shape (batch,)."""
        if not self.normalized:
            logits = functional.linear(embeddings, self.centers) / self.temperature
            return functional.cross_entropy(logits, labels)

        def judge(cosine: Tensor) -> tuple[Tensor, Tensor]:
            value, pulls = cross_entropy(cosine.div_(self.temperature), labels)
            return value, pulls.div_(self.temperature)

        return between(embeddings, self.centers, judge)
