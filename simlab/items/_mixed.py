"""Items of several parts: a picture and its caption, a question and its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simlab._fingerprint import DIGEST_BYTES, digest
from simlab.items._content import MIXED, Content


@dataclass(frozen=True, eq=False)
class Mixed(Content):
    """Content of several parts, each kept like any other content; an item is a dict.

    Attributes
    ----------
    parts : mapping from str to Content
        All of one length.
    """

    parts: Mapping[str, Content]
    modality = MIXED

    def __len__(self) -> int:
        return len(next(iter(self.parts.values())))

    @property
    def told(self) -> str:
        """Say how many items there are, and of which parts."""
        names = " and ".join(", ".join(self.parts).rsplit(", ", 1))
        return f"{len(self):,} item{'' if len(self) == 1 else 's'} of {names}"

    @property
    def may_change(self) -> bool:
        """Whether some parts are files, which may change under us."""
        return any(part.may_change for part in self.parts.values())

    def read(self, position: int) -> dict[str, Any]:
        """Read all parts of one item."""
        return {name: part.read(position) for name, part in self.parts.items()}

    def read_many(self, positions: slice) -> list[dict[str, Any]]:
        """Read all parts of several items."""
        columns = [part.read_many(positions) for part in self.parts.values()]
        return [dict(zip(self.parts, row, strict=True)) for row in zip(*columns, strict=True)]

    def take(self, positions: np.ndarray) -> "Mixed":
        """Select items by position, without reading them."""
        return Mixed({name: part.take(positions) for name, part in self.parts.items()})

    def digests(self) -> np.ndarray:
        """Hash the names and digests of the parts, in whatever order they stand."""
        names = sorted(self.parts)
        of_parts = np.stack([self.parts[name].digests() for name in names], axis=1)  # (n, p, 16)
        told = [MIXED.encode(), *(name.encode() for name in names)]
        joined = b"".join(digest(*told, row.tobytes()) for row in of_parts)
        return np.frombuffer(joined, dtype=np.uint8).reshape(-1, DIGEST_BYTES).copy()
