"""Losses by name; each file holds one, after one paper."""

from collections.abc import Callable

from torch import Tensor, nn

from simlab.errors import ChoiceError
from simlab.training.losses._arcface import ArcFace as ArcFace
from simlab.training.losses._contrastive import contrastive as contrastive
from simlab.training.losses._multi_similarity import multi_similarity as multi_similarity
from simlab.training.losses._supcon import supcon as supcon
from simlab.training.losses._triplet import triplet as triplet

Loss = Callable[[Tensor, Tensor], Tensor]
"""From embeddings of shape (batch, dim) and labels of shape (batch,) to a scalar."""

OF_PAIRS: dict[str, Loss] = {
    "contrastive": contrastive,
    "multi-similarity": multi_similarity,
    "supcon": supcon,
    "triplet": triplet,
}
WITH_CENTERS: dict[str, Callable[[Tensor, Tensor], nn.Module]] = {"arcface": ArcFace.around}
LOSSES = (*sorted([*OF_PAIRS, *WITH_CENTERS]),)


def check_loss(name: str) -> None:
    """Raise a ChoiceError for a loss that does not exist."""
    if name not in LOSSES:
        raise ChoiceError.of("loss", name, LOSSES)


def make_loss(name: str, embeddings: Tensor, labels: Tensor) -> Loss:
    """Make a loss for training items that lie like this before training.

    Parameters
    ----------
    name : str
        One of `LOSSES`.
    embeddings : Tensor of shape (n, dim)
    labels : Tensor of shape (n,), int
        0 to n_classes - 1.

    Examples
    --------
    >>> import torch
    >>> make_loss("supcon", torch.eye(2), torch.tensor([0, 1])) is supcon
    True
    """
    check_loss(name)
    return OF_PAIRS[name] if name in OF_PAIRS else WITH_CENTERS[name](embeddings, labels)
