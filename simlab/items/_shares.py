"""Shares of a set: which units go to training, validation and test, and which to each fold."""

import numpy as np


def of_groups(groups: np.ndarray, test: float, val: float, rng: np.random.Generator) -> np.ndarray:
    """Send whole groups to a part; a share above 0 gets at least one group.

    Parameters
    ----------
    groups : ndarray of shape (n,), int
        The group of each item.

    Returns
    -------
    ndarray of shape (n,), str
        `"train"`, `"val"` or `"test"`.
    """
    drawn = rng.permutation(np.unique(groups))
    n_test, n_val = (max(round(share * len(drawn)), share > 0) for share in (test, val))
    split = np.full(len(groups), "train")
    split[np.isin(groups, drawn[:n_test])] = "test"
    split[np.isin(groups, drawn[n_test : n_test + n_val])] = "val"
    return split


def of_strata(strata: np.ndarray, test: float, val: float, rng: np.random.Generator) -> np.ndarray:
    """Walk through the items stratum by stratum and send every 1/share-th to a part.

    Every stratum gives its share up to one item; shape (n,), str.
    """
    order = _walk(strata, rng)
    split = np.full(len(strata), "train")
    split[order[_every(test, len(order))]] = "test"
    rest = order[split[order] == "train"]
    split[rest[_every(val / (1 - test), len(rest))]] = "val"
    return split


def of_time(times: np.ndarray, test: float, val: float) -> np.ndarray:
    """Cut where a share of the items is later; items of one time stay together; shape (n,), str.

    Parameters
    ----------
    times : ndarray of shape (n,), int
        Ranks of the times, from 0 on and without gaps.
    """
    earlier = np.append(0, np.cumsum(np.bincount(times)))  # (times + 1,): items before each cut
    n, last = len(times), len(earlier) - 1
    start_test = _cut(earlier, (1 - test) * n, least=1 + (val > 0), most=last - (test > 0))
    start_val = _cut(earlier, (1 - test - val) * n, least=1, most=start_test - (val > 0))
    split = np.full(n, "train")
    split[times >= start_val] = "val"
    split[times >= start_test] = "test"
    return split


def folds(strata: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Deal the units out, stratum by stratum: the fold of each, shape (n,), int.

    Folds, and the parts of a stratum in them, differ by at most one unit.
    """
    fold = np.empty(len(strata), dtype=int)
    fold[_walk(strata, rng)] = np.arange(len(strata)) % k
    return fold


def _walk(strata: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    order = rng.permutation(len(strata))
    return order[np.argsort(strata[order], kind="stable")]


def _every(share: float, n: int) -> np.ndarray:
    steps = np.floor(np.arange(n + 1) * share + 1e-9)
    chosen = np.diff(steps) > 0
    if share > 0 and n and not chosen.any():
        chosen[-1] = True
    return chosen


def _cut(earlier: np.ndarray, wanted: float, *, least: int, most: int) -> int:
    """Find the cut that comes nearest to the wanted number of earlier items; 0 if there is none."""
    if least > most:
        return 0
    return least + int(np.argmin(np.abs(earlier[least : most + 1] - wanted)))
