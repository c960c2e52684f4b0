"""Sums of exponentials over lists."""

import torch
from torch import Tensor


def softmax_by(
    groups: Tensor, logits: Tensor, n_groups: int, *, and_one: bool = False
) -> tuple[Tensor, Tensor]:
    """Sum the exponentials of each group without overflow: log of the sum, and shares.

    Parameters
    ----------
    groups : Tensor of shape (n,), int
        The group of each logit.
    logits : Tensor of shape (n,)
    n_groups : int
    and_one : bool, default=False
        Count 1 more in each sum; without it the log of an empty sum is -inf.

    Returns
    -------
    Tensor of shape (n_groups,) and Tensor of shape (n,)

    Examples
    --------
    >>> softmax_by(torch.tensor([1, 1]), torch.zeros(2), 2, and_one=True)
    (tensor([0.0000, 1.0986]), tensor([0.3333, 0.3333]))
    """
    least = 0.0 if and_one else -torch.inf
    top = logits.new_full((n_groups,), least).scatter_reduce_(0, groups, logits, "amax")
    top.nan_to_num_(neginf=0.0)
    shares = (logits - top[groups]).exp_()
    total = (-top).exp() if and_one else torch.zeros_like(top)
    total.index_add_(0, groups, shares)
    return total.log() + top, shares / total[groups]
