"""The chart of a comparison: intervals and curves, of a few spaces or of many."""

from typing import TYPE_CHECKING, Any

from simlab.space import BETTER, NOT_SEEN, WORSE
from simlab.views._compare_table import shown_metrics
from simlab.views._theme import COLORS, plain_layout

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

    from simlab.views._comparison import Comparison

_STEP, _ROOM = 0.18, 0.8
"""Distance of two spaces at one metric, and what all may take, in units of the axis."""
_CURVES = {"loss": "training loss", "val_map@r": "MAP@R on validation items"}
_RELATIVE = "training loss, as a share of its first epoch"
_BASELINE = "baseline"
_COLOR_OF = {BETTER: COLORS[0], NOT_SEEN: "#8c959f", WORSE: COLORS[1], _BASELINE: COLORS[2]}
_ROW, _AROUND = 22, 150
"""Pixels of a space in the chart of many, and of what is around them."""


def chart(comparison: "Comparison") -> "Figure":
    """Draw few spaces with a color each, many in rows."""
    is_few = len(comparison.scores) <= len(COLORS)
    return _of_few(comparison) if is_few else _of_many(comparison)


def _of_few(comparison: "Comparison") -> "Figure":
    from plotly.subplots import make_subplots

    titles = ["held-out items, 95% interval"]
    titles += list(_CURVES.values()) if comparison.histories else []
    figure = make_subplots(rows=1, cols=len(titles), subplot_titles=titles)
    n = len(comparison.scores)
    step = min(_STEP, _ROOM / n)
    shown = _shown(comparison)
    for place, name in enumerate(comparison.scores):
        color = COLORS[place % len(COLORS)]
        shift = step * (place - (n - 1) / 2)
        figure.add_trace(_intervals(name, shown, color, shift), row=1, col=1)
        _add_curves(figure, comparison, name, color, places=[(1, 2), (1, 3)])
    for column in range(2, len(titles) + 1):
        figure.update_xaxes(title_text="epoch", row=1, col=column)
    places = shown["place"].unique().tolist()
    figure.update_xaxes(tickvals=list(range(len(places))), ticktext=places, row=1, col=1)
    figure.update_layout(**plain_layout(), height=320)
    return figure


def _of_many(comparison: "Comparison") -> "Figure":
    from plotly.graph_objects import Scatter
    from plotly.subplots import make_subplots

    metric = comparison.metric if comparison.is_paired else shown_metrics(comparison)[0]
    rows = comparison.frame[comparison.frame["metric"] == metric]
    groups = list(dict.fromkeys(rows["classes"]))
    titles = [f"{metric} of held-out items, 95% interval", _RELATIVE, _CURVES["val_map@r"]]
    has_curves = bool(comparison.histories)
    figure = make_subplots(
        rows=2,
        cols=2,
        specs=[[{"rowspan": 2}, {}], [None, {}]]
        if has_curves
        else [[{"rowspan": 2, "colspan": 2}, None], [None, None]],
        subplot_titles=titles if has_curves else titles[:1],
        column_widths=[0.62, 0.38],
        vertical_spacing=min(0.2, 90 / (_ROW * len(rows))),
    )
    words = {name: _word(comparison, name) for name in comparison.order}
    for word, color in _COLOR_OF.items():
        names = [name for name in comparison.order if words[name] == word]
        chosen = rows[rows["space"].isin(names)]
        if chosen.empty:
            continue
        places = [_line(one.space, one.classes, groups) for one in chosen.itertuples()]
        mark = Scatter(
            x=chosen["value"],
            y=places,
            name=word,
            mode="markers",
            marker={"color": color, "size": 8},
            hovertemplate="%{y}: %{x:.3f}",
            error_x=_ends(chosen),
            legendgroup=word,
        )
        figure.add_trace(mark, row=1, col=1)
        for name in names if has_curves else []:
            _add_curves(figure, comparison, name, color, places=[(1, 2), (2, 2)], group=word)
    lines = [_line(name, group, groups) for group in groups for name in comparison.order]
    figure.update_yaxes(
        categoryorder="array", categoryarray=lines[::-1], automargin=True, row=1, col=1
    )
    for row in (1, 2) if has_curves else ():
        figure.update_xaxes(title_text="epoch", row=row, col=2)
    layout = plain_layout()
    layout["legend"] = {"orientation": "h", "yref": "container", "y": 1, "yanchor": "top", "x": 0}
    layout["margin"] = layout["margin"] | {"t": 80}
    figure.update_layout(**layout, height=_AROUND + _ROW * len(lines))
    for title in figure.layout.annotations:
        title.update(font_size=13)
    return figure


def _shown(comparison: "Comparison") -> "pd.DataFrame":
    """Choose the metrics of the chart, and name the place of each on its axis."""
    frame = comparison.frame[comparison.frame["metric"].isin(shown_metrics(comparison))]
    is_one_group = len(set(frame["classes"])) == 1
    return frame.assign(
        place=frame["metric"] if is_one_group else frame["metric"] + ", " + frame["classes"]
    )


def _intervals(name: str, shown: "pd.DataFrame", color: str, shift: float) -> Any:
    from plotly.graph_objects import Scatter

    frame = shown[shown["space"] == name]
    place_of = {place: at for at, place in enumerate(shown["place"].unique())}
    return Scatter(
        x=[place_of[place] + shift for place in frame["place"]],
        text=frame["place"],
        hovertemplate="%{text}: %{y:.3f}",
        y=frame["value"],
        name=name,
        mode="markers",
        marker={"color": color, "size": 9},
        legendgroup=name,
        error_y=_ends(frame),
    )


def _ends(frame: "pd.DataFrame") -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": frame["high"] - frame["value"],
        "arrayminus": frame["value"] - frame["low"],
    }


def _add_curves(
    figure: "Figure",
    comparison: "Comparison",
    name: str,
    color: str,
    *,
    places: list[tuple[int, int]],
    group: str | None = None,
) -> None:
    """Draw loss and validation of a space, a line for each seed.

    Among many, of a `group`, losses of different kinds are made comparable by their first epoch.
    """
    from plotly.graph_objects import Scatter

    history = comparison.histories.get(name)
    if history is None:
        return
    seeds = [part for _, part in history.groupby("seed")] if "seed" in history else [history]
    for (row, column), metric in zip(places, _CURVES, strict=True):
        is_relative = group is not None and metric == "loss"
        for one in seeds if metric in history else []:
            line = Scatter(
                x=one["epoch"],
                y=one[metric] / one[metric].dropna().iloc[0] if is_relative else one[metric],
                name=name,
                mode="lines",
                line={"color": color, "width": 2 if len(seeds) == 1 else 1},
                legendgroup=group or name,
                showlegend=False,
            )
            figure.add_trace(line, row=row, col=column)


def _word(comparison: "Comparison", name: str) -> str:
    """Tell what the test says of a space, of the first group of classes."""
    if name == comparison.against:
        return _BASELINE
    tested = comparison.differences[comparison.differences["space"] == name]
    return NOT_SEEN if tested.empty else str(tested["verdict"].iloc[0])


def _line(name: str, group: str, groups: list[str]) -> str:
    return name if len(groups) == 1 else f"{name}, {group}"
