"""What the neighbors of an item say of it: another label, or that it stands alone."""

from dataclasses import dataclass

import numpy as np

_SHARPNESS = 2.0
"""A neighbor in the item's place weighs e^2 = 7.4 times as much as the k-th."""
_ENOUGH, _LITTLE = 0.75, 0.25
"""Of the usual share of votes: what another label needs, and what the own one may have."""
_SEVERAL = 2
_FENCE = 1.5


@dataclass(frozen=True)
class Votes:
    """What the neighbors say of the labels, item by item.

    Attributes
    ----------
    own, best : ndarray of shape (n,)
        Share of the votes, in [0, 1], for the item's label and for the best other label.
    code : ndarray of shape (n,), int
        The best other label; -1 for none.
    is_doubtful : ndarray of shape (n,), bool
        Whether the votes speak against the item's label.
    """

    own: np.ndarray
    best: np.ndarray
    code: np.ndarray
    is_doubtful: np.ndarray

    @property
    def score(self) -> np.ndarray:
        """From 0 (all for the own label) over 0.5 (a tie) to 1 (all for one other label)."""
        return (1 + self.best - self.own) / 2


def votes(positions: np.ndarray, similarities: np.ndarray, codes: np.ndarray) -> Votes:
    r"""Let the k nearest others vote on the label of each item.

    A neighbor at the distance :math:`d_j` weighs :math:`e^{-2 d_j / d_k}`. A label is doubtful
    where another one gets, from at least two neighbors, three quarters of the votes that items of
    that other label usually get for it, and the own label less than a quarter of its usual
    votes. The usual votes of a label, the mean over its items, are the thresholds of confident
    learning: they adapt to labels that are rare or hard to tell apart.

    Parameters
    ----------
    positions, similarities : ndarray of shape (n, k)
        The neighbors of each item, itself left out.
    codes : ndarray of shape (n,), int
        Labels; -1 for none: such items neither vote nor are doubted.

    References
    ----------
    Northcutt, Jiang, Chuang. *Confident Learning: Estimating Uncertainty in Dataset Labels*.
    2021. arXiv:1911.00068, section 3.1 (the thresholds, there not weakened). The two shares were
    chosen on the demo sets with planted noise (tests/benchmarks/suspects.py).

    Examples
    --------
    >>> ring = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
    >>> found = votes(ring, np.full((4, 3), 0.9), np.array([0, 0, 0, 1]))
    >>> found.is_doubtful.tolist(), int(found.code[3])
    ([False, False, False, True], 0)
    """
    distance = 1 - similarities
    farthest = np.maximum(distance[:, -1:], np.finfo(np.float32).tiny)
    said = codes[positions]  # (n, k)
    weight = np.exp(-_SHARPNESS * distance / farthest) * (said >= 0)
    weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    own = (weight * (said == codes[:, None])).sum(axis=1)
    best, code, n_best = np.zeros(len(codes)), np.full(len(codes), -1), np.zeros(len(codes), int)
    for place in range(said.shape[1]):
        label = said[:, place]
        same = said == label[:, None]
        share = (weight * same).sum(axis=1)
        better = (share > best) & (label != codes) & (label >= 0)
        best[better], code[better] = share[better], label[better]
        n_best[better] = same[better].sum(axis=1)
    sizes = np.bincount(codes + 1)  # items without a label come first
    usual = np.bincount(codes + 1, weights=own) / np.maximum(sizes, 1)
    is_doubtful = (
        (codes >= 0)
        & (n_best >= _SEVERAL)
        & (best > own)
        & (best >= _ENOUGH * usual[code + 1])
        & (own <= _LITTLE * usual[codes + 1])
    )
    return Votes(own, best, code, is_doubtful)


def loneliness(similarities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Score how far each item lies from its neighbors, and tell which lie apart from the set.

    Parameters
    ----------
    similarities : ndarray of shape (n, k)

    Returns
    -------
    score : ndarray of shape (n,)
        1 - median / d, with d the mean distance of the item to its neighbors and the median that
        of all items: 0 up to the median, 0.5 where the item is twice as far, towards 1.
    is_apart : ndarray of shape (n,), bool
        Whether d lies beyond the upper quartile by more than 1.5 times the distance of the
        quartiles (Tukey's fence).

    References
    ----------
    Kuan, Mueller. *Back to the Basics: Revisiting Out-of-Distribution Detection Baselines*.
    2022. arXiv:2207.03061 (the mean distance to the nearest neighbors).

    Examples
    --------
    >>> score, is_apart = loneliness(np.array([[0.9], [0.9], [0.9], [0.9], [0.5]]))
    >>> score.round(2).tolist(), is_apart.tolist()
    ([0.0, 0.0, 0.0, 0.0, 0.8], [False, False, False, False, True])
    """
    distance = (1 - similarities).mean(axis=1)
    low, middle, high = np.quantile(distance, [0.25, 0.5, 0.75])
    score = 1 - middle / np.maximum(distance, max(middle, np.finfo(np.float32).tiny))
    return score, distance > high + _FENCE * (high - low) + 1e-6
