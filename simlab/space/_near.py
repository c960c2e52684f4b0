"""near_duplicates: items that lie so near to each other that they may be one."""

import numpy as np

from simlab.errors import DataError
from simlab.items import Duplicates, ranks, warned
from simlab.space._embeddings import Embeddings
from simlab.space._search import nearest_others

_SHARE = 0.13
_ROUNDING = 1e-5
_CELLS = 2**25
"""Similarities at a time: 128 MiB of float32."""
_MOST = 1_000_000


def near_duplicates(embeddings: Embeddings, *, threshold: float | None = None) -> Duplicates:
    """Find pairs of items that lie nearly in one place, and those that the test shares.

    Every item is compared with every other: 20,000 items of 384 dimensions take seconds, and
    memory stays small.

    Parameters
    ----------
    embeddings : Embeddings
        With a split, pairs across its parts are leaks.
    threshold : float, optional
        The cosine similarity in (-1, 1] from which two items are a pair. By default their
        distance (1 - similarity) is at most 0.13 of the median distance of an item to its
        nearest neighbor, as in Cleanlab's Datalab: what is near depends on the space.

    Returns
    -------
    Duplicates
        The most similar pairs first.

    Raises
    ------
    DataError
        A threshold out of range, or so low that more than a million pairs are found.

    Warns
    -----
    SimlabWarning
        Some pairs are leaks; the first are named.

    See Also
    --------
    simlab.items.duplicates : Equal content; needs no encoder.

    Examples
    --------
    >>> from simlab.items import Items
    >>> items = Items.from_arrays(["fox", "foxes", "car"], ids=["x", "y", "z"])
    >>> space = Embeddings(np.array([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0]]), items)
    >>> near_duplicates(space, threshold=0.99).frame[["id", "other"]].values.tolist()
    [['y', 'x']]
    """
    if threshold is not None and not -1 < threshold <= 1:
        raise DataError(
            f"threshold must be a cosine similarity in (-1, 1]; got {threshold!r}; "
            "begin with 0.95, or leave it out"
        )
    unit = embeddings.unit
    if threshold is None:
        threshold = near_from(nearest(unit)) if len(unit) > 1 else 1.0
    pairs, similarities = _pairs(unit, threshold)
    order = np.argsort(-similarities, kind="stable")
    pairs = pairs[order]
    rank = ranks(embeddings.items)
    turned = rank[pairs[:, 0]] < rank[pairs[:, 1]]  # the earlier one is to leave
    pairs = np.where(turned[:, None], pairs, pairs[:, ::-1])
    return warned(Duplicates(embeddings.items, pairs, similarities[order]))


def near_from(similarities: np.ndarray) -> float:
    """Choose from which similarity items are the same, given those to each one's nearest."""
    distance = _SHARE * float(np.median(1 - similarities))
    return 1 - max(distance, _ROUNDING)


def nearest(unit: np.ndarray) -> np.ndarray:
    """Measure the similarity of each item to its nearest neighbor; shape (n,)."""
    return nearest_others(unit, unit, np.arange(len(unit)), 1)[1][:, 0]


def _pairs(unit: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Find all pairs (earlier, later) at least this similar, block by block."""
    n = len(unit)
    step = max(_CELLS // max(n, 1), 1)
    rows, similarities, n_found = [np.zeros((0, 2), dtype=int)], [np.zeros(0, dtype="f4")], 0
    for start in range(0, n, step):
        block = unit[start : start + step] @ unit[start:].T  # (step, n - start)
        first, second = np.nonzero(block >= threshold - 1e-7)
        is_later = second > first
        first, second = first[is_later], second[is_later]
        n_found += len(first)
        if n_found > _MOST:
            raise DataError(
                f"threshold must leave at most {_MOST:,} pairs; {threshold:.4f} has more among "
                f"{n:,} items; raise it"
            )
        rows.append(np.stack([first, second], axis=1) + start)
        similarities.append(block[first, second].clip(-1, 1))
    return np.concatenate(rows), np.concatenate(similarities)
