"""Triplet loss with batch-hard mining."""

from torch import Tensor

from simlab.training.losses._pairs import mean_where, pairs_of


def triplet(embeddings: Tensor, labels: Tensor, *, margin: float = 0.4) -> Tensor:
    r"""Pull each item towards its furthest friend and away from its nearest stranger.

    For every item :math:`i` of the batch, with :math:`s` the cosine similarity,

    .. math:: \ell_i = \max(0,\; \max_{n \in N_i} s_{in} - \min_{p \in P_i} s_{ip} + m).

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    labels : Tensor of shape (batch,), int
        Items with the same label are friends.
    margin : float, default=0.4
        How much more similar friends must be than strangers, in cosine (0 to 2).

    Returns
    -------
    Tensor of shape ()
        Mean over items that have both a friend and a stranger; 0 if there are none.

    References
    ----------
    Hermans, Beyer, Leibe. *In Defense of the Triplet Loss for Person Re-Identification*. 2017.
    arXiv:1703.07737, "batch hard". Equal to `TripletMarginLoss` with `BatchHardMiner`,
    `CosineSimilarity` and `MeanReducer` of pytorch-metric-learning.

    Examples
    --------
    >>> import torch
    >>> vectors = torch.tensor([[1.0, 0.0], [1.0, 0.1], [-1.0, 0.0]])
    >>> triplet(vectors, torch.tensor([0, 0, 1])).item()
    0.0
    """
    similarity, friends, strangers = pairs_of(embeddings, labels)
    hardest_friend = similarity.masked_fill(~friends, 2.0).amin(dim=1)  # (batch,)
    hardest_stranger = similarity.masked_fill(~strangers, -2.0).amax(dim=1)  # (batch,)
    loss = (hardest_stranger - hardest_friend + margin).clamp(min=0)
    return mean_where(loss, friends.any(dim=1) & strangers.any(dim=1))
