"""Smooth average precision: ranks counted by sigmoids."""

import torch
from torch import Tensor

from simlab.training.losses._similarity import among

_AT_ONCE = 2**20
"""Comparisons made together."""


def smooth_ap(embeddings: Tensor, labels: Tensor, *, temperature: float = 0.01) -> Tensor:
    r"""Raise the average precision of each item among the batch.

    With :math:`\sigma_{ipj} = 1 / (1 + e^{(s_{ip} - s_{ij}) / \tau})`, which is near 1 where item
    j stands before p, and :math:`P_i` the items of the label of i, itself included,

    .. math:: \ell_i = 1 - \frac{1}{|P_i|} \sum_{p \in P_i}
        \frac{1 + \sum_{j \in P_i, j \ne p} \sigma_{ipj}}{1 + \sum_{j \ne p} \sigma_{ipj}}.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    labels : Tensor of shape (batch,), int
        Items with the same label are friends.
    temperature : float, default=0.01
        :math:`\tau`; lower counts ranks more exactly, and learns less from each.

    Returns
    -------
    Tensor of shape ()
        Mean over the batch.

    References
    ----------
    Brown, Xie, Kalogeiton, Zisserman. *Smooth-AP: Smoothing the Path Towards Large-Scale Image
    Retrieval*. 2020. arXiv:2007.12163, equation 7. `SmoothAPLoss` of pytorch-metric-learning is
    equal for sorted batches with as many labels as items of each, and wrong for others.

    Examples
    --------
    >>> round(smooth_ap(torch.eye(2)[[0, 0, 1]], torch.tensor([0, 0, 1])).item(), 6)
    0.0
    """
    same = labels[:, None] == labels[None, :]  # (batch, batch)
    rows, columns = same.nonzero(as_tuple=True)
    weight = 1 / (len(labels) * same.sum(dim=1))  # (batch,)

    def judge(similarity: Tensor) -> tuple[Tensor, Tensor]:
        pulls = torch.zeros_like(similarity)
        of_friends = torch.empty_like(similarity[rows, columns])
        total = similarity.new_zeros(())
        step = max(_AT_ONCE // max(len(labels), 1), 1)
        for start in range(0, len(rows), step):
            row, column = rows[start : start + step], columns[start : start + step]
            friends = same[row].to(similarity.dtype)  # (step, batch)
            before = (similarity[row] - similarity[row, column][:, None]).div_(temperature)
            before.sigmoid_()
            before[torch.arange(len(row)), column] = 0
            rank = 1 + before.sum(dim=1, keepdim=True)
            among_friends = 1 + (before * friends).sum(dim=1, keepdim=True)
            each = weight[row, None].to(similarity.dtype)
            total += (each * among_friends / rank).sum()
            steep = friends.mul_(rank).sub_(among_friends).mul_(each / rank.square() / -temperature)
            steep.mul_(before).mul_(before.neg_().add_(1))
            of_friends[start : start + step] = steep.sum(dim=1)
            pulls.index_add_(0, row, steep)
        pulls[rows, columns] -= of_friends
        return 1 - total, pulls

    return among(embeddings, judge)
