"""Occlusion: replace a part, encode again, and see how far the similarity falls."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from simlab.encoders import Encoder
from simlab.errors import DataError, ShapeError
from simlab.explanations._parts import Parts

_BATCH = 64


class Side(NamedTuple):
    """An item in parts, and the m unit vectors, shape (m, dim), that it is compared with."""

    parts: Parts
    against: np.ndarray


def occlude(sides: Sequence[Side], encoder: Encoder, *, progress: bool) -> list[np.ndarray]:
    r"""Measure by how much each part of each item holds up its similarity to others.

    The weight of part :math:`p` of item :math:`x` towards item :math:`y` is, with :math:`x_{p,d}`
    the copy of :math:`x` whose part :math:`p` comes from donor :math:`d` of :math:`D`,

    .. math:: w_p = \cos(x, y) - \frac{1}{D} \sum_d \cos(x_{p,d}, y).

    Each copy is encoded once, however many items it is compared with, and not at all where it
    equals the item: then its fall is 0.

    Returns
    -------
    list of ndarray of shape (m, *shape of the parts), float64
        One for each side; a fall of cosine similarity, from -2 to 2.

    References
    ----------
    Zeiler and Fergus. *Visualizing and Understanding Convolutional Networks*. ECCV 2014,
    arXiv:1311.2901, section 4.2, for occlusion (there by grey). Li, Monroe and Jurafsky.
    *Understanding Neural Networks through Representation Erasure*. 2016. arXiv:1612.08220, for
    words left out. Dong, Collins and Hoogs. *Explainability for Content-Based Image Retrieval*.
    CVPR Workshops 2019, for occlusion of a similarity.
    """
    changes = [side.parts.changes() for side in sides]
    n_copies = [1 + len(some) for some in changes]
    units = _units(_copies(sides, changes), sum(n_copies), encoder, progress=progress)
    per_side = np.split(units, np.cumsum(n_copies)[:-1])
    return [
        _weights(side, some, own) for side, some, own in zip(sides, changes, per_side, strict=True)
    ]


def _copies(sides: Sequence[Side], changes: Sequence[list[tuple[int, int]]]) -> Iterator[Any]:
    for (parts, _), some in zip(sides, changes, strict=True):
        yield parts.original
        for part, way in some:
            yield parts.copy(part, way)


def _units(copies: Iterator[Any], n: int, encoder: Encoder, *, progress: bool) -> np.ndarray:
    """Encode in batches to unit vectors of shape (n, dim), float64."""
    from tqdm.auto import tqdm

    found = []
    with tqdm(
        total=n, desc=f"explain: {encoder.name}", unit="copy", leave=False, disable=not progress
    ) as bar:
        while batch := list(islice(copies, _BATCH)):
            found.append(np.asarray(encoder.encode(batch), dtype=np.float64))
            bar.update(len(batch))
    vectors = np.concatenate(found)
    if not np.isfinite(vectors).all():
        raise DataError(
            f"{encoder.name} must return finite vectors; got NaN or infinity for a copy in which "
            "a part was replaced; mend the encoder"
        )
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(length, np.finfo(np.float32).tiny)


def _weights(side: Side, changes: list[tuple[int, int]], units: np.ndarray) -> np.ndarray:
    parts, against = side
    if units.shape[1] != against.shape[1]:
        raise ShapeError(
            f"the encoder must be the one of the neighbors: it returns {units.shape[1]} "
            f"dimensions, they have {against.shape[1]}"
        )
    # the difference first: an unchanged vector then weighs exactly 0
    falls = (units[0] - units[1:]) @ against.T.astype(np.float64)  # (copies, m)
    weights = np.zeros((int(np.prod(parts.shape)), len(against)))  # (parts, m)
    np.add.at(weights, [part for part, _ in changes], falls)
    return (weights / parts.n_ways).T.reshape(len(against), *parts.shape)
