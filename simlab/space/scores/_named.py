"""Metrics by name: which there are, and how far each looks."""

import re
from collections.abc import Sequence

import numpy as np

from simlab.errors import ChoiceError, DataError
from simlab.space.scores._metrics import AT_K, AT_R, OF_ALL
from simlab.space.scores._ranked import Ranked

DEPTHS = (1, 5, 10)
OF_GIVEN_PAIRS = ("spearman", "triplet-accuracy")
OF_PAIRS = (
    *("auc", "average-precision", "best-f1", "best-f1-threshold"),
    *("best-accuracy", "best-accuracy-threshold"),
)
OF_CLUSTERS = ("nmi", "ami")
_SINGLE = (*AT_R, *OF_ALL, *OF_PAIRS, *OF_GIVEN_PAIRS, *OF_CLUSTERS)


def checked(metrics: Sequence[str] | None, k: Sequence[int] = DEPTHS) -> tuple[str, ...]:
    """Give the metrics that were asked for; without, recall at each depth, MAP@R, R-precision.

    Raises
    ------
    ChoiceError
        An unknown name, or a depth that is missing, below 1 or not expected.
    DataError
        No metric, or depths of recall@k beside names.

    Examples
    --------
    >>> checked(None, k=(1,))
    ('recall@1', 'map@r', 'r-precision')
    """
    if metrics is None:
        if not len(k) or min(k) < 1:
            raise DataError(f"score needs at least one depth k, each from 1; got {tuple(k)}")
        return (*(f"recall@{depth}" for depth in k), *AT_R)
    if isinstance(metrics, str) or not len(metrics):
        raise DataError(f"metrics must be a list of names, as ['mrr', 'ndcg@10']; got {metrics!r}")
    if tuple(k) != DEPTHS:
        raise DataError(
            f"k is the depth of recall where no metrics are named; got k={tuple(k)} and metrics; "
            f"name it as 'recall@{k[0]}'"
        )
    for name in metrics:
        form, depth = _divided(str(name))
        if name not in _SINGLE and not (depth and form in AT_K):
            raise ChoiceError.of("metric", name, [*(f"{form}@k" for form in AT_K), *_SINGLE])
    return tuple(dict.fromkeys(metrics))


def per_query(metrics: Sequence[str]) -> tuple[str, ...]:
    """Choose those that have a value for every query."""
    return tuple(name for name in metrics if _divided(name)[1] or name in {*AT_R, *OF_ALL})


def depth_of(metrics: Sequence[str], relevant: int, n: int) -> int:
    """Tell how many neighbors to look at, of n, where at most so many are relevant."""
    if not OF_ALL.keys().isdisjoint(metrics):
        return n
    depths = [_divided(name)[1] or relevant for name in metrics]
    return min(max(depths), n)


def rates_of(found: Ranked, metrics: Sequence[str]) -> dict[str, np.ndarray]:
    """Rate ranked lists by some metrics, query by query.

    Examples
    --------
    >>> from simlab.space.scores._ranked import ranked
    >>> found = ranked(np.array([[0.9, 0.1]]), np.array([[False, True]]), np.array([2]), depth=2)
    >>> {name: float(value[0]) for name, value in rates_of(found, ["recall@1", "map@r"]).items()}
    {'recall@1': 0.0, 'map@r': 0.25}
    """
    rates = {}
    for name in metrics:
        form, depth = _divided(name)
        rates[name] = AT_K[form](found, depth) if depth else {**AT_R, **OF_ALL}[name](found)
    return rates


def needs(metrics: Sequence[str], form: str) -> bool:
    """Tell whether one of the metrics is of this form."""
    return any(_divided(name)[0] == form for name in metrics)


def _divided(name: str) -> tuple[str, int]:
    """Cut "recall@5" into its form and its depth; 0 for none."""
    match = re.fullmatch(r"(.+)@([1-9]\d*)", name)
    return (match[1], int(match[2])) if match else (name, 0)
