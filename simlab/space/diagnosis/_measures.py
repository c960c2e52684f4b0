"""Figures of a whole space, with intervals: how items spread, how friends gather, who is a hub."""

from typing import TYPE_CHECKING

import numpy as np

from simlab.space._embeddings import Embeddings
from simlab.space._neighbors import Neighbors
from simlab.space.diagnosis._health import effective_rank, occurrences, skewness
from simlab.space.diagnosis._wilson import wilson
from simlab.space.scores._graded import RELEVANT
from simlab.space.scores._intervals import RESAMPLES, expanded_level, resampled_counts

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 2000
"""Items whose pairs are all looked at: a matrix of 16 MB."""
_COLUMNS = ("measure", "value", "low", "high", "n")


def measures(embeddings: Embeddings, near: Neighbors, *, seed: int = 0) -> "pd.DataFrame":
    """Measure a space as a whole.

    Parameters
    ----------
    embeddings : Embeddings
    near : Neighbors
        Of these embeddings.
    seed : int, default=0
        Of the sample and of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        One row per measure: `measure`, `value`, `low` and `high` (95% bootstrap interval; NaN
        where it is not defined), `n` (items looked at). See `Diagnosis.measures`.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    n = len(embeddings)
    rows = np.sort(rng.permutation(n)[:SAMPLE])
    similarity = embeddings.unit[rows] @ embeddings.unit[rows].T  # (sample, sample)
    others = ~np.eye(len(rows), dtype=bool)
    known = embeddings.items.similarity.relevance(rows, rows)
    friends = others & (known >= RELEVANT)  # NaN is no friend
    gauss = np.log(pair_interval(np.exp(4 * similarity - 4), others, seed=seed))
    found = {
        "spread": pair_interval(1 - similarity, others, seed=seed),
        "uniformity": np.minimum(gauss, 0),
        "alignment": pair_interval(2 - 2 * similarity, friends, seed=seed),
    }
    table = [(name, *map(float, values), len(rows)) for name, values in found.items()]
    table.append(("effective_rank", effective_rank(embeddings.vectors), np.nan, np.nan, n))
    counts = occurrences(near.positions, len(near.gallery))
    table.append(("hubness", *_skewness_interval(counts, rng), len(counts)))
    never = np.array((counts == 0).sum())
    ends = wilson(never, np.array(len(counts)))
    table.append(("anti_hubs", never / len(counts), *ends, len(counts)))
    return pd.DataFrame(table, columns=_COLUMNS)


def pair_interval(
    values: np.ndarray, chosen: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0
) -> np.ndarray:
    """Average over pairs of items, with a bootstrap interval that draws items.

    Pairs that share an item are not independent, so items are drawn; an item that is drawn twice
    is no pair with itself.

    Parameters
    ----------
    values, chosen : ndarray of shape (n, n)
        A value for each pair, and whether the pair counts; symmetric, the diagonal does not count.
    resamples : int, default=1000
    seed : int, default=0

    Returns
    -------
    ndarray of shape (3,)
        Mean, low and high; NaN without pairs.

    Examples
    --------
    >>> pair_interval(np.ones((5, 5)), ~np.eye(5, dtype=bool)).tolist()
    [1.0, 1.0, 1.0]
    """
    if not chosen.any():
        return np.full(3, np.nan)
    n = len(values)
    drawn = resampled_counts(n, resamples, seed).astype(np.float32)
    parts = [np.where(chosen, values, 0).astype(np.float32), chosen.astype(np.float32)]
    total, pairs = (((drawn @ part) * drawn).sum(axis=1) for part in parts)
    low, high = _ends(total[pairs > 0] / pairs[pairs > 0], n)
    return np.array([values[chosen].mean(dtype=np.float64), low, high])


def _skewness_interval(counts: np.ndarray, rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw items with the occurrences that they have."""
    values, sizes = np.unique(counts, return_counts=True)
    drawn = rng.multinomial(len(counts), sizes / len(counts), size=RESAMPLES)
    return (float(skewness(values, sizes)), *_ends(skewness(values, drawn), len(counts)))


def _ends(drawn: np.ndarray, n: int) -> tuple[float, float]:
    tail = (1 - expanded_level(n)) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)
