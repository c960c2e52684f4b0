"""Who is trained on and who is tested on: by label (unseen classes) or by item (seen ones)."""

import numpy as np

from simlab.errors import ChoiceError, DataError

WAYS = ("item", "label")


def assign(
    codes: np.ndarray, *, by: str, test: float, val: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Give every item its part; a share above 0 gets at least one label (or item).

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Labels as integers; -1 for none.

    Returns
    -------
    split : ndarray of shape (n,), str
        `"train"`, `"val"` or `"test"`.
    seen : ndarray of shape (n,), bool
        Whether the item's label occurs in training.
    """
    if by not in WAYS:
        raise ChoiceError.of("by", by, WAYS)
    if not (0 <= test < 1 and 0 <= val < 1 and test + val < 1):
        raise DataError(
            f"test and val must be shares in [0, 1) that leave some for training; "
            f"got test={test!r}, val={val!r}"
        )
    if (codes < 0).any():
        raise DataError(
            f"a split needs a label for every item; {int((codes < 0).sum())} of {len(codes)} have "
            "none; give labels, or drop these items with items.with_min_count(1)"
        )
    if len(np.unique(codes)) < 2:  # noqa: PLR2004
        raise DataError(
            f"a split needs at least two labels; got {len(np.unique(codes))}; "
            "similarity is learned from what differs"
        )
    rng = np.random.default_rng(seed)
    split = (_by_label if by == "label" else _by_item)(codes, test, val, rng)
    if not (split == "train").any():
        raise DataError(
            f"training must keep some items; test={test!r} and val={val!r} left none of "
            f"{len(codes)}; give smaller shares"
        )
    return split, np.isin(codes, codes[split == "train"])


def _by_label(codes: np.ndarray, test: float, val: float, rng: np.random.Generator) -> np.ndarray:
    labels = rng.permutation(np.unique(codes))
    n_test, n_val = (max(round(share * len(labels)), share > 0) for share in (test, val))
    split = np.full(len(codes), "train")
    split = np.where(np.isin(codes, labels[:n_test]), "test", split)
    return np.where(np.isin(codes, labels[n_test : n_test + n_val]), "val", split)


def _by_item(codes: np.ndarray, test: float, val: float, rng: np.random.Generator) -> np.ndarray:
    """Walk through the items label by label and send every 1/share-th to a part: stratified."""
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    split = np.full(len(codes), "train")
    split[order[_every(test, len(order))]] = "test"
    rest = order[split[order] == "train"]
    split[rest[_every(val / (1 - test), len(rest))]] = "val"
    return split


def _every(share: float, n: int) -> np.ndarray:
    steps = np.floor(np.arange(n + 1) * share + 1e-9)
    chosen = np.diff(steps) > 0
    if share > 0 and n and not chosen.any():
        chosen[-1] = True
    return chosen
