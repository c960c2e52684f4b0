"""Augmented views: an encoder that sees an item in many ways, and how a view is told apart."""

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from simlab._fingerprint import digest
from simlab.encoders._encoder import Encoder


@dataclass(frozen=True, eq=False, repr=False)
class AugmentedEncoder:
    """An encoder, and a way to change an item without changing what it is.

    The items as they are keep their vectors: `encode` is that of the plain encoder. Views are
    made by `embed(..., views=k)`.

    Parameters
    ----------
    plain : Encoder
    augment : callable
        From one item (PIL image, str or ndarray) to another of the same kind. Chance is to come
        from `random`, `numpy.random` or `torch`: their global generators are seeded for each
        item and view, so that a view is the same on every machine and in any order.

    Examples
    --------
    >>> from simlab.encoders import encoder
    >>> upside = AugmentedEncoder(encoder("pixels"), lambda array: array[::-1])
    >>> upside
    PixelEncoder(name='pixels', size=16), augmented by <lambda>
    """

    plain: Encoder
    augment: Callable[[Any], Any]

    @property
    def name(self) -> str:
        """Name of the plain encoder."""
        return self.plain.name

    @property
    def modalities(self) -> frozenset[str]:
        """What the plain encoder reads."""
        return self.plain.modalities

    @property
    def fingerprint(self) -> str:
        """That of the plain encoder: items as they are have the same vectors."""
        return self.plain.fingerprint

    @property
    def views_fingerprint(self) -> str:
        """Changes with the plain encoder and with code and settings of `augment`."""
        from simlab.encoders.fingerprints._settings import describe

        return digest(self.plain.fingerprint.encode(), describe(self.augment)).hex()

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Place items as they are; shape (n, dim)."""
        return self.plain.encode(content)

    def cut_at(self, cut: str, **options: Any) -> Any:
        """Freeze all up to a module of the plain encoder; views are made of what enters it."""
        ready = self.plain.cut_at(cut, **options)  # type: ignore[attr-defined]
        return ready.on(AugmentedEncoder(ready.base, self.augment))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "plain":
            raise AttributeError(name)
        return getattr(self.plain, name)

    def __repr__(self) -> str:
        how = getattr(self.augment, "__name__", type(self.augment).__name__)
        return f"{self.plain!r}, augmented by {how}"


def view_keys(keys: np.ndarray, view: int) -> np.ndarray:
    """Name a view of each item; view 0 is the item as it is.

    Examples
    --------
    >>> keys = np.zeros((1, 16), np.uint8)
    >>> (view_keys(keys, 1) == view_keys(keys, 2)).all()
    np.False_
    """
    if not view:
        return keys
    return keys ^ np.frombuffer(digest(b"view", str(view).encode()), dtype=np.uint8)


def augmented(augment: Callable[[Any], Any], content: Sequence[Any], keys: np.ndarray) -> list[Any]:
    """Change each item by chance that depends on its key alone."""
    seen = []
    with own_chance():
        for value, key in zip(content, keys, strict=True):
            seed(key)
            seen.append(augment(value))
    return seen


def seed(key: np.ndarray) -> None:
    """Seed all global generators from the first bytes of a key."""
    number = int.from_bytes(key[:4].tobytes(), "little")
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002 (what foreign code draws from)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(number)


@contextmanager
def own_chance() -> Iterator[None]:
    """Leave the global generators as they were found."""
    states = generator_states()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        if len(states) > 2:  # noqa: PLR2004
            sys.modules["torch"].set_rng_state(states[2])


def generator_states() -> tuple[Any, ...]:
    """Where the global generators of `random`, numpy and torch (if loaded) stand."""
    states: tuple[Any, ...] = random.getstate(), np.random.get_state()  # noqa: NPY002
    torch = sys.modules.get("torch")
    return states if torch is None else (*states, torch.get_rng_state())
