"""NT-Xent: each friend against all strangers."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from simlab.training.losses._pairs import Mined, pairs_of, softmax_of
from simlab.training.losses._similarity import among


def nt_xent(
    embeddings: Tensor, labels: Tensor, mined: Mined | None = None, *, temperature: float = 0.07
) -> Tensor:
    r"""Make each friend more likely than all strangers, no matter the other friends.

    With :math:`s` the cosine similarity and :math:`\tau` the temperature, the mean over all
    pairs of friends of

    .. math:: \ell_{ip} = -\log
        \frac{e^{s_{ip}/\tau}}{e^{s_{ip}/\tau} + \sum_{n \in N_i} e^{s_{in}/\tau}}.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    labels : Tensor of shape (batch,), int
        Items with the same label are friends; for two views of each item (SimCLR) the number
        of the item.
    mined : tuple of Tensor, optional
        What a miner chose, in place of all pairs; a pair counts once.
    temperature : float, default=0.07
        Lower looks harder at the nearest strangers.

    Returns
    -------
    Tensor of shape ()
        0 without friends, and without strangers.

    References
    ----------
    Chen, Kornblith, Norouzi, Hinton. *A Simple Framework for Contrastive Learning of Visual
    Representations*. 2020. arXiv:2002.05709, equation 1, with labels. Equal to `NTXentLoss` of
    pytorch-metric-learning.

    Examples
    --------
    >>> nt_xent(torch.eye(2)[[0, 0, 1]], torch.tensor([0, 0, 1])).item() < 1e-6
    True
    """
    rows, columns, hidden = pairs_of(labels, mined)

    def judge(similarity: Tensor) -> tuple[Tensor, Tensor]:
        logits = similarity.div_(temperature)
        of_friends = logits[rows, columns]
        total, shares = softmax_of(logits.masked_fill_(hidden, -torch.inf))
        n = max(len(rows), 1)
        excess = total[rows] - of_friends  # (n_friends,)
        pull = excess.sigmoid() / (n * temperature)
        pulls = shares.mul_(torch.zeros_like(total).index_add_(0, rows, pull)[:, None])
        pulls[rows, columns] -= pull
        return softplus(excess).sum() / n, pulls

    return among(embeddings, judge)
