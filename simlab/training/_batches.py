"""Class-balanced batches: P labels × K items each."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class BalancedBatches(Sampler[list[int]]):
    """Draw batches of `batch_size // per_class` labels with `per_class` items each.

    An epoch goes through the data once: the items of each label are shuffled and cut into groups
    of `per_class`; groups are shuffled and dealt into batches. With few labels the groups grow,
    so that a batch is still full. Labels with one item are left out: they have no friend.

    Parameters
    ----------
    codes : ndarray of shape (n,), int
        Labels.
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
        by_label = [np.flatnonzero(codes == code) for code in np.unique(codes)]
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
        return max(round(groups / self._groups_in_batch), 1)

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng([self._seed, self._epoch])
        rounds: list[list[np.ndarray]] = []
        for rows in self._by_label:
            shuffled = rng.permutation(rows)
            for turn in range(max(len(rows) // self._group, 1)):
                if turn == len(rounds):
                    rounds.append([])
                rounds[turn].append(shuffled[turn * self._group : (turn + 1) * self._group])
        groups = [one[place] for one in rounds for place in rng.permutation(len(one))]
        # one round after the other: the labels of a batch differ wherever there are enough
        for dealt in np.array_split(np.arange(len(groups)), len(self)):
            yield np.concatenate([groups[place] for place in dealt]).tolist()
