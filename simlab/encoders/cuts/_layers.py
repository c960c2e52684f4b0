"""The layers of a network, and cuts that count them instead of naming one."""

import re
from typing import Literal

from torch import nn

from simlab.errors import DataError

_LAST = re.compile(r"last:(all|[1-9]\d*)")
_STACKS = (nn.ModuleList, nn.Sequential)
_AXES = 2
"""A layer has weights of so many axes, a matrix or kernels: a normalization alone is none."""


def last_of(cut: str) -> int | Literal["all"] | None:
    """Read how many layers are to be above a cut; None for the name of a module.

    Examples
    --------
    >>> last_of("last:2"), last_of("last:all"), last_of("layer.3")
    (2, 'all', None)
    """
    found = _LAST.fullmatch(str(cut))
    if found is None:
        return None
    return "all" if found[1] == "all" else int(found[1])


def layers_of(module: nn.Module) -> list[str]:
    """Name the layers with weights, in the order in which a network holds them.

    They are the members of its stacks (`ModuleList`, `Sequential`), whole with all that is in
    them, and the modules that stand beside the stacks.

    Examples
    --------
    >>> layers_of(nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.Linear(3, 2)))
    ['0', '2']
    """
    return _inside(module, "")


def _inside(module: nn.Module, place: str) -> list[str]:
    parts = {name: part for name, part in module.named_children() if _has_weights(part)}
    is_stack = isinstance(module, _STACKS)
    is_wrapper = len(parts) == 1 and not is_stack and not _is_holder(module)
    found: list[str] = []
    for name, part in parts.items():
        opens = is_wrapper or _is_holder(part)
        opens = opens or (not is_stack and (isinstance(part, _STACKS) or _has_stack(part)))
        inner = f"{place}{name}"
        found += (_inside(part, f"{inner}.") if opens else []) or [inner]
    return found


def _is_holder(module: nn.Module) -> bool:
    """Tell whether a module only holds others, as those that torch.fx makes for a place."""
    return type(module) is nn.Module


def _has_weights(module: nn.Module) -> bool:
    return any(weights.ndim >= _AXES for weights in module.parameters())


def _has_stack(module: nn.Module) -> bool:
    """Tell whether layers stand in a row somewhere within."""
    return any(
        isinstance(part, nn.ModuleList) and sum(map(_has_weights, part)) > 1
        for part in module.modules()
    )


def too_few(n: int, layers: int, owner: str) -> DataError:
    """Word that a network has fewer layers than are to learn."""
    return DataError(
        f"'last:{n}' needs a network with at least {n} layers; {owner} has {layers}; "
        "'last:all' lets everything learn"
    )
