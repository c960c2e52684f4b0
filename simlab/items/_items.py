"""Items: what is compared, with what is known of each."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simlab.errors import ChoiceError, ShapeError
from simlab.items import _selection, _sources, _splits
from simlab.items._content import Content
from simlab.items._repr import items_html, items_text
from simlab.items._selection import Selection, as_positions, rows_where

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Items:
    """Things to compare: pictures, texts or arrays, with labels, ids and further columns.

    Items are a value: selecting, splitting and adding a column return new Items and leave these
    as they are. The content stays in Arrow and is read when asked for, so that a set may be
    larger than memory. Make them with one of the `from_...` methods or with `simlab.load`.

    Attributes
    ----------
    content : Content
        The pictures (PIL), texts (str) or arrays (numpy), one per item.
    table : pyarrow.Table
        What is known of each item: `id`, `label` (may be missing), `split` and any other column.

    Examples
    --------
    >>> items = Items.from_arrays(["a red fox", "a fox", "a car"], labels=["fox", "fox", "car"])
    >>> items
    Items: 3 texts, 2 labels
    >>> items.where(label="fox").content[1]
    'a fox'
    """

    content: Content
    table: pa.Table

    # -- making -----------------------------------------------------------------------------

    @classmethod
    def from_arrays(cls, content: Any, labels: Any = None, ids: Any = None) -> "Items":
        """Make items from an array, a list of str, or a list of PIL images.

        Parameters
        ----------
        content : ndarray of shape (n, ...), or list of str, PIL images, bytes, Paths or arrays
            One entry per item. Arrays must be finite; float and integer types are kept.
        labels : sequence of length n, optional
            What each item is: strings or integers; None where it is not known.
        ids : sequence of length n, optional
            A unique name per item. By default a short hash of the set and the row number.

        Returns
        -------
        Items

        Raises
        ------
        DataError
            Empty content, NaN or infinite numbers, entries of different kinds, repeated ids.
        ShapeError
            Not one label or id per item, or arrays of different shapes.

        Examples
        --------
        >>> import numpy as np
        >>> Items.from_arrays(np.eye(4), labels=[0, 0, 1, 1])
        Items: 4 arrays of shape (4,), 2 labels
        """
        return cls._of(*_sources.from_arrays(content, labels, ids))

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        content: str = "content",
        label: str | None = "label",
        id: str | None = None,  # noqa: A002
        *,
        unreadable: str = "error",
    ) -> "Items":
        """Make items from a pandas or polars frame; the other columns come along.

        Parameters
        ----------
        frame : pandas.DataFrame or polars.DataFrame
            One row per item.
        content : str, default="content"
            The column of texts, of image files (`pathlib.Path`), PIL images or arrays.
        label : str or None, default="label"
            The column of labels; None for items without labels.
        id : str, optional
            The column of unique names. Without it names are made, and a column called `id` is
            left out.
        unreadable : {"error", "skip"}, default="error"
            What to do with image files that cannot be read, as in `from_folder`.

        Raises
        ------
        ChoiceError
            A column that the frame does not have.
        DataError
            Missing or unreadable content.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"text": ["pay", "bill"], "intent": ["money", "money"]})
        >>> Items.from_frame(frame, content="text", label="intent")
        Items: 2 texts, 1 label
        """
        return cls._of(*_sources.from_frame(frame, content, label, id, unreadable))

    @classmethod
    def from_folder(cls, folder: "str | Path", *, unreadable: str = "error") -> "Items":
        """Make items from a folder of pictures: each sub-folder is a label.

        Parameters
        ----------
        folder : str or Path
            Holds one folder per label. Pictures are read when needed; their ids are their paths,
            from the name of the folder on.
        unreadable : {"error", "skip"}, default="error"
            `"skip"` leaves out files that are no pictures, and labels without pictures, with a
            warning that counts and names them; every picture is decoded once to find them.

        Raises
        ------
        DataError
            No such folder, a label without pictures, or files that are no pictures (the first
            are named).

        Examples
        --------
        >>> Items.from_folder("no-such-folder")
        Traceback (most recent call last):
        simlab.errors.DataError: folder must exist; got 'no-such-folder'
        """
        return cls._of(*_sources.from_folder(folder, unreadable))

    @classmethod
    def from_dataset(
        cls, dataset: Any, content: str = "image", label: str | None = "label"
    ) -> "Items":
        """Make items from a Hugging Face `datasets.Dataset`, sharing its memory map.

        Parameters
        ----------
        dataset : datasets.Dataset
            An image column is left undecoded; class labels are turned into their names.
        content : str, default="image"
            The column of images, texts or number arrays.
        label : str or None, default="label"
            The column of labels.

        Raises
        ------
        ChoiceError
            A column that the data set does not have.

        Examples
        --------
        >>> from datasets import Dataset
        >>> rows = Dataset.from_dict({"text": ["pay", "bill"], "label": ["money", "money"]})
        >>> Items.from_dataset(rows, content="text")
        Items: 2 texts, 1 label
        """
        return cls._of(*_sources.from_dataset(dataset, content, label))

    @classmethod
    def _of(cls, content: Content, table: pa.Table) -> "Items":
        return cls(content, table)

    # -- reading ----------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.content)

    @property
    def modality(self) -> str:
        """What the items are: `"image"`, `"text"` or `"array"`."""
        return self.content.modality

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of everything known of the items, besides their content."""
        return tuple(self.table.column_names)

    def column(self, name: str) -> np.ndarray:
        """Read one column, for example `items.column("style")`.

        Returns
        -------
        ndarray of shape (n,)
            Missing entries are None.

        Raises
        ------
        ChoiceError
            The items have no such column.
        """
        if name not in self.columns:
            raise ChoiceError.of("column", name, self.columns)
        column = self.table.column(name)
        if column.null_count or not pa.types.is_primitive(column.type):
            return np.array([*column.to_pylist(), None], dtype=object)[:-1]
        return column.to_numpy()

    @cached_property
    def ids(self) -> np.ndarray:
        """The unique name of each item."""
        return _locked(self.column("id"))

    @cached_property
    def labels(self) -> np.ndarray | None:
        """What each item is (None where not known), or None for items without labels."""
        return _locked(self.column("label")) if "label" in self.columns else None

    @cached_property
    def label_names(self) -> tuple[Any, ...]:
        """The distinct labels, sorted."""
        if "label" not in self.columns:
            return ()
        return tuple(sorted(pc.unique(self.table["label"].drop_null()).to_pylist()))

    @cached_property
    def label_codes(self) -> np.ndarray:
        """Labels as positions in `label_names`; -1 where there is none.

        Returns
        -------
        ndarray of shape (n,), int64
        """
        if not self.label_names:
            return np.full(len(self), -1)
        names = pa.array(self.label_names, type=self.table["label"].type)
        codes = pc.index_in(self.table["label"], value_set=names)
        return pc.fill_null(codes, -1).to_numpy().astype(np.int64)

    @property
    def frame(self) -> "pd.DataFrame":
        """Everything known of the items, as a pandas frame."""
        return self.table.to_pandas()

    # -- selecting --------------------------------------------------------------------------

    def __getitem__(self, key: Selection) -> "Items":
        """Select items by position, slice, list of positions or mask."""
        positions = as_positions(key, len(self))
        return Items(self.content.take(positions), self.table.take(pa.array(positions)))

    def where(self, **values: Any) -> "Items":
        """Select the items whose columns have these values.

        Parameters
        ----------
        **values
            Column name = one value, or a list, set or array of values.

        Raises
        ------
        ChoiceError
            No such column.
        DataError
            No item has these values.

        Examples
        --------
        >>> items = Items.from_arrays(["a", "b", "c"], labels=[0, 1, 1])
        >>> items.where(label=1).ids.size
        2
        """
        return self[self.rows_where(**values)]

    def rows_where(self, **values: Any) -> np.ndarray:
        """Find the positions of what `where` selects; shape (n,), int."""
        return rows_where({name: self.column(name) for name in values}, values)

    def with_min_count(self, count: int) -> "Items":
        """Keep the items whose label occurs at least `count` times; unlabeled ones go.

        Examples
        --------
        >>> items = Items.from_arrays(["a", "b", "c"], labels=["x", "x", "y"])
        >>> items.with_min_count(2)
        Items: 2 texts, 1 label
        """
        counts = np.bincount(self.label_codes + 1, minlength=1)
        counts[0] = 0
        return self[counts[self.label_codes + 1] >= count]

    without = _selection.without

    # -- adding -----------------------------------------------------------------------------

    def with_column(self, name: str, values: Any) -> "Items":
        """Add or replace a column.

        Raises
        ------
        ShapeError
            Not one value per item.
        DataError
            Values of several types; ids that are missing or not unique.
        """
        if len(values) != len(self):
            raise ShapeError(
                f"column {name!r} needs one value per item: got {len(values)} for {len(self)}"
            )
        column = _sources.as_known(name, values)
        if name in self.columns:
            place = self.table.column_names.index(name)
            return replace(self, table=self.table.set_column(place, name, column))
        return replace(self, table=self.table.append_column(name, column))

    split = _splits.split
    folds = _splits.folds

    # -- showing ----------------------------------------------------------------------------

    def __repr__(self) -> str:
        return items_text(self)

    def _repr_html_(self) -> str:
        return items_html(self)


def _locked(array: np.ndarray) -> np.ndarray:
    """Forbid writing: the array is kept and handed out again."""
    array.flags.writeable = False
    return array
