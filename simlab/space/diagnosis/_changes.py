"""changes: neighbors gained and lost between two spaces, judged by the labels."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab import _html
from simlab.errors import DataError
from simlab.items import as_positions
from simlab.space._embeddings import Embeddings
from simlab.space._index import Index
from simlab.space._neighbors import Neighbors
from simlab.space.diagnosis._changes_html import gains_and_losses
from simlab.space.scores._paired import known_by_any, paired
from simlab.space.scores._score import known_classes
from simlab.space.scores._scores import scores_of

if TYPE_CHECKING:
    import pandas as pd

FIXED, BROKEN, RIGHT, WRONG = "fixed", "broken", "right", "wrong"
_OUTCOMES = np.array([[WRONG, FIXED], [BROKEN, RIGHT]], dtype=object)
"""By whether the nearest neighbor is right before and after."""
_METRIC = "nearest neighbor right"
_SHOWN = 4
_AT_ONCE = 1024
"""Queries whose lists are compared at a time."""


@dataclass(frozen=True, eq=False, repr=False)
class Changes:
    """How the neighbors of the same queries differ between two spaces; made by `changes`.

    Attributes
    ----------
    before, after : Neighbors
        Of the same queries in the same gallery.
    names : tuple of two str
        Of the two spaces.
    tested : pandas.DataFrame
        What the test says of all queries, also where some were selected: see `changes`.

    Examples
    --------
    >>> from simlab.items import Items
    >>> items = Items.from_arrays(list("abcd"), labels=[0, 0, 1, 1])
    >>> mixed = Embeddings(np.eye(2)[[0, 1, 0, 1]], items)
    >>> found = changes(mixed, Embeddings(np.eye(2)[[0, 0, 1, 1]], items), k=1)
    >>> found
    Changes from before to after: 4 queries, 4 fixed, 0 broken
      nearest neighbor right: +1.000 [+1.000, +1.000], p 0.125, no difference seen
    >>> found.frame["gained_right"].tolist(), found.frame["lost_wrong"].tolist()
    ([1, 1, 1, 1], [1, 1, 1, 1])
    """

    before: Neighbors
    after: Neighbors
    names: tuple[str, str]
    tested: "pd.DataFrame"

    def __len__(self) -> int:
        return len(self.before)

    def __getitem__(self, key: Any) -> "Changes":
        """Select queries by position, slice or mask."""
        chosen = as_positions(key, len(self))
        return replace(self, before=self.before[chosen], after=self.after[chosen])

    def __iter__(self) -> Iterator["Changes"]:
        return (self[row] for row in range(len(self)))

    @property
    def nearest(self) -> np.ndarray:
        """What became of the nearest neighbor of each query, shape (q,).

        `"fixed"` (wrong before, right after), `"broken"`, `"right"` or `"wrong"` (both times).
        """
        before, after = (_right(one)[:, 0].astype(int) for one in (self.before, self.after))
        return _OUTCOMES[before, after]

    @property
    def fixed(self) -> "Changes":
        """Queries whose nearest neighbor was wrong before and is right after."""
        return self[self.nearest == FIXED]

    @property
    def broken(self) -> "Changes":
        """Queries whose nearest neighbor was right before and is wrong after."""
        return self[self.nearest == BROKEN]

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """One row per query: what became of its neighbors.

        `id`, `label`, `nearest` (`"fixed"`, `"broken"`, `"right"` or `"wrong"`), how many of the k
        neighbors are `gained_right`, `gained_wrong`, `lost_right`, `lost_wrong`, and the ids
        `gained` and `lost`.
        """
        import pandas as pd

        items = self.before.queries.items
        columns = {"id": items.ids, "label": items.labels, "nearest": self.nearest}
        pairs = {"gained": (self.after, self.before), "lost": (self.before, self.after)}
        told: dict[str, Any] = {}
        for word, (one, other) in pairs.items():
            is_new, right = _only_in(one.positions, other.positions), _right(one)
            columns[f"{word}_right"] = (is_new & right).sum(axis=1)
            columns[f"{word}_wrong"] = (is_new & ~right).sum(axis=1)
            rows = zip(one.ids, is_new, strict=True)
            told[word] = pd.Series([ids[new].tolist() for ids, new in rows], dtype=object)
        return pd.DataFrame({**columns, **told})

    @property
    def gain(self) -> np.ndarray:
        """How many right neighbors more each query has after, shape (q,); below 0: fewer."""
        return _right(self.after).sum(axis=1) - _right(self.before).sum(axis=1)

    def most(self, max_queries: int) -> "Changes":
        """Select the queries that changed most, half of them for the worse.

        Parameters
        ----------
        max_queries : int
            At least 1; those that gained most first, those that lost most last.

        Raises
        ------
        DataError
            `max_queries` below 1.
        """
        if max_queries < 1:
            raise DataError(f"max_queries must be at least 1; got {max_queries!r}")
        gain = self.gain
        order = np.argsort(-gain, kind="stable")
        gains, losses = order[gain[order] > 0], order[gain[order] < 0]
        n_losses = min(len(losses), max(max_queries // 2, max_queries - len(gains)))
        n_gains = max_queries - n_losses
        return self[np.concatenate([gains[:n_gains], losses[len(losses) - n_losses :]])]

    @property
    def html(self) -> str:
        """The rows without a title: each query, then what it found anew, then what it lost."""
        return gains_and_losses(self.before, self.after, self.names)

    def __repr__(self) -> str:
        nearest = self.nearest
        n_fixed, n_broken = ((nearest == word).sum() for word in (FIXED, BROKEN))
        queries = "query" if len(self) == 1 else "queries"
        first = (
            f"Changes from {self.names[0]} to {self.names[1]}: {len(self):,} {queries}, "
            f"{n_fixed:,} fixed, {n_broken:,} broken"
        )
        return "\n".join([first, *self._verdicts])

    @property
    def _verdicts(self) -> list[str]:
        """Say what the test says, where these are the queries that were tested."""
        tested = self.tested
        if tested["n"].sum() != len(self):
            return []
        return [
            f"  {_METRIC}{'' if len(tested) == 1 else f', {one.classes}'}: {one.difference:+.3f} "
            f"[{one.low:+.3f}, {one.high:+.3f}], p {one.p_corrected:.3g}, {one.verdict}"
            for one in tested.itertuples()
        ]

    def _repr_html_(self) -> str:
        first, *verdicts = repr(self).splitlines()
        note = "; ".join(line.strip() for line in verdicts)
        return _html.block(first, self.most(_SHOWN).html, note=note)


def changes(
    before: Embeddings | Neighbors,
    after: Embeddings | Neighbors,
    *,
    k: int = 5,
    names: tuple[str, str] = ("before", "after"),
) -> Changes:
    """Compare the neighbors of the same queries in two spaces: what was fixed, what broken.

    Whether more was fixed than broken is tested as in `simlab.compare`, by turning signs
    (`simlab.space.paired`): over queries this is McNemar's test of fixed against broken nearest
    neighbors; of classes that were unseen in training whole classes are turned. "better" and
    "worse" stand only where the test says so.

    Parameters
    ----------
    before, after : Embeddings or Neighbors
        Of the same items, with labels. Embeddings are searched among themselves, each item
        leaving itself out; pass Neighbors where there is a gallery:
        `Index(gallery).search(queries, k=5, exclude_self=True)`.
    k : int, default=5
        Neighbors of each query; of Neighbors the first k.
    names : tuple of two str, default=("before", "after")
        What the spaces are called.

    Returns
    -------
    Changes
        `.frame`, `.fixed`, `.broken`; `.tested` has the columns of `simlab.space.paired`, and
        `fixed` and `broken`, one row per group of classes. `simlab.gallery(found.broken)` shows
        both answers side by side.

    Raises
    ------
    DataError
        No labels, other queries or another gallery, or `k` out of range.

    References
    ----------
    McNemar. *Note on the sampling error of the difference between correlated proportions or
    percentages*. Psychometrika 12, 1947.

    Examples
    --------
    >>> from simlab import embed, encoder, load
    >>> digits = embed(load("striped-digits")[:60], encoder("pixels"), cache=False)
    >>> whitened = (digits.vectors - digits.vectors.mean(0)) / (digits.vectors.std(0) + 0.1)
    >>> found = changes(digits, Embeddings(whitened, digits.items))
    >>> len(found.fixed) + len(found.broken) < len(found)
    True
    """
    found = [_searched(one, k) for one in (before, after)]
    _check_alike(*found)
    if names[0] == names[1]:
        raise DataError(f"names must tell the two spaces apart; got {names!r}")
    right = [_right(one)[:, 0] for one in found]
    return Changes(found[0], found[1], names, _tested(found, right, names))


def _searched(given: Embeddings | Neighbors, k: int) -> Neighbors:
    if isinstance(given, Embeddings):
        found = Index(given).search(given, k, exclude_self=True)
    elif not 1 <= k <= given.k:
        raise DataError(f"k must be from 1 to {given.k}, the neighbors that were found; got {k}")
    else:
        found = replace(
            given, positions=given.positions[:, :k], similarities=given.similarities[:, :k]
        )
    if found.matches is None:
        raise DataError("changes needs labels; give labels= to the items")
    return found


def _check_alike(before: Neighbors, after: Neighbors) -> None:
    for what in ("queries", "gallery"):
        one, other = (getattr(near, what).items for near in (before, after))
        for known in ("id", "label"):
            if one.column(known).tolist() != other.column(known).tolist():
                raise DataError(
                    f"changes needs the same {what} in both spaces; the {known}s of the "
                    f"{len(one)} before and the {len(other)} after differ; embed the same items"
                )


def _tested(
    found: list[Neighbors], right: list[np.ndarray], names: tuple[str, str]
) -> "pd.DataFrame":
    """Test over all queries whether more was fixed than broken."""
    import pandas as pd

    scores = {}
    for name, near, is_right in zip(names, found, right, strict=True):
        items = near.queries.items
        told = {"id": items.ids, "label": items.labels, "classes": known_classes(near.queries)}
        scores[name] = scores_of(name, pd.DataFrame(told | {_METRIC: is_right.astype(float)}))
    table = paired(scores, against=names[0], metric=_METRIC).drop(columns="space")
    classes = known_by_any(scores)["classes"].to_numpy()
    turned = {"fixed": ~right[0] & right[1], "broken": right[0] & ~right[1]}
    counts = {
        word: [int((is_one & (classes == group)).sum()) for group in table["classes"]]
        for word, is_one in turned.items()
    }
    return table.assign(**counts)


def _right(neighbors: Neighbors) -> np.ndarray:
    matches = neighbors.matches
    assert matches is not None  # noqa: S101 (checked where changes are made)
    return matches


def _only_in(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Tell which neighbors the other lists do not have; shape (q, k), some rows at a time."""
    found = np.empty(one.shape, dtype=bool)
    for start in range(0, len(one), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        found[rows] = (one[rows, :, None] != other[rows, None, :]).all(axis=2)
    return found
