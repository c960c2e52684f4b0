"""Batches for every form of similarity: several labels, levels, sets put together, pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from simlab.items import Items
from simlab.training._batches import BalancedBatches, Batches


def batches_of(items: Items, *, batch_size: int, per_class: int, seed: int) -> Batches:
    """Choose how to draw batches from items, by what is known of their similarity.

    Examples
    --------
    >>> items = Items.from_arrays(list("abcd"), labels=["x", "x", "y", "y"])
    >>> type(batches_of(items, batch_size=4, per_class=2, seed=0)).__name__
    'BalancedBatches'
    """
    known = items.similarity
    how: Any = {"batch_size": batch_size, "per_class": per_class, "seed": seed}
    if known.source is not None:
        rows = [np.flatnonzero(known.source == source) for source in np.unique(known.source)]
        return OneAtATime([(part, batches_of(_alone(items[part]), **how)) for part in rows], seed)
    if known.several is not None:
        return OneOfSeveral(*known.several, **how)
    if known.pairs is not None and not items.label_names:
        return PairBatches(known.pairs, batch_size=batch_size, seed=seed)
    mixed = BalancedBatches(known.codes, **how)
    if known.levels is None:
        return mixed
    top = known.levels[:, 0]
    rows = [np.flatnonzero(top == one) for one in np.unique(top[top >= 0])]
    parts = [(part, BalancedBatches(known.codes[part], **how)) for part in rows]
    return Alternating(mixed, OneAtATime([one for one in parts if len(one[1])], seed))


def _alone(items: Items) -> Items:
    """Forget that items come from one of several sources."""
    return replace(items, links=replace(items.links, source=None))


class OneAtATime(Batches):
    """Batches that each hold items of one set only: those of all sets, in a random order.

    Parameters
    ----------
    parts : sequence of (ndarray of int, Batches)
        The rows of a set, and batches of positions among them.
    seed : int
    """

    def __init__(self, parts: Sequence[tuple[np.ndarray, Batches]], seed: int) -> None:
        super().__init__(seed)
        self._parts = parts

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch."""
        super().set_epoch(epoch)
        for _, batches in self._parts:
            batches.set_epoch(epoch)

    def __len__(self) -> int:
        return sum(len(batches) for _, batches in self._parts)

    def __iter__(self) -> Iterator[list[int]]:
        sizes = [len(batches) for _, batches in self._parts]
        turns = np.repeat(np.arange(len(self._parts)), sizes)
        walks = [iter(batches) for _, batches in self._parts]
        for turn in self._rng().permutation(turns):
            yield self._parts[turn][0][next(walks[turn])].tolist()


class Alternating(Batches):
    """Of labels with levels: batches of everything, and in every other epoch of one top label.

    The second kind holds the strangers that are hard to tell apart.
    """

    def __init__(self, mixed: BalancedBatches, apart: OneAtATime) -> None:
        super().__init__(mixed.seed)
        self._kinds: list[Batches] = [mixed]
        if len(apart):
            self._kinds.append(apart)

    def set_epoch(self, epoch: int) -> None:
        """Choose kind and order of this epoch."""
        super().set_epoch(epoch)
        for kind in self._kinds:
            kind.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self._kinds[self._epoch % len(self._kinds)])

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._kinds[self._epoch % len(self._kinds)])


class OneOfSeveral(Batches):
    """Class-balanced batches of items with several labels: in an epoch one of them counts.

    Parameters
    ----------
    starts, labels : ndarray of int
        Where the labels of each item begin, and the labels.
    **how
        See `BalancedBatches`.
    """

    def __init__(self, starts: np.ndarray, labels: np.ndarray, **how: int) -> None:
        super().__init__(how["seed"])
        self._starts, self._labels, self._how = starts, labels, how
        self._n = len(self._of_epoch())

    def _of_epoch(self) -> BalancedBatches:
        n = np.diff(self._starts)
        drawn = self._starts[:-1] + (self._rng().random(len(n)) * n).astype(int)
        codes = np.full(len(n), -1)
        codes[n > 0] = self._labels[drawn[n > 0]]
        batches = BalancedBatches(codes, **self._how)
        batches.set_epoch(self._epoch)
        return batches

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[list[int]]:
        batches = list(self._of_epoch())
        # an epoch has as many batches as the first: schedules count them
        return iter((batches * (self._n // max(len(batches), 1) + 1))[: self._n])


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
