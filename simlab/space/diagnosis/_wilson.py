"""The interval of a share of queries or items."""

import numpy as np

from simlab.space.scores._intervals import LEVEL


def wilson(hits: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute the 95% interval of a share, which stays sensible for few and for no hits.

    Parameters
    ----------
    hits, n : ndarray of int

    Returns
    -------
    low, high : ndarray of float

    References
    ----------
    Wilson. *Probable inference, the law of succession, and statistical inference*. 1927.

    Examples
    --------
    >>> [round(float(end), 3) for end in wilson(np.array(1), np.array(20))]
    [0.009, 0.236]
    """
    from scipy.special import ndtri

    z2 = ndtri((1 + LEVEL) / 2) ** 2
    middle = (hits + z2 / 2) / (n + z2)
    half = np.sqrt(z2 * (hits * (n - hits) / n + z2 / 4)) / (n + z2)
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)
