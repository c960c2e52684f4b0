"""Where items come from: arrays, frames, folders and Hugging Face data sets."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simlab._fingerprint import fingerprint
from simlab.errors import ChoiceError, DataError, ShapeError
from simlab.items._column import IMAGE_TYPE, Column
from simlab.items._content import Content
from simlab.items._files import check_classes, readable
from simlab.items._labels import as_simple
from simlab.items._storing import Told, columns_of, store, store_columns
from simlab.items._various import Various

Source = tuple[Content, pa.Table]
_MARKED = 16
_PICTURES = {".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def from_arrays(content: Any, labels: Any, ids: Any) -> Source:
    stored = store(content)
    return stored, _table(stored, labels, ids, pa.table({}))


def from_frame(
    frame: Any, content: Told, label: str | None, id_column: str | None, unreadable: str
) -> Source:
    names = columns_of(content)
    table = _arrow_of(frame, names)
    _check_columns([*table.column_names, *names], label, id_column)
    rows = list(range(len(frame)))
    values = {}
    for name in names:
        column = frame[name]
        values[name] = column.tolist() if hasattr(column, "tolist") else column.to_list()
        if values[name] and all(isinstance(value, Path) for value in values[name]):
            kept = set(readable(values[name], unreadable))
            rows = [row for row in rows if row in kept]
    if len(rows) < len(frame):
        values = {name: [column[row] for row in rows] for name, column in values.items()}
        table = table.take(pa.array(rows, type=pa.int64()))
    stored = store_columns(content, lambda name: store(values[name]))
    labels, ids = (None if name is None else table.column(name) for name in (label, id_column))
    return stored, _table(stored, labels, ids, table)


def _arrow_of(frame: Any, content: list[str]) -> pa.Table:
    """Convert all columns but the content, naming the one that Arrow cannot hold."""
    _check_columns([str(name) for name in frame.columns], *content)
    arrays = {}
    for name in frame.columns:
        if name in content:
            continue
        values = frame[name]
        try:
            arrays[str(name)] = (
                values.to_arrow() if hasattr(values, "to_arrow") else pa.Array.from_pandas(values)
            )
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise DataError(
                f"column {name!r} must hold values of one simple type ({error}); "
                "convert it to str or leave it out"
            ) from None
    return pa.table(arrays)


def from_folder(folder: str | Path, unreadable: str) -> Source:
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"folder must exist; got {str(folder)!r}")
    files = sorted(
        path
        for path in folder.glob("*/**/*")
        if path.is_file()
        and path.suffix.lower() in _PICTURES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not files:
        raise DataError(
            f"folder must hold pictures in one sub-folder per label; found none below "
            f"{str(folder)!r} (looked for {', '.join(sorted(_PICTURES))})"
        )
    files = [files[row] for row in readable(files, unreadable)]
    below = [path.relative_to(folder) for path in files]
    labels = [path.parts[0] for path in below]
    check_classes(folder, set(labels), unreadable)
    stored = store([path.resolve() for path in files])
    ids = [f"{folder.resolve().name}/{path.as_posix()}" for path in below]
    return stored, _table(stored, labels, ids, pa.table({}))


def from_dataset(dataset: Any, content: Told, label: str | None) -> Source:
    if not hasattr(dataset, "features") or not hasattr(dataset, "data"):
        raise DataError(
            f"dataset must be a datasets.Dataset; got {type(dataset).__name__}; load one split of "
            "it, without streaming"
        )
    names = columns_of(content)
    _check_columns(dataset.column_names, *names, label)
    rows = np.arange(len(dataset.data.table))
    if dataset._indices is not None:  # noqa: SLF001 (the only way to share a selected memory map)
        rows = dataset._indices.table.column(0).to_numpy()  # noqa: SLF001
    if not len(rows):
        raise DataError("content must hold at least one item; got none")
    stored = store_columns(content, lambda name: _stored_column(dataset, name, rows))
    simple = [name for name in dataset.column_names if _is_simple(dataset, name)]
    if label is not None and label not in simple:
        if not _is_list(dataset, label):
            raise DataError(
                f"column {label!r} must hold one label per item, or a list; got "
                f"{dataset.features[label]}"
            )
        simple.append(label)
    others = [name for name in simple if name not in names]
    table = dataset.data.table.select(others).take(pa.array(rows)) if others else pa.table({})
    labels = _class_names(dataset, table, label)
    return stored, _table(stored, labels, None, table)


def _stored_column(dataset: Any, name: str, rows: np.ndarray) -> Content:
    """Share the memory map of a column of pictures or texts; others are numbers."""
    feature = dataset.features[name]
    is_image = type(feature).__name__ == "Image"
    if is_image:
        dataset = dataset.cast_column(name, type(feature)(decode=False))
    column = dataset.data.table.column(name)
    missing = int(np.take(column.is_null().to_numpy(), rows).sum())
    if missing:
        raise DataError(
            f"every item must be present; {missing} of {len(rows)} have no {name!r}; "
            "drop them first"
        )
    if is_image:
        return Column(column.cast(IMAGE_TYPE), rows)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return Column(column, rows)
    return store([np.asarray(value) for value in column.take(pa.array(rows)).to_pylist()])


def _is_simple(dataset: Any, name: str) -> bool:
    return not pa.types.is_nested(dataset.data.table.schema.field(name).type)


def _is_list(dataset: Any, name: str) -> bool:
    return pa.types.is_list(dataset.data.table.schema.field(name).type)


def _class_names(dataset: Any, table: pa.Table, label: str | None) -> Any:
    if label is None:
        return None
    feature = dataset.features[label]
    codes = table.column(label)
    if pa.types.is_list(codes.type):
        names = getattr(getattr(feature, "feature", None), "names", None)
        rows = codes.to_pylist()
        return rows if names is None else [row and [names[one] for one in row] for row in rows]
    names = getattr(feature, "names", None)
    if names is None:
        return codes
    known = pc.if_else(pc.greater_equal(codes, 0), codes, None)  # -1 stands for no label
    return pc.take(pa.array(names), known.combine_chunks())


def _check_columns(there: Collection[str], *asked: str | None) -> None:
    for name in asked:
        if name is not None and name not in there:
            raise ChoiceError.of("column", name, sorted(set(there)))


def _table(content: Content, labels: Any, ids: Any, extra: pa.Table) -> pa.Table:
    """Put id and label in front of the other columns."""
    n = len(content)
    columns: dict[str, Any] = {"id": make_ids(content) if ids is None else as_ids(ids)}
    if labels is not None:
        columns["label"] = as_labels(labels)
    for name, column in columns.items():
        if len(column) != n:
            raise ShapeError(f"{name}s need one entry per item: got {len(column)} for {n} items")
    for name in extra.column_names:
        if name != "label" or labels is not None:  # a column of this name would become the labels
            columns.setdefault(name, extra.column(name))
    return with_modality(pa.table(columns), content)


def with_modality(table: pa.Table, content: Content) -> pa.Table:
    """Tell of items of various kinds what each is, where no such column says so."""
    if not isinstance(content, Various):
        return table
    of_each = pa.array(content.modality_of_each)
    if "modality" not in table.column_names:
        return table.append_column("modality", of_each)
    place, told = table.column_names.index("modality"), table["modality"]
    is_ours = pa.types.is_string(told.type)
    return table.set_column(place, "modality", pc.coalesce(told, of_each)) if is_ours else table


def as_column(name: str, values: Any) -> Any:
    """Bring values into Arrow, missing ones (None, NaN) as nulls."""
    if not isinstance(values, pa.Array | pa.ChunkedArray):
        try:
            if not isinstance(values, np.ndarray):
                values = values.tolist() if hasattr(values, "tolist") else list(values)
            return pa.array(values, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"{name} must be of one simple type ({error}); convert them, for example with str()"
            ) from None
    return values


def as_known(name: str, values: Any) -> Any:
    """Bring the values of any column into Arrow; ids and labels must be sound."""
    if name == "id":
        return as_ids(values)
    return as_labels(values) if name == "label" else as_column(f"column {name!r}", values)


def as_labels(labels: Any) -> Any:
    """Bring labels into Arrow: one or a list per item, null where not known."""
    column = as_column("labels", as_simple(labels))
    if pa.types.is_dictionary(column.type):  # pandas and polars categories
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type) and not pc.all(pc.is_finite(column)).as_py():
        raise DataError("labels must be finite; got infinity among them; use strings or integers")
    is_list = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    if pa.types.is_nested(column.type) and not is_list:
        raise DataError(
            f"labels must be one per item, or a list of them; got {column.type}; "
            "choose one column of them"
        )
    if not is_list:
        return column
    rows = column.to_pylist()  # an item with an empty list has no label
    return pa.array([sorted(set(row)) if row else None for row in rows])


def as_ids(ids: Any) -> Any:
    """Bring ids into Arrow: present and unique."""
    column = as_column("ids", ids)
    if column.null_count:
        raise DataError(f"ids must be present; {column.null_count} of {len(column)} are missing")
    if len(pc.unique(column)) < len(column):
        counts = pc.value_counts(column).to_pylist()
        twice = next(entry["values"] for entry in counts if entry["counts"] > 1)
        raise DataError(f"ids must be unique; got {twice!r} more than once")
    return column


def make_ids(content: Content) -> pa.Array:
    """Make ids of a mark of the set and the row, so that two sets share none by chance."""
    spread = np.unique(np.linspace(0, len(content) - 1, _MARKED).astype(int))
    mark = fingerprint(len(content), content.take(spread).digests())[:4]
    rows = pa.array(np.arange(len(content))).cast(pa.string())  # no Python string for each item
    return pc.binary_join_element_wise(mark, rows, "-")
