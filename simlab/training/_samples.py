"""Which items stand for the whole: few, always the same, and in both parts alike."""

import numpy as np

from simlab.items import Items

_ROWS = 256
"""Items of a sample: comparing them takes milliseconds, and ranks up to 255 can be told."""
_CLASSES = 64


def matched_samples(train: Items, held: Items | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose training and held-out items that may be compared: as many classes, of equal sizes.

    How well items of a set find each other depends on how many there are, and of how many
    classes. So both samples have the same shape, even where their classes differ.

    Parameters
    ----------
    train, held : Items
        Without `held` any training items are chosen, whole classes first.
    seed : int

    Returns
    -------
    ndarray of int, ndarray of int
        Positions, at most 256 each; the second is empty without `held`.

    Examples
    --------
    >>> train = Items.from_arrays(list("abcdef"), labels=[0, 0, 0, 1, 1, 2])
    >>> rows, held_rows = matched_samples(train, train[:5], seed=0)
    >>> sorted(rows.tolist()) == sorted(held_rows.tolist()) == [0, 1, 2, 3, 4]
    True
    """
    rng = np.random.default_rng(seed)
    other = train if held is None else held
    rows, other_rows = _by_class(train, other, rng)
    if not rows.size:
        rows, other_rows = _linked(train, rng), _linked(other, rng)
        n = min(len(rows), len(other_rows), _ROWS)
        rows, other_rows = rows[:n], other_rows[:n]
    return rows, rows[:0] if held is None else other_rows


def _by_class(one: Items, other: Items, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pair classes by size, and take as many items of one as of the other."""
    classes = [_classes(items, rng) for items in (one, other)]
    n = min(len(classes[0]), len(classes[1]), _CLASSES)
    if not n:
        return np.empty(0, int), np.empty(0, int)
    most = _ROWS // n
    pairs = zip(*(sorted(each[:n], key=len) for each in classes), strict=True)
    sizes = [(min(len(a), len(b), most), a, b) for a, b in pairs]
    return (
        np.concatenate([a[:size] for size, a, _ in sizes]),
        np.concatenate([b[:size] for size, _, b in sizes]),
    )


def _classes(items: Items, rng: np.random.Generator) -> list[np.ndarray]:
    """List the items of each class of at least two, all in an order of chance."""
    codes = items.similarity.codes
    rows = rng.permutation(len(items))
    rows = rows[codes[rows] >= 0]
    rows = rows[np.argsort(codes[rows], kind="stable")]
    parts = np.split(rows, np.flatnonzero(np.diff(codes[rows])) + 1)
    parts = [part for part in parts if len(part) > 1]
    return [parts[at] for at in rng.permutation(len(parts))]


def _linked(items: Items, rng: np.random.Generator) -> np.ndarray:
    """Order items by chance, those of a pair one after the other."""
    pairs = items.similarity.pairs
    if pairs is None or not len(pairs):
        return rng.permutation(len(items))
    rows = rng.permutation(pairs).ravel()
    return rows[np.sort(np.unique(rows, return_index=True)[1])]
