"""Class-balanced batches: P labels of K items each."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class BalancedBatches(Sampler[list[int]]):
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
        by_label = [np.flatnonzero(codes == code) for code in np.unique(codes[codes >= 0])]
        self._by_label = [rows for rows in by_label if len(rows) > 1]
        self._group = max(per_class, batch_size // max(len(self._by_label), 1))
        self._groups_in_batch = max(batch_size // self._group, 2)
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch; Lightning calls it."""
        self._epoch = epoch

    def __len__(self) -> int:
        groups = sum(max(len(rows) // self._group, 1) for rows in self._by_label)
        return max(round(groups / self._groups_in_batch), min(groups, 1))

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng([self._seed, self._epoch])
        groups = [
            (label, group)
            for label in rng.permutation(len(self._by_label)).tolist()
            for group in self._cut(label, rng)
        ]
        for first in range(len(self)):
            dealt = groups[first :: len(self)]
            labels = {label for label, _ in dealt}
            others = [label for label in range(len(self._by_label)) if label not in labels]
            if len(labels) == 1 and others:
                other = int(rng.choice(others))
                dealt.append((other, self._cut(other, rng)[0]))
            yield [int(row) for _, group in dealt for row in group]

    def _cut(self, label: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Shuffle the items of a label and cut them into groups."""
        rows = rng.permutation(self._by_label[label])
        n = max(len(rows) // self._group, 1)
        return [rows[turn * self._group : (turn + 1) * self._group] for turn in range(n)]
