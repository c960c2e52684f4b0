"""The layers above a cut, learned together with a head."""

from typing import Any

from torch import Tensor, nn

from simlab.encoders import CutEncoder, Encoder
from simlab.errors import ChoiceError, DataError
from simlab.training.heads import Head

TRAINED = ("auto", "head", "top")
TOP_PACE = 0.3
"""Learning rate of the layers above a cut, in units of the head's: they know much already. On
held-out training items of two demo sets it was better than 0.1; 1 was better still for known
classes (glosses), and for classes to come (emoji) worse than the head alone."""


def choose_trained(name: str, encoder: Encoder) -> str:
    """Choose what learns, for `"auto"`: the layers above a cut where there are any.

    Raises
    ------
    ChoiceError
        None of the names.
    DataError
        `"top"`, and no layers above a cut that could learn.
    """
    if name not in TRAINED:
        raise ChoiceError.of("train", name, TRAINED)
    can_learn = isinstance(encoder, CutEncoder) and encoder.top.can_learn
    if name == "top" and not can_learn:
        got = "without weights above its cut" if isinstance(encoder, CutEncoder) else "without cut"
        raise DataError(
            f"train='top' needs an encoder with layers to train above a cut; got "
            f"{encoder.name!r} {got}; make it with encoder(..., cut='the last frozen layer'), "
            "or use train='head'"
        )
    if name == "auto":
        return "top" if can_learn else "head"
    return name


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
    """

    def __init__(self, top: Any, head: nn.Module) -> None:
        super().__init__()
        self.top, self.head = top.copy_to_learn(), head

    def train(self, mode: bool = True) -> "TopHead":  # noqa: FBT001, FBT002 (as torch has it)
        """Let the head alone drop numbers."""
        super().train(mode)
        self.top.eval()
        return self

    def forward(self, activations: Tensor) -> Tensor:
        """Map activations of shape (batch, n) to (batch, out)."""
        return self.head(self.top(activations))


def weight_groups(head: nn.Module, lr: float, weight_decay: float) -> list[dict[str, Any]]:
    """Tell an optimizer of the weights: a top changes slowly; it and gates never decay."""
    if isinstance(head, TopHead):
        top = [parameter for parameter in head.top.parameters() if parameter.requires_grad]
        return [*weight_groups(head.head, lr, weight_decay), {"params": top, "lr": TOP_PACE * lr}]
    kept = head.never_decay if isinstance(head, Head) else frozenset()
    decaying = [weights for name, weights in head.named_parameters() if name not in kept]
    others = [weights for name, weights in head.named_parameters() if name in kept]
    groups: list[dict[str, Any]] = [{"params": decaying, "weight_decay": weight_decay}]
    return [*groups, {"params": others}] if others else groups
