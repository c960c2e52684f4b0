"""Contrastive loss over all pairs of a batch."""

from torch import Tensor

from simlab.training.losses._pairs import mean_where, pairs_of


def contrastive(
    embeddings: Tensor, labels: Tensor, *, pos_margin: float = 0.9, neg_margin: float = 0.1
) -> Tensor:
    r"""Bring friends above one similarity and strangers below another.

    .. math:: \ell = \overline{\max(0, m_+ - s_{ip})} + \overline{\max(0, s_{in} - m_-)}

    where each bar is the mean over the pairs that still violate their margin.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    labels : Tensor of shape (batch,), int
        Items with the same label are friends.
    pos_margin : float, default=0.9
        Friends cost nothing above this cosine similarity.
    neg_margin : float, default=0.1
        Strangers cost nothing below this cosine similarity.

    Returns
    -------
    Tensor of shape ()

    References
    ----------
    Hadsell, Chopra, LeCun. *Dimensionality Reduction by Learning an Invariant Mapping*. CVPR
    2006, here linear in the cosine and not squared. Equal to `ContrastiveLoss` with
    `CosineSimilarity` of pytorch-metric-learning.

    Examples
    --------
    >>> import torch
    >>> contrastive(torch.eye(2), torch.tensor([0, 1])).item()
    0.0
    """
    similarity, friends, strangers = pairs_of(embeddings, labels)
    too_far = (pos_margin - similarity).clamp(min=0)
    too_near = (similarity - neg_margin).clamp(min=0)
    return mean_where(too_far, friends & (too_far > 0)) + mean_where(
        too_near, strangers & (too_near > 0)
    )
