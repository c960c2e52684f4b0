"""Code and settings of foreign models as hashes: a change of either is a change of the model.

Code is taken as it runs (bytecode with its constants), not as it stands in a file: a notebook has
no file, and a file may have been edited since it was imported.
"""

import dis
import functools
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from enum import Enum
from pathlib import PurePath
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from torch import nn

from simlab._fingerprint import array_parts, digest
from simlab.encoders.fingerprints._libraries import LIBRARIES, PYTHON
from simlab.encoders.fingerprints._walk import names

_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
_PLACES = frozenset({"_name_or_path", "name_or_path"})
"""Where a model was found is no part of it."""
_MEMORIES = frozenset({"_cache", "cache"})
"""What an object remembers to save time (the tokenizers of CLIP do) is none either."""
_SIMPLE = (type(None), bool, int, float, complex, str, bytes)
_SAID_BY_REPR = (range, slice, PurePath, torch.dtype, torch.device, torch.Size)
_OPAQUE = PYTHON | {"lightning", "pytorch_lightning"}
"""Whose objects are known by their type alone: loggers, locks, trainers."""

Memory = dict[int, tuple[Any, bytes]]
"""Objects already hashed (or being hashed), by address; they are held so that it stays theirs."""


def module_settings(module: nn.Module) -> dict[str, bytes]:
    """Hash the plain attributes of a module and its parts: all that is no weight, by its place.

    Examples
    --------
    >>> one, two = nn.MultiheadAttention(4, 1), nn.MultiheadAttention(4, 2)
    >>> module_settings(one)[".num_heads"] == module_settings(two)[".num_heads"]
    False
    """
    memory: Memory = {}
    return {
        f"{place}.{name}": describe(value, memory)
        for place, part in module.named_modules()
        for name, value in vars(part).items()
        if name not in _OF_EVERY_MODULE | _PLACES
    }


def describe(value: Any, memory: Memory | None = None) -> bytes:
    """Hash a setting: numbers, texts, containers, arrays, tensors, functions, objects of these.

    Examples
    --------
    >>> describe({"size": 16}) == describe({"size": 32})
    False
    """
    kind = _name(type(value))
    if isinstance(value, _SIMPLE):
        return digest(kind, repr(value).encode())
    memory = {} if memory is None else memory
    if id(value) not in memory:
        memory[id(value)] = value, b"again"  # what a circle finds
        memory[id(value)] = value, digest(kind, *_parts(value, memory))
    return memory[id(value)][1]


def _parts(value: Any, memory: Memory) -> Iterator[bytes]:
    if isinstance(value, Mapping):
        pairs = value.items()
        yield from sorted(describe(key, memory) + describe(entry, memory) for key, entry in pairs)
    elif isinstance(value, set | frozenset):
        yield from sorted(describe(entry, memory) for entry in value)
    elif isinstance(value, _SAID_BY_REPR):
        yield repr(value).encode()
    elif isinstance(value, list | tuple):
        yield from (describe(entry, memory) for entry in value)
    elif isinstance(value, torch.Tensor):
        yield from tensor_parts(value)
    elif isinstance(value, np.ndarray | np.generic):
        plain = np.asarray(value)
        yield from [describe(plain.tolist())] if plain.dtype.hasobject else array_parts(plain)
    elif isinstance(value, nn.Module):
        yield from _module_parts(value, memory)
    else:
        yield from _code_or_object(value, memory)


def _module_parts(module: nn.Module, memory: Memory) -> Iterator[bytes]:
    for place, part in module.named_modules():
        yield place.encode()
        yield from class_parts(type(part), memory)
        plain = {name: one for name, one in vars(part).items() if name not in _OF_EVERY_MODULE}
        yield describe(plain, memory)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        yield from (name.encode(), *tensor_parts(tensor))


