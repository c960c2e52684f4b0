"""The heads for all rows alike by their names, and what parameters may be."""

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

from simlab.errors import ChoiceError, DataError
from simlab.training._by_name import check_parameters, parameters_of
from simlab.training.heads._base import Head
from simlab.training.heads._plain import GatedHead, IdentityHead, LinearHead
from simlab.training.heads._skip import GatedSkipHead, SkipHead, SkipMlpHead
from simlab.training.heads._softmax_groups import SoftmaxGroupsHead
from simlab.training.heads._stacked import ACTIVATIONS, MlpHead, StackedHead, WideningHead

HEADS: dict[str, type[Head]] = {
    "gated": GatedHead,
    "gated-skip": GatedSkipHead,
    "identity": IdentityHead,
    "linear": LinearHead,
    "mlp": MlpHead,
    "skip": SkipHead,
    "skip-mlp": SkipMlpHead,
    "softmax-groups": SoftmaxGroupsHead,
    "stacked": StackedHead,
    "widening": WideningHead,
}


def named(told: Any) -> tuple[str, dict[str, Any]] | None:
    """Read a name with its parameters; None for anything else.

    Examples
    --------
    >>> named("skip"), named(["linear", {"out": 64}]), named(None)
    (('skip', {}), ('linear', {'out': 64}), None)
    """
    if isinstance(told, str):
        return told, {}
    is_pair = isinstance(told, tuple | list) and len(told) == 2  # noqa: PLR2004
    if is_pair and isinstance(told[0], str) and isinstance(told[1], Mapping):
        return told[0], dict(told[1])
    return None


def check_named(what: str, told: Any, known: Mapping[str, type[Head]]) -> None:
    """Raise an error for a name that is none, or parameters that this head does not have."""
    form = named(told)
    if form is None:
        raise TypeError(f"{what} must be a name, or a name and parameters; got {told!r}")
    name, parameters = form
    if name not in known:
        raise ChoiceError.of(what, name, known)
    check_parameters(
        f"{what} {name!r}", parameters, parameters_of(known[name].__init__, without={"dim"})
    )
    check_values(name, parameters)


def made(known: Mapping[str, type[Head]], told: Any, dim: int, dropout: float) -> Head:
    """Make a head by its name; parameters come before `dropout`, which is that of a correction."""
    name, parameters = named(told) or ("", {})
    takes = parameters_of(known[name].__init__)
    dropping = "skip_dropout" if "skip_dropout" in takes else "dropout"
    return known[name](dim, **{dropping: dropout, **parameters})


def check_values(name: str, parameters: Mapping[str, Any]) -> None:
    """Raise an error for values that no head can have.

    Examples
    --------
    >>> check_values("linear", {"out": 0})
    Traceback (most recent call last):
    simlab.errors.DataError: out of head 'linear' must be a whole number, at least 1; got 0
    """
    if parameters.get("activation", "relu") not in ACTIVATIONS:
        raise ChoiceError.of("activation", parameters["activation"], ACTIVATIONS)
    wrong = [
        f"{key} of head {name!r} must be {_RULES[key][0]}; got {value!r}"
        for key, value in parameters.items()
        if key in _RULES and not _RULES[key][1](value)
    ]
    if wrong:
        raise DataError("; ".join(wrong[:3]))


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and int(value) >= 1


def _are_counts(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and all(map(_is_count, value))


def _is_share(value: Any) -> bool:
    return isinstance(value, Real) and 0 <= float(value) < 1


def _is_factor(value: Any) -> bool:
    return isinstance(value, Real) and 0 < float(value) < math.inf


_COUNT = "a whole number, at least 1", _is_count
_COUNTS = "a list of whole numbers, at least 1", _are_counts
_SHARE = "a share in [0, 1)", _is_share
_RULES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "dropout": _SHARE,
    "factor": ("above 0 and finite", _is_factor),
    "groups": _COUNT,
    "hidden": _COUNTS,
    "layers": _COUNT,
    "out": _COUNT,
    "size": _COUNT,
    "sizes": _COUNTS,
    "skip_dropout": _SHARE,
}
