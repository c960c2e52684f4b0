"""Supervised contrastive loss."""

import torch
from torch import Tensor

from simlab.training.losses._pairs import Mined, counts_of, mean_where, pairs_of, softmax_of
from simlab.training.losses._similarity import among


def supcon(
    embeddings: Tensor, labels: Tensor, mined: Mined | None = None, *, temperature: float = 0.1
) -> Tensor:
    r"""Make every friend more likely than all others of the batch.

    With :math:`s` the cosine similarity and :math:`\tau` the temperature,

    .. math:: \ell_i = -\frac{1}{|P_i|} \sum_{p \in P_i}
        \log \frac{e^{s_{ip}/\tau}}{\sum_{a \ne i} e^{s_{ia}/\tau}}.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    labels : Tensor of shape (batch,), int
        Items with the same label are friends.
    mined : tuple of Tensor, optional
        What a miner chose, in place of all pairs; a pair counts once.
    temperature : float, default=0.1
        Lower looks harder at the nearest strangers.

    Returns
    -------
    Tensor of shape ()
        Mean over items that have a friend; 0 if there are none.

    References
    ----------
    Khosla et al. *Supervised Contrastive Learning*. 2020. arXiv:2004.11362, equation 2
    (:math:`L_{out}`). Equal to `SupConLoss` of pytorch-metric-learning, which however answers 0
    where a batch has one label only, and leaves items out of the mean whose loss rounds to 0.

    Examples
    --------
    >>> vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    >>> supcon(vectors, torch.tensor([0, 0, 1])).item() < 1e-6
    True
    """
    pairs = pairs_of(labels, mined)
    rows, columns, hidden = pairs
    n_friends = counts_of(pairs)

    def judge(similarity: Tensor) -> tuple[Tensor, Tensor]:
        logits = similarity.div_(temperature)
        of_friends = logits[rows, columns]
        if mined is None:
            logits.fill_diagonal_(-torch.inf)
        else:
            logits.masked_fill_(hidden, -torch.inf)[rows, columns] = of_friends
        total, shares = softmax_of(logits)
        each = n_friends.clamp(min=1).to(logits.dtype)
        mean = torch.zeros_like(total).index_add_(0, rows, of_friends) / each
        active = n_friends > 0
        weight = active / active.sum().clamp(min=1) / temperature  # (batch,)
        pulls = shares.mul_(weight[:, None].to(logits.dtype))
        pulls[rows, columns] -= (weight / each)[rows].to(logits.dtype)
        return mean_where(total - mean, active), pulls

    return among(embeddings, judge)
