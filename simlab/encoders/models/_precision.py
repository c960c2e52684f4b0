"""bfloat16: half the time on many machines, and no longer quite the same neighbors."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from typing import Any, Self

import numpy as np

from simlab.errors import ChoiceError

_PRECISIONS = ("bfloat16", "float32")
_SAMPLE, _K = 200, 10


class Precise:
    """An encoder whose network runs in float32, or in bfloat16 if asked to.

    Examples
    --------
    >>> encoder = Precise()
    >>> encoder.set_precision("bfloat16")
    >>> encoder.precision, encoder.exact().precision
    ('bfloat16', 'float32')
    """

    precision = "float32"

    def set_precision(self, precision: str) -> None:
        """Take a precision, or raise a ChoiceError."""
        if precision not in _PRECISIONS:
            raise ChoiceError.of("precision", precision, _PRECISIONS)
        self.precision = precision

    def exact(self) -> Self:
        """Give the same encoder in float32; the weights are shared."""
        other = copy(self)
        vars(other).pop("identity", None)  # where it is remembered
        other.precision = "float32"
        return other

    def _running(self, device: Any) -> AbstractContextManager[Any]:
        """Run a network in this precision."""
        if self.precision == "float32":
            return nullcontext()
        import torch

        return torch.autocast(device.type, dtype=torch.bfloat16)


def tell_agreement(encoder: Any, content: Sequence[Any], vectors: np.ndarray) -> None:
    """Print how well an encoder of less precision agrees with itself in float32.

    Parameters
    ----------
    encoder : Encoder
        Nothing is printed if it is precise.
    content : sequence of n items
        The first 200 are encoded again.
    vectors : ndarray of shape (n, dim)
        What the encoder gave for them.
    """
    if getattr(encoder, "precision", "float32") == "float32":
        return
    few = list(content[:_SAMPLE])
    kept, cosine = agreement(encoder.exact().encode(few), vectors[: len(few)])
    print(  # noqa: T201 (who asks for less precision is to see its price)
        f"{encoder.name} in {encoder.precision} keeps {kept:.3f} of the {min(_K, len(few) - 1)} "
        f"nearest neighbors of float32 ({len(few)} items; smallest cosine {cosine:.4f})"
    )


def agreement(exact: np.ndarray, fast: np.ndarray) -> tuple[float, float]:
    """Compare two spaces of the same items: share of neighbors kept, and smallest cosine.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(50, 8))
    >>> kept, cosine = agreement(vectors, vectors)
    >>> kept, round(cosine, 6)
    (1.0, 1.0)
    """
    exact, fast = (
        vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        for vectors in (exact, fast)
    )
    k = min(_K, len(exact) - 1)
    one, two = (_nearest(vectors, k) for vectors in (exact, fast))
    common = [len(np.intersect1d(a, b)) for a, b in zip(one, two, strict=True)]
    share = float(np.mean(common)) / k if k else 1.0
    return share, float((exact * fast).sum(axis=1).min())


def _nearest(unit: np.ndarray, k: int) -> np.ndarray:
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :k]
