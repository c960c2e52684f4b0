"""What a foreign encoder is made of: the objects and functions that encoding may use."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from simlab.encoders.fingerprints._libraries import LIBRARIES

_MAKERS = frozenset({"__init__", "__new__", "__post_init__"})
_MOST = 10_000


def used_by(encoder: Any) -> Iterator[Any]:
    """Walk through attributes, methods, parts, closures and functions of the same file.

    Libraries are named where they are met and not entered; nor is what only made an object,
    since that was before it encodes.

    Examples
    --------
    >>> import random
    >>> any(value is random for value in used_by(lambda text: random.random()))
    True
    """
    waiting: list[Any] = [encoder]
    seen: dict[int, Any] = {}  # held, so that an address stays theirs
    while waiting and len(seen) < _MOST:
        value = waiting.pop()
        if id(value) not in seen:
            seen[id(value)] = value
            yield value
            waiting += _held_by(value)


def packages(*values: Any) -> frozenset[str]:
    """Tell which installed packages the parts of some values come from, or name.

    Examples
    --------
    >>> import numpy as np
    >>> sorted(packages(lambda array: np.abs(array)))
    ['numpy']
    """
    found = {_package(one) for value in values for one in used_by(value)}
    return frozenset(found - {"", "builtins", "simlab"} - sys.stdlib_module_names)


def _package(value: Any) -> str:
    if isinstance(value, ModuleType):
        place = value.__name__
    else:
        named = value if isinstance(value, type | FunctionType) else type(value)
        place = named.__module__
    return place.partition(".")[0]


def names(code: CodeType) -> set[str]:
    """Tell which attributes and globals some code names, inner functions included."""
    inner = (names(one) for one in code.co_consts if isinstance(one, CodeType))
    return set(code.co_names).union(*inner)


def _held_by(value: Any) -> Iterator[Any]:
    if isinstance(value, FunctionType):
        yield from _used_by_function(value)
    elif isinstance(value, MethodType):
        yield from (value.__func__, value.__self__)
    elif isinstance(value, partial):
        yield from (value.func, *value.args, *value.keywords.values())
    elif isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list | tuple):
        yield from value
    elif isinstance(value, type):
        yield from _methods(value)
    elif not isinstance(value, ModuleType):
        yield from getattr(value, "_modules", {}).values()
        if not _is_library(type(value)):
            yield from getattr(value, "__dict__", {}).values()
            yield from _methods(type(value))


def _used_by_function(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # not yet filled
            yield cell.cell_contents
    for name in names(function.__code__):
        value = function.__globals__.get(name)
        is_here = getattr(value, "__module__", None) == function.__module__
        if is_here or isinstance(value, ModuleType | type):
            yield value


def _methods(kind: type) -> Iterator[FunctionType]:
    for base in kind.__mro__:
        if _is_library(base) or _package(base) == "simlab":
            continue
        for name, part in vars(base).items():
            method = getattr(part, "__func__", getattr(part, "fget", part))
            if isinstance(method, FunctionType) and name not in _MAKERS:
                yield method


def _is_library(kind: type) -> bool:
    """Tell whether a class is a library's: those draw from global generators."""
    return _package(kind) in LIBRARIES | {"PIL", "builtins", "numpy"}
