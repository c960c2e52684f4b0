"""A torch module in two: what runs up to one of its parts, and what runs after it."""

import operator
from difflib import get_close_matches

import torch
from torch import fx, nn

from simlab.encoders.cuts._layers import too_few
from simlab.encoders.models._module import frozen
from simlab.errors import ChoiceError, DataError

_SHOWN = 12
_ROOT = "module."
"""Where `_OneInput` holds the module."""


def find_part(names: list[str], cut: str, owner: str) -> str:
    """Choose the name that is `cut`, or else the only one that ends with it.

    Examples
    --------
    >>> find_part(["body.0", "body.1", "head"], "0", "Net")
    'body.0'
    """
    if cut in names:
        return cut
    fits = [name for name in names if name.endswith(f".{cut}")]
    if len(fits) == 1:
        return fits[0]
    if fits:
        shown = ", ".join(map(repr, fits[:_SHOWN]))
        sentence = (
            f"cut must name one module of {owner}; got {cut!r}, the end of {len(fits)} names: "
            f"{shown}{', …' if len(fits) > _SHOWN else ''}; give more of the name"
        )
    else:
        near = sorted(get_close_matches(str(cut), names, n=_SHOWN, cutoff=0), key=names.index)
        sentence = (
            f"cut must name one of the {len(names)} modules of {owner}, such as "
            f"{', '.join(map(repr, near))}; got {cut!r}"
        )
    error = ChoiceError(sentence)
    error.given, error.choices = cut, tuple(fits or names)
    raise error


def split_module(module: nn.Module, cut: str) -> tuple[fx.GraphModule, fx.GraphModule]:
    """Split a module after one of its parts; both halves share its weights.

    Everything that runs before the part or in it is below. The values made below that are
    needed above are what the lower half returns, and what the upper half takes.

    Parameters
    ----------
    module : torch.nn.Module
        Of one input, as it runs in eval mode. Only the modules that hold the cut are looked
        into (by torch.fx, so their `forward` may not branch on values); all others stay whole.
    cut : str
        A name of `module.named_modules()`.

    Returns
    -------
    below, above : torch.fx.GraphModule

    Raises
    ------
    DataError
        A forward that cannot be traced, or a part that does not run exactly once.

    Examples
    --------
    >>> below, above = split_module(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)), "0")
    >>> above(*below(torch.ones(1, 4))).shape
    torch.Size([1, 2])
    """
    root, nodes = _traced(module, [cut], f"at {cut!r}")
    calls = [at for at, node in enumerate(nodes) if _is_call_of(node, [cut])]
    if len(calls) != 1:
        raise DataError(
            f"the cut must run once in forward; {cut!r} runs {len(calls)} times in "
            f"{type(module).__name__}; choose another module"
        )
    return _halves(root, nodes, calls[0])


def split_before(
    module: nn.Module, layers: list[str], n: int
) -> tuple[str, fx.GraphModule, fx.GraphModule]:
    """Split a module right before the n-th from last of its layers to run.

    Parameters
    ----------
    module : torch.nn.Module
        As in `split_module`.
    layers : list of str
        Names of `module.named_modules()`, none within another.
    n : int
        From 1 on.

    Returns
    -------
    layer : str
        The first layer above.
    below, above : torch.fx.GraphModule

    Raises
    ------
    DataError
        Fewer layers run, or a forward that cannot be traced.
    """
    root, nodes = _traced(module, layers, f"before its last {n} layers")
    calls: dict[str, int] = {}
    for at, node in enumerate(nodes):
        if _is_call_of(node, layers):
            calls.setdefault(str(node.target), at)
    if n > len(calls):
        raise too_few(n, len(calls), type(module).__name__)
    place, at = sorted(calls.items(), key=operator.itemgetter(1))[-n]
    return place.removeprefix(_ROOT), *_halves(root, nodes, at - 1)


def _traced(module: nn.Module, places: list[str], where: str) -> tuple["_OneInput", list[fx.Node]]:
    root = _OneInput(module)
    try:
        # what a trace computes may be needed for gradients: it is no inference
        with frozen(root), torch.inference_mode(mode=False):
            graph = _Tracer(places).trace(root)
    except Exception as error:
        raise DataError(
            f"a module that is cut must have a forward that torch.fx can trace; "
            f"{type(module).__name__} cut {where} does not ({error}); put what is below and "
            "what is above into two modules and cut nn.Sequential(below, above) at '0'"
        ) from error
    return root, list(graph.nodes)


class _OneInput(nn.Module):
    """Call with one input, so that other arguments keep their defaults."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.module(inputs)


class _Tracer(fx.Tracer):
    """Look into the modules that hold one of some places, and take all others as they are."""

    def __init__(self, places: list[str]) -> None:
        super().__init__()
        self._places = tuple(f"{_ROOT}{place}" for place in places)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002
        return not any(place.startswith(f"{module_qualified_name}.") for place in self._places)


def _is_call_of(node: fx.Node, places: list[str]) -> bool:
    return node.op == "call_module" and str(node.target).removeprefix(_ROOT) in places


def _halves(
    root: nn.Module, nodes: list[fx.Node], at: int
) -> tuple[fx.GraphModule, fx.GraphModule]:
    below = set(nodes[: at + 1])
    for node in nodes[at + 1 :]:  # one of several outputs, or a slice: smaller than the whole
        if node.target is operator.getitem and below.issuperset(node.all_input_nodes):
            below.add(node)
    above = [node for node in nodes if node not in below]
    needed = {value for node in above for value in node.all_input_nodes} & below
    weights = [node for node in nodes if node in needed and node.op == "get_attr"]
    crossing = [node for node in nodes if node in needed and node.op != "get_attr"]

    lower = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in nodes:
        if node in below:
            copies[node] = lower.node_copy(node, copies.__getitem__)
    lower.output(tuple(copies[node] for node in crossing))

    upper = fx.Graph()
    copies = {node: upper.placeholder(node.name) for node in crossing}
    for node in [*weights, *above]:
        copies[node] = upper.node_copy(node, copies.__getitem__)
    return fx.GraphModule(root, lower), fx.GraphModule(root, upper)
