"""What lies below the layers that learn: activations in memory, or inputs read when needed."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from simlab.encoders import Encoder, embed
from simlab.errors import DataError, SimlabWarning
from simlab.items import Items

if TYPE_CHECKING:
    from simlab.space import Embeddings

_MOST_BYTES = 1 << 30
"""Of preprocessed inputs that are remembered and kept in memory."""
_AT_ONCE = 64
"""Items read at a time when nothing learns."""


def place_below(
    items: Items,
    base: Encoder,
    *,
    cache: str | Path | Literal[False],
    views: int,
    progress: bool,
) -> "Embeddings | Inputs":
    """Embed items with what is below the layers that learn, if that fits into memory.

    Inputs of a network (pixels, token numbers) that take more than 1 GB are not: they are read
    and preprocessed batch by batch.

    Raises
    ------
    DataError
        Views of items whose inputs do not fit.

    Warns
    -----
    SimlabWarning
        The inputs do not fit.
    """
    if getattr(base, "is_input", False):
        n_bytes = base.encode([items.content[0]]).nbytes * len(items) * (1 + (views > 1) * views)
        if n_bytes > _MOST_BYTES:
            _tell(items, n_bytes, views)
            return Inputs(items, base)
    return embed(items, base, cache=cache, views=views, progress=progress)


def _tell(items: Items, n_bytes: int, views: int) -> None:
    told = (
        f"the preprocessed inputs of {len(items)} items take {n_bytes / 1e9:.2g} GB, more than "
        f"the {_MOST_BYTES / 1e9:.2g} GB that fit keeps in memory"
    )
    if views > 1:
        raise DataError(f"{told}; learn from them without views=, or freeze layers: train='last:2'")
    warnings.warn(
        f"{told}: they are read and preprocessed anew in every epoch, batch by batch",
        SimlabWarning,
        stacklevel=4,
    )


@dataclass(frozen=True, eq=False)
class Inputs:
    """Items in place of their Embeddings: what a network reads is made when it is needed.

    Attributes
    ----------
    items : Items
    base : Encoder
        The preprocessing.
    """

    items: Items
    base: Encoder
    views = None

    @property
    def vectors(self) -> Any:
        """What the network reads, one row per item: Unread, in place of an array."""
        return Unread(self.items, self.base)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, rows: Any) -> "Inputs":
        return Inputs(self.items[rows], self.base)


@dataclass(frozen=True, eq=False)
class Unread:
    """Rows that are read when they are sliced; chosen, split and moved like a tensor before.

    Attributes
    ----------
    items : Items
    base : Encoder
        The preprocessing.
    device : torch.device or str, default="cpu"
        Where `read` puts the rows.
    """

    items: Items
    base: Encoder
    device: Any = "cpu"

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, rows: slice) -> np.ndarray:
        return self.base.encode(list(self.items.content[rows]))

    def size(self, _: int) -> int:
        """Count the rows."""
        return len(self)

    def index_select(self, _: int, rows: torch.Tensor) -> "Unread":
        """Choose rows."""
        return replace(self, items=self.items[rows.numpy()])

    def split(self, sizes: int | list[int]) -> list["Unread"]:
        """Take apart into so many rows each."""
        if isinstance(sizes, int):
            sizes = [len(self.items[at : at + sizes]) for at in range(0, len(self), sizes)]
        ends = np.cumsum(sizes)
        return [
            replace(self, items=self.items[end - size : end])
            for end, size in zip(ends, sizes, strict=True)
        ]

    def to(self, device: Any, **_: Any) -> "Unread":
        """Say where the rows are needed."""
        return replace(self, device=device)

    def read(self) -> torch.Tensor:
        """Read all rows."""
        return torch.from_numpy(self[:]).to(self.device)

    def parts(self) -> Iterator[torch.Tensor]:
        """Read some rows after others."""
        for start in range(0, len(self), _AT_ONCE):
            yield torch.from_numpy(self[start : start + _AT_ONCE]).to(self.device)
