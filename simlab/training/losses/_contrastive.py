"""Contrastive losses: over all pairs of a batch, or over the hardest of each item."""

from torch import Tensor

from simlab.training.losses._hardest import hardest
from simlab.training.losses._pairs import Mined, mean_where, pairs_of
from simlab.training.losses._similarity import among


def contrastive(
    embeddings: Tensor,
    labels: Tensor,
    mined: Mined | None = None,
    *,
    pos_margin: float = 0.9,
    neg_margin: float = 0.1,
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
    mined : tuple of Tensor, optional
        What a miner chose, in place of all pairs; a pair counts once.
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
    rows, columns, hidden = pairs_of(labels, mined)

    def judge(similarity: Tensor) -> tuple[Tensor, Tensor]:
        too_far = pos_margin - similarity[rows, columns]  # (n_friends,)
        too_near = similarity.sub_(neg_margin).masked_fill_(hidden, 0).clamp_(min=0)
        pulls = too_near.sign()
        far, n_near = too_far > 0, pulls.sum().clamp(min=1)
        value = too_near.sum() / n_near + mean_where(too_far, far)
        pulls /= n_near
        pulls[rows, columns] -= far / far.sum().clamp(min=1).to(pulls.dtype)
        return value, pulls

    return among(embeddings, judge)


def online_contrastive(embeddings: Tensor, labels: Tensor, *, margin: float = 0.5) -> Tensor:
    r"""Contrast each item with its furthest friend and its nearest stranger only.

    With the distance :math:`d = 1 - s`, over the items that have both,

    .. math:: \ell = \tfrac12 \bigl(\overline{\max_p d_{ip}}
        + \overline{\max(0, m - \min_n d_{in})}\bigr)

    where each bar is the mean over what is above 0.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    labels : Tensor of shape (batch,), int
        Items with the same label are friends.
    margin : float, default=0.5
        Strangers cost nothing beyond this distance.

    Returns
    -------
    Tensor of shape ()

    References
    ----------
    `OnlineContrastiveLoss` of Quaterion, without its fault of taking an item for its own
    stranger. Half of `ContrastiveLoss` with `BatchHardMiner` and `CosineSimilarity` of
    pytorch-metric-learning.

    Examples
    --------
    >>> import torch
    >>> online_contrastive(torch.eye(2)[[0, 0, 1]], torch.tensor([0, 0, 1])).item()
    0.0
    """
    friend, stranger, both = hardest(embeddings, labels)
    too_far, too_near = 1 - friend, stranger - (1 - margin)
    return 0.5 * (
        mean_where(too_far, both & (too_far > 0)) + mean_where(too_near, both & (too_near > 0))
    )
