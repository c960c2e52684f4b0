"""What changed between two spaces: classes that gained or lost, queries with other answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from simlab import _html
from simlab.errors import DataError
from simlab.space import Embeddings, Index, Neighbors, Scores

if TYPE_CHECKING:
    import pandas as pd

_CLASSES = 5
"""How many classes that gained are shown, and how many that lost."""
_HALF = 120
"""Pixels of the longest bar."""


@dataclass(frozen=True, eq=False, repr=False)
class Changes:
    """Queries whose nearest neighbors differ between two spaces; made by `Comparison.changes`.

    Attributes
    ----------
    before, after : Neighbors
        Of the same queries, those that changed most for the better first, for the worse last.
    names : tuple of two str
        Of the two spaces.
    """

    before: Neighbors
    after: Neighbors
    names: tuple[str, str]

    def __len__(self) -> int:
        return len(self.before)

    @property
    def frame(self) -> "pd.DataFrame":
        """One row per query: `id`, `label`, and the ids `gained` and `lost` among the neighbors."""
        import pandas as pd

        items = self.before.queries.items
        rows = [
            (
                [one for one in after if one not in set(before)],
                [one for one in before if one not in set(after)],
            )
            for before, after in zip(self.before.ids.tolist(), self.after.ids.tolist(), strict=True)
        ]
        told = pd.DataFrame(rows, columns=["gained", "lost"], dtype=object)
        return pd.DataFrame({"id": items.ids, "label": items.labels}).join(told)

    @property
    def html(self) -> str:
        """The rows without a title: each query, then what it found anew, then what it lost."""
        if not len(self):
            return _html.soft(f"no query has another number of right neighbors in {self.names[1]}")
        note = _html.soft(
            f"queries that changed most from {self.names[0]} to {self.names[1]}, among their "
            f"{self.before.k} nearest: the query, neighbors gained, neighbors lost"
        )
        return note + "".join(self._row(row) for row in range(len(self)))

    def __repr__(self) -> str:
        return f"Changes from {self.names[0]} to {self.names[1]}: {len(self)} queries"

    def _repr_html_(self) -> str:
        return _html.block(repr(self), self.html)

    def _row(self, row: int) -> str:
        before, after = self.before[row], self.after[row]
        items = before.queries.items
        own = [] if items.labels is None else [str(items.labels[0])]
        cells = _html.figure(items.content[0], kind="query", mark="query", lines=own)
        cells += _found(after, before, "gained") + _found(before, after, "lost")
        return f'<div class="row">{cells}</div>'


def changes_between(
    before: Embeddings, after: Embeddings, *, names: tuple[str, str], k: int, max_queries: int
) -> Changes:
    """Search in both spaces; choose the queries that changed most, half of them for the worse."""
    if max_queries < 1:
        raise DataError(f"max_queries must be at least 1; got {max_queries!r}")
    found = [Index(one).search(one, k, exclude_self=True) for one in (before, after)]
    right = [one.matches for one in found]
    if right[0] is None or right[1] is None:
        raise DataError("changes needs labels; give labels= to the items")
    gain = right[1].sum(axis=1) - right[0].sum(axis=1)
    order = np.argsort(-gain, kind="stable")
    gains, losses = order[gain[order] > 0], order[gain[order] < 0]
    n_losses = min(len(losses), max(max_queries // 2, max_queries - len(gains)))
    chosen = np.concatenate([gains[: max_queries - n_losses], losses[len(losses) - n_losses :]])
    return Changes(found[0][chosen], found[1][chosen], names)


def classes_between(scores: Mapping[str, Scores], against: str, metric: str) -> "pd.DataFrame":
    """Average each class in each space, beside its difference to the baseline."""
    import pandas as pd

    frames = {
        name: one.per_query.groupby("label", sort=False)[metric].agg(["size", "mean"])
        for name, one in scores.items()
    }
    parts = []
    for name, frame in frames.items():
        if name == against:
            continue
        difference = frame["mean"] - frames[against]["mean"]
        part = pd.DataFrame(
            {
                "space": name,
                "label": frame.index,
                "n": frame["size"].to_numpy(),
                "value": frame["mean"].to_numpy(),
                "difference": difference.to_numpy(),
            }
        )
        parts.append(part.sort_values("difference", ascending=False, kind="stable"))
    columns = ["space", "label", "n", "value", "difference"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def classes_html(classes: "pd.DataFrame", name: str, against: str, metric: str) -> str:
    """Draw the classes that gained and lost most as bars."""
    rows = classes[classes["space"] == name]
    gained = rows[rows["difference"] > 0]
    lost = rows[rows["difference"] < 0]
    n_same = len(rows) - len(gained) - len(lost)
    note = (
        f"{metric} of {len(rows):,} classes in {name} against {against}: {len(gained):,} gained, "
        f"{len(lost):,} lost, {n_same:,} as before; the largest changes (single classes are not "
        "tested)"
    )
    longest = max(rows["difference"].abs().max(), 1e-9)
    drawn = [gained.head(_CLASSES), lost.tail(_CLASSES)]
    bars = "".join(_bar(one, longest) for part in drawn for one in part.itertuples())
    style = "display:grid;grid-template-columns:max-content max-content auto;gap:2px 12px"
    return _html.soft(note) + f'<div style="{style};margin:8px 0">{bars}</div>'


def _bar(one: "pd.Series", longest: float) -> str:
    width = round(_HALF * abs(one.difference) / longest)
    is_gain = one.difference > 0
    side, color = ("left", "--yes") if is_gain else ("right", "--no")
    bar = (
        f"position:absolute;{side}:50%;width:{width}px;height:12px;top:3px;background:var({color})"
    )
    return (
        f"<span>{escape(str(one.label))}</span>"
        f'<span style="position:relative;width:{2 * _HALF}px"><i style="{bar}"></i></span>'
        f'<span class="soft">{one.difference:+.3f}, to {one.value:.3f} '
        f"({one.n} quer{'y' if one.n == 1 else 'ies'})</span>"
    )


def _found(one: Neighbors, other: Neighbors, word: str) -> str:
    """Draw the neighbors that the other answer does not have."""
    known = set(other.ids[0].tolist())
    found = one.gallery.items[one.positions[0]]
    cells = ""
    for rank, name in enumerate(one.ids[0].tolist()):
        if name in known:
            continue
        is_same = one.matches is not None and one.matches[0, rank]
        mark = f"{word} {'✓ same' if is_same else '✗ other'}"
        lines = [] if found.labels is None else [str(found.labels[rank])]
        kind = "yes" if is_same else "no"
        cells += _html.figure(found.content[rank], kind=kind, mark=mark, lines=lines)
    return cells
