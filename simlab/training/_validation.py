"""Which items training may use, and which of them are held out to stop in time."""

import warnings

import numpy as np

from simlab.errors import DataError, SimlabWarning
from simlab.items import Items

_FEWEST_CLASSES = 8
"""With fewer classes, classes are too few to hold some out: items are held out instead."""
_FEWEST_HELD = 2


def usable(items: Items) -> Items:
    """Choose the items that training and validation may see: never the test items.

    Raises
    ------
    DataError
        No items, no labels, fewer than two labels, or a label with one item.
    """
    if not len(items):
        raise DataError("fit needs at least one item; got none")
    if items.labels is None:
        raise DataError("fit needs labels; give labels= when making the items")
    if "split" in items.columns:
        items = items[items.column("split") != "test"]
    train = items.where(split="train") if "split" in items.columns else items
    missing = int((train.label_codes < 0).sum())
    if missing:
        raise DataError(
            f"fit needs a label for every item; {missing} of {len(train)} have none; "
            "drop them with items.with_min_count(2)"
        )
    names = train.label_names
    if len(names) < 2:  # noqa: PLR2004
        raise DataError(
            f"fit needs items of at least two labels; got only {names[0]!r}; "
            "similarity is learned from what differs"
        )
    counts = np.bincount(train.label_codes, minlength=len(names))
    single = np.flatnonzero(counts == 1)
    if single.size:
        raise DataError(
            f"label {names[single[0]]!r} has 1 item, but fit needs at least 2 per label "
            f"({single.size} such labels); drop them with items.with_min_count(2)"
        )
    return items


def tests_seen_classes(items: Items) -> bool:
    """Tell whether there are test items and all their classes occur in training."""
    if "split" not in items.columns:
        return False
    split, codes = items.column("split"), items.label_codes
    tested = codes[split == "test"]
    return bool(tested.size and np.isin(tested, codes[split == "train"]).all())


def hold_out(items: Items, share: float, seed: int, *, by_item: bool) -> tuple[np.ndarray, np.ndarray]:
    """Separate training from validation items.

    Items split with `val=` keep their parts. Otherwise a share is held out of training: whole
    classes where test classes are unseen (or nothing is known of a test), items of every class
    where the test items belong to the classes of training, or where there are few classes.

    Parameters
    ----------
    items : Items
        From `usable`.
    share : float
        In [0, 1); 0 holds out nothing.
    seed : int
        Which classes or items.
    by_item : bool
        Hold out items of every class, not whole classes.

    Returns
    -------
    train, val : ndarray of int
        Positions; `val` may be empty.

    Warns
    -----
    SimlabWarning
        Too few items to hold any out: nothing will stop training in time.
    """
    if not 0 <= share < 1:
        raise DataError(f"val must be a share in [0, 1); got {share!r}")
    everyone = np.arange(len(items))
    if "split" in items.columns and (items.column("split") == "val").any():
        return everyone[items.column("split") == "train"], everyone[items.column("split") == "val"]
    if share == 0:
        return everyone, everyone[:0]
    by = "item" if by_item or len(items.label_names) < _FEWEST_CLASSES else "label"
    parts = items.split(by=by, test=share, seed=seed).column("split")
    train, val = everyone[parts == "train"], everyone[parts == "test"]
    counts = np.bincount(items.label_codes[val])
    if len(np.unique(items.label_codes[train])) < 2 or (counts >= _FEWEST_HELD).sum() < 2:  # noqa: PLR2004
        warnings.warn(
            f"{len(items)} items are too few to hold {share:.0%} out for validation; training "
            "runs to its end and keeps the last weights",
            SimlabWarning,
            stacklevel=3,
        )
        return everyone, everyone[:0]
    return train, val

