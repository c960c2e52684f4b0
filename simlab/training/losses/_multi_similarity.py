"""Multi-similarity loss."""

import torch
from torch import Tensor

from simlab.training.losses._pairs import Mined, pairs_of, softmax_of
from simlab.training.losses._similarity import among
from simlab.training.losses._sums import softmax_by


def multi_similarity(
    embeddings: Tensor,
    labels: Tensor,
    mined: Mined | None = None,
    *,
    alpha: float = 2.0,
    beta: float = 10.0,
    base: float = 0.1,
) -> Tensor:
    r"""Weight each pair by how hard it is, alone and among the others of its item.

    .. math:: \ell_i = \frac1\alpha \log\Bigl(1 + \sum_{p \in P_i} e^{-\alpha (s_{ip} - \lambda)}
        \Bigr) + \frac1\beta \log\Bigl(1 + \sum_{n \in N_i} e^{\beta (s_{in} - \lambda)}\Bigr)

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    labels : Tensor of shape (batch,), int
        Items with the same label are friends.
    mined : tuple of Tensor, optional
        What a miner chose, in place of all pairs; the paper's own is `"multi-similarity"`.
    alpha, beta : float, default=2.0 and 10.0
        Sharpness for friends and for strangers.
    base : float, default=0.1
        :math:`\lambda`, the similarity that friends should exceed and strangers stay below.

    Returns
    -------
    Tensor of shape ()
        Mean over the batch.

    References
    ----------
    Wang et al. *Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning*.
    2019. arXiv:1904.06627, equation 15. Equal to `MultiSimilarityLoss` of
    pytorch-metric-learning, whose defaults are alpha 2, beta 50 and base 0.5.

    Examples
    --------
    >>> round(multi_similarity(torch.eye(2), torch.tensor([0, 1]), base=0.5).item(), 3)
    0.001
    """
    rows, columns, hidden = pairs_of(labels, mined)

    def judge(similarity: Tensor) -> tuple[Tensor, Tensor]:
        too_far = (similarity[rows, columns] - base) * -alpha  # (n_friends,)
        far, of_friends = softmax_by(rows, too_far, len(labels), and_one=True)
        too_near = similarity.sub_(base).mul_(beta).masked_fill_(hidden, -torch.inf)
        near, pulls = softmax_of(too_near, and_one=True)
        pulls[rows, columns] -= of_friends
        return (far / alpha + near / beta).mean(), pulls.div_(len(labels))

    return among(embeddings, judge)
