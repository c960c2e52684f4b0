"""Multiple negatives ranking: of listed pairs, or of labels."""

import torch
from torch import Tensor

from simlab.training.losses._nt_xent import nt_xent
from simlab.training.losses._pairs import Mined, softmax_of
from simlab.training.losses._similarity import between


def multiple_negatives_ranking(
    embeddings: Tensor, labels: Tensor, mined: Mined | None = None, *, scale: float = 20.0
) -> Tensor:
    """Choose each friend among itself and all strangers of the batch.

    In contrast to `ranking_of_pairs` no friend is taken for a stranger. The same as `nt_xent`
    with temperature 1 / scale.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    labels : Tensor of shape (batch,), int
        Items with the same label are friends.
    mined : tuple of Tensor, optional
        What a miner chose, in place of all pairs; a pair counts once.
    scale : float, default=20.0
        Of the cosine similarity; higher looks harder at the nearest strangers.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> multiple_negatives_ranking(torch.eye(2)[[0, 0, 1]], torch.tensor([0, 0, 1])).item() < 1e-6
    True
    """
    return nt_xent(embeddings, labels, mined, temperature=1 / scale)


def ranking_of_pairs(
    embeddings: Tensor,
    pairs: Tensor,
    scores: Tensor | None = None,
    *,
    scale: float = 20.0,
    symmetric: bool = False,
) -> Tensor:
    r"""Choose the second of each pair among the seconds of all pairs.

    .. math:: \ell_i = -\log \frac{e^{\gamma s_{ii}}}{\sum_j e^{\gamma s_{ij}}}

    with :math:`s_{ij}` the cosine similarity of the first of pair i and the second of pair j.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    pairs : Tensor of shape (n_pairs, 2), int
        Positions in the batch.
    scores : Tensor of shape (n_pairs,), optional
        Pairs with a score of 0 or less are not asked for, but their seconds are chosen from:
        strangers given by hand. All others count the same.
    scale : float, default=20.0
        :math:`\gamma`; higher looks harder at the nearest strangers.
    symmetric : bool, default=False
        The mean of both directions.

    Returns
    -------
    Tensor of shape ()

    References
    ----------
    Henderson et al. *Efficient Natural Language Response Suggestion for Smart Reply*. 2017.
    arXiv:1705.00652, section 4.4. Equal to `MultipleNegativesRankingLoss` of
    sentence-transformers, and to `NPairsLoss` of pytorch-metric-learning for vectors of the
    length :math:`\sqrt\gamma`.

    Examples
    --------
    >>> ranking_of_pairs(torch.eye(2)[[0, 0, 1, 1]], torch.tensor([[0, 1], [2, 3]])).item() < 1e-6
    True
    """
    if not len(pairs):
        return (embeddings * 0).sum()
    asked = torch.ones(len(pairs), device=pairs.device) if scores is None else (scores > 0)

    def one_way(logits: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        own = logits.diagonal().clone()
        total, shares = softmax_of(logits)
        pulls = shares.mul_(weight[:, None])
        pulls.diagonal().sub_(weight)
        return ((total - own) * weight).sum(), pulls

    def judge(similarity: Tensor) -> tuple[Tensor, Tensor]:
        logits = similarity.mul_(scale)
        weight = asked.to(logits.dtype) / asked.sum().clamp(min=1)
        if not symmetric:
            value, pulls = one_way(logits, weight)
            return value, pulls.mul_(scale)
        back, back_pulls = one_way(logits.T.clone(), weight)
        value, pulls = one_way(logits, weight)
        return 0.5 * (value + back), pulls.add_(back_pulls.T).mul_(0.5 * scale)

    return between(embeddings[pairs[:, 0]], embeddings[pairs[:, 1]], judge)
