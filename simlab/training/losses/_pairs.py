"""Who is a friend of whom in a batch, by the labels or as a miner says."""

from typing import NamedTuple

import torch
from torch import Tensor

Mined = tuple[Tensor, ...]
"""What a miner chose: (anchors, friends, anchors, strangers) as two lists of pairs, or
(anchors, friends, strangers) as a list of triplets; positions in the batch."""


class Pairs(NamedTuple):
    """The pairs of a batch: friends are few and listed, strangers are many and a matrix."""

    rows: Tensor
    """Of shape (n_friends,): the first of each pair of friends."""
    columns: Tensor
    """Of shape (n_friends,): the second."""
    hidden: Tensor
    """Of shape (batch, batch): the pairs which are no strangers."""


def pairs_of(labels: Tensor, mined: Mined | None = None) -> Pairs:
    """List the pairs of equal labels, and of others all; or only those which were mined.

    Examples
    --------
    >>> pairs = pairs_of(torch.tensor([0, 1, 0]))
    >>> list(zip(pairs.rows.tolist(), pairs.columns.tolist()))
    [(0, 2), (2, 0)]
    """
    if mined is None:
        same = labels[:, None] == labels[None, :]  # (batch, batch)
        friends = same.clone()
        friends.fill_diagonal_(fill_value=False)
        rows, columns = friends.nonzero(as_tuple=True)
        return Pairs(rows, columns, same)
    anchors, others, from_, to = mined if len(mined) == 4 else (*mined[:2], *mined[::2])  # noqa: PLR2004
    shape = (len(labels), len(labels))
    friends = torch.zeros(shape, dtype=torch.bool, device=labels.device)
    hidden = torch.ones(shape, dtype=torch.bool, device=labels.device)
    friends[anchors, others] = True
    hidden[from_, to] = False
    rows, columns = friends.nonzero(as_tuple=True)
    return Pairs(rows, columns, hidden)


def counts_of(pairs: Pairs) -> Tensor:
    """Count the friends of each item; shape (batch,).

    Examples
    --------
    >>> counts_of(pairs_of(torch.tensor([0, 1, 0])))
    tensor([1, 0, 1])
    """
    return torch.bincount(pairs.rows, minlength=len(pairs.hidden))


def mean_where(values: Tensor, chosen: Tensor) -> Tensor:
    """Average the chosen entries; 0, with a gradient of 0, if there are none.

    Examples
    --------
    >>> mean_where(torch.tensor([1.0, 5.0]), torch.tensor([True, False])).item()
    1.0
    """
    zero = torch.zeros((), dtype=values.dtype, device=values.device)
    return torch.where(chosen, values, zero).sum() / chosen.sum().clamp(min=1)


def softmax_of(logits: Tensor, dim: int = 1, *, and_one: bool = False) -> tuple[Tensor, Tensor]:
    """Sum exponentials without overflow, in place: log of the sum, and the share of each.

    Hidden entries are -inf; a row of nothing else has the sum 0 and no shares.

    Parameters
    ----------
    logits : Tensor of shape (n, m)
        Overwritten.
    and_one : bool, default=False
        Count 1 more in each sum.

    Examples
    --------
    >>> softmax_of(torch.tensor([[0.0, -torch.inf]]), and_one=True)
    (tensor([0.6931]), tensor([[0.5000, 0.0000]]))
    """
    top = logits.amax(dim=dim, keepdim=True)
    top = top.clamp(min=0) if and_one else top.nan_to_num(neginf=0.0)
    shares = logits.sub_(top).exp_()
    total = shares.sum(dim=dim, keepdim=True)
    if and_one:
        total += (-top).exp()
    log_total = (total.log() + top).squeeze(dim)
    return log_total, shares.div_(total.clamp(min=torch.finfo(total.dtype).tiny))
