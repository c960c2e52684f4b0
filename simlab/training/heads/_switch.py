"""A head for each modality: Quaterion's SwitchHead, for rows that tell what they are."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from simlab.errors import ChoiceError, DataError, ShapeError
from simlab.training.heads._base import Head
from simlab.training.heads._registry import HEADS, check_named, made


class SwitchHead(Head):
    r"""Send the numbers of each modality through a head of its own, into one space.

    .. math:: y = \sum_{m: x_m \neq 0} h_m(x_m)

    with :math:`x_m` the block of numbers of modality m, as `simlab.encoder({...}, shared=False)`
    lays them out: a picture has zeros in the block of texts, and so goes through the head of
    pictures alone. An item of several parts goes through those of all its parts, and is their
    sum. Each head centers by the mean of the training items of its modality, which closes the
    gap between modalities.

    Parameters
    ----------
    dim : int
    blocks : mapping from str to int
        Numbers of each modality, one after the other; `fit` takes them from the encoder.
    heads : str, tuple or mapping, default="linear"
        A name, or a name and parameters, of the head for all; or a mapping from modalities to
        these. All must end in as many dimensions.
    dropout : float, default=0.0
        Of the heads whose parameters do not say it.

    Raises
    ------
    ShapeError
        Blocks that do not add up to `dim`; heads that end in different dimensions.
    ChoiceError
        A head for a modality that the encoder does not read.
    DataError
        A modality without a head.

    References
    ----------
    Quaterion's SwitchHead. The gap: Liang et al. *Mind the Gap*. NeurIPS 2022, arXiv:2203.02053.

    Examples
    --------
    >>> head = SwitchHead(5, blocks={"image": 3, "text": 2}, heads=("linear", {"out": 4}))
    >>> pictures = torch.tensor([[1.0, 2.0, 3.0, 0.0, 0.0]])
    >>> torch.equal(head(pictures), head.heads["image"](pictures[:, :3]))
    True
    """

    def __init__(
        self,
        dim: int,
        *,
        blocks: Mapping[str, int],
        heads: Any = "linear",
        dropout: float = 0.0,
    ) -> None:
        super().__init__(dim)
        if sum(blocks.values()) != dim:
            raise ShapeError(f"blocks must add up to {dim} numbers; got {dict(blocks)}")
        of_each = heads if isinstance(heads, Mapping) else dict.fromkeys(blocks, heads)
        for name in of_each:
            if name not in blocks:
                raise ChoiceError.of("modality of a head", name, blocks)
        missing = [name for name in blocks if name not in of_each]
        if missing:
            raise DataError(
                f"each modality needs a head; {', '.join(map(repr, missing))} has none; name one "
                "for each in heads="
            )
        self.blocks = dict(blocks)
        self.heads = nn.ModuleDict(
            {name: made(HEADS, of_each[name], size, dropout) for name, size in blocks.items()}
        )
        ends = {
            name: self._head(name)(torch.zeros(1, size)).shape[1] for name, size in blocks.items()
        }
        if len(set(ends.values())) > 1:
            raise ShapeError(
                f"the heads of a switch must end in one space; got dimensions {ends}; choose heads "
                "with out= of one size"
            )
        self.out = next(iter(ends.values()))
        self.never_decay = frozenset(
            f"heads.{name}.{one}" for name in blocks for one in self._head(name).never_decay
        )

    def measure(self, vectors: Tensor) -> None:
        """Take the statistics of each modality from its training vectors."""
        for name, (rows, own) in self._apart(vectors).items():
            if len(rows):
                self._head(name).measure(own)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, out); a row of zeros alone stays one."""
        found = vectors.new_zeros(len(vectors), self.out)
        for name, (rows, own) in self._apart(vectors).items():
            found = found.index_add(0, rows, self._head(name)(own).to(found.dtype))
        return found

    def _apart(self, vectors: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        """Give each modality its rows and their block."""
        parts = dict(
            zip(self.blocks, vectors.split(list(self.blocks.values()), dim=1), strict=True)
        )
        rows = {name: part.any(dim=1).nonzero()[:, 0] for name, part in parts.items()}
        return {name: (rows[name], part[rows[name]]) for name, part in parts.items()}

    def _head(self, name: str) -> Head:
        head = self.heads[name]
        assert isinstance(head, Head)  # noqa: S101 (as they were made)
        return head


def check_heads(told: Any) -> None:
    """Raise an error for heads of a switch that cannot be made.

    Examples
    --------
    >>> check_heads(("linear", {"out": 0}))
    Traceback (most recent call last):
    simlab.errors.DataError: out of head 'linear' must be a whole number, at least 1; got 0
    """
    for one in told.values() if isinstance(told, Mapping) else [told or "linear"]:
        check_named("head of a switch", one, HEADS)
