"""Circle loss."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from simlab.training.losses._pairs import Mined, pairs_of, softmax_of
from simlab.training.losses._similarity import among
from simlab.training.losses._sums import softmax_by


def circle(
    embeddings: Tensor,
    labels: Tensor,
    mined: Mined | None = None,
    *,
    margin: float = 0.4,
    scale: float = 80.0,
) -> Tensor:
    r"""Let each similarity be pulled the harder, the further it is from where it should be.

    .. math:: \ell_i = \log\Bigl(1 +
        \sum_{n \in N_i} e^{\gamma [s_{in} + m]_+ (s_{in} - m)}
        \sum_{p \in P_i} e^{-\gamma [1 + m - s_{ip}]_+ (s_{ip} - 1 + m)}\Bigr)

    where no gradient goes through the brackets.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    labels : Tensor of shape (batch,), int
        Items with the same label are friends.
    mined : tuple of Tensor, optional
        What a miner chose, in place of all pairs; a pair counts once.
    margin : float, default=0.4
        :math:`m`; friends should be above :math:`1 - m`, strangers below :math:`m`.
    scale : float, default=80.0
        :math:`\gamma`.

    Returns
    -------
    Tensor of shape ()
        Mean over the items that have friends and strangers, and cost something.

    References
    ----------
    Sun et al. *Circle Loss: A Unified Perspective of Pair Similarity Optimization*. 2020.
    arXiv:2002.10857, equation 6. Equal to `CircleLoss` (`m`, `gamma`) of
    pytorch-metric-learning.

    Examples
    --------
    >>> circle(torch.eye(2)[[0, 0, 1]], torch.tensor([0, 0, 1])).item() < 1e-6
    True
    """
    rows, columns, hidden = pairs_of(labels, mined)

    def judge(similarity: Tensor) -> tuple[Tensor, Tensor]:
        of_friends = similarity[rows, columns]  # (n_friends,)
        far = (1 + margin - of_friends).clamp_(min=0).mul_(scale)
        far_total, far_shares = softmax_by(rows, -far * (of_friends - 1 + margin), len(labels))
        near = (similarity + margin).clamp_(min=0).mul_(scale)
        logits = similarity.sub_(margin).mul_(near).masked_fill_(hidden, -torch.inf)
        near_total, near_shares = softmax_of(logits)
        excess = near_total + far_total  # (batch,), -inf without friends or strangers
        value = softplus(excess)
        n = (value > 0).sum().clamp(min=1)
        pull = excess.sigmoid() / n
        pulls = near_shares.mul_(near).mul_(pull[:, None])
        pulls[rows, columns] -= far_shares * far * pull[rows]
        return value.sum() / n, pulls

    return among(embeddings, judge)
