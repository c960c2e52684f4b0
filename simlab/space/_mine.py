"""mine: the strangers that lie nearest to each item, as triplets to learn from."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from simlab.errors import ChoiceError, DataError, SimlabWarning
from simlab.items import Items, as_positions, linked
from simlab.space._embeddings import Embeddings
from simlab.space.scores._graded import RELEVANT

STRATEGIES = ("random", "top")
_CELLS = 2**22
"""Similarities at a time; with what is known of them about 100 MiB."""
_DEEP = 10
"""How many candidates there are for each negative, where `range_max` does not say."""


def mine(
    embeddings: Embeddings,
    *,
    num_negatives: int = 3,
    num_positives: int = 3,
    range_min: int = 0,
    range_max: int | None = None,
    max_score: float | None = None,
    min_score: float | None = None,
    absolute_margin: float | None = None,
    relative_margin: float | None = None,
    sampling_strategy: str = "top",
    anchors: Any = None,
    candidates: Any = None,
    seed: int = 0,
) -> Items:
    """Find hard negatives: strangers that lie near, for a training on triplets.

    Each item is an anchor, with friends (at least half similar) and strangers (not similar at
    all). Where nothing is known, an item is neither. After a split each part is searched by
    itself. The parameters are those of `mine_hard_negatives` of sentence-transformers; a score
    is the cosine similarity to the anchor.

    Parameters
    ----------
    embeddings : Embeddings
        Of items with labels, or with pairs that say how similar they are. Search goes through
        them as they are; nothing is encoded, and memory does not grow with the square of n.
    num_negatives : int, default=3
        At most, for each anchor.
    num_positives : int, default=3
        At most, for each anchor; drawn from its friends.
    range_min : int, default=0
        How many of the nearest strangers are passed over: among them may be friends that nobody
        has labeled.
    range_max : int, optional
        How many of the nearest strangers are looked at, those passed over included; by default
        10 for each negative, after those.
    max_score, min_score : float, optional
        Negatives have at most and at least this score.
    absolute_margin : float, optional
        How much lower than that of the anchor's positives the score of a negative must be, at
        least. Of several positives the least similar counts, which is the strictest.
    relative_margin : float, optional
        The same as a share of the positive's score: with 0.05 a negative has at most 95% of it.
    sampling_strategy : {"top", "random"}, default="top"
        Take the nearest of the strangers that are left, or draw from them.
    anchors, candidates : position, slice, mask or list of positions, optional
        Which items are anchors, and which may be negatives; all by default. For questions and
        answers: `items.rows_where(role="anchor")` and `items.rows_where(role="positive")`.
    seed : int, default=0
        Of what is drawn.

    Returns
    -------
    Items
        The anchors, positives and negatives, as from `Items.from_triplets`: the column `role`,
        and links in place of labels. Content is shared, not copied, so that `embed` and `fit`
        find its vectors in the cache. Split before mining: mined items hang together, and `fit`
        holds out the `val` part alone.

    Raises
    ------
    ChoiceError
        Unknown strategy.
    DataError
        A number out of its range, repeated ids, or no anchor with a positive and a negative.

    Warns
    -----
    SimlabWarning
        Some anchors have strangers, but ranges, scores and margins left none of them.

    Notes
    -----
    Ranks are counted among all strangers, before margins and scores leave some out; in
    sentence-transformers `range_min` skips the nearest of those that are left.

    References
    ----------
    Moreira et al. *NV-Retriever: Improving text embedding models with effective hard-negative
    mining*. 2024. arXiv:2407.15831: `relative_margin=0.05` did best.

    Examples
    --------
    >>> items = Items.from_arrays(["fox", "foxes", "box", "car"], labels=["x", "x", "y", "z"])
    >>> angles = np.array([0, 0.3, 0.4, 1.5])
    >>> space = Embeddings(np.stack([np.cos(angles), np.sin(angles)], 1), items)
    >>> triplets = mine(space, num_negatives=1, anchors=[0])
    >>> list(triplets.content), triplets.column("role").tolist()
    (['fox', 'foxes', 'box'], ['anchor', 'positive', 'negative'])
    >>> list(mine(space, num_negatives=1, anchors=[0], absolute_margin=0.1).content)
    ['fox', 'foxes', 'car']
    """
    if sampling_strategy not in STRATEGIES:
        raise ChoiceError.of("sampling_strategy", sampling_strategy, STRATEGIES)
    rule = _Rule(
        n_negatives=num_negatives,
        n_positives=num_positives,
        first=range_min,
        end=_end(num_negatives, range_min, range_max),
        most=max_score,
        least=min_score,
        margin=absolute_margin,
        share=relative_margin,
        is_drawn=sampling_strategy == "random",
    )
    _check(rule, embeddings.items)
    rng = np.random.default_rng(seed)
    pairs, scores, n_without = [], [], 0
    for row, similarity, friends, strangers in _rows(embeddings, anchors, candidates):
        positives = rng.permutation(friends)[:num_positives]
        negatives = rule.choose(similarity, positives, strangers, rng)
        n_without += not negatives.size
        if negatives.size:
            others = np.concatenate([positives, negatives])
            pairs.append(np.stack([np.full(len(others), row), others], axis=1))
            scores.append(np.repeat([1.0, 0.0], [len(positives), len(negatives)]))
    if not pairs:
        left = f"ranges, scores and margins left none to {n_without} anchors; make them wider"
        raise DataError(
            "mining needs an anchor with a friend and a stranger; "
            + (left if n_without else "no item has both, as far as labels and pairs tell")
        )
    if n_without:
        warnings.warn(
            f"{n_without} of {n_without + len(pairs)} anchors are left out: ranges, scores and "
            "margins leave them no negative; a higher range_max looks further",
            SimlabWarning,
            stacklevel=2,
        )
    return linked(embeddings.items, np.concatenate(pairs), np.concatenate(scores))


@dataclass(frozen=True)
class _Rule:
    """Which strangers of an anchor become its negatives."""

    n_negatives: int
    n_positives: int
    first: int
    end: int
    most: float | None
    least: float | None
    margin: float | None
    share: float | None
    is_drawn: bool

    def choose(
        self,
        similarity: np.ndarray,
        positives: np.ndarray,
        strangers: np.ndarray,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Choose from strangers, given the similarity of the anchor to all items; nearest first."""
        found = strangers
        if len(found) > self.end:
            found = found[np.argpartition(-similarity[found], self.end - 1)[: self.end]]
        found = found[np.lexsort((found, -similarity[found]))][self.first :]
        score, lowest = similarity[found], similarity[positives].min()
        kept = np.ones(len(found), dtype=bool)
        if self.most is not None:
            kept &= score <= self.most
        if self.least is not None:
            kept &= score >= self.least
        if self.margin is not None:
            kept &= score <= lowest - self.margin
        if self.share is not None:
            kept &= score <= lowest - abs(lowest) * self.share
        found = found[kept]
        if self.is_drawn and len(found) > self.n_negatives:
            return found[np.sort(rng.choice(len(found), self.n_negatives, replace=False))]
        return found[: self.n_negatives]


