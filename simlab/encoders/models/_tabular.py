"""Rows of a table as vectors: standardized numbers, and one place per category."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np

from simlab._fingerprint import fingerprint
from simlab.errors import ChoiceError, DataError
from simlab.items import Items

Row = Mapping[Any, Any]


@dataclass(frozen=True)
class _Numbers:
    """A column of numbers: how far from the mean, in standard deviations; 0 if missing."""

    name: Any
    mean: float
    deviation: float
    dim = 1

    def place(self, values: list[Any]) -> np.ndarray:
        try:
            numbers = np.array([np.nan if _is_missing(one) else one for one in values], dtype=float)
        except (TypeError, ValueError):
            wrong = next(one for one in values if not _is_missing(one) and not _is_number(one))
            raise DataError(
                f"column {self.name!r} held numbers in training; got {wrong!r}; convert it, or "
                f"fit anew with categories=[{self.name!r}]"
            ) from None
        return np.nan_to_num((numbers - self.mean) / self.deviation)[:, None]

    @property
    def told(self) -> list[Any]:
        return ["numbers", str(self.name), self.mean, self.deviation]


@dataclass(frozen=True)
class _Categories:
    """A column of categories: 1 at the place of the one it is; zeros if missing or never seen."""

    name: Any
    known: tuple[str, ...]

    @property
    def dim(self) -> int:
        return len(self.known)

    def place(self, values: list[Any]) -> np.ndarray:
        codes = {value: place for place, value in enumerate(self.known)}
        placed = np.zeros((len(values), self.dim))
        for row, value in enumerate(values):
            if not _is_missing(value) and (code := codes.get(str(value), -1)) >= 0:
                placed[row, code] = 1
        return placed

    @property
    def told(self) -> list[Any]:
        return ["categories", str(self.name), *self.known]


class Tabular:
    """An encoder of rows, fitted on training rows: numbers standardized, categories one-hot.

    Parameters
    ----------
    training : DataFrame, Items of arrays, or sequence of rows
        Training rows only, so that test rows stay unseen. A row is a mapping from columns to
        values, or an array (its columns are then called 0, 1, ...).
    columns : sequence, optional
        Which columns to read; by default all.
    categories : sequence, optional
        Columns to take as categories though they hold numbers. Columns of texts and booleans
        always are.
    name : str, default="tabular"

    Raises
    ------
    ChoiceError
        A column that is not there.
    DataError
        No rows, or a column without any value.

    Examples
    --------
    >>> rows = [{"price": 1.0, "color": "red"}, {"price": 3.0, "color": "blue"}]
    >>> table = Tabular(rows)
    >>> table.encode([{"price": 3.0, "color": "red"}])
    array([[1., 0., 1.]], dtype=float32)
    >>> table.features
    ('price', 'color=blue', 'color=red')
    """

    modalities = frozenset({"array", "mixed"})

    def __init__(
        self,
        training: Any,
        *,
        columns: Sequence[Any] | None = None,
        categories: Sequence[Any] = (),
        name: str = "tabular",
    ) -> None:
        rows = _rows(training)
        if not rows:
            raise DataError("Tabular needs at least one training row; got none")
        self.name = name
        there = list(dict.fromkeys(column for row in rows for column in row))
        for column in [*(columns or ()), *categories]:
            if column not in there:
                raise ChoiceError.of("column", column, [str(one) for one in there])
        self._columns = tuple(
            _learn(column, [row.get(column) for row in rows], column in categories)
            for column in (columns or there)
        )

    @property
    def features(self) -> tuple[str, ...]:
        """What each number of a vector stands for."""
        return tuple(
            name
            for column in self._columns
            for name in (
                [str(column.name)]
                if isinstance(column, _Numbers)
                else [f"{column.name}={value}" for value in column.known]
            )
        )

    @property
    def dim(self) -> int:
        """Numbers per vector."""
        return sum(column.dim for column in self._columns)

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the columns and what was learned of them."""
        return fingerprint("tabular-1", [column.told for column in self._columns])

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Place rows; shape (n, dim).

        Raises
        ------
        DataError
            A row without one of the columns, or with a text where a number is expected.
        """
        rows = [_as_row(value) for value in content]
        for column in self._columns:
            lacking = [place for place, row in enumerate(rows) if column.name not in row]
            if lacking:
                raise DataError(
                    f"every row must have the column {column.name!r}; {len(lacking)} of "
                    f"{len(rows)} have not (first at row {lacking[0]}, which has "
                    f"{list(rows[lacking[0]])}); None stands for a missing value"
                )
        parts = [column.place([row[column.name] for row in rows]) for column in self._columns]
        return np.concatenate(parts, axis=1).astype(np.float32)

    def __repr__(self) -> str:
        n = len(self._columns)
        return f"Tabular({self.name}, {n} column{'s' * (n != 1)}, {self.dim} dimensions)"


def _rows(training: Any) -> list[Row]:
    if isinstance(training, Items):
        training = training.content
    if hasattr(training, "to_dicts"):  # polars
        return cast("list[Row]", training.to_dicts())
    if hasattr(training, "iterrows"):  # pandas
        return cast("list[Row]", training.to_dict("records"))
    return [_as_row(value) for value in training]


def _as_row(value: Any) -> Row:
    if hasattr(value, "to_dict"):  # a row of a frame
        value = value.to_dict()
    if isinstance(value, Mapping):  # numbers of items with parts are arrays of one number
        return {
            name: one.item() if isinstance(one, np.ndarray) and one.size == 1 else one
            for name, one in value.items()
        }
    return dict(enumerate(np.asarray(value).ravel().tolist()))


def _learn(column: Any, values: list[Any], as_categories: bool) -> _Numbers | _Categories:  # noqa: FBT001
    known = [value for value in values if not _is_missing(value)]
    if not known:
        raise DataError(f"column {column!r} has no value in training; leave it out with columns=")
    if as_categories or not all(_is_number(value) for value in known):
        return _Categories(column, tuple(sorted({str(value) for value in known})))
    numbers = np.array(known, dtype=float)
    return _Numbers(column, float(numbers.mean()), float(numbers.std()) or 1.0)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _is_missing(value: Any) -> bool:
    """Tell None, NaN, NaT and pandas' NA: none of them equals itself, or says so."""
    if value is None:
        return True
    try:
        return bool(value != value)  # noqa: PLR0124
    except TypeError:  # pandas.NA does not decide
        return True
