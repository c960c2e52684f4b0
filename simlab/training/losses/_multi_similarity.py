"""Multi-similarity loss."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from simlab.training.losses._pairs import pairs_of


def multi_similarity(
    embeddings: Tensor,
    labels: Tensor,
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
    2019. arXiv:1904.06627, equation 15, without its pair mining. Equal to `MultiSimilarityLoss`
    of pytorch-metric-learning.

    Examples
    --------
    >>> round(multi_similarity(torch.eye(2), torch.tensor([0, 1]), base=0.5).item(), 3)
    0.001
    """
    similarity, friends, strangers = pairs_of(embeddings, labels)
    return (
        _softplus_sum(-alpha * (similarity - base), friends) / alpha
        + _softplus_sum(beta * (similarity - base), strangers) / beta
    ).mean()


def _softplus_sum(exponents: Tensor, chosen: Tensor) -> Tensor:
    """Compute log(1 + sum of exp) of the chosen entries of each row, without overflow."""
    none = ~chosen.any(dim=1, keepdim=True)
    exponents = exponents.masked_fill(~chosen, -torch.inf).masked_fill(none, -1e4)  # (batch, batch)
    return softplus(exponents.logsumexp(dim=1)) * chosen.any(dim=1)
