"""Similarity in other forms than labels: pairs, triplets, and several sets as one."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from simlab.errors import DataError, ShapeError
from simlab.items._content import Content, distinct
from simlab.items._joining import joined
from simlab.items._links import Links, components
from simlab.items._sources import as_column, make_ids, with_modality
from simlab.items._storing import store

if TYPE_CHECKING:
    from simlab.items._items import Items

Parts = tuple[Content, pa.Table, Links]
_APART = ": "


def from_pairs(anchors: Any, positives: Any, scores: Any, groups: Any) -> Parts:
    _same_length(anchors=anchors, positives=positives, scores=scores, groups=groups)
    content, (first, second) = _distinct([anchors, positives])
    columns = {"id": make_ids(content), "role": _roles(len(content), first, second)}
    group = None
    if groups is not None:
        columns["group"] = _groups(groups, first, second, len(content))
        group = "group"
    is_across = content.take(first).modalities.isdisjoint(content.take(second).modalities)
    side = "role" if is_across else None
    pairs = None
    if scores is None:
        columns["label"] = pa.array(components(first, second, len(content)))
    else:
        pairs = _pair_table(columns["id"], first, second, _scores(scores))
    table = with_modality(pa.table(columns), content)
    return content, table, Links(pairs=pairs, group=group, side=side)


def from_triplets(anchors: Any, positives: Any, negatives: Any) -> Parts:
    _same_length(anchors=anchors, positives=positives, negatives=negatives)
    near, far = _one_each(positives), _one_each(negatives)
    everything = [list(anchors), near[0], far[0]]
    content, (anchor, positive, negative) = _distinct(everything)
    ids = make_ids(content)
    first = np.concatenate([anchor[near[1]], anchor[far[1]]])
    second = np.concatenate([positive, negative])
    scores = np.repeat(np.array([1, 0], np.float32), [len(positive), len(negative)])
    roles = _roles(len(content), anchor, positive, negative)
    table = with_modality(pa.table({"id": ids, "role": roles}), content)
    return content, table, Links(pairs=_pair_table(ids, first, second, scores))


def concat(parts: "Mapping[str, Items] | Sequence[Items]", *, shared_labels: bool) -> Parts:
    named = dict(parts if isinstance(parts, Mapping) else enumerate(parts))
    if not named:
        raise DataError("concat needs at least one set of items; got none")
    sets = {str(name): items for name, items in named.items()}
    content = joined([items.content for items in sets.values()])
    ids = [items.ids.tolist() for items in sets.values()]
    is_twice = len({one for part in ids for one in part}) < sum(map(len, ids))
    rename = _prefixed("/") if is_twice else lambda _, value: str(value)
    tables = [
        _told(name, items, rename, shared_labels=shared_labels) for name, items in sets.items()
    ]
    pairs = [
        pa.table(
            {
                "first": [rename(name, one) for one in items.links.pairs["first"].to_pylist()],
                "second": [rename(name, one) for one in items.links.pairs["second"].to_pylist()],
                "score": items.links.pairs["score"],
            }
        )
        for name, items in sets.items()
        if items.links.pairs is not None
    ]
    links = Links(
        pairs=pa.concat_tables(pairs) if pairs else None,
        group=next((items.links.group for items in sets.values() if items.links.group), None),
        side=next((items.links.side for items in sets.values() if items.links.side), None),
        source=None if shared_labels else "source",
    )
    return content, with_modality(_one_table(tables), content), links


# -- pairs ----------------------------------------------------------------------------------


def _same_length(**given: Any) -> None:
    lengths = {name: len(values) for name, values in given.items() if values is not None}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{n} {name}" for name, n in lengths.items())
        raise ShapeError(f"pairs and triplets need as many of each: got {told}")


def _distinct(parts: list[Any]) -> tuple[Content, list[np.ndarray]]:
    """Put the content of several lists together, equal content once; tell where each went."""
    arrays = all(isinstance(part, np.ndarray) for part in parts)
    whole = np.concatenate(parts) if arrays else [value for part in parts for value in part]
    content = store(whole)
    first, place = distinct(content)
    ends = np.cumsum([len(part) for part in parts])[:-1]
    return content.take(first), np.split(place, ends)


def _roles(n: int, *places: np.ndarray) -> pa.Array:
    """Say what each item is in the pair or triplet that names it first."""
    roles = np.full(n, "anchor", dtype="<U8")
    for name, place in reversed(
        list(zip(("anchor", "positive", "negative"), places, strict=False))
    ):
        roles[place] = name
    return pa.array(roles.tolist())


def _groups(groups: Any, first: np.ndarray, second: np.ndarray, n: int) -> pa.Array:
    values = as_column("groups", groups)
    codes = values.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    of_item = np.full(n, -1)
    of_item[first] = of_item[second] = codes
    wrong = np.flatnonzero((of_item[first] != codes) | (of_item[second] != codes))
    if wrong.size:
        raise DataError(
            f"an item must be of one group; the pair at row {wrong[0]}, of group "
            f"{values[int(wrong[0])].as_py()!r}, has an item that is in a pair of another group "
            "too; give both pairs the same group"
        )
    row = np.full(n, -1)
    row[first] = row[second] = np.arange(len(codes))
    return values.take(pa.array(row))


def _scores(scores: Any) -> np.ndarray:
    found = np.asarray(scores, dtype=np.float32)
    bad = np.flatnonzero(~((found >= 0) & (found <= 1)))
    if bad.size:
        raise DataError(
            f"scores of pairs must lie in [0, 1]; got {found[bad[0]]!s} at row {bad[0]} "
            f"({bad.size} such rows); divide them by the largest score there can be"
        )
    return found


def _pair_table(ids: Any, first: np.ndarray, second: np.ndarray, scores: np.ndarray) -> pa.Table:
    return pa.table({"first": ids.take(first), "second": ids.take(second), "score": scores})


def _one_each(values: Any) -> tuple[list[Any], np.ndarray]:
    """Flatten lists of several positives or negatives; tell whose each is."""
    several = [list(value) if isinstance(value, list | tuple) else [value] for value in values]
    owner = np.repeat(np.arange(len(several)), [len(one) for one in several])
    return [value for one in several for value in one], owner


# -- several sets ---------------------------------------------------------------------------


def _prefixed(between: str) -> Callable[[str, Any], str]:
    return lambda name, value: f"{name}{between}{value}"


def _told(
    name: str, items: "Items", rename: Callable[[str, Any], str], *, shared_labels: bool
) -> pa.Table:
    """Take what is known of one set, with ids, labels and a source that keep it apart."""
    table = items.table
    table = _with(table, "id", pa.array([rename(name, one) for one in items.ids.tolist()]))
    if "label" in table.column_names and not shared_labels:
        apart = _prefixed(_APART)
        labels = [
            None
            if label is None
            else [apart(name, one) for one in label]
            if isinstance(label, list)
            else apart(name, label)
            for label in table["label"].to_pylist()
        ]
        table = _with(table, "label", pa.array(labels))
    return _with(table, "source", pa.array([name] * len(items)))


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, column)
    return table.append_column(name, column)


def _one_table(tables: list[pa.Table]) -> pa.Table:
    """Put tables one below the other, or say which column does not fit."""
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"a column must be of one type in all sets to concatenate ({error}); convert it, for "
            "example to str, with items.with_column"
        ) from None
