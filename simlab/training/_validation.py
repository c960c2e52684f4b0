"""Which items training may use, and which of them are held out to stop in time."""

import warnings

import numpy as np

from simlab.errors import DataError, SimlabWarning
from simlab.items import Items, split_codes

_FEWEST_CLASSES = 4
"""With fewer classes, classes are too few to hold some out: items are held out instead."""
_HELD_CLASSES = 4
"""So many classes are held out at least, if they are half of all at most. Two of twelve do not
tell how classes to come will fare: on the glosses training was stopped where four of twelve, and
the test classes, had long become worse."""
_FEWEST_LABELS = 2
"""With one label everything is a friend, and every space looks perfect."""
_NEEDED = "(it needs two labels with two items each)"


def usable(items: Items, views: int = 1) -> Items:
    """Choose the items that training and validation may see: never the test items.

    Without labels and pairs, but with views, all training items are learned from.

    Raises
    ------
    DataError
        No items, no labels, fewer than two labels, or a label with one item.
    """
    if not len(items):
        raise DataError("fit needs at least one item; got none")
    train = items.where(split="train") if "split" in items.columns else items
    known = train.similarity
    if known.says_nothing and views > 1:
        return train
    if items.labels is None and items.similarity.pairs is None:
        raise DataError(
            "fit needs labels or pairs; give labels= when making the items, or learn without any "
            "from views= of an encoder that augments"
        )
    if known.pairs is None:
        _check_labels(train)
    elif not len(known.pairs):
        raise DataError("fit needs pairs of which both items are for training; got none")
    return items.where(split=["train", "val"]) if "split" in items.columns else items


def _check_labels(train: Items) -> None:
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
    if train.has_several_labels:  # a rare combination may share labels with others
        return
    counts = np.bincount(train.label_codes, minlength=len(names))
    single = np.flatnonzero(counts == 1)
    if single.size:
        raise DataError(
            f"label {names[single[0]]!r} has 1 item, but fit needs at least 2 per label "
            f"({single.size} such labels); drop them with items.with_min_count(2)"
        )


def tests_seen_classes(items: Items) -> bool:
    """Tell whether there are test items and all their classes occur in training."""
    if "split" not in items.columns or items.labels is None:
        return False
    split, codes = items.column("split"), items.label_codes
    tested = codes[split == "test"]
    return bool(tested.size and np.isin(tested, codes[split == "train"]).all())


def choose_monitor(name: str, items: Items) -> str:
    """Choose what "better" means, for `"auto"`: retrieval, or for pairs their order.

    Examples
    --------
    >>> choose_monitor("auto", Items.from_triplets(["a"], ["b"], ["c"]))
    'triplet-accuracy'
    """
    scores = items.similarity.scores
    if name != "auto":
        return name
    if scores is None or items.similarity.group is not None:
        return "map@r"
    return "triplet-accuracy" if np.isin(scores, (0, 1)).all() else "spearman"


def training_rows(items: Items) -> np.ndarray:
    """Tell the positions of the items that may be learned from: all but those of a `val` part."""
    own = items.column("split") if "split" in items.columns else np.full(len(items), "train")
    return np.flatnonzero(own == "train")


def hold_out(
    items: Items, share: float, seed: int, *, by_item: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Separate training from validation items.

    Items split with `val=` keep their parts. Otherwise a share is held out of training: whole
    classes where test classes are unseen (or nothing is known of a test), items of every class
    where the test items belong to the classes of training, or where there are few classes.

    Parameters
    ----------
    items : Items
        From `usable`.
    share : float
        In [0, 1); 0 holds out nothing. Items with a part of their own ignore it. Of whole classes
        at least four, or half of them.
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
    everyone = np.arange(len(items))
    if items.similarity.says_nothing:
        return everyone, everyone[:0]
    own = items.column("split") if "split" in items.columns else np.full(len(items), "train")
    if (own == "val").any():
        train, val = everyone[own == "train"], everyone[own == "val"]
        if _n_labels(items, val) >= _FEWEST_LABELS:
            return train, val
        _warn(f"the {len(val)} items of the val part are too few for validation {_NEEDED}")
        return train, everyone[:0]
    is_whole = share > 0 and _hang_together(items)
    if is_whole:
        _warn(
            f"{len(items)} items hang together by their pairs, so that none can be held out "
            "(split with val= before mining)"
        )
    if is_whole or share == 0:
        return everyone, everyone[:0]
    is_linked, n_classes = items.similarity.several is not None, len(items.label_names)
    by = "item" if by_item or is_linked or n_classes < _FEWEST_CLASSES else "label"
    if by == "label":
        share = max(share, min(_HELD_CLASSES, n_classes // 2) / n_classes)
    parts = items.split(by=by, test=share, seed=seed).column("split")
    train, val = everyone[parts == "train"], everyone[parts == "test"]
    if min(_n_labels(items, train), _n_labels(items, val)) < _FEWEST_LABELS:
        _warn(f"{len(items)} items are too few to hold {share:.0%} out for validation {_NEEDED}")
        return everyone, everyone[:0]
    return train, val


def _hang_together(items: Items) -> bool:
    """Tell whether pairs link all items to one whole."""
    return items.links.pairs is not None and len(np.unique(split_codes(items))) == 1


def _n_labels(items: Items, rows: np.ndarray) -> int:
    """Count the labels with at least two of these items, or the pairs that tell as much."""
    if items.similarity.several is not None:
        return _FEWEST_LABELS if len(rows) > _FEWEST_LABELS else 0
    pairs = items.similarity.pairs
    if pairs is not None and not items.label_names:
        return int(np.isin(pairs, rows).all(axis=1).sum())
    codes = split_codes(items)[rows]
    return int((np.bincount(codes[codes >= 0]) > 1).sum())


def _warn(what: str) -> None:
    warnings.warn(
        f"{what}; training runs to its end and keeps the last weights",
        SimlabWarning,
        stacklevel=4,
    )
