"""Batches for every form of similarity: several labels, levels, sets put together, pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from simlab.errors import ChoiceError, DataError
from simlab.items import Items, split_codes
from simlab.training._batches import BalancedBatches, Batches
from simlab.training._pair_batches import DealtPairs, PairBatches, friends_of

BATCHES = ("auto", "balanced", "all-pairs", "apart")


def check_batches(told: str, items: Items) -> None:
    """Raise an error for batches that cannot be drawn from items.

    Raises
    ------
    ChoiceError
        None of `BATCHES`.
    DataError
        Batches of labels for items without, or pairs kept apart that are not there.

    Examples
    --------
    >>> check_batches("all-pairs", Items.from_arrays(["a", "b"], labels=[0, 0]))
    """
    if told not in BATCHES:
        raise ChoiceError.of("batches", told, BATCHES)
    known = items.similarity
    if told == "apart" and known.pairs is None:
        raise DataError("batches='apart' keeps pairs of one group apart; these items have no pairs")
    if told in {"balanced", "all-pairs"} and not known.has_one_label and known.levels is None:
        raise DataError(
            f"batches={told!r} needs items with one label each; here pairs, groups or several "
            "labels say what is similar: leave it at 'auto'"
        )


def batches_of(
    items: Items, *, batch_size: int, per_class: int, seed: int, told: str = "auto"
) -> Batches:
    """Choose how to draw batches from items, by what is known of their similarity.

    Parameters
    ----------
    items : Items
    batch_size, per_class, seed : int
        See `BalancedBatches`.
    told : str, default="auto"
        One of `BATCHES`.

    Examples
    --------
    >>> items = Items.from_arrays(list("abcd"), labels=["x", "x", "y", "y"])
    >>> type(batches_of(items, batch_size=4, per_class=2, seed=0)).__name__
    'BalancedBatches'
    """
    known = items.similarity
    how: Any = {"batch_size": batch_size, "per_class": per_class, "seed": seed}
    if known.source is not None:
        rows = [np.flatnonzero(known.source == source) for source in np.unique(known.source)]
        parts = [(part, batches_of(_alone(items[part]), **how, told=told)) for part in rows]
        return OneAtATime(parts, seed)
    if known.several is not None:
        return OneOfSeveral(*known.several, **how)
    if known.pairs is not None and not items.label_names:
        return _given_pairs(items, batch_size=batch_size, seed=seed, is_apart=told == "apart")
    if told == "all-pairs":
        pairs = friends_of(known.codes)
        codes = known.codes[pairs[:, 0]]
        return DealtPairs(pairs, apart=codes, batch_size=batch_size, seed=seed, strictly=False)
    if known.levels is None or told == "balanced":
        return BalancedBatches(known.codes, **how)
    return _alternating(known.codes, known.levels[:, 0], how)


def _alternating(codes: np.ndarray, top: np.ndarray, how: dict[str, int]) -> "Alternating":
    rows = [np.flatnonzero(top == one) for one in np.unique(top[top >= 0])]
    parts = [(part, BalancedBatches(codes[part], **how)) for part in rows]
    apart = OneAtATime([one for one in parts if len(one[1])], how["seed"])
    return Alternating(BalancedBatches(codes, **how), apart)


def _given_pairs(items: Items, *, batch_size: int, seed: int, is_apart: bool) -> Batches:
    """Keep pairs apart that are of one group, or without groups that hang together."""
    known = items.similarity
    pairs = np.empty((0, 2), dtype=np.int64) if known.pairs is None else known.pairs
    if not is_apart:
        return PairBatches(pairs, batch_size=batch_size, seed=seed)
    codes = split_codes(items) if known.group is None else known.group
    return DealtPairs(pairs, apart=codes[pairs[:, 0]], batch_size=batch_size, seed=seed)


def _alone(items: Items) -> Items:
    """Forget that items come from one of several sources."""
    return replace(items, links=replace(items.links, source=None))


class OneAtATime(Batches):
    """Batches that each hold items of one set only: those of all sets, in a random order.

    Parameters
    ----------
    parts : sequence of (ndarray of int, Batches)
        The rows of a set, and batches of positions among them.
    seed : int
    """

    def __init__(self, parts: Sequence[tuple[np.ndarray, Batches]], seed: int) -> None:
        super().__init__(seed)
        self._parts = parts

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch."""
        super().set_epoch(epoch)
        for _, batches in self._parts:
            batches.set_epoch(epoch)

    def __len__(self) -> int:
        return sum(len(batches) for _, batches in self._parts)

    def __iter__(self) -> Iterator[list[int]]:
        sizes = [len(batches) for _, batches in self._parts]
        turns = np.repeat(np.arange(len(self._parts)), sizes)
        walks = [iter(batches) for _, batches in self._parts]
        for turn in self._rng().permutation(turns):
            yield self._parts[turn][0][next(walks[turn])].tolist()


class Alternating(Batches):
    """Of labels with levels: batches of everything, and in every other epoch of one top label.

    The second kind holds the strangers that are hard to tell apart.
    """

    def __init__(self, mixed: BalancedBatches, apart: OneAtATime) -> None:
        super().__init__(mixed.seed)
        self._kinds: list[Batches] = [mixed]
        if len(apart):
            self._kinds.append(apart)

    def set_epoch(self, epoch: int) -> None:
        """Choose kind and order of this epoch."""
        super().set_epoch(epoch)
        for kind in self._kinds:
            kind.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self._kinds[self._epoch % len(self._kinds)])

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._kinds[self._epoch % len(self._kinds)])


class OneOfSeveral(Batches):
    """Class-balanced batches of items with several labels: in an epoch one of them counts.

    Parameters
    ----------
    starts, labels : ndarray of int
        Where the labels of each item begin, and the labels.
    **how
        See `BalancedBatches`.
    """

    def __init__(self, starts: np.ndarray, labels: np.ndarray, **how: int) -> None:
        super().__init__(how["seed"])
        self._starts, self._labels, self._how = starts, labels, how
        self._n = len(self._of_epoch())

    def _of_epoch(self) -> BalancedBatches:
        n = np.diff(self._starts)
        drawn = self._starts[:-1] + (self._rng().random(len(n)) * n).astype(int)
        codes = np.full(len(n), -1)
        codes[n > 0] = self._labels[drawn[n > 0]]
        batches = BalancedBatches(codes, **self._how)
        batches.set_epoch(self._epoch)
        return batches

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[list[int]]:
        batches = list(self._of_epoch())
        # an epoch has as many batches as the first: schedules count them
        return iter((batches * (self._n // max(len(batches), 1) + 1))[: self._n])
