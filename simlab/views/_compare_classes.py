"""Which classes gained or lost between two spaces."""

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from simlab import _html
from simlab.space import Scores

if TYPE_CHECKING:
    import pandas as pd

_CLASSES = 5
"""How many classes that gained are shown, and how many that lost."""
_HALF = 120
"""Pixels of the longest bar."""


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