def _rows(
    embeddings: Embeddings, anchors: Any, candidates: Any
) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Go through the anchors that have both: position, similarities, friends, strangers."""
    items, unit, n = embeddings.items, embeddings.unit, len(embeddings)
    asked = np.arange(n) if anchors is None else as_positions(anchors, n)
    may_be = np.ones(n, dtype=bool)
    if candidates is not None:
        may_be[:] = False
        may_be[as_positions(candidates, n)] = True
    part = items.column("split") if "split" in items.columns else np.zeros(n)
    step = max(_CELLS // max(n, 1), 1)
    for start in range(0, len(asked), step):
        rows = asked[start : start + step]
        similarity = (unit[rows] @ unit.T).clip(-1, 1)  # (step, n)
        known = items.similarity.relevance(rows, np.arange(n))
        known[part[rows][:, None] != part] = np.nan
        known[np.arange(len(rows)), rows] = np.nan
        for row, near, told in zip(rows.tolist(), similarity, known, strict=True):
            friends = np.flatnonzero(told >= RELEVANT)
            strangers = np.flatnonzero((told == 0) & may_be)
            if friends.size and strangers.size:
                yield row, near, friends, strangers


def _end(num_negatives: Any, range_min: Any, range_max: int | None) -> Any:
    whole = isinstance(num_negatives, Integral) and isinstance(range_min, Integral)
    return range_min + _DEEP * num_negatives if range_max is None and whole else range_max


def _check(rule: _Rule, items: Items) -> None:
    whole = {
        "num_negatives": (rule.n_negatives, 1),
        "num_positives": (rule.n_positives, 1),
        "range_min": (rule.first, 0),
        "range_max": (rule.end, 1),
    }
    wrong = [
        f"{name} must be a whole number, at least {low}; got {value!r}"
        for name, (value, low) in whole.items()
        if not isinstance(value, Integral) or value < low
    ]
    if not wrong and rule.end - rule.first < rule.n_negatives:
        wrong.append(
            f"range_max must leave {rule.n_negatives} negatives after range_min={rule.first}; "
            f"got {rule.end}; {rule.first + rule.n_negatives} is the least"
        )
    scores = {"max_score": rule.most, "min_score": rule.least}
    wrong += [
        f"{name} must be a cosine similarity in [-1, 1]; got {value!r}"
        for name, value in scores.items()
        if value is not None and not (isinstance(value, Real) and -1 <= value <= 1)
    ]
    margins = {"absolute_margin": rule.margin, "relative_margin": rule.share}
    wrong += [
        f"{name} must be a number in [0, 2); got {value!r}"
        for name, value in margins.items()
        if value is not None and not (isinstance(value, Real) and 0 <= value < 2)  # noqa: PLR2004
    ]
    if len(set(items.ids.tolist())) < len(items):
        wrong.append("mining needs each item once; got ids more than once; select each item once")
    if wrong:
        raise DataError("; ".join(wrong[:3]))
