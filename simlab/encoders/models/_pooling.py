"""From what a transformers model answers to one vector per item."""

from typing import Any

import torch
from torch import Tensor

from simlab.errors import ChoiceError, DataError

POOLINGS = ("cls", "last", "mean", "pooler")
_PROJECTED = ("image_embeds", "text_embeds")
_FEATURE_MAP = 4
"""Axes of what a convolutional network answers: batch, channels, height, width."""


def check_pooling(pooling: str | None) -> None:
    """Raise a ChoiceError for an unknown pooling; None lets the model decide."""
    if pooling is not None and pooling not in POOLINGS:
        raise ChoiceError.of("pooling", pooling, POOLINGS)


def pooled(output: Any, mask: Tensor | None, pooling: str | None, name: str) -> Tensor:
    """Pool the tokens of each item.

    Parameters
    ----------
    output : Tensor or transformers.utils.ModelOutput
        A tensor is one vector per item already.
    mask : Tensor of shape (batch, tokens), optional
        0 where a token is padding; it then counts in no pooling.
    pooling : {"mean", "cls", "last", "pooler"} or None
        Mean of the tokens, the first, the last, or the model's own pooler. None: what the model
        projects (`image_embeds`, `text_embeds`), else the mean.
    name : str
        Of the model, for errors.

    Returns
    -------
    Tensor of shape (batch, dim)

    Raises
    ------
    DataError
        The model does not answer with what is to be pooled.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> tokens = torch.tensor([[[1.0], [3.0], [9.0]]])
    >>> answer = SimpleNamespace(last_hidden_state=tokens)
    >>> pooled(answer, torch.tensor([[1, 1, 0]]), "mean", "net"), pooled(answer, None, "cls", "net")
    (tensor([[2.]]), tensor([[1.]]))
    """
    if isinstance(output, Tensor):
        return output
    if pooling is None:
        given = (getattr(output, which, None) for which in _PROJECTED)
        projected = next((one for one in given if one is not None), None)
        if projected is not None:
            return projected
    if pooling == "pooler":
        vectors = getattr(output, "pooler_output", None)
        if vectors is None:
            raise DataError(f"{name} has no pooler; choose pooling='mean' or 'cls'")
        return vectors.flatten(1)
    states = getattr(output, "last_hidden_state", None)
    if states is None:
        raise DataError(
            f"{name} must answer with hidden states; got {sorted(output)}: it has a task of its "
            "own on top; give the model below it, model.base_model"
        )
    if states.ndim == _FEATURE_MAP:
        if pooling in {"cls", "last"}:
            raise DataError(f"{name} has no tokens for pooling={pooling!r}; choose 'mean'")
        return states.mean(dim=(2, 3))
    return _of_tokens(states, mask, pooling)


def _of_tokens(states: Tensor, mask: Tensor | None, pooling: str | None) -> Tensor:
    if pooling == "cls":
        return states[:, 0]
    mask = states.new_ones(states.shape[:2]) if mask is None else mask.to(states.dtype)
    if pooling == "last":
        last = mask.shape[1] - 1 - mask.flip(1).argmax(dim=1)
        return states[torch.arange(len(states), device=states.device), last]
    return (states * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)
