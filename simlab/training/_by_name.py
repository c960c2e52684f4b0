"""Things asked for by name: parameters checked, pytorch-metric-learning opened when needed."""

import inspect
import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType
from typing import Any

from simlab._require import require
from simlab.errors import ChoiceError

_PACKAGE = "pytorch_metric_learning"
_ENDINGS = {"losses": "Loss", "miners": "Miner", "distances": "", "reducers": "Reducer"}
_ROOMS = {"distance": "distances", "reducer": "reducers"}


def check_parameters(what: str, given: Collection[str], known: Collection[str]) -> None:
    """Raise a TypeError that lists the parameters there are.

    Examples
    --------
    >>> check_parameters("loss 'arcface'", ["margn"], ["margin", "scale"])
    Traceback (most recent call last):
    TypeError: loss 'arcface' takes 'margin', 'scale'; got 'margn'. Did you mean 'margin'?
    """
    wrong = [name for name in given if name not in known]
    if not wrong:
        return
    near = get_close_matches(wrong[0], known, n=1)
    hint = f". Did you mean {near[0]!r}?" if near else ""
    takes = ", ".join(map(repr, sorted(known))) or "no parameters"
    raise TypeError(f"{what} takes {takes}; got {', '.join(map(repr, wrong))}{hint}")


def parameters_of(function: Any, without: Collection[str] = ()) -> list[str]:
    """List what may be given to a function or a class by name.

    Examples
    --------
    >>> parameters_of(check_parameters, without={"what"})
    ['given', 'known']
    """
    classes = inspect.getmro(function) if inspect.isclass(function) else ()
    makers = [vars(one).get("__init__", object) for one in classes] or [function]
    names = {
        name
        for maker in makers
        for name, one in inspect.signature(maker).parameters.items()
        if one.kind in {one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY} and name != "self"
    }
    return sorted(names - {*without})


def foreign_class(room: str, name: str, *, reason: str) -> Any:
    """Open a class of pytorch-metric-learning.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    return getattr(_opened(room, reason), name)


def with_parts(parameters: Mapping[str, Any], *, reason: str) -> dict[str, Any]:
    """Make a distance and a reducer of pytorch-metric-learning from their names.

    Examples
    --------
    >>> with_parts({"margin": 0.1}, reason="an example")
    {'margin': 0.1}
    """
    return {
        key: _part(_ROOMS[key], value, reason)
        if key in _ROOMS and isinstance(value, str | tuple | list)
        else value
        for key, value in parameters.items()
    }


def _part(room: str, told: Any, reason: str) -> Any:
    name, parameters = (told, {}) if isinstance(told, str) else told
    classes = {
        kebab(key, _ENDINGS[room]): one
        for key, one in vars(_opened(room, reason)).items()
        if inspect.isclass(one) and not key.startswith("Base")
    }
    if name not in classes:
        raise ChoiceError.of(room[:-1], name, classes)
    return classes[name](**parameters)


def _opened(room: str, reason: str) -> ModuleType:
    require(_PACKAGE, extra="losses", reason=reason)
    return import_module(f"{_PACKAGE}.{room}")


def kebab(name: str, ending: str = "") -> str:
    """Write the name of a class in lower case with hyphens.

    Examples
    --------
    >>> kebab("AvgNonZeroReducer", "Reducer"), kebab("NCALoss", "Loss"), kebab("LpDistance")
    ('avg-non-zero', 'nca', 'lp-distance')
    """
    parts = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name.removesuffix(ending))
    return "-".join(parts).lower()
