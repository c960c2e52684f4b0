"""The pairs that are hard in comparison with the others of their item."""

import torch
from torch import Tensor
from torch.nn.functional import normalize


@torch.no_grad()
def multi_similarity(
    embeddings: Tensor, labels: Tensor, *, epsilon: float = 0.1
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Take strangers nearer than the furthest friend, and friends further than the nearest one.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
    labels : Tensor of shape (batch,), int
    epsilon : float, default=0.1
        How much easier a pair may be and is still taken, in cosine.

    Returns
    -------
    anchors, friends, anchors, strangers : Tensor of shape (n,) and of shape (m,)

    References
    ----------
    Wang et al. 2019. arXiv:1904.06627, equations 10 and 11. Equal to `MultiSimilarityMiner` of
    pytorch-metric-learning.

    Examples
    --------
    >>> vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> [one.tolist() for one in multi_similarity(vectors, torch.tensor([0, 0, 1]))]
    [[0, 1], [1, 0], [0, 1], [2, 2]]
    """
    unit = normalize(embeddings, dim=1)
    similarity = unit @ unit.T
    strangers = labels[:, None] != labels[None, :]  # (batch, batch)
    friends = (~strangers).fill_diagonal_(fill_value=False)
    nearest = similarity.masked_fill(~strangers, -torch.inf).amax(dim=1, keepdim=True)
    furthest = similarity.masked_fill(~friends, torch.inf).amin(dim=1, keepdim=True)
    anchors, to_friends = (friends & (similarity - epsilon < nearest)).nonzero(as_tuple=True)
    others, to_strangers = (strangers & (similarity + epsilon > furthest)).nonzero(as_tuple=True)
    return anchors, to_friends, others, to_strangers
