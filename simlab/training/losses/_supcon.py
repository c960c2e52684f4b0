"""Supervised contrastive loss."""

import torch
from torch import Tensor

from simlab.training.losses._pairs import mean_where, pairs_of


def supcon(embeddings: Tensor, labels: Tensor, *, temperature: float = 0.1) -> Tensor:
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
    where a batch has one label only.

    Examples
    --------
    >>> vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    >>> supcon(vectors, torch.tensor([0, 0, 1])).item() < 1e-6
    True
    """
    similarity, friends, strangers = pairs_of(embeddings, labels)
    logits = similarity / temperature
    others = friends | strangers  # everyone but the item itself
    total = logits.masked_fill(~others, -torch.inf).logsumexp(dim=1, keepdim=True)
    loss = torch.where(friends, total - logits, torch.zeros_like(logits))  # (batch, batch)
    n_friends = friends.sum(dim=1)
    return mean_where(loss.sum(dim=1) / n_friends.clamp(min=1), n_friends > 0)
