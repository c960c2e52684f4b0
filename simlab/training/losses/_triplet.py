"""Triplet losses: the hardest triplet of each item, all triplets, or the semi-hard ones."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from simlab.training.losses._hardest import hardest
from simlab.training.losses._pairs import Mined, mean_where, pairs_of
from simlab.training.losses._similarity import among

_LEAST_DISTANCE = 1e-3
"""Added to the mean distance that `relative` divides by: finite where all items coincide."""
_AT_ONCE = 2**20
"""Triplets looked at together."""


def triplet(
    embeddings: Tensor,
    labels: Tensor,
    *,
    margin: float = 0.4,
    soft: bool = False,
    relative: bool = False,
) -> Tensor:
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
    soft : bool, default=False
        Take :math:`\log(1 + e^x)` in place of :math:`\max(0, x)`; usual with margin 0.
    relative : bool, default=False
        Divide the difference by the mean distance :math:`1 - s` of nearest strangers, and add
        the margin after that: drawing everything together then no longer pays. Against
        collapse; the value stays finite where all items coincide.

    Returns
    -------
    Tensor of shape ()
        Mean over items that have both a friend and a stranger; 0 if there are none.

    References
    ----------
    Hermans, Beyer, Leibe. *In Defense of the Triplet Loss for Person Re-Identification*. 2017.
    arXiv:1703.07737, "batch hard". Equal to `TripletMarginLoss` with `BatchHardMiner`,
    `CosineSimilarity` and `MeanReducer` of pytorch-metric-learning. `relative` is the remedy of
    Quaterion's `TripletLoss`, which is NaN at a full collapse.

    Examples
    --------
    >>> import torch
    >>> vectors = torch.tensor([[1.0, 0.0], [1.0, 0.1], [-1.0, 0.0]])
    >>> triplet(vectors, torch.tensor([0, 0, 1])).item()
    0.0
    """
    friend, stranger, both = hardest(embeddings, labels)
    excess = stranger - friend
    if relative:
        excess = excess / (mean_where(1 - stranger, both) + _LEAST_DISTANCE)
    excess = excess + margin
    return mean_where(softplus(excess) if soft else excess.clamp(min=0), both)


def triplet_all(
    embeddings: Tensor,
    labels: Tensor,
    mined: Mined | None = None,
    *,
    margin: float = 0.1,
    soft: bool = False,
) -> Tensor:
    r"""Compare every friend of an item with every stranger.

    .. math:: \ell = \overline{\max(0,\; s_{in} - s_{ip} + m)}

    where the bar is the mean over the triplets that violate the margin.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    labels : Tensor of shape (batch,), int
        Items with the same label are friends.
    mined : tuple of Tensor, optional
        What a miner chose, in place of all triplets. Of pairs, every friend is compared with
        every stranger of the same item.
    margin : float, default=0.1
        How much more similar friends must be than strangers, in cosine (0 to 2).
    soft : bool, default=False
        Take :math:`\log(1 + e^x)` in place of :math:`\max(0, x)`: the mean over all triplets.

    Returns
    -------
    Tensor of shape ()

    References
    ----------
    Schroff, Kalenichenko, Philbin. *FaceNet: A Unified Embedding for Face Recognition and
    Clustering*. 2015. arXiv:1503.03832; "batch all" of arXiv:1703.07737. Equal to
    `TripletMarginLoss` with `CosineSimilarity` of pytorch-metric-learning.

    Examples
    --------
    >>> triplet_all(torch.eye(2)[[0, 0, 1]], torch.tensor([0, 0, 1])).item()
    0.0
    """
    if mined is not None and len(mined) == 3:  # noqa: PLR2004 (triplets)
        return _listed(embeddings, mined, margin, soft=soft)
    return _all(embeddings, labels, mined, margin, below=torch.inf, soft=soft)


def triplet_semi_hard(embeddings: Tensor, labels: Tensor, *, margin: float = 0.2) -> Tensor:
    r"""Compare every friend with the strangers which are further, but within the margin.

    As `triplet_all`, over the triplets with :math:`s_{ip} - m < s_{in} < s_{ip}`: the wrong ones
    are left out, since they are often wrong labels and may draw a space together.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    labels : Tensor of shape (batch,), int
        Items with the same label are friends.
    margin : float, default=0.2
        How much more similar friends must be than strangers, in cosine (0 to 2).

    Returns
    -------
    Tensor of shape ()

    References
    ----------
    Schroff, Kalenichenko, Philbin. *FaceNet*. 2015. arXiv:1503.03832, section 3.2. Equal to
    `TripletMarginLoss` with `TripletMarginMiner(type_of_triplets="semihard")`, both with
    `CosineSimilarity`, of pytorch-metric-learning.

    Examples
    --------
    >>> triplet_semi_hard(torch.eye(2)[[0, 0, 1]], torch.tensor([0, 0, 1])).item()
    0.0
    """
    return _all(embeddings, labels, None, margin, below=margin, soft=False)


def _all(
    embeddings: Tensor,
    labels: Tensor,
    mined: Mined | None,
    margin: float,
    *,
    below: float,
    soft: bool,
) -> Tensor:
    """Average what triplets cost, if more than 0 and less than `below`."""
    rows, columns, hidden = pairs_of(labels, mined)

    def judge(similarity: Tensor) -> tuple[Tensor, Tensor]:
        needed = similarity[rows, columns] - margin  # (n_friends,)
        strangers = similarity.masked_fill_(hidden, -torch.inf)
        pulls = torch.zeros_like(strangers)
        of_friends = torch.empty_like(needed)
        total, n = needed.new_zeros(()), needed.new_zeros(())
        step = max(_AT_ONCE // max(len(labels), 1), 1)
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            cost = strangers[rows[part]].sub_(needed[part, None])  # (step, batch)
            if soft:
                share = cost.sigmoid()
                n += torch.isfinite(cost).sum()
                total += softplus(cost).sum()
            else:
                if below < torch.inf:
                    cost.masked_fill_(cost >= below, 0)
                total += cost.clamp_(min=0).sum()
                share = cost.sign_()
                n += share.sum()
            of_friends[part] = share.sum(dim=1)
            pulls.index_add_(0, rows[part], share)
        pulls[rows, columns] -= of_friends
        n.clamp_(min=1)
        return total / n, pulls.div_(n)

    return among(embeddings, judge)


def _listed(embeddings: Tensor, mined: Mined, margin: float, *, soft: bool) -> Tensor:
    anchors, friends, strangers = mined

    def judge(similarity: Tensor) -> tuple[Tensor, Tensor]:
        cost = similarity[anchors, strangers] - similarity[anchors, friends] + margin
        share = cost.sigmoid() if soft else (cost > 0).to(cost.dtype)
        n = torch.as_tensor(len(cost) if soft else share.sum()).clamp(min=1)
        share /= n
        pulls = torch.zeros_like(similarity)
        pulls.index_put_((anchors, strangers), share, accumulate=True)
        pulls.index_put_((anchors, friends), -share, accumulate=True)
        return (softplus(cost) if soft else cost.clamp(min=0)).sum() / n, pulls

    return among(embeddings, judge)
