"""paired: are differences between spaces more than chance, told for all of them at once."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from simlab.errors import ChoiceError, DataError
from simlab.space.scores._intervals import LEVEL, bootstrap_interval, expanded_level
from simlab.space.scores._scores import Scores, metrics_of, told_apart

if TYPE_CHECKING:
    import pandas as pd

BETTER, WORSE, NOT_SEEN = "better", "worse", "no difference seen"
DRAWS = 10_000
_AT_ONCE = 1 << 22
"""Signs held in memory at a time."""
_ROUNDING = 1e-9
"""Sums that are equal but for the order of their terms count as equal."""


def paired(
    scores: Mapping[str, Scores], *, against: str | None = None, metric: str = "map@r"
) -> "pd.DataFrame":
    r"""Compare spaces with one of them, query by query.

    Every query was asked in every space, so what counts is its own difference
    :math:`d_q`, and not how much harder one query is than another. The mean of :math:`d_q` is
    tested by turning signs: if neither space were better, :math:`d` and :math:`-d` would be
    equally likely. What is turned as one is what `score` draws: whole *classes* for unseen
    classes, since they stand for classes to come and queries of one class win and lose together;
    *queries* where the classes were seen in training, or nothing is known of that. The interval
    is a bootstrap over the same units.

    Of several seeds pass `mean_of_seeds`: each query is averaged over them first. The test then
    speaks of the mean of these seeds on other classes or queries; how far another seed may lie
    apart is told by the spread.

    Parameters
    ----------
    scores : mapping of str to Scores
        At least one, all of the same queries.
    against : str, optional
        The space that all others are compared with; the first by default.
    metric : str, default="map@r"
        A column of `Scores.per_query`.

    Returns
    -------
    pandas.DataFrame
        One row per other space and group of classes: `space`, `classes`, `difference` (mean over
        queries, above 0 where the space is better), `low` and `high` (its 95% interval, of this
        row alone), `p`, `p_corrected` (for all rows together, Holm), `verdict` (`"better"` or
        `"worse"` where `p_corrected` is below 0.05, else `"no difference seen"`), `n` (queries),
        `unit` and `n_units`.

    Raises
    ------
    DataError
        Nothing to compare, other queries, or pairs with scores, which have no value per query.
    ChoiceError
        A space or metric that is not there.

    References
    ----------
    Good. *Permutation, Parametric and Bootstrap Tests of Hypotheses*. 2005, section 3.2.
    Phipson, Smyth. *Permutation p-values should never be zero*. 2010. arXiv:1603.05766.
    Holm. *A simple sequentially rejective multiple test procedure*. 1979.
    Smucker, Allan, Carterette. *A comparison of statistical significance tests for information
    retrieval evaluation*. CIKM 2007, where this test is the one recommended.

    Examples
    --------
    >>> from simlab.items import Items
    >>> from simlab.space import Embeddings, score
    >>> rng = np.random.default_rng(0)
    >>> items = Items.from_arrays(list("ab" * 30), labels=[0, 1] * 30)
    >>> signal = np.eye(2)[[0, 1] * 30]
    >>> noisy = Embeddings(signal + rng.normal(size=(60, 2)), items)
    >>> found = paired({"noisy": score(noisy), "clean": score(Embeddings(signal, items))})
    >>> found[["space", "verdict"]].values.tolist()
    [['clean', 'better']]
    """
    import pandas as pd

    if not scores:
        raise DataError("paired needs at least one space; got none")
    against = next(iter(scores)) if against is None else against
    if against not in scores:
        raise ChoiceError.of("against", against, scores)
    values = _values(scores, metric)  # (queries, spaces)
    names = [name for name in scores if name != against]
    differences = values[names].to_numpy() - values[[against]].to_numpy()
    rows = []
    for group, chosen, classes in told_apart(known_by_any(scores)) if names else ():
        told = compared(differences[chosen], classes)
        unit = "queries" if classes is None else "classes"
        known = {"n": int(chosen.sum()), "unit": unit}
        rows += [
            {"space": name, "classes": group} | one | known
            for name, one in zip(names, told, strict=True)
        ]
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    frame["p_corrected"] = holm(frame["p"].to_numpy(dtype=float))
    words = np.where(frame["difference"] > 0, BETTER, WORSE)
    frame["verdict"] = np.where(frame["p_corrected"] < 1 - LEVEL, words, NOT_SEEN)
    frame.attrs["level"] = LEVEL
    return frame


_COLUMNS = [
    *("space", "classes", "difference", "low", "high", "p", "p_corrected", "verdict"),
    *("n", "unit", "n_units"),
]


def compared(
    differences: np.ndarray, classes: np.ndarray | None, *, draws: int = DRAWS, seed: int = 0
) -> list[dict[str, float]]:
    """Test the mean of each column of differences, and give it an interval.

    Parameters
    ----------
    differences : ndarray of shape (n, m)
        One row per query, one column per space.
    classes : ndarray of shape (n,), int, or None
        With classes, whole classes are drawn; without, queries.
    draws : int, default=10,000
        Of signs, for p.
    seed : int, default=0

    Returns
    -------
    list of m dict
        `difference`, `low`, `high`, `p` and `n_units`. With one unit nothing is known: p is 1,
        and the interval holds everything.

    Examples
    --------
    >>> [one] = compared(np.ones((4, 1)), None)
    >>> one["difference"], one["p"]  # two of the 16 ways to turn signs are as far from 0
    (1.0, 0.125)
    """
    codes = np.arange(len(differences)) if classes is None else classes
    _, codes = np.unique(codes, return_inverse=True)
    n_units = int(codes.max()) + 1
    sums = np.zeros((n_units, differences.shape[1]))
    np.add.at(sums, codes, differences)
    level = expanded_level(n_units)
    low, high = bootstrap_interval(differences, codes, level=level, seed=seed)
    if n_units == 1:
        low, high = np.full_like(low, -np.inf), np.full_like(high, np.inf)
    found = zip(differences.mean(axis=0), low, high, _p(sums, draws, seed), strict=True)
    names = ("difference", "low", "high", "p")
    return [{**dict(zip(names, map(float, one), strict=True)), "n_units": n_units} for one in found]


def holm(p: np.ndarray, n: int | None = None) -> np.ndarray:
    """Correct p-values so that the chance of even one false alarm among all stays below a level.

    Parameters
    ----------
    p : ndarray of shape (m,)
    n : int, optional
        How many tests there were, if more than these: those left out, of p 1.

    Returns
    -------
    ndarray of shape (m,)
        At least as large, at most 1.

    References
    ----------
    Holm. *A simple sequentially rejective multiple test procedure*. 1979.

    Examples
    --------
    >>> holm(np.array([0.01, 0.5, 0.02])).tolist()
    [0.03, 0.5, 0.04]
    """
    n = len(p) if n is None else n
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(p[order] * (n - np.arange(len(p))))
    return np.minimum(corrected, 1)


def _p(sums: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Count how often turned signs bring the sum of each column as far from 0 as it is."""
    observed = np.abs(sums.sum(axis=0)) - _ROUNDING * np.abs(sums).sum(axis=0)
    as_far, tried = np.zeros(sums.shape[1]), 0
    for signs in _signs(len(sums), draws, seed):
        as_far += (np.abs(signs @ sums) >= observed).sum(axis=0)
        tried += len(signs)
    is_all = tried == 2 ** len(sums)
    return as_far / tried if is_all else (as_far + 1) / (tried + 1)


