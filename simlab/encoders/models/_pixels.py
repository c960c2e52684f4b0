"""The numbers themselves as vectors: the baseline that has learned nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simlab._fingerprint import fingerprint
from simlab.encoders.fingerprints._libraries import Versioned


@dataclass(frozen=True)
class PixelEncoder(Versioned):
    """Flatten arrays as they are; shrink pictures to `size` by `size` color pixels in [0, 1].

    Examples
    --------
    >>> PixelEncoder().encode([np.zeros((8, 8))]).shape
    (1, 64)
    """

    name: str = "pixels"
    size: int = 16

    @property
    def dim(self) -> None:
        """Not known without the items: arrays keep all their numbers."""

    @property
    def modalities(self) -> frozenset[str]:
        """Arrays and pictures."""
        return frozenset({"array", "image"})

    @property
    def libraries(self) -> tuple[str, ...]:
        """Pillow resizes pictures."""
        return ("PIL",)

    @property
    def identity(self) -> str:
        """Changes with `size`."""
        return fingerprint("pixels", self.size)

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Return shape (n, numbers per item), or (n, 3 * size * size) for pictures."""
        return np.stack([self._flat(value) for value in content]).astype(np.float32)

    def _flat(self, value: Any) -> np.ndarray:
        if isinstance(value, np.ndarray):
            return value.ravel()
        from simlab._pictures import on_white

        small = on_white(value).resize((self.size, self.size))
        return np.asarray(small, dtype=np.float32).ravel() / 255
