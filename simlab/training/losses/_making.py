"""From what a user writes to a loss: names, parameters, objects, sums."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from torch import Tensor, nn

from simlab.errors import ChoiceError, DataError
from simlab.training._by_name import check_parameters
from simlab.training._records import told_object
from simlab.training.losses._foreign import ADAPTED, Foreign
from simlab.training.losses._mining import Loss, Miner, Mining, fits, takes_mined
from simlab.training.losses._registry import OF_LABELS, OF_OTHERS, Own
from simlab.training.losses._sum import Sum


class Asked(NamedTuple):
    """A loss by name, with parameters."""

    name: str
    parameters: dict[str, Any]


def read(told: Any) -> Asked | list[tuple[float, Any]] | Any:
    """Tell apart the forms of a loss: named, a sum, or the object itself.

    Examples
    --------
    >>> read("supcon")
    Asked(name='supcon', parameters={})
    >>> read([(1, "softmax"), (0.1, "center")])
    [(1, 'softmax'), (0.1, 'center')]
    """
    if isinstance(told, str):
        return Asked(told, {})
    if isinstance(told, tuple | list):
        if len(told) == 2 and isinstance(told[0], str) and isinstance(told[1], Mapping):  # noqa: PLR2004
            return Asked(told[0], dict(told[1]))
        return [_weighted(one) for one in told]
    return told


def _weighted(one: Any) -> tuple[float, Any]:
    is_pair = isinstance(one, tuple | list) and len(one) == 2  # noqa: PLR2004
    if is_pair and isinstance(one[0], int | float):
        return one[0], one[1]
    return 1, one


def check_loss(told: Any) -> None:
    """Raise an error for a loss that cannot be made.

    Raises
    ------
    ChoiceError
        An unknown name, or a loss that learns from something else than labels.
    TypeError
        A parameter that a loss does not have; something that cannot be called.
    MissingExtraError
        A loss of pytorch-metric-learning, which is not installed.
    DataError
        An object of which only a description is left; an empty sum.
    """
    form = read(told)
    if isinstance(form, Asked):
        check_parameters(f"loss {form.name!r}", form.parameters, _entry(form.name).parameters)
        if "loss" in form.parameters:
            check_loss(form.parameters["loss"])
    elif isinstance(form, list):
        if not form:
            raise DataError("a sum of losses needs at least one; got an empty list")
        for _, part in form:
            check_loss(part)
    elif lost := told_object(form):
        raise DataError(
            f"loss was the object {lost}, which cannot be made again from a record; "
            "pass the object itself"
        )
    elif not callable(form) or not fits(form, 2):
        raise TypeError(
            "loss must be a name, (name, parameters), a list of (weight, loss), or callable with "
            f"embeddings and labels; got {form!r}"
        )


def make_loss(told: Any, embeddings: Tensor, labels: Tensor, *, miner: Miner | None = None) -> Loss:
    """Make a loss for training items that lie like this before training.

    Parameters
    ----------
    told : str, tuple, list or callable
        A name; a name and parameters; a list of (weight, loss), their sum; any function or
        module of embeddings and labels. A module is copied: training leaves yours as it is.
    embeddings : Tensor of shape (n, dim)
    labels : Tensor of shape (n,), int
        0 to n_classes - 1.
    miner : callable, optional
        Chooses pairs or triplets of each batch.

    Examples
    --------
    >>> import torch
    >>> vectors, labels = torch.eye(2), torch.tensor([0, 1])
    >>> make_loss(("arcface", {"margin": 0.3}), vectors, labels).margin
    0.3
    """
    check_loss(told)
    if miner is not None:
        check_takes_miner(told)
    loss = _made(read(told), embeddings, labels)
    return loss if miner is None else Mining(loss, miner)


def check_takes_miner(told: Any) -> None:
    """Raise a DataError for a loss that learns from whole batches only."""
    if _takes_miner(told):
        return
    known = ", ".join(repr(name) for name, one in OF_LABELS.items() if one.takes_mined)
    raise DataError(
        f"loss {title_of(told)!r} takes no miner; those that do: {known}, the losses of pairs and "
        "triplets of pytorch-metric-learning, and any callable with a third argument"
    )


def _takes_miner(told: Any) -> bool:
    form = read(told)
    if isinstance(form, list):
        return any(_takes_miner(part) for _, part in form)
    if not isinstance(form, Asked):
        return takes_mined(form)
    if form.name == "matryoshka":
        return _takes_miner(form.parameters.get("loss", "supcon"))
    return _entry(form.name).takes_mined


def title_of(told: Any) -> str:
    """Name a loss in a few words.

    Examples
    --------
    >>> title_of([(1, "softmax"), (0.1, ("center", {}))]), title_of(("arcface", {"margin": 0.3}))
    ('softmax + 0.1 center', 'arcface(margin=0.3)')
    """
    form = read(told)
    if isinstance(form, Asked):
        chosen = [
            f"{key}={title_of(value) if key == 'loss' else repr(value)}"
            for key, value in form.parameters.items()
        ]
        return f"{form.name}({', '.join(chosen)})" if chosen else form.name
    if isinstance(form, list):
        parts = [f"{'' if weight == 1 else f'{weight} '}{title_of(one)}" for weight, one in form]
        return " + ".join(parts)
    if lost := told_object(form):
        return lost.partition("(")[0]
    return getattr(form, "__name__", type(form).__name__)


def _entry(name: str) -> Own | Foreign:
    if name in OF_OTHERS:
        error = ChoiceError.of("loss", name, [*OF_LABELS, *ADAPTED])
        error.args = (f"loss {name!r} learns from {OF_OTHERS[name].needs}, not from labels",)
        raise error
    entry = OF_LABELS.get(name) or ADAPTED.get(name)
    if entry is None:
        raise ChoiceError.of("loss", name, [*OF_LABELS, *ADAPTED])
    return entry


def _made(form: Any, embeddings: Tensor, labels: Tensor) -> Loss:
    if isinstance(form, Asked):
        return _entry(form.name).of(embeddings, labels, form.parameters)
    if isinstance(form, list):
        losses = [_made(read(part), embeddings, labels) for _, part in form]
        return Sum([weight for weight, _ in form], losses)
    return deepcopy(form) if isinstance(form, nn.Module) else form
