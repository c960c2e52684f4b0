"""Confusions: which label the nearest neighbor has, and which pairs of labels are mixed up."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab import _html
from simlab.errors import ChoiceError, DataError
from simlab.space._neighbors import Neighbors
from simlab.space.diagnosis._wilson import wilson
from simlab.space.scores._intervals import LEVEL
from simlab.space.scores._paired import holm

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 6


@dataclass(frozen=True, eq=False, repr=False)
class Confusions:
    """The confusion matrix of nearest neighbors: rows are labels, columns those of the neighbors.

    Attributes
    ----------
    cells : pandas.DataFrame
        One row per cell that is not empty (at most one per query, however many labels there
        are): `label` (of the queries), `neighbor` (the label of their nearest), `n` (queries),
        `of` (all queries of the label), `share`, `low` and `high` (its 95% interval, Wilson).
        Cells off the diagonal have a test: `n_items` (different items that are these neighbors),
        `expected` (how many, if wrong neighbors came from the other labels by their size), `p`,
        `p_corrected` (for all pairs of labels, Holm) and `is_confused` (below 0.05).
    neighbors : Neighbors
        The queries counted, with all their neighbors.

    Examples
    --------
    >>> from simlab.items import Items
    >>> from simlab.space import Embeddings, Index
    >>> items = Items.from_arrays(["a", "b", "c", "d"], labels=["x", "x", "y", "y"])
    >>> space = Embeddings(np.array([[1, 0], [1, 0.1], [0, 1], [1, 0.5]]), items)
    >>> found = confusions(Index(space).search(space, k=1, exclude_self=True))
    >>> found.matrix().to_numpy().tolist()
    [[2, 0], [1, 1]]
    """

    cells: "pd.DataFrame"
    neighbors: Neighbors

    @property
    def pairs(self) -> "pd.DataFrame":
        """The cells off the diagonal: pairs that the test calls confused first, then by `low`.

        `back` tells how many queries go the other way.
        """
        cells = self.cells
        n_of = cells.set_index(["label", "neighbor"])["n"].to_dict()
        wrong = cells[cells["label"] != cells["neighbor"]]
        other_way = zip(wrong["neighbor"], wrong["label"], strict=True)
        wrong = wrong.assign(back=[n_of.get(pair, 0) for pair in other_way])
        ranked = wrong.sort_values(["is_confused", "low"], ascending=False, kind="stable")
        return ranked.reset_index(drop=True)

    @cached_property
    def labels(self) -> list[Any]:
        """All labels of queries and of nearest neighbors, sorted."""
        return sorted({*self.cells["label"], *self.cells["neighbor"]})

    def matrix(self, labels: list[Any] | None = None) -> "pd.DataFrame":
        """Lay the counts out as a dense matrix.

        Parameters
        ----------
        labels : list, optional
            Rows and columns; all by default.

        Returns
        -------
        pandas.DataFrame of int
            Rows: labels of the queries. Columns: labels of their nearest neighbors.
        """
        import pandas as pd

        labels = self.labels if labels is None else labels
        place = {label: at for at, label in enumerate(labels)}
        cells = self.cells[self.cells["label"].isin(labels) & self.cells["neighbor"].isin(labels)]
        counts = np.zeros((len(labels), len(labels)), dtype=int)
        counts[cells["label"].map(place), cells["neighbor"].map(place)] = cells["n"]
        return pd.DataFrame(counts, index=labels, columns=labels)

    def between(self, label: Any = None, neighbor: Any = None) -> Neighbors:
        """Select the queries of one label whose nearest neighbor has another one.

        Parameters
        ----------
        label, neighbor : optional
            By default the pair that is confused most, `pairs.iloc[0]`.

        Returns
        -------
        Neighbors
            For `simlab.gallery`; the pairs that are most similar first.

        Raises
        ------
        ChoiceError
            Not a label.
        DataError
            No query of `label` has such a neighbor.
        """
        if label is None and neighbor is None and len(self.pairs):
            label, neighbor = self.pairs.loc[0, ["label", "neighbor"]]
        for name, one in (("label", label), ("neighbor", neighbor)):
            if one not in self.labels:
                raise ChoiceError.of(name, one, [str(known) for known in self.labels])
        own, found = _labels(self.neighbors)
        rows = np.flatnonzero((own == label) & (found == neighbor))
        if not rows.size:
            raise DataError(
                f"no query of {label!r} has a nearest neighbor of {neighbor!r}; see .pairs for "
                "those that do"
            )
        nearest = self.neighbors.similarities[rows, 0]
        return self.neighbors[rows[np.argsort(-nearest, kind="stable")]]

    @property
    def html(self) -> str:
        """The most confused pairs as a table, without a title."""
        pairs = self.pairs
        if pairs.empty:
            return _html.soft("every nearest neighbor has the label of its query")
        rows = [
            [
                f"{one.label} → {one.neighbor}",
                f"{one.n} of {one.of}",
                f"{one.share:.0%}  [{one.low:.0%}, {one.high:.0%}]",
                one.n_items,
                one.back,
                _html.Marked("confused", "no")
                if one.is_confused
                else _html.Marked("may be chance", "soft"),
            ]
            for one in pairs.head(_SHOWN).itertuples()
        ]
        head = ["label → nearest neighbor", "queries", "share, 95% interval"]
        head += ["different neighbors", "other way", "test"]
        return _html.table(head, rows)

    def __repr__(self) -> str:
        right = self.cells.loc[self.cells["label"] == self.cells["neighbor"], "n"].sum()
        n, n_pairs = self.cells["n"].sum(), int(self.pairs["is_confused"].sum())
        return (
            f"Confusions: {right:,} of {n:,} nearest neighbors have the label of their query; "
            f"{n_pairs:,} pair{'' if n_pairs == 1 else 's'} of {len(self.labels):,} labels confused"
        )

    def _repr_html_(self) -> str:
        return _html.block(repr(self), self.html)


def confusions(neighbors: Neighbors) -> Confusions:
    r"""Count the labels of nearest neighbors, and test which pairs of labels are confused.

    A query of label a has a wrong nearest neighbor now and then; confused with b is a where these
    neighbors are of label b more often than the sizes of the labels explain. Of the D different
    items that are wrong nearest neighbors of label a, X have label b. If labels said nothing, the
    D were drawn from all items of other labels, and X would follow the hypergeometric distribution
    (Fisher's exact test, one-sided). Different *items* are counted, not queries: one mislabeled
    item in the midst of another class is the neighbor of many, and is one accident. The p-values
    are corrected for all pairs of labels (Holm). With two labels every wrong neighbor is of the
    other label, so nothing can be tested; look at the interval of the share.

    Parameters
    ----------
    neighbors : Neighbors
        With one label per item; queries and nearest neighbors without a label are left out.

    Returns
    -------
    Confusions

    Raises
    ------
    DataError
        No labels, or several labels per item.

    References
    ----------
    Fisher. *The Design of Experiments*. 1935, chapter 2.
    """
    import pandas as pd
    from scipy.stats import hypergeom

    own, found = _labels(neighbors)
    kept = np.array(
        [a is not None and b is not None for a, b in zip(own, found, strict=True)], dtype=bool
    )
    neighbors, own, found = neighbors[kept], own[kept], found[kept]
    gallery = pd.Series(neighbors.gallery.items.labels).value_counts()  # without None
    frame = pd.DataFrame(
        {"label": own, "neighbor": found, "item": neighbors.positions[:, 0], "n": 1}
    )
    cells = (
        frame.groupby(["label", "neighbor"])
        .agg(n=("n", "sum"), n_items=("item", "nunique"))
        .reset_index()
    )
    cells["of"] = cells.groupby("label")["n"].transform("sum")
    cells["share"] = cells["n"] / cells["of"]
    cells["low"], cells["high"] = wilson(cells["n"].to_numpy(), cells["of"].to_numpy())
    is_wrong = (cells["label"] != cells["neighbor"]).to_numpy()
    wrong = cells[is_wrong]
    drawn = wrong.groupby("label")["n_items"].transform("sum")
    others = gallery.sum() - wrong["label"].map(gallery).fillna(0)
    sizes = wrong["neighbor"].map(gallery)
    cells["expected"] = (drawn * sizes / others).reindex(cells.index)
    p = hypergeom.sf(wrong["n_items"] - 1, others, sizes, drawn)
    queried = pd.unique(own)
    n_pairs = len(queried) * len(gallery) - int(np.isin(queried, gallery.index).sum())
    cells.loc[is_wrong, "p"] = p
    cells.loc[is_wrong, "p_corrected"] = holm(p, n_pairs)
    cells["is_confused"] = cells.get("p_corrected", np.nan) < 1 - LEVEL
    return Confusions(cells[list(_COLUMNS)], neighbors)


_COLUMNS = (
    *("label", "neighbor", "n", "of", "share", "low", "high"),
    *("n_items", "expected", "p", "p_corrected", "is_confused"),
)


def _labels(neighbors: Neighbors) -> tuple[np.ndarray, np.ndarray]:
    """Read the label of each query and that of its nearest neighbor."""
    own, found = neighbors.queries.items.labels, neighbors.labels
    if own is None or found is None:
        raise DataError("confusions need labels on queries and gallery; give labels= to the items")
    if neighbors.queries.items.has_several_labels:
        raise DataError(
            "confusions need one label per item; these have several, so that a neighbor is right "
            "by degrees; see simlab.score for what is told of them"
        )
    return own, found[:, 0]
