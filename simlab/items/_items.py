"""Items: what is compared, with what is known of each."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simlab.errors import ChoiceError, ShapeError
from simlab.items import _pairing, _selection, _sources, _splits
from simlab.items._content import Content
from simlab.items._links import NO_LINKS, Links, similarity_of
from simlab.items._makers import Makers
from simlab.items._mixed import Mixed
from simlab.items._repr import items_html, items_text
from simlab.items._selection import Selection, as_positions, rows_where
from simlab.items._similarity import Similarity

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Items(Makers):
    """Things to compare: pictures, texts, arrays or several of them, with labels and columns.

    Items are a value: selecting, splitting and adding a column return new Items and leave these
    as they are. The content stays in Arrow and is read when asked for, so that a set may be
    larger than memory. Make them with one of the `from_...` methods or with `simlab.load`.

    Attributes
    ----------
    content : Content
        The pictures (PIL), texts (str) or arrays (numpy), one per item; or dicts of them.
    table : pyarrow.Table
        What is known of each item: `id`, `label` (may be missing), `split` and any other column.
    links : Links
        What is known of pairs, groups and sources.

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
    links: Links = NO_LINKS

    # -- reading ----------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.content)

    @property
    def modality(self) -> str:
        """What the items are: `"image"`, `"text"` or `"array"`.

        `"mixed"`: each has several parts. `"various"`: some are, say, pictures and others texts;
        the column `modality` says which.
        """
        return self.content.modality

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that each item has; empty for items of one piece."""
        return tuple(self.content.parts) if isinstance(self.content, Mixed) else ()

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
        if pa.types.is_list(column.type):
            return _of_tuples(column)
        if column.null_count or not pa.types.is_primitive(column.type):
            return np.array([*column.to_pylist(), None], dtype=object)[:-1]
        return column.to_numpy()

    @cached_property
    def ids(self) -> np.ndarray:
        """The unique name of each item."""
        return _locked(self.column("id"))

    @cached_property
    def labels(self) -> np.ndarray | None:
        """What each item is (None where not known), or None for items without labels.

        Where items have several labels, each is a tuple.
        """
        return _locked(self.column("label")) if "label" in self.columns else None

    @property
    def has_several_labels(self) -> bool:
        """Whether labels are lists."""
        return "label" in self.columns and pa.types.is_list(self.table["label"].type)

    @cached_property
    def label_names(self) -> tuple[Any, ...]:
        """The distinct labels, sorted; of items with several the distinct combinations."""
        if self.labels is None:
            return ()
        if self.has_several_labels:
            return tuple(sorted({one for one in self.labels if one is not None}))
        return tuple(sorted(pc.unique(self.table["label"].drop_null()).to_pylist()))

    @cached_property
    def label_codes(self) -> np.ndarray:
        """Labels as positions in `label_names`; -1 where there is none.

        Returns
        -------
        ndarray of shape (n,), int64
        """
        if not self.label_names or self.labels is None:
            return np.full(len(self), -1)
        if self.has_several_labels:
            code_of = {None: -1} | {name: code for code, name in enumerate(self.label_names)}
            return np.array([code_of[one] for one in self.labels], dtype=np.int64)
        names = pa.array(self.label_names, type=self.table["label"].type)
        codes = pc.index_in(self.table["label"], value_set=names)
        return pc.fill_null(codes, -1).to_numpy().astype(np.int64)

    @cached_property
    def similarity(self) -> Similarity:
        """How similar items are, as far as labels, pairs, groups and sources tell."""
        return similarity_of(self, self.links)

    @property
    def frame(self) -> "pd.DataFrame":
        """Everything known of the items, as a pandas frame."""
        return self.table.to_pandas()

    # -- selecting --------------------------------------------------------------------------

    def __getitem__(self, key: Selection) -> "Items":
        """Select items by position, slice, list of positions or mask."""
        positions = as_positions(key, len(self))
        return replace(
            self,
            content=self.content.take(positions),
            table=self.table.take(pa.array(positions)),
        )

    def where(self, **values: Any) -> "Items":
        """Select the items whose columns have these values.

        Parameters
        ----------
        **values
            Column name = one value, or a list, set or array of values. Of items with several
            labels those that have one of them.

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

    def part(self, name: str) -> "Items":
        """Take one part of each item; ids, labels and columns stay.

        Raises
        ------
        ChoiceError
            The items have no such part.

        Examples
        --------
        >>> both = Items.from_arrays({"word": ["fox", "car"], "size": [3, 5]})
        >>> both, both.part("word")
        (Items: 2 items of word and size, Items: 2 texts)
        """
        if not isinstance(self.content, Mixed) or name not in self.parts:
            raise ChoiceError.of("part", name, self.parts)
        return replace(self, content=self.content.parts[name])

    as_pairs = _pairing.as_pairs

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


def _of_tuples(column: pa.ChunkedArray) -> np.ndarray:
    found = np.empty(len(column), dtype=object)
    found[:] = [None if row is None else tuple(row) for row in column.to_pylist()]
    return found


def _locked(array: np.ndarray) -> np.ndarray:
    """Forbid writing: the array is kept and handed out again."""
    array.flags.writeable = False
    return array
