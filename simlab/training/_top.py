"""The layers that learn below a head, and what the optimizer is told of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from simlab.encoders import layers_of
from simlab.training._adapters import Adapters, of_adapters
from simlab.training._inputs import Unread
from simlab.training._pacing import Pace
from simlab.training.heads import Head

TOP_PACE = 0.3
"""Learning rate of the layers above a cut, in units of the head's: they know much already. On
held-out training items of two demo sets it was better than 0.1; 1 was better still for known
classes (glosses), and for classes to come (emoji) worse than the head alone."""

ADAPTER_PACE = 1.0
"""The same of adapters: on held-out training items of known classes (glosses, one seed) better than
0.3, while 3 was better still; for classes to come 1 and 3 were equal within 0.003 of MAP@R."""


class TopHead(nn.Module):
    """A copy of the layers above a cut, then a head: from activations to vectors.

    Dropout and the statistics of normalization stay in the top as they are in encoding, while
    its weights learn: so an item means the same in every batch, and training on remembered
    activations is the same as running the whole network.

    Parameters
    ----------
    top : simlab.encoders Above
        Is copied, and stays as it is.
    head : torch.nn.Module
        For the vectors that `top` returns.
    adapters : Adapters, optional
        Learn in place of the top, whose weights stay.
    pace : Pace, optional
        How fast the top learns.
    recompute : bool, default=False
        Forget what happens within the layers of the top, and compute it again for the gradients
        (Chen et al. 2016, arXiv:1604.06174): less memory, more time, the same gradients.

    Attributes
    ----------
    layers : list of str
        Those of the top, the lowest first.
    identity : str
        What the top does whatever it has learned: its code, with adapters also its weights.
    """

    def __init__(
        self,
        top: Any,
        head: nn.Module,
        *,
        adapters: Adapters | None = None,
        pace: Pace | None = None,
        recompute: bool = False,
    ) -> None:
        super().__init__()
        copied = top.copy_to_learn()
        self.layers = layers_of(copied)
        self.top = copied if adapters is None else adapters.added_to(copied)
        self.head, self.pace, self.recompute = head, pace or Pace(), recompute
        self.has_adapters = adapters is not None
        self.top.eval()
        self.identity: str = top.identity if self.has_adapters else top.code()

    def train(self, mode: bool = True) -> "TopHead":  # noqa: FBT001, FBT002 (as torch has it)
        """Let the head alone drop numbers."""
        super().train(mode)
        self.top.eval()
        return self

    def forward(self, activations: Tensor | Unread) -> Tensor:
        """Map activations of shape (batch, n) to (batch, out)."""
        if isinstance(activations, Unread):
            if not torch.is_grad_enabled():
                return torch.cat([self(part) for part in activations.parts()])
            activations = activations.read()
        if not (self.recompute and torch.is_grad_enabled()):
            return self.head(self.top(activations))
        with _recomputed([self.top.get_submodule(name) for name in self.layers]):
            vectors = self.top(activations)
        return self.head(vectors)

    def kept_state(self) -> dict[str, Tensor]:
        """Give the weights that are to be saved: with adapters, not those of the network."""
        return {
            name: weights
            for name, weights in self.state_dict().items()
            if not self.has_adapters or name.startswith("head.") or of_adapters(name)
        }


@contextmanager
def _recomputed(layers: list[Any]) -> Iterator[None]:
    """Let layers forget what their gradients need; it is computed again from their inputs."""
    for layer in layers:
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def weight_groups(head: nn.Module, lr: float, weight_decay: float) -> list[dict[str, Any]]:
    """Tell an optimizer of the weights: a top changes slowly; it and gates never decay."""
    if isinstance(head, TopHead):
        return [*weight_groups(head.head, lr, weight_decay), *_top_groups(head, lr)]
    kept = head.never_decay if isinstance(head, Head) else frozenset()
    decaying = [weights for name, weights in head.named_parameters() if name not in kept]
    others = [weights for name, weights in head.named_parameters() if name in kept]
    groups: list[dict[str, Any]] = [{"params": decaying, "weight_decay": weight_decay}]
    return [*groups, {"params": others}] if others else groups


def _top_groups(head: TopHead, lr: float) -> list[dict[str, Any]]:
    """Group the weights of a top that learn by how many layers are above them."""
    pace = head.pace
    usual = ADAPTER_PACE if head.has_adapters else TOP_PACE
    fastest = usual * lr if pace.lr is None else pace.lr
    learning = {name: one for name, one in head.top.named_parameters() if one.requires_grad}
    if pace.layer_decay == 1:
        return [{"params": list(learning.values()), "lr": fastest}]
    depths = depths_of(head.top, head.layers)
    return [
        {
            "params": [learning[name] for name in learning if depths[name] == depth],
            "lr": fastest * pace.layer_decay**depth,
        }
        for depth in sorted(set(depths.values()))
    ]


def depths_of(module: nn.Module, layers: list[str]) -> dict[str, int]:
    """Count the layers above each weight; what is in no layer goes with the one before it.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.Linear(3, 2, bias=False))
    >>> depths_of(network, ["0", "2"])
    {'0.weight': 1, '0.bias': 1, '1.weight': 1, '1.bias': 1, '2.weight': 0}
    """
    depth, found = max(len(layers) - 1, 0), {}
    for name, _ in module.named_parameters():
        owner = next((at for at, one in enumerate(layers) if name.startswith(f"{one}.")), None)
        depth = depth if owner is None else len(layers) - 1 - owner
        found[name] = depth
    return found
