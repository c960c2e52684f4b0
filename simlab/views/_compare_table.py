"""The table of a comparison: figures, differences, verdicts, and the settings that differ."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from simlab import _html
from simlab.space import BETTER, WORSE
from simlab.views._compare_runs import differing, runs_of, usual

if TYPE_CHECKING:
    import pandas as pd

    from simlab.views._comparison import Comparison

SHOWN = ("recall@1", "map@r", "r-precision")
_SCROLLED = "overflow-x:auto;white-space:nowrap"
_WIDTH = 18
"""Letters of a name, where none is longer."""
_KINDS = {BETTER: "yes", WORSE: "no"}


def shown_metrics(comparison: "Comparison") -> list[str]:
    """Choose the metrics that are shown; of pairs, which have others, all."""
    there = list(dict.fromkeys(comparison.frame["metric"]))
    return [name for name in dict.fromkeys([*SHOWN, comparison.metric]) if name in there] or there


def said(comparison: "Comparison") -> Iterator[str]:
    """Write one line per space: its first figure, and what the test says."""
    metric = shown_metrics(comparison)[0]
    width = max(_WIDTH, *map(len, comparison.order))
    for name in comparison.order:
        frame = comparison.scores[name].frame
        row = frame[frame["metric"] == metric].iloc[0]
        line = f"  {name:<{width}} {metric} {row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"
        tested = comparison.differences[comparison.differences["space"] == name]
        for one in tested.itertuples():
            group = "" if len(tested) == 1 else f" {one.classes}"
            line += f", {comparison.metric}{group} {_difference(one)} {one.verdict}"
        yield line


def table(comparison: "Comparison") -> str:
    """Draw one row per space and group of classes."""
    groups = list(dict.fromkeys(comparison.frame["classes"]))
    trained = [name for name in comparison.order if name in comparison.histories]
    columns = differing(comparison.parameters, trained)
    rows = [
        _row(comparison, name, group, columns, n_groups=len(groups))
        for group in groups
        for name in comparison.order
        if group in set(comparison.scores[name].frame["classes"])
    ]
    drawn = _html.table(list(rows[0]), [list(row.values()) for row in rows])
    parts = [_html.soft(_note(comparison)), f'<div style="{_SCROLLED}">{drawn}</div>']
    if len(trained) > 1:
        parts.append(_alike(comparison.parameters.loc[trained], columns))
    return "".join(parts)


def _row(
    comparison: "Comparison", name: str, group: str, columns: list[str], *, n_groups: int
) -> dict[str, Any]:
    frame = comparison.scores[name].frame
    rows = frame[frame["classes"] == group].set_index("metric")
    is_baseline = name == comparison.against and len(comparison.scores) > 1
    cells: dict[str, Any] = {"space": f"{name} (baseline)" if is_baseline else name}
    if n_groups > 1:
        cells["classes"] = f"{group}, {rows['n'].iloc[0]:,} queries"
    for metric in shown_metrics(comparison):
        value, low, high = rows.loc[metric, ["value", "low", "high"]]
        cells[metric] = f"{value:.3f}  [{low:.3f}, {high:.3f}]"
    if len(comparison.differences):
        cells |= _tested(comparison, name, group)
    if any(len(several) > 1 for several in comparison.each.values()):
        cells["between seeds"] = _spread(comparison, name, rows)
    for column in columns:
        values = comparison.parameters[column]
        most = usual(values[values != ""].tolist())
        stands_out = most is not None and values[name] not in {most, ""}
        cells[column] = _html.Marked(values[name]) if stands_out else values[name]
    runs = runs_of(comparison.spaces[name])
    cells["training"] = f"{comparison.seconds[name]:.1f} s" if runs else "none"
    if comparison.histories:
        cells["best epoch"] = ", ".join(str(run.best_epoch) for run in runs)
    return cells


def _tested(comparison: "Comparison", name: str, group: str) -> dict[str, Any]:
    tested = comparison.differences
    tested = tested[(tested["space"] == name) & (tested["classes"] == group)]
    title = f"{comparison.metric} above {comparison.against}"
    if tested.empty:
        return {title: "", "verdict": ""}
    one = next(tested.itertuples())
    return {
        title: _difference(one),
        "verdict": _html.Marked(one.verdict, _KINDS.get(one.verdict, "soft")),
    }


def _difference(one: Any) -> str:
    return f"{one.difference:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"


def _spread(comparison: "Comparison", name: str, rows: "pd.DataFrame") -> str:
    n_seeds = len(comparison.each[name])
    metric = comparison.metric
    return f"±{rows.loc[metric, 'spread']:.3f} of {n_seeds} seeds" if n_seeds > 1 else ""


def _note(comparison: "Comparison") -> str:
    note = f"{comparison.note}; value and 95% bootstrap interval"
    tested = comparison.differences
    if tested.empty:
        return note
    units = " and ".join(sorted(set(tested["unit"])))
    comparisons = "one comparison" if len(tested) == 1 else f"{len(tested)} comparisons (Holm)"
    note += (
        f"; paired test against {comparison.against} over {units}: better or worse where p is "
        f"below 0.05 for {comparisons}"
    )
    if any(len(several) > 1 for several in comparison.each.values()):
        note += "; queries are averaged over seeds"
    return note


def _alike(settings: "pd.DataFrame", apart: list[str]) -> str:
    same = [f"{name} {settings[name].iloc[0]}" for name in settings if name not in apart]
    return _html.soft(f"the same in all runs: {', '.join(same)}")
