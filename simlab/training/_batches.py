"""Class-balanced batches: P labels of K items each."""

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class Batches(Sampler[list[int]]):
    """Lists of rows, drawn anew in each epoch."""

    def __init__(self, seed: int) -> None:
        self.seed, self._epoch = seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch; Lightning calls it."""
        self._epoch = epoch

    @abstractmethod
    def __len__(self) -> int:
        """Count the batches of this epoch."""

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, self._epoch])


class BalancedBatches(Batches):
    """Draw batches of `batch_size // per_class` labels with `per_class` items each.

    An epoch goes through the data once: the items of each label are shuffled and cut into groups
    of `per_class` (a rest that fills no group waits for another epoch); the groups are dealt into
    batches like cards, label by label, so that those of one label come to lie in different
    batches. With few labels the groups grow, so that a batch is still full. Labels with one item
    are left out: they have no friend. A batch that would hold one label only borrows a group of
    another: it would have no strangers.

    Parameters
    ----------
    codes : ndarray of shape (n,), int
        Labels; -1 for none, such items are left out.
    batch_size : int
        Items in a batch, about.
    per_class : int
        At least 2.
    seed : int
        With the epoch it decides the order.

    References
    ----------
    Hermans, Beyer, Leibe. *In Defense of the Triplet Loss for Person Re-Identification*. 2017.
    arXiv:1703.07737, section 2 ("PK" batches).

    Examples
    --------
    >>> batches = BalancedBatches(np.array([0, 0, 1, 1]), batch_size=4, per_class=2, seed=0)
    >>> [sorted(batch) for batch in batches]
    [[0, 1, 2, 3]]
    """

    def __init__(self, codes: np.ndarray, *, batch_size: int, per_class: int, seed: int) -> None:
        super().__init__(seed)
        kept, counts = np.unique(codes[codes >= 0], return_counts=True)
        rows = np.flatnonzero(np.isin(codes, kept[counts > 1]))
        self._sizes = counts[counts > 1]
        self._rows = rows[np.argsort(codes[rows], kind="stable")]
        self._by_label = np.split(self._rows, np.cumsum(self._sizes)[:-1])
        self._group = max(per_class, batch_size // max(len(self._sizes), 1))
        self._n_groups = np.maximum(self._sizes // self._group, 1)  # of each label
        n_groups, in_batch = int(self._n_groups.sum()), max(batch_size // self._group, 2)
        self._n_batches = max(round(n_groups / in_batch), min(n_groups, 1))

    def __len__(self) -> int:
        return self._n_batches

    def __iter__(self) -> Iterator[list[int]]:
        if not self._n_batches:
            return
        rng = self._rng()
        labels = rng.permutation(len(self._sizes))
        taken = np.minimum(self._sizes, self._n_groups * self._group)  # the rest fills no group
        by_label = np.split(self._rows.copy(), np.cumsum(self._sizes)[:-1])
        for at in labels:
            rng.shuffle(by_label[at])
        rows = np.concatenate([by_label[at][: taken[at]] for at in labels])
        label = np.repeat(labels, taken[labels])  # of each row
        place = np.arange(len(rows)) - np.repeat(_starts(taken[labels]), taken[labels])
        first_group = np.repeat(_starts(self._n_groups[labels]), taken[labels])
        batch = (first_group + place // self._group) % self._n_batches
        dealt = np.argsort(batch, kind="stable")
        ends = np.cumsum(np.bincount(batch, minlength=self._n_batches))[:-1]
        for mine, its in zip(np.split(dealt, ends), np.split(label[dealt], ends), strict=True):
            yield rows[mine].tolist() + self._borrowed(its, rng)

    def _borrowed(self, labels: np.ndarray, rng: np.random.Generator) -> list[int]:
        """Take a group of another label for a batch that holds one only."""
        if (labels != labels[0]).any() or len(self._sizes) == 1:
            return []
        other = rng.choice(np.delete(np.arange(len(self._sizes)), labels[0]))
        return rng.permutation(self._by_label[other])[: self._group].tolist()


class DrawnViews(Batches):
    """Batches of views: in an epoch each item shows one of its views, drawn anew.

    Parameters
    ----------
    batches : Batches
        Of items.
    n : int
        How many items there are.
    n_views : int
        Of each item; view v of item i is row `i * n_views + v`.

    Examples
    --------
    >>> batches = BalancedBatches(np.array([0, 0, 1, 1]), batch_size=4, per_class=2, seed=0)
    >>> [sorted(row // 3 for row in batch) for batch in DrawnViews(batches, 4, 3)]
    [[0, 1, 2, 3]]
    """

    def __init__(self, batches: Batches, n: int, n_views: int) -> None:
        super().__init__(batches.seed)
        self._batches, self._n, self._n_views = batches, n, n_views

    def set_epoch(self, epoch: int) -> None:
        """Choose order and views of this epoch; Lightning calls it."""
        super().set_epoch(epoch)
        self._batches.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng([self.seed, self._epoch, self._n_views])
        row = np.arange(self._n) * self._n_views + rng.integers(self._n_views, size=self._n)
        return (row[batch].tolist() for batch in self._batches)


class TwoViews(Batches):
    """Batches of two different views of each item: what is learned from without any label.

    Every item comes once in an epoch; the first views of all items of a batch come before the
    second ones.

    Parameters
    ----------
    n : int
        Items.
    n_views : int
        Of each, at least 2; view v of item i is row `i * n_views + v`.
    batch_size : int
        Rows in a batch, about: two for each item.
    seed : int

    Examples
    --------
    >>> [sorted(row // 3 for row in batch) for batch in TwoViews(2, 3, batch_size=4, seed=0)]
    [[0, 0, 1, 1]]
    """

    def __init__(self, n: int, n_views: int, *, batch_size: int, seed: int) -> None:
        super().__init__(seed)
        self._n, self._n_views = n, n_views
        self._n_batches = max(round(2 * n / batch_size), 1)

    def __len__(self) -> int:
        return self._n_batches

    def __iter__(self) -> Iterator[list[int]]:
        rng = self._rng()
        for items in np.array_split(rng.permutation(self._n), self._n_batches):
            first = rng.integers(self._n_views, size=len(items))
            second = (first + rng.integers(1, self._n_views, size=len(items))) % self._n_views
            rows = items * self._n_views
            yield np.concatenate([rows + first, rows + second]).tolist()


def _starts(sizes: np.ndarray) -> np.ndarray:
    """Tell where parts of these sizes begin."""
    return np.cumsum(sizes) - sizes
