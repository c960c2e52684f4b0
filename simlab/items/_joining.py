"""Content of several sets put one after the other, without copying what it holds."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simlab.errors import DataError
from simlab.items._column import Column
from simlab.items._content import Content
from simlab.items._mixed import Mixed
from simlab.items._various import Various


def joined(contents: Sequence[Content]) -> Content:
    """Put content one after the other; of various kinds, each kind lies in a column of its own.

    Raises
    ------
    DataError
        Arrays of different shapes or types; items of other parts, or with and without parts.
    """
    if all(isinstance(one, Mixed) for one in contents):
        return _mixed([one for one in contents if isinstance(one, Mixed)])
    if any(isinstance(one, Mixed) for one in contents):
        raise _unlike(contents)
    pieces: dict[str, list[Content]] = {}
    for one in contents:
        for column in one.columns if isinstance(one, Various) else (one,):
            pieces.setdefault(column.modality, []).append(column)
    columns = {name: _column(pieces[name]) for name in sorted(pieces)}
    if len(columns) == 1:
        return columns[next(iter(columns))]
    return _various(contents, columns)


def _mixed(contents: list[Mixed]) -> Mixed:
    names = list(contents[0].parts)
    if any(set(one.parts) != set(names) for one in contents):
        raise _unlike(contents)
    return Mixed({name: joined([one.parts[name] for one in contents]) for name in names})


def _column(pieces: list[Content]) -> Column:
    columns = [one for one in pieces if isinstance(one, Column)]
    kind = columns[0].stored.type
    if columns[0].modality == "text":
        kind = pa.large_string()
    if columns[0].modality == "array" and any(one.stored.type != kind for one in columns):
        raise _unlike(columns)
    stored = [
        one.stored if one.stored.type == kind else pc.cast(one.stored, kind) for one in columns
    ]
    starts = np.cumsum([0, *map(len, stored)])[:-1]
    rows = np.concatenate([one.rows + start for one, start in zip(columns, starts, strict=True)])
    chunks = [chunk for column in stored for chunk in column.chunks]
    names = {one.part for one in columns}
    return Column(
        pa.chunked_array(chunks, type=kind), rows, names.pop() if len(names) == 1 else None
    )


def _various(contents: Sequence[Content], columns: dict[str, Column]) -> Various:
    """Tell of each item in which column it lies now, and where."""
    names = list(columns)
    filled = dict.fromkeys(names, 0)
    column, place = [], []
    for one in contents:
        if isinstance(one, Various):
            starts = np.array([filled[part.modality] for part in one.columns])
            column.append(
                np.array([names.index(part.modality) for part in one.columns])[one.column]
            )
            place.append(one.place + starts[one.column])
        else:
            column.append(np.full(len(one), names.index(one.modality)))
            place.append(np.arange(len(one)) + filled[one.modality])
        for part in one.columns if isinstance(one, Various) else (one,):
            filled[part.modality] += len(part)
    return Various(tuple(columns.values()), np.concatenate(column), np.concatenate(place))


def _unlike(contents: Sequence[Content]) -> DataError:
    told = ", ".join(_kind(one) for one in contents)
    return DataError(
        "arrays put together must be of one shape and type, and items of several parts have the "
        f"same parts; got {told}"
    )


def _kind(content: Content) -> str:
    if not isinstance(content, Column) or content.modality != "array":
        return content.told
    return f"{content.told} of {content.stored.type.value_type}"
