"""Other galleries from one: items added, left out, or one prototype per label."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab.errors import DataError
from simlab.items import appended
from simlab.space._embeddings import Embeddings

if TYPE_CHECKING:
    from simlab.space._index import Index


def add(index: "Index", embeddings: Embeddings) -> "Index":
    """Put more items into the gallery, of new classes or of those there; nothing is trained.

    Parameters
    ----------
    embeddings : Embeddings
        From the same encoder as the gallery.

    Returns
    -------
    Index
        A new one. A calibration is kept: `check` tells whether it still holds.

    Raises
    ------
    DataError
        Ids that the gallery has already, items of another kind, or another encoder.
    ShapeError
        Another dimension.

    Examples
    --------
    >>> from simlab import Index, Items
    >>> items = Items.from_arrays(["a", "b"], labels=["x", "y"], ids=["a", "b"])
    >>> both = Embeddings(np.eye(2), items)
    >>> Index(both[:1]).add(both[1:])
    Index: 2 items, exact search
    """
    index._check(embeddings, 1, most=1)  # noqa: SLF001 (the same room)
    gallery = index.embeddings
    vectors = np.concatenate([gallery.vectors, embeddings.vectors])
    items = appended(gallery.items, embeddings.items)
    return replace(index, embeddings=Embeddings(vectors, items, gallery.source))


def remove(index: "Index", *, label: Any = None, ids: Any = None) -> "Index":
    """Leave items out of the gallery.

    Parameters
    ----------
    label : label or list of labels, optional
        All items of these classes.
    ids : id or list of ids, optional
        These items.

    Returns
    -------
    Index
        A new one, with the calibration of this one.

    Raises
    ------
    DataError
        Neither or both are given, no item is such, or none would be left.

    Examples
    --------
    >>> from simlab import Index, Items
    >>> items = Items.from_arrays(["a", "b"], labels=["x", "y"], ids=["a", "b"])
    >>> Index(Embeddings(np.eye(2), items)).remove(label="y")
    Index: 1 item, exact search
    """
    if (label is None) == (ids is None):
        raise DataError("remove takes either label= or ids=, which say what is to go")
    items = index.embeddings.items
    if ids is None:
        keep = np.ones(len(items), dtype=bool)
        keep[items.rows_where(label=label)] = False
    else:
        keep = np.isin(items.ids.astype(object), items.without(ids).ids.astype(object))
    if keep.all():
        raise DataError(f"none of the {len(items)} items of the gallery has the ids {ids!r}")
    return replace(index, embeddings=index.embeddings[keep])


def prototypes(index: "Index") -> "Index":
    """Keep one vector per label: the mean direction of its items.

    A prototype is shown as the item nearest to it, and has its id. Items without a label go.

    Returns
    -------
    Index
        A new one, one item per label, not calibrated: similarities to means are others.

    Raises
    ------
    DataError
        A gallery without labels, or with several per item.

    References
    ----------
    Snell, Swersky, Zemel. *Prototypical Networks for Few-shot Learning*. NeurIPS 2017.
    arXiv:1703.05175 (there with Euclidean distance).

    Examples
    --------
    >>> from simlab import Index, Items
    >>> items = Items.from_arrays(["a", "b", "c"], labels=["x", "x", "y"])
    >>> space = Embeddings(np.array([[1.0, 0.2], [1.0, -0.2], [0.0, 1.0]]), items)
    >>> Index(space).prototypes().embeddings.vectors.round(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    gallery = index.embeddings
    if not gallery.items.label_names or gallery.items.has_several_labels:
        raise DataError("a prototype stands for a label; give the gallery one label per item")
    codes = gallery.items.label_codes
    rows = np.flatnonzero(codes >= 0)
    sums = np.zeros((len(gallery.items.label_names), gallery.dim))
    np.add.at(sums, codes[rows], gallery.unit[rows])
    means = Embeddings(sums, gallery.items[np.unique(codes[rows], return_index=True)[1]]).unit
    nearness = (gallery.unit[rows] * means[codes[rows]]).sum(axis=1)
    order = np.lexsort((-nearness, codes[rows]))
    first = order[np.unique(codes[rows][order], return_index=True)[1]]
    shown = gallery.items[rows[first]]
    return replace(index, embeddings=Embeddings(means, shown, gallery.source), calibration=None)
