"""The furthest friend and the nearest stranger of every item of a batch."""

from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import normalize

from simlab.training.losses._similarity import precise


class Hardest(NamedTuple):
    """Of each item; all of shape (batch,)."""

    friend: Tensor
    """Cosine similarity of the furthest friend."""
    stranger: Tensor
    """Cosine similarity of the nearest stranger."""
    both: Tensor
    """Whether there is a friend and a stranger; elsewhere the similarities mean nothing."""


def hardest(embeddings: Tensor, labels: Tensor) -> Hardest:
    """Look among all pairs without a graph, then compare the chosen ones with it.

    Examples
    --------
    >>> import torch
    >>> hardest(torch.eye(2)[[0, 0, 1]], torch.tensor([0, 0, 1])).friend[:2].tolist()
    [1.0, 1.0]
    """
    unit = normalize(precise(embeddings), dim=1)
    friends, strangers, both = hardest_of(unit.detach(), labels)
    return Hardest(_with(unit, friends), _with(unit, strangers), both)


def hardest_of(unit: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Find positions of furthest friends and nearest strangers, and who has both."""
    similarity = unit @ unit.T
    same = labels[:, None] == labels[None, :]  # (batch, batch)
    nearest, stranger = similarity.masked_fill(same, -4.0).max(dim=1)
    similarity.masked_fill_(~same, 4.0).fill_diagonal_(4.0)
    furthest, friend = similarity.min(dim=1)
    return friend, stranger, (nearest > -3) & (furthest < 3)  # noqa: PLR2004 (cosines are -1 to 1)


def _with(unit: Tensor, positions: Tensor) -> Tensor:
    return (unit * unit[positions]).sum(dim=1)
