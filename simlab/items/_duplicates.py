"""duplicates: items with equal content, and whether training and test share some."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from simlab import _html
from simlab.errors import DataError, SimlabWarning
from simlab.items._items import Items

if TYPE_CHECKING:
    import pandas as pd

_SHOWN, _TOLD = 8, 3
_FIRST_TO_GO = {"train": 0, "val": 1, "test": 2}
"""Of a leaking pair the item in training goes, so that the test stays what it was."""


@dataclass(frozen=True, eq=False, repr=False)
class Duplicates:
    """Pairs of items that are the same, or nearly so.

    Attributes
    ----------
    items : Items
        Where was looked.
    pairs : ndarray of shape (n, 2), int
        Rows of the items; the first of each pair is the one to leave out.
    similarities : ndarray of shape (n,), float32
        Cosine similarity of each pair; 1 where the content is equal.

    Examples
    --------
    >>> items = Items.from_arrays(["a fox", "a car", "a fox"], ids=["x", "y", "z"])
    >>> found = duplicates(items)
    >>> found
    Duplicates: 1 pair in 3 items
    >>> items.without(found.ids)
    Items: 2 texts
    """

    items: Items
    pairs: np.ndarray
    similarities: np.ndarray

    def __len__(self) -> int:
        return len(self.pairs)

    @cached_property
    def _parts(self) -> np.ndarray | None:
        """Split of both items of each pair, shape (n, 2)."""
        return self.items.column("split")[self.pairs] if "split" in self.items.columns else None

    @cached_property
    def _leaking(self) -> np.ndarray:
        if self._parts is None:
            return np.zeros(len(self), dtype=bool)
        return self._parts[:, 0] != self._parts[:, 1]

    @property
    def leaks(self) -> "Duplicates":
        """The pairs across two parts of the split: what is tested was trained on.

        Raises
        ------
        DataError
            The items are not split.
        """
        if self._parts is None:
            raise DataError("leaks need a split of the items; split them first: items.split()")
        return Duplicates(self.items, self.pairs[self._leaking], self.similarities[self._leaking])

    @property
    def ids(self) -> np.ndarray:
        """Ids to leave out, so that no pair is left: `items.without(found.ids)`.

        Of a leak that is the item in training (or in validation, if the other is in the test);
        otherwise the later one.
        """
        return self.items.ids[np.unique(self.pairs[:, 0])]

    @property
    def frame(self) -> "pd.DataFrame":
        """One row per pair, as a pandas frame: `id` (to leave out), `other` and `similarity`.

        With labels and a split also those of both.
        """
        import pandas as pd

        first, second = self.pairs.T
        columns = {"id": self.items.ids[first], "other": self.items.ids[second]}
        if (labels := self.items.labels) is not None:
            columns |= {"label": labels[first], "other label": labels[second]}
        if self._parts is not None:
            columns |= {"split": self._parts[:, 0], "other split": self._parts[:, 1]}
        return pd.DataFrame(columns | {"similarity": self.similarities})

    def __repr__(self) -> str:
        said = f"Duplicates: {_counted(len(self))} in {len(self.items):,} items"
        n_leaks = int(self._leaking.sum())
        return f"{said}, {n_leaks:,} across parts of the split" if n_leaks else said

    def _repr_html_(self) -> str:
        shown = np.argsort(~self._leaking, kind="stable")[:_SHOWN]
        body = "".join(self._pair_html(row) for row in shown.tolist())
        note = "the item to leave out, then the one that stays" if len(self) else ""
        note += f"; {_SHOWN} of {len(self):,} pairs" if len(self) > _SHOWN else ""
        return _html.block(repr(self), f'<div class="row">{body}</div>' if body else "", note=note)

    def _pair_html(self, row: int) -> str:
        kind = "no" if self._leaking[row] else ""
        faces = []
        for place, position in enumerate(self.pairs[row].tolist()):
            lines = [str(self.items.ids[position])]
            lines += [] if self.items.labels is None else [str(self.items.labels[position])]
            lines += [f"{self.similarities[row]:.3f}"] if place else []
            mark = "" if self._parts is None else str(self._parts[row, place])
            content = self.items.content[position]
            faces.append(_html.figure(content, kind=kind, mark=mark, lines=lines))
        return f'<div class="pair">{"".join(faces)}</div>'


def duplicates(items: Items) -> Duplicates:
    """Find items whose content is equal, byte by byte, and those that the test shares.

    Every copy is paired with the one that stays: with thousands of copies of one item, the
    number of pairs is that of the copies.

    Parameters
    ----------
    items : Items
        With a split, pairs across its parts are leaks.

    Returns
    -------
    Duplicates

    Warns
    -----
    SimlabWarning
        Some pairs are leaks; the first are named.

    See Also
    --------
    simlab.space.near_duplicates : Those that an encoder finds nearly equal.

    Examples
    --------
    >>> items = Items.from_arrays(["a fox", "a car", "a fox"], ids=["x", "y", "z"])
    >>> duplicates(items).frame
      id other  similarity
    0  z     x         1.0
    """
    digests = np.ascontiguousarray(items.content.digests())
    _, group = np.unique(digests.view("V16").ravel(), return_inverse=True)
    order = np.lexsort((np.arange(len(items)), -ranks(items), group))
    starts = np.diff(group[order], prepend=-1) > 0
    stays = order[starts][group[order]]
    pairs = np.stack([order, stays], axis=1)[~starts]
    pairs = pairs[np.argsort(pairs[:, 0])]
    return warned(Duplicates(items, pairs, np.ones(len(pairs), dtype=np.float32)))


def ranks(items: Items) -> np.ndarray:
    """Tell which items stay rather than others: those of the test first; shape (n,), int."""
    if "split" not in items.columns:
        return np.zeros(len(items), dtype=int)
    return np.array([_FIRST_TO_GO.get(part, 0) for part in items.column("split")], dtype=int)


def warned(found: Duplicates) -> Duplicates:
    """Warn of pairs across parts of the split."""
    if "split" in found.items.columns and len(leaks := found.leaks):
        first = leaks.frame.head(_TOLD)
        sides = zip(first["id"], first["split"], first["other"], first["other split"], strict=True)
        named = "; ".join(
            f"{one!r} ({part}) and {two!r} ({other})" for one, part, two, other in sides
        )
        warnings.warn(
            f"{_counted(len(leaks))} of equal or nearly equal items across parts of the split, so "
            f"that what is tested was trained on: {named}{'; …' if len(leaks) > _TOLD else ''}. "
            "Look at found.leaks; leave them out with items.without(found.leaks.ids)",
            SimlabWarning,
            stacklevel=3,
        )
    return found


def _counted(n: int) -> str:
    return f"{n:,} pair{'' if n == 1 else 's'}"
