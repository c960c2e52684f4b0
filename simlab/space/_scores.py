"""score: how well a space brings items of one label together."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab import _html
from simlab.errors import DataError, SimlabWarning
from simlab.items import similarity_between
from simlab.space._embeddings import Embeddings
from simlab.space._graded import graded_rates, pair_rates
from simlab.space._index import Index
from simlab.space._intervals import LEVEL, bootstrap_interval, rank_interval
from simlab.space._retrieval import retrieval_rates

if TYPE_CHECKING:
    import pandas as pd

_PARTS = ("source", "side")
_TOLD = ("id", "label", "classes", *_PARTS)
"""What is known of a query beside its metrics."""


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
        `metric`, `value`, `low` and `high` (95% interval), `n` (queries or pairs), `unit`
        (what was drawn: queries or classes; or pairs).
    per_query : pandas.DataFrame
        One row per query: `id`, `label`, `classes` (of sets put together also `source`, of
        pictures and captions `side`), and a column per metric.

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
        first, second = (self.frame[name].str.len().max() for name in ("classes", "metric"))
        lines = [
            f"{row.classes:>{max(first, 6)}} {row.metric:<{max(second, 12)}} "
            f"{row.value:.3f}  [{row.low:.3f}, {row.high:.3f}]"
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

    Every item is a query once; items of its label are what it should find. With several labels or
    levels those are relevant that share at least half of them, and items of which nothing is
    known (of another source or of the same group) are passed over. Of pairs with scores, the rank
    correlation (`spearman`) and the share of items whose nearer partner is the more similar one
    (`triplet-accuracy`) are told instead.

    Metrics are computed per query first. Queries of classes that were seen in training and of
    unseen classes are reported apart, and so are sets put together by `Items.concat`. The interval
    is a 95% bootstrap: over *classes* for unseen classes (they stand for classes to come, and
    queries of one class are alike), over *queries* otherwise; that of `spearman` is computed.

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
    own = _places(embeddings, gallery)
    if embeddings.items.links.pairs is not None and embeddings.items.links.group is None:
        return _of_pairs(embeddings, gallery)
    if embeddings.items.similarity.is_plain:
        codes, theirs = _common_codes(embeddings, gallery)
        asked, rates = retrieval_rates(embeddings.unit, codes, gallery.unit, theirs, own=own, k=k)
    else:
        known = similarity_between(embeddings.items, gallery.items)
        ahead = 0 if gallery.items is embeddings.items else len(embeddings)
        asked, rates = graded_rates(
            embeddings.unit,
            gallery.unit,
            lambda a, b: known.relevance(a, b + ahead),
            own=own,
            k=k,
        )
    _check_asked(len(asked), len(embeddings))
    return _summary(embeddings[asked], rates)


def _places(queries: Embeddings, gallery: Embeddings) -> np.ndarray:
    """Find each query in the gallery, by its id; -1 where it is not."""
    if not len(queries) or not len(gallery):
        raise DataError("score needs at least one query and one gallery item; got none")
    index = Index(gallery)
    index._check(queries, 1, most=1)  # noqa: SLF001 (the same room)
    return np.array([index._row_of.get(name, -1) for name in queries.items.ids.tolist()])  # noqa: SLF001


def _common_codes(queries: Embeddings, gallery: Embeddings) -> tuple[np.ndarray, np.ndarray]:
    """Give the labels of both common integers."""
    ours, theirs = queries.items.labels, gallery.items.labels
    if ours is None or theirs is None:
        raise DataError("score needs labels on queries and gallery; give labels= to the items")
    code_of = {label: code for code, label in enumerate(dict.fromkeys([*ours, *theirs]))}
    code_of[None] = -1
    codes = [np.array([code_of[label] for label in labels]) for labels in (ours, theirs)]
    return codes[0], codes[1]


def _of_pairs(queries: Embeddings, gallery: Embeddings) -> Scores:
    """Score pairs whose similarity is given, among the queries and from them to the gallery."""
    import pandas as pd

    if gallery.items is not queries.items:
        raise DataError("score of pairs takes no gallery: pairs say what is compared with what")
    known = queries.items.similarity
    if known.pairs is None or known.scores is None or not len(known.pairs):
        raise DataError("score needs pairs of which both items are there; got none")
    pairs, scores = known.pairs, known.scores
    similarity = (queries.unit[pairs[:, 0]] * queries.unit[pairs[:, 1]]).sum(axis=1)
    rank, anchors, accuracy = pair_rates(similarity, scores, pairs)
    low, high = rank_interval(rank, len(pairs))
    rows = [
        {
            "metric": "spearman",
            "value": rank,
            "low": low,
            "high": high,
            "n": len(pairs),
            "unit": "pairs",
        }
    ]
    if len(anchors):
        ends = bootstrap_interval(accuracy[:, None], None)
        rows.append(
            {
                "metric": "triplet-accuracy",
                "value": accuracy.mean(),
                "low": ends[0][0],
                "high": ends[1][0],
                "n": len(anchors),
                "unit": "queries",
            }
        )
    frame = pd.DataFrame([{"classes": "all", **row} for row in rows])
    frame.attrs["level"] = LEVEL
    ids = queries.items.ids
    per_query = pd.DataFrame(
        {
            "id": ids[pairs[:, 0]],
            "other": ids[pairs[:, 1]],
            "classes": "all",
            "score": scores,
            "similarity": similarity,
        }
    )
    return Scores(_name_of(queries), frame, per_query)


def _name_of(queries: Embeddings) -> str:
    return queries.source.name if queries.source is not None else "embeddings"


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


def _summary(queries: Embeddings, rates: dict[str, np.ndarray]) -> Scores:
    import pandas as pd

    items = queries.items
    told = {"id": items.ids, "label": items.labels, "classes": _known(queries)}
    for part in _PARTS:
        if (column := getattr(items.links, part)) is not None:
            told[part] = items.column(column).astype(str)
    return scores_of(_name_of(queries), pd.DataFrame({**told, **rates}))


def scores_of(name: str, per_query: "pd.DataFrame") -> Scores:
    """Average what is known per query, group by group, with intervals."""
    import pandas as pd

    metrics = metrics_of(per_query)
    rows: list[dict[str, Any]] = []
    for group, chosen, classes in told_apart(per_query):
        values = per_query.loc[chosen, metrics].to_numpy()
        low, high = bootstrap_interval(values, classes)
        rows += [
            {
                "classes": group,
                "metric": metric,
                "value": values[:, place].mean(),
                "low": low[place],
                "high": high[place],
                "n": int(chosen.sum()),
                "unit": "queries" if classes is None else "classes",
            }
            for place, metric in enumerate(metrics)
        ]
    frame = pd.DataFrame(rows)
    frame.attrs["level"] = LEVEL
    return Scores(name, frame, per_query)


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
    for column in [part for part in _PARTS if part in per_query]:
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


def _known(queries: Embeddings) -> np.ndarray:
    """Tell for each query whether its class was seen in training, as far as that is known."""
    trained = getattr(queries.source, "seen_labels", None)
    if trained:  # empty: it learned from pairs, which say nothing of classes
        labels = queries.items.labels
        seen = np.array([label in trained for label in ([] if labels is None else labels)])
    elif "seen" in queries.items.columns:
        seen = queries.items.column("seen").astype(bool)
    else:
        return np.full(len(queries), "all")
    return np.where(seen, "seen", "unseen")