def _signs(n: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Give every way to turn n signs where there are few, else random ones."""
    if 2**n <= draws:
        yield 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1) - 1
        return
    rng = np.random.default_rng(seed)
    step = max(_AT_ONCE // n, 1)
    for start in range(0, draws, step):
        size = (min(step, draws - start), n)
        yield 2.0 * rng.integers(2, size=size, dtype=np.int8) - 1


def _values(scores: Mapping[str, Scores], metric: str) -> "pd.DataFrame":
    """Put the values of all queries side by side, one column per space."""
    import pandas as pd

    first_name, first = next(iter(scores.items()))
    for name, one in scores.items():
        known = metrics_of(one.per_query)
        if not known:
            raise DataError(
                f"paired needs a value for every query; {name!r} was scored by pairs, which "
                "have none"
            )
        if metric not in known:
            raise ChoiceError.of("metric", metric, known)
        for what in ("id", "label"):
            if one.per_query[what].tolist() != first.per_query[what].tolist():
                raise DataError(
                    f"paired needs the same queries in every space; the {what}s of {name!r} "
                    f"({len(one.per_query)} queries) differ from those of {first_name!r} "
                    f"({len(first.per_query)} queries); score the same items"
                )
    return pd.DataFrame({name: one.per_query[metric].to_numpy() for name, one in scores.items()})


def known_by_any(scores: Mapping[str, Scores]) -> "pd.DataFrame":
    """Tell the queries, with classes as seen where any of the spaces has seen them."""
    parts = [one.per_query for one in scores.values()]
    told = [set(one) for one in zip(*(part["classes"] for part in parts), strict=True)]
    order = ("seen", "unseen", "all")
    classes = [next(word for word in order if word in words) for words in told]
    return parts[0].assign(classes=classes)
