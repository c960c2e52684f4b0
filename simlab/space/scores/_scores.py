"""Scores: how well a space brings similar items together, with intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab import _html
from simlab.errors import DataError
from simlab.space.scores._intervals import LEVEL, mean_interval

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("source", "side")
"""Links that tell queries apart."""
_TOLD = ("id", "label", "classes", *PARTS)
"""What is known of a query beside its metrics."""
_COLUMNS = ["classes", "metric", "value", "low", "high", "n", "unit"]


@dataclass(frozen=True, eq=False, repr=False)
class Scores:
    """How well a space retrieves; made by `simlab.score`.

    Attributes
    ----------
    name : str
        Of the encoder or run.
    frame : pandas.DataFrame
        One row per group of classes and metric: `classes` (`"seen"` or `"unseen"` in training,
        or `"all"` where that is not known; of several sets put together also `"all, cars"` for
        each, and of pairs of pictures and captions `"all, image"` for pictures that ask),
        `metric`, `value`, `low` and `high` (95% interval; NaN for metrics of clusters, which have
        none), `n` (queries or pairs), `unit` (what was drawn: queries or classes; or pairs).
    per_query : pandas.DataFrame
        One row per query: `id`, `label`, `classes` (of sets put together also `source`, of
        pictures and captions `side`), and a column per metric.

    Examples
    --------
    >>> from simlab.items import Items
    >>> from simlab.space import Embeddings, score
    >>> items = Items.from_arrays(["a", "b", "c", "d"], labels=[0, 0, 1, 1])
    >>> perfect = Embeddings(np.array([[1, 0], [1, 0], [0, 1], [0, 1]]), items)
    >>> score(perfect, k=[1])
    Scores of embeddings: 4 queries
       all recall@1     1.000  [1.000, 1.000]
       all map@r        1.000  [1.000, 1.000]
       all r-precision  1.000  [1.000, 1.000]
    """

    name: str
    frame: "pd.DataFrame"
    per_query: "pd.DataFrame"

    def value(self, metric: str, classes: str | None = None) -> float:
        """Read one figure, for example `scores.value("recall@1", "unseen")`.

        Without `classes`: of the group with the most queries.
        """
        rows = self.frame[self.frame["metric"] == metric]
        if classes is not None:
            rows = rows[rows["classes"] == classes]
        if rows.empty:
            raise DataError(
                f"scores have {sorted(set(self.frame['metric']))} of "
                f"{sorted(set(self.frame['classes']))} classes; got {metric!r}, {classes!r}"
            )
        return float(rows.loc[rows["n"].idxmax(), "value"])

    @cached_property
    def per_class(self) -> "pd.DataFrame":
        """The metrics of each class: where the space works, and where not.

        One row per label and metric: `label`, `classes`, `metric`, `value`, `low` and `high` (95%
        interval, over the queries of the class: it is this class that is asked about), `n`
        (queries). A query of several labels counts for each of them.
        """
        import pandas as pd

        if "label" not in self.per_query:
            raise DataError("scores of pairs have no classes: pairs are told apart by their score")
        metrics = metrics_of(self.per_query)
        rows: list[dict[str, Any]] = []
        told = self.per_query.explode("label")
        for (label, classes), own in told.groupby(["label", "classes"], sort=False):
            known = {"label": label, "classes": classes}
            rows += [known | row for row in _means(own, metrics, None)]
        columns = ["label", "classes", "metric", "value", "low", "high", "n"]
        return pd.DataFrame(rows, columns=columns)

    def __repr__(self) -> str:
        first, second = (self.frame[name].str.len().max() for name in ("classes", "metric"))
        lines = [
            f"{row.classes:>{max(first, 6)}} {row.metric:<{max(second, 12)}} "
            f"{row.value:.3f}" + ("" if np.isnan(row.low) else f"  [{row.low:.3f}, {row.high:.3f}]")
            for row in self.frame.itertuples()
        ]
        return "\n".join([f"Scores of {self.name}: {len(self.per_query):,} queries", *lines])

    def _repr_html_(self) -> str:
        rows = [
            [
                *(row.classes, row.metric, float(row.value)),
                "none" if np.isnan(row.low) else f"{row.low:.3f} to {row.high:.3f}",
                row.n,
            ]
            for row in self.frame.itertuples()
        ]
        units = " and ".join(sorted(set(self.frame["unit"]) - {"none"}))
        table = _html.table(["classes", "metric", "value", "95% interval", "queries"], rows)
        note = f"bootstrap over {units}" if units else ""
        return _html.block(f"Scores of {self.name}", table, note=note)


def scores_of(name: str, per_query: "pd.DataFrame") -> Scores:
    """Average what is known per query, group by group, with intervals."""
    metrics = metrics_of(per_query)
    rows: list[dict[str, Any]] = []
    for group, chosen, classes in told_apart(per_query) if metrics else ():
        unit = "queries" if classes is None else "classes"
        means = _means(per_query[chosen], metrics, classes)
        rows += [{"classes": group} | row | {"unit": unit} for row in means]
    return Scores(name, framed(rows), per_query)


def framed(rows: list[dict[str, Any]]) -> "pd.DataFrame":
    """Make the frame of `Scores` of its rows."""
    import pandas as pd

    frame = pd.DataFrame(rows, columns=_COLUMNS)
    frame.attrs["level"] = LEVEL
    return frame


def _means(
    per_query: "pd.DataFrame", metrics: list[str], classes: np.ndarray | None
) -> list[dict[str, Any]]:
    """Average each metric over some queries, with its interval."""
    values = per_query[metrics].to_numpy(dtype=float)
    low, high = mean_interval(values, classes)
    parts = zip(metrics, values.mean(axis=0), low, high, strict=True)
    names = ("metric", "value", "low", "high")
    return [dict(zip(names, part, strict=True)) | {"n": len(values)} for part in parts]


def metrics_of(per_query: "pd.DataFrame") -> list[str]:
    """Name the metrics that were measured query by query; pairs with scores have none."""
    if "other" in per_query:
        return []
    return [name for name in per_query if name not in _TOLD]


def told_apart(
    per_query: "pd.DataFrame",
) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    """Tell whose means are told apart: seen and unseen classes, sets put together, and sides.

    Yields
    ------
    group : str
    chosen : ndarray of shape (q,), bool
        Its queries.
    classes : ndarray of int, or None
        Of the chosen, where whole classes are what is drawn.
    """
    known = per_query["classes"].to_numpy()
    whole = [(group, known == group) for group in sorted(set(known))]
    groups = list(whole)
    for column in [part for part in PARTS if part in per_query]:
        own = per_query[column].to_numpy()
        groups += [
            (f"{group}, {name}", chosen & (own == name))
            for group, chosen in whole
            for name in sorted(set(own[chosen]))
        ]
    labels = per_query["label"].tolist()
    code_of = {label: code for code, label in enumerate(dict.fromkeys(labels))}
    codes = np.array([code_of[label] for label in labels])
    for group, chosen in groups:
        over_classes = bool((known[chosen] == "unseen").all())
        yield group, chosen, codes[chosen] if over_classes else None
