"""Is an encoder repeatable? What gives another vector each time must not be remembered as one."""

import random
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from simlab.encoders._views import generator_states, own_chance
from simlab.encoders.fingerprints._walk import names, used_by
from simlab.errors import DataError

_FEW = 8
"""Items that are encoded again: a picture flipped by a coin escapes once in 2 ** 8 times."""
_APART = 1e-3
"""Relative distance between two encodings of one item above which it is no rounding."""
_CHANCE = frozenset(
    {"bernoulli", "choice", "choices", "default_rng", "dropout", "gauss", "multinomial", "normal"}
    | {"permutation", "rand", "rand_like", "randint", "randn", "randn_like", "random", "randperm"}
    | {"RandomState", "sample", "shuffle", "standard_normal", "token_bytes", "uniform", "urandom"}
)
"""What random code calls. To name one of them is no proof, only a reason to encode again."""
_KNOWN: dict[str, bool] = {}
"""What a comparison found in this process: whether an encoder, by fingerprint, is random."""

Encode = Callable[[list[Any]], np.ndarray]


class Watch:
    """Look at an encoder's first batch, and say whether the encoder is random.

    Suspicion is cheap: a global generator has moved, or the code that encodes names a source of
    chance. Only who is suspected encodes a few items again, which decides.

    Parameters
    ----------
    encoder : Encoder
    encode : callable
        From a list of items to vectors of shape (n, dim).
    """

    def __init__(self, encoder: Any, encode: Encode) -> None:
        self._encoder, self._encode = encoder, encode
        self._before = generator_states()

    def is_random(self, content: Sequence[Any], *, suspected: bool = False) -> bool:
        """Judge after `content` was encoded for the first time."""
        moved = _moved(self._before, generator_states())
        if not (suspected or moved or _names_chance(self._encoder)):
            return False
        name = self._encoder.fingerprint
        if name not in _KNOWN:
            _KNOWN[name] = self.differs(content)
        return _KNOWN[name]

    def differs(self, content: Sequence[Any]) -> bool:
        """Encode a few items twice, and tell whether any got another vector."""
        few = list(content[:_FEW])
        with own_chance():
            one, two = self._encode(few).copy(), self._encode(few)
        length = np.linalg.norm(one, axis=1) + np.linalg.norm(two, axis=1)
        return bool((np.linalg.norm(one - two, axis=1) > _APART * length).any())


def refuse_random(name: str) -> DataError:
    """Word the error for one vector of a random encoder."""
    return DataError(
        f"{name} gave different vectors for the same items: its preprocessing is random, and one "
        "draw would be remembered as if it were the item. Make it deterministic; or give the "
        "random part as encoder(..., augment=f); or ask for several draws with views=k"
    )


def refuse_views(name: str, views: int) -> DataError:
    """Word the error for views that would all be the same."""
    return DataError(
        f"views={views} needs an encoder that sees items in different ways; {name} always gives "
        "the same vector: make it with encoder(..., augment=f), f being a function that changes "
        "one item at random"
    )


def _moved(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    """Compare where generators stood; torch may have been imported in between."""
    (python, numpy, *torch), (python_now, numpy_now, *torch_now) = before, after
    moved = python != python_now or any(
        not np.array_equal(one, other) for one, other in zip(numpy, numpy_now, strict=True)
    )
    return moved or bool(torch and not torch[0].equal(torch_now[0]))


def _names_chance(encoder: Any) -> bool:
    """Look for a source of chance in the code that encodes, and in what it holds."""
    for value in used_by(encoder):
        if isinstance(value, random.Random | np.random.Generator | np.random.RandomState):
            return True
        if isinstance(value, FunctionType) and _CHANCE & names(value.__code__):
            return True
    return False


def refuse_dropout(name: str) -> DataError:
    """Word the error for a network that drops nothing."""
    return DataError(
        f"augment='dropout' needs a network that drops units while it learns; {name} always gives "
        "the same vector: give a function that changes one item at random"
    )
