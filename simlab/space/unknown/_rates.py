"""Rates of answering at every threshold: of known classes and of unknown ones."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Asked:
    """Questions whose truth is known, each with the score of its answer.

    Attributes
    ----------
    scores : ndarray of shape (n,), float64
        The higher, the surer; an answer is given from a threshold on.
    is_known : ndarray of shape (n,), bool
        Whether the class of the query is in the gallery.
    is_right : ndarray of shape (n,), bool
        Whether the answer is the class of the query; never of an unknown one.
    """

    scores: np.ndarray
    is_known: np.ndarray
    is_right: np.ndarray

    @cached_property
    def thresholds(self) -> np.ndarray:
        """The distinct scores, falling; shape (t,)."""
        return np.unique(self.scores)[::-1]

    @cached_property
    def _place(self) -> np.ndarray:
        return len(self.thresholds) - 1 - np.unique(self.scores, return_inverse=True)[1]

    def rates(self, counts: np.ndarray | None = None) -> "Rates":
        """Count at every threshold; with `counts` each question that many times."""
        counts = np.ones(len(self.scores)) if counts is None else counts
        columns = [
            np.cumsum(np.bincount(self._place, counts * chosen, len(self.thresholds)))
            for chosen in (self.is_known, self.is_right, ~self.is_known)
        ]
        n_known, n_unknown = columns[0][-1], columns[2][-1]
        known, right = (part / max(n_known, 1e-12) for part in columns[:2])
        unknown = columns[2] / max(n_unknown, 1e-12)
        return Rates(self.thresholds, known, right, unknown)


@dataclass(frozen=True, eq=False)
class Rates:
    """What an answer from each threshold on would do.

    Attributes
    ----------
    thresholds : ndarray of shape (t,)
        Falling.
    known : ndarray of shape (t,)
        Share of known queries that are answered.
    right : ndarray of shape (t,)
        Share of known queries that are answered rightly (recall).
    unknown : ndarray of shape (t,)
        Share of unknown queries that are answered (false accepts).
    """

    thresholds: np.ndarray
    known: np.ndarray
    right: np.ndarray
    unknown: np.ndarray

    def at(self, threshold: float) -> "Rates":
        """Read the rates at one threshold, as arrays of one entry."""
        last = int(np.searchsorted(-self.thresholds, -threshold, side="right")) - 1
        if last < 0:
            none = np.zeros(1)
            return Rates(np.array([threshold]), none, none, none)
        here = slice(last, last + 1)
        return Rates(np.array([threshold]), self.known[here], self.right[here], self.unknown[here])

    def answered(self, unknown: float) -> np.ndarray:
        """Share of all queries that are answered, if `unknown` of them are of unknown classes."""
        return (1 - unknown) * self.known + unknown * self.unknown

    def precision(self, unknown: float) -> np.ndarray:
        """Share of right ones among the answers; 1 where nothing is answered."""
        answered, right = self.answered(unknown), (1 - unknown) * self.right
        return np.where(answered > 0, right / np.where(answered > 0, answered, 1), 1.0)

    def f1(self, unknown: float) -> np.ndarray:
        """Harmonic mean of precision and recall."""
        precision = self.precision(unknown)
        return 2 * precision * self.right / np.maximum(precision + self.right, 1e-12)

    @property
    def auroc(self) -> float:
        """Probability that a known query scores above an unknown one; ties count half."""
        return _area(self.unknown, self.known)

    @property
    def fpr_at_95(self) -> float:
        """Share of unknown queries that pass where 95% of the known ones do."""
        return float(self.unknown[np.argmax(self.known >= 0.95 - 1e-12)])

    @property
    def oscr(self) -> float:
        """Area under right answers against false accepts."""
        return _area(self.unknown, self.right)

    def risk_area(self, unknown: float) -> float:
        """Mean share of wrong ones among the answers, over all shares of answers."""
        answered = self.answered(unknown)
        steps = np.diff(answered, prepend=0.0)
        return float(((1 - self.precision(unknown)) * steps).sum() / answered[-1])


def _area(across: np.ndarray, up: np.ndarray) -> float:
    up = np.append(0.0, up)
    return float(np.diff(across, prepend=0.0) @ (up[1:] + up[:-1]) / 2)
