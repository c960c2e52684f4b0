"""The engine of the dense losses: the cosine matrix once, its gradient in one product more.

Left to itself, autograd walks over the (batch, batch) matrix twice for every operation of a loss.
Here a loss tells its value and its derivative by every similarity at once, without a graph.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

Judge = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From similarities to the loss, and to its derivative by each of them (same shape)."""
_SHORTEST = 1e-12
"""A shorter vector has no direction: similarity 0 to all, gradient 0."""


def among(embeddings: Tensor, judge: Judge) -> Tensor:
    """Judge the cosine similarities, shape (batch, batch), of every item with every other.

    Examples
    --------
    >>> vectors = torch.eye(2, requires_grad=True)
    >>> among(vectors, lambda similarity: (similarity.sum(), torch.ones(2, 2))).backward()
    >>> vectors.grad
    tensor([[0., 2.],
            [2., 0.]])
    """
    with _no_autocast(embeddings):
        return _Among.apply(precise(embeddings), judge)


def between(embeddings: Tensor, others: Tensor, judge: Judge) -> Tensor:
    """Judge the cosine similarities, shape (batch, n_others), of items with others.

    Examples
    --------
    >>> between(torch.eye(2), torch.eye(2), lambda similarity: (similarity.sum(), similarity))
    tensor(2.)
    """
    with _no_autocast(embeddings):
        return _Between.apply(precise(embeddings), precise(others), judge)


class _Among(Function):
    @staticmethod
    def forward(ctx: Any, embeddings: Tensor, judge: Judge) -> Tensor:
        unit, length = _unit(embeddings)
        value, pulls = judge(unit @ unit.T)
        ctx.save_for_backward(unit, length, pulls)
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, None]:
        unit, length, pulls = ctx.saved_tensors
        return _across((pulls + pulls.T) @ unit, unit, length) * outer, None


class _Between(Function):
    @staticmethod
    def forward(ctx: Any, embeddings: Tensor, others: Tensor, judge: Judge) -> Tensor:
        parts = (*_unit(embeddings), *_unit(others))
        value, pulls = judge(parts[0] @ parts[2].T)
        ctx.save_for_backward(*parts, pulls)
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, Tensor, None]:
        one, length, other, other_length, pulls = ctx.saved_tensors
        own = _across(pulls @ other, one, length) * outer
        return own, _across(pulls.T @ one, other, other_length) * outer, None


def _unit(vectors: Tensor) -> tuple[Tensor, Tensor]:
    length = vectors.norm(dim=1, keepdim=True)
    length = torch.where(length < _SHORTEST, torch.inf, length)  # (n, 1)
    return vectors / length, length


def _across(gradient: Tensor, unit: Tensor, length: Tensor) -> Tensor:
    """Take the part of a gradient that turns a vector; its length does not matter."""
    along = (gradient * unit).sum(dim=1, keepdim=True)
    return torch.addcmul(gradient, unit, along, value=-1) / length


def precise(vectors: Tensor) -> Tensor:
    """Go on in float32 where a mixed precision has come with less.

    Examples
    --------
    >>> precise(torch.ones(2, dtype=torch.bfloat16)).dtype
    torch.float32
    """
    return vectors.float() if vectors.dtype.itemsize < 4 else vectors  # noqa: PLR2004 (bytes)


def _no_autocast(vectors: Tensor) -> torch.autocast:
    return torch.autocast(vectors.device.type, enabled=False)
