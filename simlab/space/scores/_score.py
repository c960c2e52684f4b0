"""score: how well a space brings similar items together."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from simlab.errors import DataError, SimlabWarning
from simlab.items import similarity_between
from simlab.space._embeddings import Embeddings
from simlab.space._index import Index
from simlab.space.scores._graded import graded_rates
from simlab.space.scores._named import (
    DEPTHS,
    OF_CLUSTERS,
    OF_GIVEN_PAIRS,
    checked,
    needs,
    per_query,
)
from simlab.space.scores._retrieval import retrieval_rates
from simlab.space.scores._scores import PARTS, Scores, framed, scores_of, told_apart
from simlab.space.scores._whole import (
    frame_of_given_pairs,
    rows_of_clusters,
    rows_of_given_pairs,
    rows_of_pairs,
)


def score(
    embeddings: Embeddings,
    *,
    gallery: Embeddings | None = None,
    k: Sequence[int] = DEPTHS,
    metrics: Sequence[str] | None = None,
) -> Scores:
    """Measure a space, with intervals: by default recall@k, MAP@R and R-precision.

    Every item is a query once; items of its label are what it should find. With several labels or
    levels those are relevant that share at least half of them, and items of which nothing is
    known (of another source or of the same group) are passed over. Of pairs with scores, the rank
    correlation (`spearman`) and the share of items whose nearer partner is the more similar one
    (`triplet-accuracy`) are told instead.

    Metrics are computed per query first. Queries of classes that were seen in training and of
    unseen classes are reported apart, and so are sets put together by `Items.concat`. The interval
    is a 95% bootstrap: over *classes* for unseen classes (they stand for classes to come, and
    queries of one class are alike), over *queries* otherwise, of a level expanded for few of them;
    the gallery stays as it is. That of `spearman` is computed. Items that are equally near have no
    order: a query gets the expected value over all orders.

    Parameters
    ----------
    embeddings : Embeddings
        The queries, with labels. Pass held-out items: `after.where(split="test")`.
    gallery : Embeddings, optional
        Where to search. By default the other queries (leave-one-out). An item that has the
        query's id is never counted.
    k : sequence of int, default=(1, 5, 10)
        Depths of recall@k where no metrics are named.
    metrics : sequence of str, optional
        What to measure instead; the table in `simlab/space/README.md` tells all of each.

        - Of the first k: `"recall@k"` (is any relevant? also `"hit@k"`), `"precision@k"`,
          `"ir-recall@k"` (the share found), `"ndcg@k"` (graded), `"mrr@k"`, `"knn-accuracy@k"`.
        - Of the first R, as many as are relevant: `"map@r"`, `"r-precision"`.
        - Of the whole ranking: `"map"`, `"mrr"`; their time, not memory, grows with n².
        - Of pairs of items: `"auc"`, `"average-precision"`, `"best-f1"`, `"best-accuracy"`,
          `"best-f1-threshold"`, `"best-accuracy-threshold"`; of more than 2,000 queries or gallery
          items a random 2,000 are paired.
        - Of pairs with scores: `"spearman"`, `"triplet-accuracy"`.
        - Of clusters: `"nmi"`, `"ami"`, without interval.

    Returns
    -------
    Scores

    Raises
    ------
    DataError
        No labels, no query with a relevant item in the gallery, a gallery that holds an id
        twice, a depth below 1, or metrics that do not fit what is known of the items.
    ChoiceError
        An unknown metric.

    Warns
    -----
    SimlabWarning
        Queries without any relevant item are left out; it says how many.

    Examples
    --------
    >>> from simlab.items import Items
    >>> items = Items.from_arrays(["a", "b", "c", "d"], labels=[0, 0, 1, 1])
    >>> perfect = Embeddings(np.array([[1, 0], [1, 0], [0, 1], [0, 1]]), items)
    >>> score(perfect).value("recall@1")
    1.0
    >>> score(perfect, metrics=["mrr", "auc"]).frame["value"].tolist()
    [1.0, 1.0]
    """
    import pandas as pd

    names = checked(metrics, k)
    gallery = embeddings if gallery is None else gallery
    own = _places(embeddings, gallery)
    items = embeddings.items
    is_scored = items.links.pairs is not None and items.links.group is None
    if is_scored and gallery.items is not items:
        raise DataError("score of pairs takes no gallery: pairs say what is compared with what")
    names = OF_GIVEN_PAIRS if is_scored and metrics is None else names
    _check_fit(names, embeddings, is_scored=is_scored)
    rows = rows_of_given_pairs(embeddings, names) if is_scored else []
    wanted = per_query(names)
    if is_scored and not wanted:
        return Scores(_name_of(embeddings), framed(rows), frame_of_given_pairs(embeddings))
    asked, rates = _rates(embeddings, gallery, own, wanted)
    _check_asked(len(asked), len(embeddings))
    queries = embeddings[asked]
    scores = scores_of(_name_of(queries), pd.DataFrame({**_told(queries), **rates}))
    rows += scores.frame.to_dict("records")
    groups = list(told_apart(scores.per_query))
    if not is_scored:
        others = None if gallery.items is items else gallery
        rows += rows_of_pairs(queries, others, groups, names)
        rows += rows_of_clusters(queries, groups, names)
    order = [group for group, *_ in groups]
    rows.sort(key=lambda row: (order.index(row["classes"]), names.index(row["metric"])))
    return Scores(scores.name, framed(rows), scores.per_query)


def _check_fit(names: Sequence[str], queries: Embeddings, *, is_scored: bool) -> None:
    """Refuse metrics that ask for what is not known of the items."""
    for name in names:
        if name in OF_GIVEN_PAIRS and not is_scored:
            raise DataError(
                f"{name} needs pairs with scores, as of Items.from_pairs(..., scores=...); the "
                "items have none"
            )
        is_of_labels = name in OF_CLUSTERS or needs([name], "knn-accuracy")
        if is_of_labels and (
            not queries.items.similarity.has_one_label or not queries.items.label_names
        ):
            raise DataError(f"{name} needs one label for each item; the items have none or several")
    if queries.items.labels is None and queries.items.links.pairs is None:
        raise DataError("score needs labels on queries and gallery; give labels= to the items")


def _rates(
    queries: Embeddings, gallery: Embeddings, own: np.ndarray, metrics: Sequence[str]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Rate every query that has something to find; all of them if nothing is asked of each."""
    if not metrics:
        return np.arange(len(queries)), {}
    if queries.items.similarity.is_plain:
        codes, theirs = _common_codes(queries, gallery)
        return retrieval_rates(queries.unit, codes, gallery.unit, theirs, own=own, metrics=metrics)
    known = similarity_between(queries.items, gallery.items)
    ahead = 0 if gallery.items is queries.items else len(queries)
    return graded_rates(
        queries.unit,
        gallery.unit,
        lambda a, b: known.relevance(a, b + ahead),
        own=own,
        metrics=metrics,
        labels=_common_codes(queries, gallery) if needs(metrics, "knn-accuracy") else None,
    )


def _told(queries: Embeddings) -> dict[str, Any]:
    """Tell of each query what is known beside its metrics."""
    items = queries.items
    told = {"id": items.ids, "label": items.labels, "classes": known_classes(queries)}
    for part in PARTS:
        if (column := getattr(items.links, part)) is not None:
            told[part] = items.column(column).astype(str)
    return told


def _name_of(queries: Embeddings) -> str:
    return queries.source.name if queries.source is not None else "embeddings"


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


def known_classes(queries: Embeddings) -> np.ndarray:
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