def _code_or_object(value: Any, memory: Memory) -> Iterator[bytes]:
    if isinstance(value, type):
        yield from class_parts(value, memory)
    elif isinstance(value, FunctionType):
        yield from _function_parts(value, memory)
    elif isinstance(value, MethodType):
        yield from (describe(value.__func__, memory), describe(value.__self__, memory))
    elif isinstance(value, functools.partial):
        yield from (describe(one, memory) for one in (value.func, value.args, value.keywords))
    elif isinstance(value, Enum):
        yield value.name.encode()
    elif _is_open(value):
        yield from class_parts(type(value), memory)
        yield describe(
            {name: one for name, one in vars(value).items() if name not in _PLACES | _MEMORIES},
            memory,
        )
    else:  # built-in functions have a name; of the rest only the type is known
        yield str(getattr(value, "__qualname__", "")).encode()


def _is_open(value: Any) -> bool:
    package = type(value).__module__.partition(".")[0]
    return hasattr(value, "__dict__") and (is_dataclass(value) or package not in _OPAQUE)


def _name(kind: type) -> bytes:
    return f"{kind.__module__}.{kind.__qualname__}".encode()


def tensor_parts(tensor: torch.Tensor) -> Iterator[bytes]:
    """Say type, shape and values of a tensor, as byte strings."""
    yield f"{tensor.dtype}{tuple(tensor.shape)}".encode()
    values = tensor.detach().cpu().reshape(-1).contiguous()  # a plain layout, whatever the strides
    yield values.view(torch.uint8).numpy().tobytes()


def class_parts(kind: type, memory: Memory | None = None) -> Iterator[bytes]:
    """Say the code of a class and of all classes above it, down to torch, as byte strings."""
    memory = {} if memory is None else memory
    for base in kind.__mro__:
        yield _name(base)
        if base.__module__.partition(".")[0] in LIBRARIES:
            continue
        functions = {name: _functions_of(value) for name, value in vars(base).items()}
        counters = {name for found in functions.values() for one in found for name in _stored(one)}
        for name, value in sorted(vars(base).items()):
            if functions[name]:
                yield from (name.encode(), *(describe(one, memory) for one in functions[name]))
            elif _is_constant(value) and name not in counters and not name.startswith("__"):
                yield from (name.encode(), describe(value, memory))


def _is_constant(value: Any) -> bool:
    return isinstance(value, _SIMPLE) or (
        isinstance(value, tuple) and all(_is_constant(entry) for entry in value)
    )


def _functions_of(value: Any) -> list[FunctionType]:
    """Look into what a class body may hold: methods of all kinds and properties."""
    if isinstance(value, property):
        candidates = [value.fget, value.fset]
    else:
        candidates = [getattr(value, "__func__", getattr(value, "func", value))]
    return [one for one in candidates if isinstance(one, FunctionType)]


def _stored(function: FunctionType) -> set[str]:
    """Names that a function assigns on objects or in its module: counters, not settings."""
    if function.__name__ == "__init__":
        return set()
    steps = dis.get_instructions(function)
    return {str(step.argval) for step in steps if step.opname in {"STORE_ATTR", "STORE_GLOBAL"}}


def _function_parts(function: FunctionType, memory: Memory) -> Iterator[bytes]:
    yield from _code_parts(function.__code__)
    yield describe(function.__defaults__, memory)
    yield describe(function.__kwdefaults__, memory)
    for cell in function.__closure__ or ():
        try:
            yield describe(cell.cell_contents, memory)
        except ValueError:  # not yet filled
            yield b"empty"
    for name in sorted(names(function.__code__) - _stored(function)):
        value = function.__globals__.get(name)
        here = isinstance(value, FunctionType | type) and value.__module__ == function.__module__
        if here or (value is not None and _is_constant(value)):
            yield from (name.encode(), describe(value, memory))


def _code_parts(code: CodeType) -> Iterator[bytes]:
    yield code.co_code
    yield repr((code.co_names, code.co_varnames, code.co_freevars)).encode()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code_parts(constant)
        else:
            yield describe(constant)
