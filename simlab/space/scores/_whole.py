"""Rows of the metrics that have no value per query: of pairs, and of clusters."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab.errors import DataError
from simlab.items import similarity_between
from simlab.space._embeddings import Embeddings
from simlab.space.scores._clustering import clustering_rates
from simlab.space.scores._graded import RELEVANT, pair_rates
from simlab.space.scores._intervals import mean_interval, rank_interval
from simlab.space.scores._named import OF_CLUSTERS, OF_PAIRS
from simlab.space.scores._verification import verification_rates

if TYPE_CHECKING:
    import pandas as pd

_MOST_ITEMS = 2000
"""That are paired, all with all: two million pairs."""
_ONE_KIND = (
    "{} needs pairs that are alike (similar by at least 0.5) and pairs that are not; got none of "
    "one kind"
)

Group = tuple[str, np.ndarray, np.ndarray | None]
"""A name, which queries it has, and their classes where classes are drawn; as `told_apart`."""


def rows_of_pairs(
    queries: Embeddings, gallery: Embeddings | None, groups: Iterable[Group], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Rate the pairs of queries with each other, or with a gallery, group by group.

    A group whose pairs are all alike, or all unlike, is left out.
    """
    wanted = [name for name in names if name in OF_PAIRS]
    rows = []
    for group, chosen, classes in groups if wanted else ():
        positions = np.flatnonzero(chosen)
        kept = _some(len(positions))
        similarity, scores, ends = _paired(queries[positions[kept]], gallery)
        if classes is not None:
            ends = np.where(ends >= 0, classes[kept][ends], -1)
        unit = "items" if classes is None else "classes"
        rows += _rows(group, unit, (similarity, scores, ends), wanted)
    if wanted and not rows:
        raise DataError(_ONE_KIND.format(wanted[0]))
    return rows


def rows_of_clusters(
    queries: Embeddings, groups: Iterable[Group], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Rate the clusters of the queries, group by group; of sets put together only each alone."""
    wanted = [name for name in names if name in OF_CLUSTERS]
    is_joined = queries.items.links.source is not None
    rows = []
    for group, chosen, _ in groups if wanted else ():
        labeled = chosen & (queries.items.label_codes >= 0)
        if labeled.any() and not (is_joined and "," not in group):
            rates = clustering_rates(
                queries.unit[labeled], queries.items.label_codes[labeled], wanted
            )
            told = {"low": np.nan, "high": np.nan, "n": int(labeled.sum()), "unit": "none"}
            rows += [
                {"classes": group, "metric": name, "value": value, **told}
                for name, value in rates.items()
            ]
    return rows


def rows_of_given_pairs(queries: Embeddings, names: Sequence[str]) -> list[dict[str, Any]]:
    """Rate pairs whose similarity is given."""
    pairs, scores, similarity = _given(queries)
    rank, anchors, accuracy = pair_rates(similarity, scores, pairs)
    rows: list[dict[str, Any]] = []
    if "spearman" in names:
        low, high = rank_interval(rank, len(pairs))
        told = {"metric": "spearman", "value": rank, "low": low, "high": high}
        rows.append(told | {"n": len(pairs), "unit": "pairs"})
    if "triplet-accuracy" in names and len(anchors):
        ends = mean_interval(accuracy[:, None])
        told = {"metric": "triplet-accuracy", "value": accuracy.mean()}
        told |= {"low": ends[0][0], "high": ends[1][0], "n": len(anchors), "unit": "queries"}
        rows.append(told)
    rows = [{"classes": "all"} | row for row in rows]
    if wanted := [name for name in names if name in OF_PAIRS]:
        of_pairs = _rows("all", "items", (similarity, scores, pairs), wanted)
        if not of_pairs:
            raise DataError(_ONE_KIND.format(wanted[0]))
        rows += of_pairs
    return rows


def frame_of_given_pairs(queries: Embeddings) -> "pd.DataFrame":
    """Tell each pair whose similarity is given, beside its similarity in the space."""
    import pandas as pd

    pairs, scores, similarity = _given(queries)
    ids = queries.items.ids
    told = {"id": ids[pairs[:, 0]], "other": ids[pairs[:, 1]], "classes": "all"}
    return pd.DataFrame({**told, "score": scores, "similarity": similarity})


def _given(queries: Embeddings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    known = queries.items.similarity
    if known.pairs is None or known.scores is None or not len(known.pairs):
        raise DataError("score needs pairs of which both items are there; got none")
    similarity = (queries.unit[known.pairs[:, 0]] * queries.unit[known.pairs[:, 1]]).sum(axis=1)
    return known.pairs, known.scores, similarity


def _some(n: int) -> np.ndarray:
    """Choose all of n items, or as many of them as can be paired, always the same."""
    if n <= _MOST_ITEMS:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, _MOST_ITEMS, replace=False))


def _paired(
    queries: Embeddings, gallery: Embeddings | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pair all with all; give similarity and score of those that are known, and their ends.

    A gallery item is no end that is drawn, and has -1.
    """
    rows = np.arange(len(queries))
    if gallery is None:
        scores = queries.items.similarity.relevance(rows, rows)
        cosines = queries.unit @ queries.unit.T
        first, second = np.nonzero(np.triu(~np.isnan(scores), 1))
        ends = np.stack([first, second], axis=1)
    else:
        gallery = gallery[_some(len(gallery))]
        between = similarity_between(queries.items, gallery.items)
        scores = between.relevance(rows, len(rows) + np.arange(len(gallery)))
        cosines = queries.unit @ gallery.unit.T
        is_other = queries.items.ids[:, None] != gallery.items.ids
        first, second = np.nonzero(~np.isnan(scores) & is_other)
        ends = np.stack([first, np.full_like(first, -1)], axis=1)
    return cosines[first, second], scores[first, second], ends


def _rows(
    group: str, unit: str, pairs: tuple[np.ndarray, np.ndarray, np.ndarray], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Rate pairs, given as similarities, scores and ends; none if all are alike or all unlike."""
    similarity, scores, ends = pairs
    is_alike = scores >= RELEVANT
    if is_alike.all() or not is_alike.any():
        return []
    rates = verification_rates(similarity, is_alike, ends, names)
    told = {"n": len(similarity), "unit": unit}
    return [
        {"classes": group, "metric": name, "value": value, "low": low, "high": high} | told
        for name, (value, low, high) in rates.items()
    ]
