"""mean_of_seeds: several runs of one setting, told as one."""

from collections.abc import Sequence

import numpy as np

from simlab.errors import DataError
from simlab.space.scores._scores import Scores, metrics_of, scores_of


def mean_of_seeds(scores: Sequence[Scores]) -> Scores:
    """Average several runs of one setting, query by query.

    The interval is that of the mean of these seeds on other classes or queries; `spread`, a
    further column of the frame, tells how much the seeds themselves differ: the standard deviation
    of their values. Metrics of pairs and clusters, which have no value per query, are left out.

    Parameters
    ----------
    scores : sequence of Scores
        At least one, of the same queries; one alone is given back as it is.

    Returns
    -------
    Scores

    Raises
    ------
    DataError
        No scores, other queries, or several scores of pairs, which have no value per query.

    Examples
    --------
    >>> from simlab.items import Items
    >>> from simlab.space import Embeddings, score
    >>> items = Items.from_arrays(["a", "b", "c", "d"], labels=[0, 0, 1, 1])
    >>> good = score(Embeddings(np.eye(2)[[0, 0, 1, 1]], items), k=[1])
    >>> bad = score(Embeddings(np.eye(2)[[0, 1, 0, 1]], items), k=[1])
    >>> mean_of_seeds([good, bad]).frame[["metric", "value", "spread"]].round(2).values.tolist()
    [['recall@1', 0.5, 0.71], ['map@r', 0.5, 0.71], ['r-precision', 0.5, 0.71]]
    """
    if not scores:
        raise DataError("mean_of_seeds needs the scores of at least one run; got none")
    first = scores[0]
    if len(scores) == 1:
        return first
    metrics = metrics_of(first.per_query)
    if not metrics:
        raise DataError(
            f"{len(scores)} scores of pairs cannot be averaged: pairs have no value per query; "
            "score one run at a time"
        )
    told = [name for name in first.per_query if name not in metrics]
    for one in scores[1:]:
        if not one.per_query[told].equals(first.per_query[told]):
            raise DataError(
                "mean_of_seeds needs the same queries of every run, of classes that all or none "
                f"of them have seen; those of {one.name!r} differ from those of {first.name!r}; "
                "split the items once, and change only the seed of fit"
            )
    per_query = first.per_query.copy()
    per_query[metrics] = np.mean([one.per_query[metrics] for one in scores], axis=0)
    mean = scores_of(first.name, per_query)
    values = [one.frame.loc[one.frame["metric"].isin(metrics), "value"] for one in scores]
    spread = np.std(values, axis=0, ddof=1)
    mean.frame["spread"] = spread
    return mean
