"""Honest splits: by label (unseen classes), by item, by the values of a column, and by time."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simlab.errors import ChoiceError, DataError
from simlab.items import _shares
from simlab.items._links import split_codes

if TYPE_CHECKING:
    from simlab.items._items import Items

_OWN = ("id", "seen", "split")
"""Columns that group nothing."""


def split(
    items: "Items",
    by: str = "label",
    test: float = 0.5,
    val: float = 0.0,
    *,
    seed: int = 0,
    stratify: str | None = None,
    column: str | None = None,
) -> "Items":
    """Split into train, validation and test items.

    Parameters
    ----------
    by : {"label", "item", "time"} or the name of a column, default="label"
        `"label"`: test labels do not occur in training (*unseen classes*, the honest test of
        a similarity model). `"item"`: items of every label in each part (*seen classes*).
        Items with several labels stay together if a label connects them, those of scored pairs
        and triplets if a pair does. A column, such as `"user"`: items that share its value stay
        in one part. `"time"`: the
        latest items are the test, those before them the validation.
    test, val : float, default=0.5 and 0.0
        Shares in [0, 1): of labels, of items, or of values of the column; a share above 0 gets
        at least one. By time, shares of the items; those of one time stay together.
    seed : int, default=0
        Which labels, items or values go where. Time is not drawn.
    stratify : str, optional
        A column whose values each part holds in equal shares: up to one item of each value by
        item, where the default is the label; up to one group of each otherwise, a group counting
        with its most frequent value.
    column : str, optional
        Where the time stands, for `by="time"`: numbers, dates, or texts in ISO 8601. By default
        the column `time`.

    Returns
    -------
    Items
        With the columns `split` (`"train"`, `"val"`, `"test"`) and `seen` (whether the
        item's label occurs in training; only with labels).

    Raises
    ------
    ChoiceError
        Unknown `by`, or a column that the items do not have.
    DataError
        A label, value or time that is missing, fewer than two of them, or shares that leave no
        training items.

    Examples
    --------
    >>> from simlab.items import Items
    >>> items = Items.from_arrays(list("abcdef"), labels=[0, 0, 1, 1, 2, 2])
    >>> halves = items.split(by="label", test=0.34)
    >>> len(halves.where(split="train")), len(halves.where(split="test"))
    (4, 2)
    >>> items.with_column("year", [1, 3, 2, 1, 2, 3]).split(
    ...     by="time", column="year", test=0.3
    ... ).where(split="test").content[:]
    ['b', 'f']
    """
    if not (0 <= test < 1 and 0 <= val < 1 and test + val < 1):
        raise DataError(
            f"test and val must be shares in [0, 1) that leave some for training; "
            f"got test={test!r}, val={val!r}"
        )
    if column is not None and by != "time":
        raise DataError(
            f"column is where the time stands, for by='time'; got by={by!r}, column={column!r}; "
            f"to keep equal values of a column together, say by={column!r}"
        )
    if by == "time":
        if stratify is not None:
            raise DataError(
                f"a split by time takes the latest items as they come; got stratify={stratify!r}; "
                "leave it out"
            )
        parts = _shares.of_time(_times(items, column or "time"), test, val)
    else:
        groups, strata = _units(items, by, stratify, ways=("item", "label", "time"))
        rng = np.random.default_rng(seed)
        if strata is None:
            parts = _shares.of_groups(groups, test, val, rng)
        else:
            parts = _shares.of_strata(strata, test, val, rng)[groups]
    if not (parts == "train").any():
        raise DataError(
            f"training must keep some items; test={test!r} and val={val!r} left none of "
            f"{len(items)}; give smaller shares"
        )
    return _with_parts(items, parts)


def folds(
    items: "Items", k: int = 5, by: str = "label", *, seed: int = 0, stratify: str | None = None
) -> "list[Items]":
    """Split k times, so that every label (or item, or value of a column) is tested exactly once.

    Parameters
    ----------
    k : int, default=5
        Number of folds, from 2 to the number of labels, items or values.
    by, seed, stratify
        As in `split`, without `"time"`: the past cannot be tested with the future.

    Returns
    -------
    list of k Items
        The same items each time, with the columns `split` (`"train"`, `"test"`) and `seen`.

    Raises
    ------
    ChoiceError
        Unknown `by`, or a column that the items do not have.
    DataError
        Too few labels, items or values for `k` folds, or a missing one.

    Examples
    --------
    >>> from simlab.items import Items
    >>> items = Items.from_arrays(list("abcdef"), labels=[0, 0, 1, 1, 2, 2])
    >>> [fold.where(split="test").label_names for fold in items.folds(3)]
    [(2,), (0,), (1,)]
    """
    groups, strata = _units(items, by, stratify, ways=("item", "label"))
    n = len(np.unique(groups))
    if not 2 <= k <= n:  # noqa: PLR2004
        raise DataError(
            f"k must be from 2 to {n}, the number of {_plural(by)} to deal out; got {k!r}"
        )
    strata = np.zeros(n, dtype=int) if strata is None else strata
    fold = _shares.folds(strata, k, np.random.default_rng(seed))[groups]
    return [_with_parts(items, np.where(fold == one, "test", "train")) for one in range(k)]


def _with_parts(items: "Items", parts: np.ndarray) -> "Items":
    parted = items.with_column("split", parts)
    if "label" not in items.columns:
        return parted
    known = items.similarity
    if known.several is not None:  # seen are those of which every label is
        starts, labels = known.several
        owners = np.repeat(np.arange(len(items)), np.diff(starts))
        is_new = ~np.isin(labels, labels[(parts == "train")[owners]])
        is_seen = np.bincount(owners, weights=is_new, minlength=len(items)) == 0
        return parted.with_column("seen", is_seen & (known.codes >= 0))
    trained = np.unique(known.codes[parts == "train"])
    return parted.with_column("seen", np.isin(known.codes, trained) & (known.codes >= 0))


def _units(
    items: "Items", by: str, stratify: str | None, *, ways: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Find what stays together, as integers from 0 on, and what is shared out evenly.

    Returns
    -------
    groups : ndarray of shape (n,)
        The unit of each item: itself, its label, or its value of a column.
    strata : ndarray of shape (n_units,) or None
    """
    choices = {*ways, *items.columns} - {*_OWN}
    if by not in choices:
        raise ChoiceError.of("by", by, choices)
    if stratify is not None and stratify not in (there := {*items.columns} - {*_OWN}):
        raise ChoiceError.of("stratify", stratify, there)
    has_pairs = items.links.pairs is not None or items.links.side is not None
    if by == "item" and has_pairs:  # no pair is cut in two
        by = "label"
    if by == "item":
        strata = np.zeros(len(items), dtype=int)
        if "label" in items.columns and stratify is None:
            strata = _complete(items.label_codes, "label")
        return np.arange(len(items)), strata if stratify is None else _codes(items, stratify)
    groups = _complete(_codes(items, by), by)
    return groups, None if stratify is None else _most_frequent(groups, _codes(items, stratify))


def _codes(items: "Items", name: str) -> np.ndarray:
    """Give the values of a column as integers in their order; -1 where there is none."""
    if name == "label":
        return split_codes(items)
    column = items.table[name]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_nested(column.type):
        raise DataError(
            f"column {name!r} must hold one value per item to split by it; got {column.type}; "
            "choose another"
        )
    values = pa.array(sorted(pc.unique(column.drop_null()).to_pylist()), type=column.type)
    return pc.fill_null(pc.index_in(column, value_set=values), -1).to_numpy().astype(np.int64)


def _complete(codes: np.ndarray, by: str) -> np.ndarray:
    """Refuse missing values, and a single one."""
    n_missing, n_values = int((codes < 0).sum()), len(np.unique(codes))
    if n_missing and by == "label":
        raise DataError(
            f"a split needs a label for every item; {n_missing} of {len(codes)} have "
            "none; give labels, or drop these items with items.with_min_count(1)"
        )
    if n_missing:
        raise DataError(
            f"a split by {by!r} needs it for every item; {n_missing} of {len(codes)} have none; "
            "fill the column or leave these items out"
        )
    if n_values < 2:  # noqa: PLR2004
        why = "similarity is learned from what differs"
        raise DataError(
            f"a split needs at least two {_plural(by)}; got {n_values}; "
            f"{why if by == 'label' else 'choose another column'}"
        )
    return codes


def _plural(by: str) -> str:
    return f"{by}s" if by in {"item", "label"} else f"values of {by!r}"


def _most_frequent(groups: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Find the stratum that most items of each group are in; the first one when several are."""
    pairs, counts = np.unique(np.stack([groups, strata]), axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -counts, pairs[0]))
    _, first = np.unique(pairs[0, order], return_index=True)
    return pairs[1, order[first]]


def _times(items: "Items", name: str) -> np.ndarray:
    """Rank the times of the items, from 0 on."""
    if name not in items.columns:
        raise ChoiceError.of("column", name, items.columns)
    column = items.table[name]
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = _parsed(column, name)
    elif not any(
        is_time(kind)
        for is_time in (pa.types.is_temporal, pa.types.is_integer, pa.types.is_floating)
    ):
        raise DataError(
            f"column {name!r} must hold times: numbers, dates, or texts in ISO 8601; got {kind}; "
            "convert it first"
        )
    n_missing = column.null_count
    if pa.types.is_floating(column.type):
        n_missing = len(column) - (pc.sum(pc.is_finite(column)).as_py() or 0)
    if n_missing:
        raise DataError(
            f"a split by time needs a time for every item; {n_missing} of {len(column)} in "
            f"{name!r} are missing or not finite; fill the column or leave these items out"
        )
    times, ranks = np.unique(column.to_numpy(), return_inverse=True)
    if len(times) < 2:  # noqa: PLR2004
        raise DataError(
            f"a split by time needs at least two times; got {len(times)} in {name!r}; "
            "choose another column"
        )
    return ranks


def _parsed(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    import pandas as pd

    texts = column.to_pandas()
    times = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
    if (wrong := texts[times.isna() & texts.notna()]).size:
        raise DataError(
            f"column {name!r} must hold times: numbers, dates, or texts in ISO 8601; got "
            f"{wrong.iloc[0]!r} ({wrong.size} of {len(texts)} are none); convert it first"
        )
    return pa.chunked_array([pa.Array.from_pandas(times)])
