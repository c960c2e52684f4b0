"""Batches made of pairs: those that were given, or all that labels tell of."""

from collections.abc import Iterator

import numpy as np

from simlab.errors import DataError
from simlab.training._batches import Batches

_MOST_PAIRS = 20_000_000
"""More would make an epoch of hours."""


def friends_of(codes: np.ndarray) -> np.ndarray:
    """List all pairs of items with the same label.

    Parameters
    ----------
    codes : ndarray of shape (n,), int
        Labels; -1 for none.

    Returns
    -------
    ndarray of shape (p, 2), int

    Raises
    ------
    DataError
        More pairs than an epoch can go through.

    Examples
    --------
    >>> friends_of(np.array([0, 1, 0, 0, -1])).tolist()
    [[0, 2], [0, 3], [2, 3]]
    """
    sizes = np.bincount(codes[codes >= 0])
    n_pairs = int((sizes * (sizes - 1) // 2).sum())
    if n_pairs > _MOST_PAIRS:
        raise DataError(
            f"batches='all-pairs' would make epochs of {n_pairs:,} pairs (at most "
            f"{_MOST_PAIRS:,}); use batches='balanced'"
        )
    order = np.argsort(codes, kind="stable")[(codes < 0).sum() :]
    by_label = np.split(order, np.cumsum(sizes)[:-1])
    pairs = [rows[np.stack(np.triu_indices(len(rows), k=1), axis=1)] for rows in by_label]
    return np.concatenate([np.empty((0, 2), dtype=np.int64), *pairs])


class PairBatches(Batches):
    """Batches of both items of some pairs; every pair once in an epoch.

    Parameters
    ----------
    pairs : ndarray of shape (p, 2), int
        Positions.
    batch_size : int
        Items in a batch, about: `batch_size // 2` pairs. Pairs of one item, such as triplets,
        stay together.
    seed : int

    Examples
    --------
    >>> [sorted(batch) for batch in PairBatches(np.array([[0, 1], [0, 2]]), batch_size=4, seed=0)]
    [[0, 1, 2]]
    """

    def __init__(self, pairs: np.ndarray, *, batch_size: int, seed: int) -> None:
        super().__init__(seed)
        order = np.argsort(pairs[:, 0], kind="stable")
        starts = np.unique(pairs[order, 0], return_index=True)[1]
        self._bundles = np.split(pairs[order], starts[1:])
        self._n = max(round(len(pairs) / max(batch_size // 2, 1)), min(len(pairs), 1))
        self._n = min(self._n, len(self._bundles))

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[list[int]]:
        order = self._rng().permutation(len(self._bundles))
        for part in np.array_split(order, self._n):
            yield np.unique(np.concatenate([self._bundles[one] for one in part])).tolist()


class DealtPairs(Batches):
    """Batches of pairs, every pair once in an epoch, those of one group in different batches.

    A loss that takes all others of a batch for strangers then finds no friend among them.

    Parameters
    ----------
    pairs : ndarray of shape (p, 2), int
        Positions.
    apart : ndarray of shape (p,), int
        The group of each pair; below 0 for none, which is apart from nothing.
    batch_size : int
        Items in a batch, about: `batch_size // 2` pairs.
    seed : int
    strictly : bool, default=True
        Make more and smaller batches, if there are more pairs in a group than batches.

    Examples
    --------
    >>> pairs = np.array([[0, 1], [2, 3], [4, 5], [6, 7]])
    >>> batches = DealtPairs(pairs, apart=np.array([0, 0, 1, 1]), batch_size=4, seed=0)
    >>> [len({row // 4 for row in batch}) for batch in batches]
    [2, 2]
    """

    def __init__(
        self,
        pairs: np.ndarray,
        *,
        apart: np.ndarray,
        batch_size: int,
        seed: int,
        strictly: bool = True,
    ) -> None:
        super().__init__(seed)
        alone = apart.max(initial=-1) + 1 + np.arange(len(apart))
        self._pairs, self._apart = pairs, np.where(apart < 0, alone, apart)
        self._n = max(round(len(pairs) / max(batch_size // 2, 1)), min(len(pairs), 1))
        if strictly and len(pairs):
            self._n = max(self._n, int(np.bincount(self._apart).max()))

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[list[int]]:
        order = self._rng().permutation(len(self._pairs))
        groups = self._rng().permutation(self._apart.max(initial=-1) + 1)  # in another order, too
        dealt = order[np.argsort(groups[self._apart[order]], kind="stable")]
        for batch in range(self._n):
            yield np.unique(self._pairs[dealt[batch :: self._n]]).tolist()
