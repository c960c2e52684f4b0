"""The hardest triplet of every item."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from simlab.training.losses._hardest import hardest_of


@torch.no_grad()
def batch_hard(embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Take each item with its furthest friend and its nearest stranger.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
    labels : Tensor of shape (batch,), int

    Returns
    -------
    anchors, friends, strangers : Tensor of shape (n,)
        Of the items that have both.

    References
    ----------
    Hermans, Beyer, Leibe. 2017. arXiv:1703.07737. Equal to `BatchHardMiner` of
    pytorch-metric-learning.

    Examples
    --------
    >>> [one.tolist() for one in batch_hard(torch.eye(2)[[0, 0, 1]], torch.tensor([0, 0, 1]))]
    [[0, 1], [1, 0], [2, 2]]
    """
    friend, stranger, both = hardest_of(normalize(embeddings, dim=1), labels)
    anchors = both.nonzero().squeeze(1)
    return anchors, friend[anchors], stranger[anchors]
