"""How similar items are, as far as that is known: from labels, groups, sources and pairs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Similarity:
    """What is known of some items, in integers; `relevance` answers for any two of them.

    Attributes
    ----------
    codes : ndarray of shape (n,), int
        One label per item, or a combination of several; -1 where nothing is known.
    several : tuple of two ndarrays of int, optional
        For items with several labels: where the labels of each item begin, shape (n + 1,), and
        the labels themselves.
    levels : ndarray of shape (n, depth), int, optional
        For labels such as "animal/dog": the label up to each level; -1 for none.
    group : ndarray of shape (n,), int, optional
        Items of other groups are strangers; within a group only what is said is known; -1 for
        items of no group, for which labels tell all.
    source : ndarray of shape (n,), int, optional
        Between items of two sources nothing is known.
    pairs : ndarray of shape (p, 2), int, optional
        Positions of two items whose similarity is given.
    scores : ndarray of shape (p,), float32, optional
        In [0, 1].
    side : ndarray of shape (n,), int, optional
        Of two items of one side nothing is known: pictures, or their captions; -1 for no side.
    """

    codes: np.ndarray
    several: tuple[np.ndarray, np.ndarray] | None = None
    levels: np.ndarray | None = None
    group: np.ndarray | None = None
    source: np.ndarray | None = None
    pairs: np.ndarray | None = None
    scores: np.ndarray | None = None
    side: np.ndarray | None = None

    @property
    def is_plain(self) -> bool:
        """Whether one label per item says it all."""
        more = (self.several, self.levels, self.group, self.source, self.side, self.pairs)
        return all(one is None for one in more)

    @property
    def says_nothing(self) -> bool:
        """Whether there are neither labels nor pairs."""
        return self.pairs is None and bool((self.codes < 0).all())

    @property
    def has_one_label(self) -> bool:
        """Whether labels tell all within a source."""
        more = (self.several, self.levels, self.group, self.side, self.pairs)
        return all(one is None for one in more)

    def relevance(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Tell how similar items are: 1 the same, 0 strangers, NaN where nothing is known.

        One label: equal or not. Several labels: the share that both have of those that one of
        them has (Jaccard). Levels: the share of levels that are the same, from the top.

        Parameters
        ----------
        a, b : ndarray of int, shapes (q,) and (m,)
            Positions.

        Returns
        -------
        ndarray of shape (q, m), float32

        Examples
        --------
        >>> known = Similarity(np.array([0, 0, 1]), group=np.array([0, 0, 0]))
        >>> known.relevance(np.array([0]), np.arange(3))
        array([[ 1.,  1., nan]], dtype=float32)
        """
        found = self._by_label(a, b)
        if self.group is not None:
            has_one = (self.group[a] >= 0)[:, None] & (self.group[b] >= 0)
            same = self.group[a][:, None] == self.group[b]
            found[has_one & same & (found == 0)] = np.nan
            found[has_one & ~same] = 0
        if self.side is not None:
            has_one = (self.side[a] >= 0)[:, None]
            found[has_one & (self.side[a][:, None] == self.side[b])] = np.nan
        if self.pairs is not None:
            given = self._given[a][:, b].toarray()  # score + 1, and 0 for what is not given
            found = np.where(given > 0, given - 1, found)
        if self.source is not None:
            found[self.source[a][:, None] != self.source[b]] = np.nan
        return found.astype(np.float32)

    def _by_label(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if self.several is not None:
            found = self._jaccard(a, b)
        elif self.levels is not None:
            same = self.levels[a][:, None] == self.levels[b]  # (q, m, depth)
            found = np.logical_and.accumulate(same, axis=2).mean(axis=2)
        else:
            found = (self.codes[a][:, None] == self.codes[b]).astype(float)
        found[(self.codes[a] < 0)[:, None] | (self.codes[b] < 0)] = np.nan
        return found

    def _jaccard(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        one, other = self._incidence[a], self._incidence[b]
        common = (one @ other.T).toarray().astype(float)
        sizes = self._incidence.sum(axis=1).A1  # (n,)
        return common / np.maximum(sizes[a][:, None] + sizes[b] - common, 1)

    @cached_property
    def _incidence(self) -> Any:
        """Which item has which label, as a sparse matrix of shape (n, labels)."""
        from scipy.sparse import csr_matrix

        starts, labels = self.several or (np.zeros(1, int), np.zeros(0, int))
        shape = len(starts) - 1, int(labels.max(initial=-1)) + 1
        return csr_matrix((np.ones(len(labels), np.float32), labels, starts), shape=shape)

    @cached_property
    def _given(self) -> Any:
        """The scores of pairs plus one, as a symmetric sparse matrix; the last one given counts."""
        from scipy.sparse import csr_matrix

        n = len(self.codes)
        pairs = np.empty((0, 2), int) if self.pairs is None else self.pairs
        scores = np.ones(len(pairs)) if self.scores is None else self.scores.astype(float)
        key = pairs.min(axis=1) * n + pairs.max(axis=1) if len(pairs) else np.empty(0, int)
        last = len(key) - 1 - np.unique(key[::-1], return_index=True)[1]
        (low, high), said = np.divmod(key[last], n) if n else (key, key), scores[last] + 1
        off = low != high
        return csr_matrix(
            (
                np.concatenate([said, said[off]]),
                (np.concatenate([low, high[off]]), np.concatenate([high, low[off]])),
            ),
            shape=(n, n),
        )
