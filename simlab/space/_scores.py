"""score: how well a space brings items of one label together."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab import _html
from simlab.errors import DataError, SimlabWarning
from simlab.space._embeddings import Embeddings
from simlab.space._index import Index
from simlab.space._intervals import LEVEL, bootstrap_interval
from simlab.space._retrieval import retrieval_rates

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Scores:
    """How well a space retrieves; made by `simlab.score`.

    Attributes
    ----------
    name : str
        Of the encoder or run.
    frame : pandas.DataFrame
        One row per group of classes and metric: `classes` (`"seen"` or `"unseen"` in training,
        or `"all"` where that is not known), `metric`, `value`, `low` and `high` (95% bootstrap
        interval), `n` (queries), `unit` (what was drawn: queries or classes).
    per_query : pandas.DataFrame
        One row per query: `id`, `label`, `classes`, and a column per metric.

    Examples
    --------
    >>> from simlab.items import Items
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

    def __repr__(self) -> str:
        lines = [
            f"{row.classes:>6} {row.metric:<12} {row.value:.3f}  [{row.low:.3f}, {row.high:.3f}]"
            for row in self.frame.itertuples()
        ]
        return "\n".join([f"Scores of {self.name}: {len(self.per_query):,} queries", *lines])

    def _repr_html_(self) -> str:
        rows = [
            [row.classes, row.metric, float(row.value), f"{row.low:.3f} to {row.high:.3f}", row.n]
            for row in self.frame.itertuples()
        ]
        units = " and ".join(sorted(set(self.frame["unit"])))
        table = _html.table(["classes", "metric", "value", "95% interval", "queries"], rows)
        return _html.block(f"Scores of {self.name}", table, note=f"bootstrap over {units}")


def score(
    embeddings: Embeddings, *, gallery: Embeddings | None = None, k: Sequence[int] = (1, 5, 10)
) -> Scores:
    """Measure retrieval: recall@k, MAP@R and R-precision, with intervals.

    Every item is a query once; items of its label are what it should find. Metrics are computed
    per query first. Queries of classes that were seen in training and of unseen classes are
    reported apart. The interval is a 95% bootstrap: over *classes* for unseen ones (they stand
    for classes to come, and queries of one class are alike), over *queries* otherwise.

    Parameters
    ----------
    embeddings : Embeddings
        The queries, with labels. Pass held-out items: `after.where(split="test")`.
    gallery : Embeddings, optional
        Where to search. By default the other queries (leave-one-out). An item that has the
        query's id is never counted.
    k : sequence of int, default=(1, 5, 10)
        Depths of recall@k.

    Returns
    -------
    Scores

    Raises
    ------
    DataError
        No labels, no query with a relevant item in the gallery, a gallery that holds an id
        twice, or a depth below 1.

    Warns
    -----
    SimlabWarning
        Queries without any relevant item are left out; it says how many.

    Examples
    --------
    >>> from simlab.items import Items
    >>> items = Items.from_arrays(["a", "b", "c", "d"], labels=[0, 0, 1, 1])
    >>> perfect = Embeddings(np.array([[1, 0], [1, 0], [0, 1], [0, 1]]), items)
    >>> score(perfect, k=[1]).value("recall@1")
    1.0
    """
    if not len(k) or min(k) < 1:
        raise DataError(f"score needs at least one depth k, each from 1; got {tuple(k)}")
    gallery = embeddings if gallery is None else gallery
    own, codes, theirs = _pair_up(embeddings, gallery)
    asked, rates = retrieval_rates(embeddings.unit, codes, gallery.unit, theirs, own=own, k=k)
    _check_asked(len(asked), len(embeddings))
    return _summary(embeddings[asked], codes[asked], rates)


def _pair_up(queries: Embeddings, gallery: Embeddings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find each query in the gallery, and give the labels of both common integers."""
    if not len(queries) or not len(gallery):
        raise DataError("score needs at least one query and one gallery item; got none")
    ours, theirs = queries.items.labels, gallery.items.labels
    if ours is None or theirs is None:
        raise DataError("score needs labels on queries and gallery; give labels= to the items")
    index = Index(gallery)
    index._check(queries, 1, most=1)  # noqa: SLF001 (the same room)
    own = np.array([index._row_of.get(name, -1) for name in queries.items.ids.tolist()])  # noqa: SLF001
    code_of = {label: code for code, label in enumerate(dict.fromkeys([*ours, *theirs]))}
    code_of[None] = -1
    codes = [np.array([code_of[label] for label in labels]) for labels in (ours, theirs)]
    return own, codes[0], codes[1]


def _check_asked(n_asked: int, n: int) -> None:
    if not n_asked:
        raise DataError(
            f"score needs queries with another item of their label in the gallery; none of {n} "
            "has one; give the gallery items of the same labels"
        )
    if n_asked < n:
        warnings.warn(
            f"{n - n_asked} of {n} queries have no other item of their label in the gallery; "
            "they are left out",
            SimlabWarning,
            stacklevel=3,
        )


def _summary(queries: Embeddings, codes: np.ndarray, rates: dict[str, np.ndarray]) -> Scores:
    import pandas as pd

    classes = _known(queries)
    per_query = pd.DataFrame(
        {"id": queries.items.ids, "label": queries.items.labels, "classes": classes, **rates}
    )
    rows: list[dict[str, Any]] = []
    for group in sorted(set(classes)):
        chosen = classes == group
        values = np.stack([rate[chosen] for rate in rates.values()], axis=1)
        over_classes = group == "unseen"
        low, high = bootstrap_interval(values, codes[chosen] if over_classes else None)
        rows += [
            {
                "classes": group,
                "metric": metric,
                "value": values[:, place].mean(),
                "low": low[place],
                "high": high[place],
                "n": int(chosen.sum()),
                "unit": "classes" if over_classes else "queries",
            }
            for place, metric in enumerate(rates)
        ]
    name = queries.source.name if queries.source is not None else "embeddings"
    frame = pd.DataFrame(rows)
    frame.attrs["level"] = LEVEL
    return Scores(name, frame, per_query)


def _known(queries: Embeddings) -> np.ndarray:
    """Tell for each query whether its class was seen in training, as far as that is known."""
    trained = getattr(queries.source, "seen_labels", None)
    if trained is not None:
        labels = queries.items.labels
        seen = np.array([label in trained for label in ([] if labels is None else labels)])
    elif "seen" in queries.items.columns:
        seen = queries.items.column("seen").astype(bool)
    else:
        return np.full(len(queries), "all")
    return np.where(seen, "seen", "unseen")
