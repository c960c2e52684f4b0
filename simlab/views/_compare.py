"""compare: several spaces of the same items, figures and curves side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from simlab import _html
from simlab.errors import DataError
from simlab.space import Embeddings, Scores, score
from simlab.views._theme import COLORS, plain_layout

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

_SHOWN = ("recall@1", "map@r", "r-precision")
_STEP = 0.18
"""Distance of two spaces at one metric, in units of the axis."""


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Scores with intervals and training curves of several spaces; made by `simlab.compare`.

    Attributes
    ----------
    scores : dict of str to Scores
        One per space.
    histories : dict of str to pandas.DataFrame
        Training of those spaces that were trained.
    seconds : dict of str to float
        Their time of training.
    note : str
        Which items were scored.
    """

    scores: dict[str, Scores]
    histories: "dict[str, pd.DataFrame]"
    seconds: dict[str, float]
    note: str

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """One row per space, group of classes and metric, as `Scores.frame`."""
        import pandas as pd

        parts = [scores.frame.assign(space=name) for name, scores in self.scores.items()]
        frame = pd.concat(parts, ignore_index=True)
        return frame[["space", *(name for name in frame.columns if name != "space")]]

    def figure(self) -> "Figure":
        """Draw the scores with their intervals, and the curves of training, as one plotly chart."""
        from plotly.graph_objects import Scatter
        from plotly.subplots import make_subplots

        titles = ["held-out items, 95% interval"]
        titles += ["training loss", "MAP@R on validation items"] if self.histories else []
        figure = make_subplots(rows=1, cols=len(titles), subplot_titles=titles)
        for place, (name, scores) in enumerate(self.scores.items()):
            color = COLORS[place % len(COLORS)]
            shift = _STEP * (place - (len(self.scores) - 1) / 2)
            figure.add_trace(_intervals(name, scores, color, shift), row=1, col=1)
            if name not in self.histories:
                continue
            history = self.histories[name]
            for column, metric in ((2, "loss"), (3, "val_map@r")):
                if metric in history:
                    line = Scatter(
                        x=history["epoch"],
                        y=history[metric],
                        name=name,
                        mode="lines",
                        line={"color": color},
                        legendgroup=name,
                        showlegend=False,
                    )
                    figure.add_trace(line, row=1, col=column)
        for column in range(2, len(titles) + 1):
            figure.update_xaxes(title_text="epoch", row=1, col=column)
        shown = _shown(scores)["place"].tolist()
        figure.update_xaxes(tickvals=list(range(len(shown))), ticktext=shown, row=1, col=1)
        figure.update_layout(**plain_layout(), height=320)
        return figure

    def __repr__(self) -> str:
        lines = [f"Comparison of {', '.join(self.scores)} ({self.note})"]
        for name, scores in self.scores.items():
            row = scores.frame[scores.frame["metric"] == _SHOWN[0]].iloc[0]
            lines.append(
                f"  {name:<18} {_SHOWN[0]} {row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        groups = list(dict.fromkeys(self.frame["classes"]))
        head = ["space", "classes", *_SHOWN, "queries", "training"]
        rows = [
            self._row(name, scores, group)
            for group in groups
            for name, scores in self.scores.items()
            if group in set(scores.frame["classes"])
        ]
        note = f"{self.note}; value and 95% bootstrap interval"
        return _html.block("Comparison", _html.table(head, rows), note=note)

    def _row(self, name: str, scores: Scores, group: str) -> list[Any]:
        frame = scores.frame[scores.frame["classes"] == group].set_index("metric")
        cells = [
            f"{frame.loc[metric, 'value']:.3f}  [{frame.loc[metric, 'low']:.3f}, "
            f"{frame.loc[metric, 'high']:.3f}]"
            for metric in _SHOWN
        ]
        trained = f"{self.seconds[name]:.1f} s" if name in self.seconds else "none"
        return [name, group, *cells, int(frame["n"].iloc[0]), trained]

    def _ipython_display_(self) -> None:
        """Show the table, which any page keeps, and the chart, which answers to the pointer."""
        from IPython.display import display

        table = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        display(table, raw=True)
        display(self.figure())


def _shown(scores: Scores) -> "pd.DataFrame":
    """Choose the metrics of the chart, and name the place of each on its axis."""
    frame = scores.frame[scores.frame["metric"].isin(_SHOWN)]
    is_one_group = len(set(frame["classes"])) == 1
    return frame.assign(
        place=frame["metric"] if is_one_group else frame["metric"] + ", " + frame["classes"]
    )


def _intervals(name: str, scores: Scores, color: str, shift: float) -> Any:
    from plotly.graph_objects import Scatter

    frame = _shown(scores)
    return Scatter(
        x=[place + shift for place in range(len(frame))],
        text=frame["place"],
        hovertemplate="%{text}: %{y:.3f}",
        y=frame["value"],
        name=name,
        mode="markers",
        marker={"color": color, "size": 9},
        legendgroup=name,
        error_y={
            "type": "data",
            "symmetric": False,
            "array": frame["high"] - frame["value"],
            "arrayminus": frame["value"] - frame["low"],
        },
    )


def compare(spaces: Mapping[str, Embeddings]) -> Comparison:
    """Put several spaces of the same items side by side: figures with intervals, and curves.

    Where the items were split, only the test items are scored.

    Parameters
    ----------
    spaces : mapping of str to Embeddings
        At least one; all of the same items, for example
        `{"frozen": sl.embed(items, encoder), "triplet": sl.embed(items, run)}`.

    Returns
    -------
    Comparison
        A view; `comparison.frame` holds the figures.

    Raises
    ------
    DataError
        Nothing to compare, or spaces of different items, labels or splits.

    Examples
    --------
    >>> from simlab import embed, encoder, load
    >>> digits = load("striped-digits")[:100].split(by="item")
    >>> comparison = compare({"pixels": embed(digits, encoder("pixels"), cache=False)})
    >>> comparison.frame["metric"].tolist()
    ['recall@1', 'recall@5', 'recall@10', 'map@r', 'r-precision']
    """
    if not spaces:
        raise DataError("compare needs at least one space; got none")
    first_name, first = next(iter(spaces.items()))
    for name, space in spaces.items():
        for told in ("id", "label", "split"):
            if _column(space, told) != _column(first, told):
                raise DataError(
                    f"compare needs the same items in every space; the {told}s of {name!r} "
                    f"({len(space)} items) differ from those of {first_name!r} ({len(first)} "
                    "items); embed the same items"
                )
    held_out = "test" in _column(first, "split")
    scored = {
        name: space.where(split="test") if held_out else space for name, space in spaces.items()
    }
    n = len(scored[first_name])
    sources: dict[str, Any] = {name: space.source for name, space in spaces.items()}
    runs = {name: source for name, source in sources.items() if hasattr(source, "history")}
    return Comparison(
        {name: score(space) for name, space in scored.items()},
        {name: run.history for name, run in runs.items()},
        {name: run.seconds for name, run in runs.items()},
        f"{n:,} test items" if held_out else f"all {n:,} items given",
    )


def _column(space: Embeddings, name: str) -> list[Any]:
    """Read what is known of the items; nothing where there is no such column."""
    return space.items.column(name).tolist() if name in space.items.columns else []
