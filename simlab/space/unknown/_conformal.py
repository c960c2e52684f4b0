"""Split conformal prediction: sets of labels that hold the right one with a stated probability."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_PER_LABEL = 20
"""Items of every label that a limit of its own for each label needs."""


@dataclass(frozen=True, eq=False)
class Conformal:
    r"""What is usual for the right label, learned from held-out items.

    The *oddness* of a label is the distance to its nearest item over that to the nearest item of
    any other label. A label is in the prediction set where its oddness is no rarer than the
    stated share: its p-value, :math:`(1 + \#\{i: a_i \ge a\}) / (n + 1)`, exceeds
    :math:`1 - coverage`. If the queries come from where the held-out items came from, the set
    holds the right label with at least this probability, whatever the encoder is worth.

    Attributes
    ----------
    coverage : float
        In (0, 1).
    oddness : ndarray of shape (n,)
        Of the right labels of the held-out items, rising.
    by_label : dict of label to ndarray
        The same for each label by itself, so that each label is covered (Mondrian); empty where
        one of them has fewer than 20 items.
    familiar : ndarray of shape (n,)
        Similarity of the held-out items to their nearest gallery item, rising.

    References
    ----------
    Vovk, Gammerman, Shafer. *Algorithmic Learning in a Random World*. 2005, sections 4.1 (split)
    and 4.5 (Mondrian). Proedrou, Nouretdinov, Vovk, Gammerman. *Transductive Confidence Machines
    for Pattern Recognition*. ECML 2002 (the ratio of distances). Bates, Candès, Lei, Romano,
    Sesia. *Testing for Outliers with Conformal p-values*. 2023. arXiv:2104.08279 (familiarity).
    """

    coverage: float
    oddness: np.ndarray
    by_label: dict[Any, np.ndarray]
    familiar: np.ndarray

    def sets(self, oddness: np.ndarray, names: Sequence[Any]) -> np.ndarray:
        """Choose the labels of each query; shape (q, n_labels), bool."""
        limits = np.array([_limit(self.by_label.get(name, self.oddness), self) for name in names])
        return oddness <= limits

    def p_label(self, oddness: np.ndarray, labels: Sequence[Any]) -> np.ndarray:
        """Compute the p-value of one label per query: small where it is an odd choice."""
        pools = [self.by_label.get(label, self.oddness) for label in labels]
        return np.array(
            [_share_from(pool, value) for pool, value in zip(pools, oddness, strict=True)]
        )

    def p_known(self, nearest: np.ndarray) -> np.ndarray:
        """Compute the p-value of being of a known class: small where nothing is near."""
        below = np.searchsorted(self.familiar, nearest, side="right")
        return (below + 1) / (len(self.familiar) + 1)


def conformal(
    oddness: np.ndarray, labels: np.ndarray, nearest: np.ndarray, coverage: float
) -> Conformal:
    """Learn what is usual from held-out items of known classes.

    Parameters
    ----------
    oddness : ndarray of shape (n,)
        Of their right labels.
    labels : ndarray of shape (n,)
    nearest : ndarray of shape (n,)
        Similarity to the nearest gallery item.
    coverage : float

    Examples
    --------
    >>> usual = conformal(np.linspace(0.1, 1, 10), np.zeros(10), np.ones(10), 0.8)
    >>> usual.sets(np.array([[0.5, 2.0]]), ["near", "far"]).tolist()
    [[True, False]]
    """
    of_label = {name: np.sort(oddness[labels == name]) for name in dict.fromkeys(labels.tolist())}
    is_enough = min(len(part) for part in of_label.values()) >= _PER_LABEL
    by_label = of_label if is_enough and len(of_label) > 1 else {}
    return Conformal(coverage, np.sort(oddness), by_label, np.sort(nearest))


def _limit(pool: np.ndarray, usual: Conformal) -> float:
    rank = int(np.ceil((len(pool) + 1) * usual.coverage - 1e-9))
    return float(pool[rank - 1]) if rank <= len(pool) else np.inf


def _share_from(pool: np.ndarray, value: float) -> float:
    return float(len(pool) - np.searchsorted(pool, value) + 1) / (len(pool) + 1)
