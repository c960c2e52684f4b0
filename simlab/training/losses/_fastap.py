"""FastAP: average precision, made smooth by histograms."""

import torch
from torch import Tensor

from simlab.training.losses._pairs import counts_of, pairs_of
from simlab.training.losses._similarity import among


def fastap(embeddings: Tensor, labels: Tensor, *, n_bins: int = 10) -> Tensor:
    r"""Raise the average precision of each item among the batch.

    Squared Euclidean distances of normalized vectors are counted into soft bins: with
    :math:`h^+_k` friends and :math:`H^+_k`, :math:`H_k` friends and all up to the bin,

    .. math:: \ell_i = 1 - \frac{1}{|P_i|} \sum_k \frac{h^+_k H^+_k}{H_k}.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    labels : Tensor of shape (batch,), int
        Items with the same label are friends.
    n_bins : int, default=10
        Bins between the distances 0 and 4.

    Returns
    -------
    Tensor of shape ()
        Mean over items that have a friend; 0 if there are none.

    References
    ----------
    Cakir, He, Xia, Kulis, Sclaroff. *Deep Metric Learning to Rank*. CVPR 2019. Equal to
    `FastAPLoss` of pytorch-metric-learning.

    Examples
    --------
    >>> fastap(torch.eye(2)[[0, 0, 1]], torch.tensor([0, 0, 1])).item()
    0.0
    """
    pairs = pairs_of(labels)
    rows, columns, _ = pairs
    n_friends = counts_of(pairs)

    def judge(similarity: Tensor) -> tuple[Tensor, Tensor]:
        n = len(similarity)
        # distance (2 - 2 s) in units of a bin's width (4 / n_bins)
        place = similarity.clamp_(-1, 1).neg_().add_(1).mul_(n_bins / 2)
        lower = place.floor().clamp_(max=n_bins - 1)  # (n, n)
        upper_part = place.sub_(lower)
        upper_part.fill_diagonal_(0)
        lower = lower.long()
        everyone = _histogram(lower, upper_part, n_bins)
        everyone[torch.arange(n), lower.diagonal()] -= 1  # the item itself
        cells = rows * (n_bins + 1) + lower[rows, columns]
        of_friends = upper_part[rows, columns]
        friends = torch.zeros(n * (n_bins + 1), dtype=place.dtype, device=place.device)
        friends.index_add_(0, cells, 1 - of_friends).index_add_(0, cells + 1, of_friends)
        with torch.enable_grad():
            counts = torch.stack([everyone, friends.view_as(everyone)]).requires_grad_()
            value = _value(counts[0], counts[1], n_friends)
        (steep,) = torch.autograd.grad(value, counts)
        # an item that comes nearer goes from its upper to its lower bin
        to_lower = (steep[..., :-1] - steep[..., 1:]) * (n_bins / 2)  # (2, n, n_bins)
        pulls = to_lower[0].gather(1, lower)
        pulls[rows, columns] += to_lower[1][rows, lower[rows, columns]]
        pulls.fill_diagonal_(0)
        return value.detach(), pulls

    return among(embeddings, judge)


def _histogram(lower: Tensor, upper_part: Tensor, n_bins: int) -> Tensor:
    """Share each entry of a row between two neighboring bins; shape (n, n_bins + 1)."""
    empty = upper_part.new_zeros(len(lower), n_bins + 1)
    counts = empty.scatter_add(1, lower, torch.ones_like(upper_part))
    upper = empty.scatter_add(1, lower, upper_part)
    counts -= upper
    counts[:, 1:] += upper[:, :-1]
    return counts


def _value(everyone: Tensor, friends: Tensor, n_friends: Tensor) -> Tensor:
    up_to, all_up_to = friends.cumsum(dim=1), everyone.cumsum(dim=1)
    counted = (friends * up_to > 0) & (all_up_to > 0)
    precision = torch.where(counted, friends * up_to, 0.0) / torch.where(counted, all_up_to, 1.0)
    active = n_friends > 0
    each = 1 - precision.sum(dim=1) / n_friends.clamp(min=1)
    return torch.where(active, each, 0.0).sum() / active.sum().clamp(min=1)
