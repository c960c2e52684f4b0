"""Items of various kinds in one set: some are pictures, others texts."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from simlab._fingerprint import DIGEST_BYTES
from simlab.items._content import VARIOUS, Content


@dataclass(frozen=True, eq=False)
class Various(Content):
    """Content of several modalities, each in a column of its own.

    Attributes
    ----------
    columns : tuple of Content
        One for each modality, in alphabetical order.
    column : ndarray of shape (n,), int
        In which of them each item lies.
    place : ndarray of shape (n,), int
        And where in it.
    """

    columns: tuple[Content, ...]
    column: np.ndarray
    place: np.ndarray
    modality = VARIOUS

    def __len__(self) -> int:
        return len(self.column)

    @property
    def modalities(self) -> frozenset[str]:
        """Those of the items."""
        return frozenset(column.modality for column in self.columns)

    @property
    def modality_of_each(self) -> np.ndarray:
        """The modality of each item, shape (n,)."""
        return np.array([column.modality for column in self.columns])[self.column]

    @property
    def told(self) -> str:
        """Say how many items of each kind there are."""
        said = [column.take(self.place[rows]).told for column, rows in self._apart()]
        return " and ".join(", ".join(said).rsplit(", ", 1))

    @property
    def may_change(self) -> bool:
        """Whether some items are files, which may change under us."""
        return any(column.may_change for column in self.columns)

    def read(self, position: int) -> Any:
        """Read one item."""
        return self.columns[self.column[position]].read(int(self.place[position]))

    def read_many(self, positions: slice) -> list[Any]:
        """Read several items."""
        return [self.read(one) for one in range(len(self))[positions]]

    def take(self, positions: np.ndarray) -> Content:
        """Select items by position; those of one kind that are left are a plain column."""
        column, place = self.column[positions], self.place[positions]
        left = np.unique(column)
        if len(left) == 1:
            return self.columns[left[0]].take(place)
        return Various(
            tuple(self.columns[one] for one in left), np.searchsorted(left, column), place
        )

    def digests(self) -> np.ndarray:
        """Hash what each item is, as in a set of its kind alone."""
        found = np.empty((len(self), DIGEST_BYTES), dtype=np.uint8)
        for column, rows in self._apart():
            found[rows] = column.take(self.place[rows]).digests()
        return found

    def _apart(self) -> list[tuple[Content, np.ndarray]]:
        return [
            (column, np.flatnonzero(self.column == number))
            for number, column in enumerate(self.columns)
        ]
