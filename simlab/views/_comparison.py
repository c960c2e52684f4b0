"""Comparison: the value that compare gives, with all its figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from simlab import _html
from simlab.errors import ChoiceError, DataError
from simlab.space import Changes, Embeddings, Scores, changes, paired
from simlab.views import _compare_runs
from simlab.views._compare_chart import chart
from simlab.views._compare_classes import classes_between, classes_html
from simlab.views._compare_table import said, table

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

_NAMED = 4
"""How many spaces the first line names; each has a line of its own."""
_QUERIES = 4
"""How many changed queries the page shows."""


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Scores, paired tests, settings and curves of several spaces; made by `simlab.compare`.

    Attributes
    ----------
    spaces : dict of str to tuple of Embeddings
        The scored items, in each space; several seeds of one setting under one name.
    scores : dict of str to Scores
        One per space; of several seeds their mean, query by query.
    each : dict of str to tuple of Scores
        Those of every seed.
    against : str
        The baseline.
    metric : str
        What spaces are compared by.
    note : str
        Which items were scored.
    """

    spaces: Mapping[str, tuple[Embeddings, ...]]
    scores: dict[str, Scores]
    each: Mapping[str, tuple[Scores, ...]]
    against: str
    metric: str
    note: str

    def __post_init__(self) -> None:
        known = list(dict.fromkeys(self.scores[self.against].frame["metric"]))
        if self.is_paired and self.metric not in known:
            raise ChoiceError.of("metric", self.metric, known)

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """One row per space, group of classes and metric, as `Scores.frame`.

        Where a space has several seeds, `spread` is the standard deviation of their values.
        """
        import pandas as pd

        parts = [scores.frame.assign(space=name) for name, scores in self.scores.items()]
        frame = pd.concat(parts, ignore_index=True)
        return frame[["space", *(name for name in frame.columns if name != "space")]]

    @cached_property
    def differences(self) -> "pd.DataFrame":
        """What a paired test says of every other space; see `simlab.space.paired`.

        Empty where pairs were scored: they have no value per query.
        """
        import pandas as pd

        if not self.is_paired:
            return pd.DataFrame(columns=["space", "classes", "difference", "verdict"])
        return paired(self.scores, against=self.against, metric=self.metric)

    @property
    def is_paired(self) -> bool:
        """Whether queries have values of their own."""
        return "other" not in self.scores[self.against].per_query

    @cached_property
    def order(self) -> list[str]:
        """The spaces as they are shown: the baseline, then the others, the best first."""
        metric = self.metric if self.is_paired else self.frame["metric"].iloc[0]
        values = {name: scores.value(metric) for name, scores in self.scores.items()}
        others = [name for name in self.scores if name != self.against]
        return [self.against, *sorted(others, key=lambda name: -values[name])]

    @cached_property
    def parameters(self) -> "pd.DataFrame":
        """Settings of all spaces, one row each: the encoder, and of runs the keywords of `fit`."""
        return _compare_runs.parameters(self.spaces)

    @cached_property
    def histories(self) -> "dict[str, pd.DataFrame]":
        """Training of those spaces that were trained; several seeds have a column `seed`."""
        return _compare_runs.histories(self.spaces)

    @cached_property
    def seconds(self) -> dict[str, float]:
        """Time of training, of several seeds the mean."""
        runs = {name: _compare_runs.runs_of(several) for name, several in self.spaces.items()}
        return {
            name: sum(r.seconds for r in all_) / len(all_) for name, all_ in runs.items() if all_
        }

    @cached_property
    def classes(self) -> "pd.DataFrame":
        """How every class fares: `space`, `label`, `n` (queries), `value`, `difference`.

        Sorted by space, the class that gained most first. Single classes are not tested.
        """
        return classes_between(self.scores, self.against, self.metric)

    def changes(
        self, name: str | None = None, *, k: int = 5, max_queries: int = _QUERIES
    ) -> Changes:
        """Look at the queries whose nearest neighbors changed most for the better or the worse.

        Parameters
        ----------
        name : str, optional
            Which space is compared with the baseline; by default the best other one.
        k : int, default=5
            Neighbors looked at.
        max_queries : int, default=4
            How many, half of them gains, half losses.

        Returns
        -------
        Changes
            `simlab.gallery` shows both answers in full; see `simlab.space.changes` for those of
            all queries.

        Raises
        ------
        ChoiceError
            Not the name of another space.
        DataError
            No labels, or numbers out of their range.
        """
        others = self.order[1:]
        name = others[0] if name is None and others else name
        if name not in others:
            raise ChoiceError.of("name", name, others)
        if not self.is_paired:
            raise DataError("changes needs items with labels; these were scored by pairs")
        before, after = self.spaces[self.against][0], self.spaces[name][0]
        return changes(before, after, k=k, names=(self.against, name)).most(max_queries)

    def figure(self) -> "Figure":
        """Draw the scores with their intervals, and the curves of training, as one plotly chart.

        Up to eight spaces have a color each; more stand in rows, sorted, in the color of what the
        test says of them.
        """
        return chart(self)

    def __repr__(self) -> str:
        n = len(self.scores)
        names = ", ".join(self.scores) if n <= _NAMED else f"{n} spaces"
        return "\n".join([f"Comparison of {names} ({self.note})", *said(self)])

    def _repr_html_(self) -> str:
        parts = [table(self)]
        if self.is_paired and len(self.scores) > 1:
            best = self.order[1]
            parts.append(classes_html(self.classes, best, self.against, self.metric))
            if (n := len(self.spaces[best][0])) > 1:
                parts.append(self.changes(best, k=min(5, n - 1)).html)
        return _html.block("Comparison", *parts)

    def _ipython_display_(self) -> None:
        """Show the table, which any page keeps, and the chart, which answers to the pointer."""
        from IPython.display import display

        page = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        display(page, raw=True)
        display(self.figure())
