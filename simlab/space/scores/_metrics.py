r"""Metrics of ranked lists: pure functions, one value per query, in [0, 1], 1 is best.

With :math:`m_j` whether the neighbor at rank j is relevant and R the number of relevant items in
the gallery. Where items are equally near, every metric is its expected value over all their orders,
so that equal vectors score chance and neither luck nor the order of the gallery counts
(McSherry, Najork. *Computing information retrieval performance measures efficiently in the
presence of tied scores*. ECIR 2008).
"""

from collections.abc import Callable, Mapping

import numpy as np

from simlab.space.scores._ranked import Ranked

_TEMPERATURE = 0.07
"""Of the votes in kNN accuracy."""


def hit(ranked: Ranked, k: int) -> np.ndarray:
    """Tell whether one of the first k is relevant: 1 if so, else 0.

    The recall of metric learning (Jégou, Douze, Schmid. *Product Quantization for Nearest Neighbor
    Search*. 2011), elsewhere called hit rate.
    """
    last = min(k, ranked.hits.shape[1]) - 1
    size, before = ranked.size[:, last], ranked.before[:, last]
    strangers = size - np.rint(ranked.hits[:, last] * size)
    drawn = last + 1 - ranked.first[:, last]  # of the items tied at the last rank
    none = np.exp(_log_choose(strangers, drawn) - _log_choose(size, drawn))
    return np.where(before > 0, 1.0, 1 - none)


def precision(ranked: Ranked, k: int) -> np.ndarray:
    r"""Give :math:`\frac1k \sum_{j \le k} m_j`, the share of the first k that is relevant."""
    return ranked.hits[:, :k].sum(axis=1) / k


def found(ranked: Ranked, k: int) -> np.ndarray:
    r"""Give :math:`\frac1R \sum_{j \le k} m_j`, the share of what is relevant that is found."""
    return ranked.hits[:, :k].sum(axis=1) / ranked.relevant


def r_precision(ranked: Ranked) -> np.ndarray:
    r"""Give :math:`\frac1R \sum_{j \le R} m_j`."""
    return np.where(_within_r(ranked), ranked.hits, 0).sum(axis=1) / ranked.relevant


def average_precision(ranked: Ranked) -> np.ndarray:
    r"""Give :math:`\frac1R \sum_j m_j P_j`, with :math:`P_j` the precision of the first j."""
    return _precisions(ranked).sum(axis=1) / ranked.relevant


def average_precision_at_r(ranked: Ranked) -> np.ndarray:
    r"""Give :math:`\frac1R \sum_{j \le R} m_j P_j`.

    Musgrave, Belongie, Lim. *A Metric Learning Reality Check*. 2020, arXiv:2003.08505, section 3.2.
    """
    return np.where(_within_r(ranked), _precisions(ranked), 0).sum(axis=1) / ranked.relevant


def reciprocal_rank(ranked: Ranked, k: int | None = None) -> np.ndarray:
    """Give one over the rank of the first relevant item; 0 if none is among the first k."""
    values = np.zeros(len(ranked.hits))
    chosen = (ranked.before == 0) & (ranked.hits > 0)
    if k is not None:
        chosen[:, k:] = False
    query, place = np.nonzero(chosen)
    size = ranked.size[query, place]
    hits = np.rint(ranked.hits[query, place] * size)
    later = size - 1 - (place - ranked.first[query, place])
    chance = np.exp(_log_choose(later, hits - 1) - _log_choose(size, hits))
    np.add.at(values, query, chance / (place + 1))
    return values


def discounted_gain(ranked: Ranked, k: int) -> np.ndarray:
    r"""Give nDCG, :math:`\sum_{j \le k} g_j / \log_2(1 + j)` over the largest value it can have.

    The gain :math:`g_j` is the relevance in [0, 1] itself. Järvelin, Kekäläinen. *Cumulated
    gain-based evaluation of IR techniques*. 2002, ACM TOIS 20(4).
    """
    grades = ranked.grades[:, :k]
    discount = 1 / np.log2(np.arange(grades.shape[1]) + 2)
    if ranked.best is None:
        best = np.cumsum(discount)[np.minimum(ranked.relevant, grades.shape[1]) - 1]
    else:
        best = ranked.best[:, :k] @ discount
    return grades @ discount / best


def vote(ranked: Ranked, k: int) -> np.ndarray:
    r"""Tell whether the k nearest vote for the query's label: 1 if so, else 0.

    A neighbor of similarity s has :math:`e^{s / 0.07}` votes, more than none even if it is far
    (Wu, Xiong, Yu, Lin. *Unsupervised Feature Learning via Non-Parametric Instance Discrimination*.
    2018, arXiv:1805.01978, section 3.4). Items without a label have none. Of labels with equally
    many votes each wins its share; of items that are tied at rank k the voters are drawn.
    """
    assert ranked.votes is not None  # noqa: S101 (asked for by name)
    labels, similarity = ranked.votes.labels[:, :k], ranked.votes.similarity[:, :k]
    weight = np.where(labels >= 0, np.exp((similarity - 1) / _TEMPERATURE), 0)
    same = labels[:, :, None] == labels[:, None]  # (q, k, k)
    total = (same * weight[:, None]).sum(axis=2)  # (q, k), the votes for the label of each voter
    most = total.max(axis=1)
    wins = (total >= most[:, None] * (1 - 1e-5)) & (weight > 0)
    winners = (wins / same.sum(axis=2)).sum(axis=1)
    is_right = (wins & (labels == ranked.votes.own[:, None])).any(axis=1)
    return is_right / np.maximum(winners, 1)


def _within_r(ranked: Ranked) -> np.ndarray:
    return np.arange(ranked.hits.shape[1]) < ranked.relevant[:, None]


def _precisions(ranked: Ranked) -> np.ndarray:
    """Give the expected product of relevance and precision at each rank."""
    rank = np.arange(ranked.hits.shape[1])
    others = (ranked.hits * ranked.size - 1) / np.maximum(ranked.size - 1, 1)
    ahead = ranked.before + (rank - ranked.first) * others
    return ranked.hits * (ahead + 1) / (rank + 1)


def _log_choose(n: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Give the logarithm of n over k; -inf where k is beyond n."""
    from scipy.special import gammaln

    possible = k <= n
    ways = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(np.where(possible, n - k, 0) + 1.0)
    return np.where(possible, ways, -np.inf)


AT_K: Mapping[str, Callable[[Ranked, int], np.ndarray]] = {
    "recall": hit,
    "hit": hit,
    "precision": precision,
    "ir-recall": found,
    "mrr": reciprocal_rank,
    "ndcg": discounted_gain,
    "knn-accuracy": vote,
}
AT_R: Mapping[str, Callable[[Ranked], np.ndarray]] = {
    "map@r": average_precision_at_r,
    "r-precision": r_precision,
}
OF_ALL: Mapping[str, Callable[[Ranked], np.ndarray]] = {
    "map": average_precision,
    "mrr": reciprocal_rank,
}
