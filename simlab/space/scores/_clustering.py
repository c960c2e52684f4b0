"""Metrics of clusters: how far the groups that k-means finds agree with the labels."""

import warnings
from collections.abc import Sequence

import numpy as np


def clustering_rates(
    unit: np.ndarray, codes: np.ndarray, metrics: Sequence[str], *, seed: int = 0
) -> dict[str, float]:
    r"""Compare labels with as many clusters, found by k-means among unit vectors.

    - `nmi`: mutual information of labels and clusters over the mean of their entropies.
    - `ami`: the same, adjusted so that random clusters score 0.

    They have no interval: one value is made of all items together, a resample holds items twice,
    which cluster together and raise both, and k-means would have to run again for each.

    Parameters
    ----------
    unit : ndarray of shape (n, dim)
        Unit vectors.
    codes : ndarray of shape (n,), int
        Labels.
    metrics : sequence of {"nmi", "ami"}
    seed : int, default=0
        Of the first centers.

    Returns
    -------
    dict of str to float
        At most 1, which is best.

    References
    ----------
    Vinh, Epps, Bailey. *Information Theoretic Measures for Clusterings Comparison*. 2010, JMLR 11.

    Examples
    --------
    >>> unit = np.eye(2)[[0, 0, 1, 1]]
    >>> round(clustering_rates(unit, np.array([5, 5, 7, 7]), ["nmi"])["nmi"], 6)
    1.0
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score

    rates = {"nmi": normalized_mutual_info_score, "ami": adjusted_mutual_info_score}
    means = KMeans(len(np.unique(codes)), n_init=1, random_state=seed)
    with warnings.catch_warnings():  # fewer different vectors than labels: fewer clusters
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters = means.fit_predict(unit)
    return {name: float(rates[name](codes, clusters)) for name in metrics}
