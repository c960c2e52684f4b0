"""What Items know of similarity beyond one label each, and how it becomes integers."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simlab.items._similarity import Similarity

if TYPE_CHECKING:
    from simlab.items._items import Items

_LEVELS = "/"
"""Divides the levels of a label: "animal/dog"."""


@dataclass(frozen=True, eq=False)
class Links:
    """How items are linked to each other; `Items.from_pairs` and `Items.concat` say so.

    Attributes
    ----------
    pairs : pyarrow.Table, optional
        `first` and `second` (ids) and `score`, in [0, 1]. Pairs whose items are not there (any
        more) count for nothing.
    group : str, optional
        A column: items of other groups are strangers; within one only what is said is known.
    source : str, optional
        A column: between items of two sources nothing is known.
    side : str, optional
        A column: of two items of one side nothing is known; pictures are compared with captions,
        and neither with its like.
    """

    pairs: pa.Table | None = None
    group: str | None = None
    source: str | None = None
    side: str | None = None


NO_LINKS = Links()


def similarity_of(items: "Items", links: Links) -> Similarity:
    """Gather what is known of some items."""
    pairs = scores = None
    if links.pairs is not None:
        ids = items.table["id"].combine_chunks()
        ends = [
            pc.fill_null(pc.index_in(links.pairs[end], value_set=ids), -1).to_numpy()
            for end in ("first", "second")
        ]
        pairs = np.stack(ends, axis=1).astype(np.int64)  # (p, 2)
        is_here = (pairs >= 0).all(axis=1)
        pairs, scores = pairs[is_here], links.pairs["score"].to_numpy()[is_here]
    return Similarity(
        items.label_codes,
        several=_several(items),
        levels=_levels(items),
        group=_coded(items, links.group),
        source=_coded(items, links.source),
        side=_coded(items, links.side),
        pairs=pairs,
        scores=scores,
    )


def similarity_between(queries: "Items", gallery: "Items") -> Similarity:
    """Gather what is known of queries and gallery items, one after the other."""
    if gallery is queries:
        return queries.similarity
    links = queries.links
    names = (
        {"label", links.group, links.source, links.side} & {*queries.columns} & {*gallery.columns}
    )
    parts, pairs = [], []
    for mark, items, other in (("q", queries, "g"), ("g", gallery, "q")):
        ids = pc.binary_join_element_wise(pc.cast(items.table["id"], pa.string()), mark, "/")
        parts.append(pa.table({"id": ids, **{name: items.table[name] for name in names if name}}))
        if links.pairs is not None:
            first, second = (
                pc.binary_join_element_wise(pc.cast(links.pairs[end], pa.string()), by, "/")
                for end, by in (("first", mark), ("second", other))
            )
            pairs.append(pa.table([first, second, links.pairs["score"]], links.pairs.schema.names))
    table = pa.concat_tables(parts, promote_options="permissive")
    some = queries.content if len(queries) else gallery.content
    both = replace(  # of the content nothing but its length is asked
        queries,
        table=table,
        content=some.take(np.zeros(len(table), dtype=np.int64)),
        links=replace(links, pairs=pa.concat_tables(pairs) if pairs else None),
    )
    return both.similarity


def linked(items: "Items", pairs: np.ndarray, scores: np.ndarray) -> "Items":
    """Keep the items of some pairs, of which only these pairs are known any more.

    Parameters
    ----------
    items : Items
        Their labels go; content is shared.
    pairs : ndarray of shape (p, 2), int
        Positions of an anchor and another item.
    scores : ndarray of shape (p,)
        1 where the other is a friend of the anchor, 0 where it is a stranger.

    Returns
    -------
    Items
        In their order, as from `Items.from_triplets`.
    """
    role = np.full(len(items), None, dtype=object)
    role[pairs[scores == 0, 1]] = "negative"
    role[pairs[scores == 1, 1]] = "positive"
    role[pairs[:, 0]] = "anchor"
    ids = items.table["id"]
    table = pa.table(
        {
            "first": ids.take(pa.array(pairs[:, 0])),
            "second": ids.take(pa.array(pairs[:, 1])),
            "score": scores.astype(np.float32),
        }
    )
    gone = [name for name in ("label", "seen") if name in items.columns]
    bare = replace(items, table=items.table.drop_columns(gone), links=Links(pairs=table))
    chosen = np.flatnonzero(role != None)  # noqa: E711 (entry by entry)
    return bare.with_column("role", role)[chosen]


def split_codes(items: "Items") -> np.ndarray:
    """Give one number to what must stay together in a split by label: a class, or what is linked.

    Items of several labels are linked by each of them, scored items by their pairs.
    """
    known = items.similarity
    if known.several is not None:
        starts, labels = known.several
        owners = np.repeat(np.arange(len(items)), np.diff(starts))
        codes = components(owners, len(items) + labels, len(items) + int(labels.max(initial=0)) + 1)
        return np.where(known.codes < 0, -1, codes[: len(items)])
    if known.pairs is not None and not items.label_names:
        return components(known.pairs[:, 0], known.pairs[:, 1], len(items))
    return known.codes


def components(first: np.ndarray, second: np.ndarray, n: int) -> np.ndarray:
    """Give one number to all that pairs connect: similar to similar is similar."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _coded(items: "Items", column: str | None) -> np.ndarray | None:
    if column is None:
        return None
    codes = items.table[column].combine_chunks().dictionary_encode().indices
    return pc.fill_null(codes, -1).to_numpy().astype(np.int64)


def _several(items: "Items") -> tuple[np.ndarray, np.ndarray] | None:
    if "label" not in items.columns or not pa.types.is_list(items.table["label"].type):
        return None
    column = items.table["label"].combine_chunks()
    column = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    codes = column.flatten().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    return np.append(0, np.cumsum(lengths)).astype(np.int64), codes.astype(np.int64)


def _levels(items: "Items") -> np.ndarray | None:
    """Cut labels at their slashes, if all have as many and at least one."""
    names = items.label_names
    if not names or not all(isinstance(name, str) and _LEVELS in name for name in names):
        return None
    parts = [name.split(_LEVELS) for name in names]
    if len({len(part) for part in parts}) > 1:
        return None
    depth = len(parts[0])
    codes = np.empty((len(names) + 1, depth), dtype=np.int64)
    codes[-1] = -1  # where an unlabeled item looks
    for level in range(depth):
        above = [_LEVELS.join(part[: level + 1]) for part in parts]
        codes[:-1, level] = np.unique(above, return_inverse=True)[1]
    return codes[items.label_codes]
