"""From what a user writes to a head: names, parameters, modules, functions that make one."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from simlab.errors import ChoiceError, DataError, ShapeError
from simlab.training._by_name import check_parameters
from simlab.training._records import told_object
from simlab.training.heads._base import Head
from simlab.training.heads._registry import HEADS, check_named, made, named
from simlab.training.heads._switch import SwitchHead, check_heads

_KNOWN: dict[str, type[Head]] = {**HEADS, "switch": SwitchHead}


def check_head(told: Any) -> None:
    """Raise an error for a head that cannot be made.

    Raises
    ------
    ChoiceError
        An unknown name, or an unknown activation.
    TypeError
        A parameter that a head does not have; something that is no head and makes none.
    DataError
        A number out of its range; an object of which only a description is left.
    """
    form = named(told)
    if form is not None:
        name, parameters = form
        if name not in {"auto", *_KNOWN}:
            raise ChoiceError.of("head", name, ["auto", *_KNOWN])
        if name == "auto":
            check_parameters("head 'auto'", parameters, [])
        else:
            check_named("head", told, _KNOWN)
        if name == "switch":
            check_heads(parameters.get("heads"))
    elif lost := told_object(told):
        raise DataError(
            f"head was the object {lost}, which cannot be made again from a record; "
            "pass the object itself"
        )
    elif not callable(told):
        raise TypeError(
            "head must be a name, (name, parameters), a torch module, or callable with the "
            f"dimension of the vectors; got {told!r}"
        )


def choose_head(told: Any, *, is_seen: bool, encoder: Any = None) -> Any:
    """Choose a head for `"auto"`: by whether the classes to come are those of training.

    Where the encoder has a block for each modality, a switch: what two modalities have in common
    is to be learned from nothing.

    Raises
    ------
    DataError
        A switch, and an encoder without blocks.

    Examples
    --------
    >>> choose_head("auto", is_seen=False), choose_head("auto", is_seen=True)
    ('skip', 'skip-mlp')
    """
    check_head(told)
    name, parameters = named(told) or ("", {})
    is_shared = getattr(encoder, "shared", True)
    if name == "switch" and is_shared and "blocks" not in parameters:
        raise DataError(
            "head 'switch' needs an encoder with a block of numbers for each modality, "
            "simlab.encoder({'image': a, 'text': b}, shared=False); got "
            f"{getattr(encoder, 'name', encoder)}"
        )
    if name != "auto":
        return told
    if not is_shared:
        return "switch"
    return "skip-mlp" if is_seen else "skip"


def with_blocks(told: Any, encoder: Any) -> Any:
    """Tell a switch which numbers are of which modality: the blocks of the encoder.

    Examples
    --------
    >>> with_blocks("skip", None)
    'skip'
    """
    name, parameters = named(told) or ("", {})
    if name != "switch" or "blocks" in parameters:
        return told
    return name, {"blocks": encoder.blocks, **parameters}


def make_head(told: Any, vectors: Tensor, *, dropout: float = 0.0) -> nn.Module:
    """Make a head for vectors like these training vectors.

    Parameters
    ----------
    told : str, tuple, torch.nn.Module or callable
        A name of `HEADS`; a name and parameters; a module, which is copied; a function (or a
        class) that makes a module for a dimension.
    vectors : Tensor of shape (n, dim)
    dropout : float, default=0.0
        Of a head with a name, where its parameters do not say it: of the numbers that enter, or,
        in a head with a way past it, of those that enter its correction.

    Raises
    ------
    ShapeError
        A module that does not map (n, dim) to (n, out).
    DataError
        A module without weights that learn.
    TypeError
        A function that returns no module.

    Examples
    --------
    >>> sum(p.numel() for p in make_head("skip", torch.rand(5, 4)).parameters())
    16
    >>> make_head(lambda dim: nn.Linear(dim, 2), torch.rand(5, 4))
    Linear(in_features=4, out_features=2, bias=True)
    """
    check_head(told)
    dim = vectors.shape[1]
    form = named(told)
    if isinstance(told, nn.Module):
        return _fitting(deepcopy(told), vectors[:2])
    head = made(_KNOWN, told, dim, dropout) if form else _fitting(told(dim), vectors[:2])
    if isinstance(head, Head):
        head.measure(vectors)
    return head


def _fitting(head: Any, vectors: Tensor) -> nn.Module:
    """Try a module of the user's on a few vectors; layers that wait for a shape get theirs."""
    if not isinstance(head, nn.Module):
        raise TypeError(f"head must make a torch module for a dimension; it made {head!r}")
    was_training = head.training
    try:
        with torch.no_grad():
            got = head.eval()(vectors)
    except RuntimeError as error:
        raise ShapeError(f"{_must(head, vectors)}; got an error: {error}") from error
    finally:
        head.train(was_training)
    if not isinstance(got, Tensor) or got.ndim != 2 or len(got) != len(vectors):  # noqa: PLR2004
        what = f"shape {tuple(got.shape)}" if isinstance(got, Tensor) else f"{type(got).__name__}"
        raise ShapeError(f"{_must(head, vectors)}; got {what} for {len(vectors)} vectors")
    if not any(one.requires_grad for one in head.parameters()):
        raise DataError(
            f"head must have weights that learn; {type(head).__name__} has none; "
            "head.requires_grad_() lets frozen ones learn, and head='identity' is no head at all"
        )
    return head


def _must(head: nn.Module, vectors: Tensor) -> str:
    dim = vectors.shape[1]
    return f"head {type(head).__name__} must map vectors (n, {dim}) to vectors (n, out)"
