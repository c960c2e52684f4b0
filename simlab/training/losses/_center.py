"""Center loss."""

from torch import Tensor
from torch.nn.functional import normalize

from simlab.training.losses._centers import Centers
from simlab.training.losses._similarity import precise


class Center(Centers):
    r"""Draw each item to the center of its class, and the center to its items.

    .. math:: \ell = \frac{1}{2B} \sum_i \lVert x_i - c_{y_i} \rVert^2

    with :math:`x_i` normalized and the centers free. It pushes nothing apart: add it to a loss
    that does, as in `[(1, "softmax"), (0.1, "center")]`.

    Parameters
    ----------
    n_classes, dim : int
        Centers and their dimensions; they are parameters of the loss and learned with the head.

    References
    ----------
    Wen, Zhang, Li, Qiao. *A Discriminative Feature Learning Approach for Deep Face
    Recognition*. ECCV 2016, equation 2. `CenterLoss` of Quaterion divides by the dimension, too.

    Examples
    --------
    >>> import torch
    >>> loss = Center.around(torch.eye(3)[:2], torch.tensor([0, 1]))
    >>> loss(torch.eye(3)[:2], torch.tensor([0, 1])).item()
    0.0
    """

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the mean over the batch; labels are positions of centers, shape (batch,)."""
        apart = normalize(precise(embeddings), dim=1) - self.centers[labels]
        return 0.5 * apart.square().sum() / max(len(labels), 1)
