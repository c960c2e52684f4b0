"""What the dense losses share: the cosine matrix of a batch, and who is a friend of whom."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize


class Pairs(NamedTuple):
    """All pairs of a batch, as (batch, batch) matrices."""

    similarity: Tensor
    """Cosine similarity in [-1, 1]."""
    friends: Tensor
    """Same label, and not the item itself."""
    strangers: Tensor
    """Another label."""


def pairs_of(embeddings: Tensor, labels: Tensor) -> Pairs:
    """Compare every item of a batch with every other.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        Need not be normalized.
    labels : Tensor of shape (batch,), int
    """
    unit = normalize(embeddings, dim=1)
    same = labels[:, None] == labels[None, :]  # (batch, batch)
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return Pairs(unit @ unit.T, same & ~itself, ~same)


def mean_where(values: Tensor, chosen: Tensor) -> Tensor:
    """Average the chosen entries; 0, with a gradient of 0, if there are none.

    Examples
    --------
    >>> mean_where(torch.tensor([1.0, 5.0]), torch.tensor([True, False])).item()
    1.0
    """
    zero = torch.zeros((), dtype=values.dtype, device=values.device)
    return torch.where(chosen, values, zero).sum() / chosen.sum().clamp(min=1)
