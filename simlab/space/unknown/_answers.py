"""What a gallery answers to each query: a label by votes, and how it compares with the others."""

from dataclasses import dataclass

import numpy as np

_TEMPERATURE = 0.07
"""Of the votes: e times the weight for 0.07 more of similarity (Wu et al. 2018, section 4.3)."""
_CELLS = 1 << 23
_NONE = -1.0
"""The similarity to a label that is not there: that of the opposite direction."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What the gallery says of q queries.

    Attributes
    ----------
    label : ndarray of shape (q,), int64
        Code of the label with most votes.
    votes : ndarray of shape (q,), float64
        Share of the votes for it, in (0, 1].
    similarity : ndarray of shape (q,), float32
        Cosine similarity to the nearest item of that label: is the query familiar?
    margin : ndarray of shape (q,), float32
        How much more similar it is than the nearest item of any other label, from -2 to 2: do
        the neighbors agree?
    positions, similarities : ndarray of shape (q, k)
        The neighbors that voted.
    oddness : ndarray of shape (q, n_labels), float32
        Distance to the nearest item of each label over that to the nearest of any other.
    """

    label: np.ndarray
    votes: np.ndarray
    similarity: np.ndarray
    margin: np.ndarray
    positions: np.ndarray
    similarities: np.ndarray
    oddness: np.ndarray

    @property
    def evidence(self) -> np.ndarray:
        """Familiarity and agreement side by side, shape (q, 2)."""
        return np.stack([self.similarity, self.margin], axis=1).astype(np.float64)


def answers(
    queries: np.ndarray,
    gallery: np.ndarray,
    codes: np.ndarray,
    k: int,
    *,
    own: np.ndarray | None = None,
    hidden: np.ndarray | None = None,
) -> Answers:
    r"""Let the k nearest labeled items vote on each query.

    A neighbor of the similarity :math:`s` weighs :math:`e^{s / 0.07}`, so that a far neighbor of a
    large class does not outvote a near one of a small class.

    Parameters
    ----------
    queries, gallery : ndarray of shape (q, dim) and (n, dim), float32
        Unit vectors.
    codes : ndarray of shape (n,), int
        Labels of the gallery, from 0 on; -1 for none: such items are passed over.
    k : int
        How many vote; fewer where fewer are left.
    own : ndarray of shape (q,), int, optional
        Row of the gallery to leave out for each query; -1 for none.
    hidden : ndarray of shape (q,), int, optional
        A label to leave out for each query, as if the gallery had never seen it.

    References
    ----------
    Wu, Xiong, Yu, Lin. *Unsupervised Feature Learning via Non-Parametric Instance
    Discrimination*. CVPR 2018, arXiv:1805.01978, section 3.4 (weighted votes).

    Examples
    --------
    >>> gallery = np.array([[1, 0], [0.6, 0.8], [0, 1]], "f4")
    >>> said = answers(gallery[:1], gallery, np.array([0, 1, 1]), 2)
    >>> int(said.label[0]), round(float(said.margin[0]), 2)
    (0, 0.4)
    """
    rows = np.flatnonzero(codes >= 0)
    rows = rows[np.argsort(codes[rows], kind="stable")]  # label by label
    n_labels, k = int(codes.max()) + 1, min(k, len(rows))
    sorted_codes, labeled = codes[rows], np.ascontiguousarray(gallery[rows])
    starts = np.searchsorted(sorted_codes, np.arange(n_labels))
    place = np.full(len(codes) + 1, -1)
    place[rows] = np.arange(len(rows))
    step = max(_CELLS // len(rows), 1)
    parts = []
    for start in range(0, len(queries), step):
        here = slice(start, start + step)
        found = np.clip(queries[here] @ labeled.T, -1, 1)  # (chunk, n)
        if hidden is not None:
            found[hidden[here, None] == sorted_codes] = -np.inf
        if own is not None:
            at = place[own[here]]  # the last place is of those that are not in the gallery
            found[np.flatnonzero(at >= 0), at[at >= 0]] = -np.inf
        parts.append(_answered(found, sorted_codes, starts, rows, k))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Answers(*columns)


def _answered(
    found: np.ndarray, codes: np.ndarray, starts: np.ndarray, rows: np.ndarray, k: int
) -> tuple[np.ndarray, ...]:
    """Answer a chunk of queries, given similarities of shape (chunk, n) label by label."""
    each = np.arange(len(found))
    per_label = np.maximum.reduceat(found, starts, axis=1)  # (chunk, n_labels)
    best = np.argpartition(-found, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(found, best, axis=1)
    order = np.lexsort((rows[best], -values), axis=1)
    best, values = (np.take_along_axis(part, order, axis=1) for part in (best, values))
    weight = np.exp((values - values[:, :1]) / _TEMPERATURE, dtype=np.float64)  # (chunk, k)
    said = codes[best]
    share = np.stack([(weight * (said == said[:, [rank]])).sum(axis=1) for rank in range(k)], 1)
    first = share.argmax(axis=1)
    label, votes = said[each, first], share[each, first] / weight.sum(axis=1)
    like = per_label[each, label]
    unlike = _best_other(per_label)
    distance = 1 - np.maximum(per_label, _NONE)
    away = np.maximum(1 - np.maximum(unlike, _NONE), np.finfo(np.float32).eps)
    margin = like - np.maximum(unlike[each, label], _NONE)
    return label, votes, like, margin, rows[best], values, distance / away


def _best_other(per_label: np.ndarray) -> np.ndarray:
    """Find for each query and label the similarity to the nearest item of any other label."""
    each = np.arange(len(per_label))
    first = per_label.argmax(axis=1)
    others = per_label.copy()
    others[each, first] = -np.inf
    second = others.max(axis=1, initial=-np.inf)
    result = np.repeat(per_label[each, first][:, None], per_label.shape[1], axis=1)
    result[each, first] = second
    return result
