"""Platt scaling: from the evidence for an answer to the probability that it is right."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Platt:
    """A logistic function of the evidence.

    Attributes
    ----------
    weights : ndarray of shape (m,), float64
        Of each measure of evidence.
    bias : float
    """

    weights: np.ndarray
    bias: float

    def __call__(self, evidence: np.ndarray) -> np.ndarray:
        """Compute the probability in (0, 1) for evidence of shape (q, m)."""
        from scipy.special import expit

        return expit(evidence @ self.weights + self.bias)


def platt(evidence: np.ndarray, is_right: np.ndarray, weights: np.ndarray) -> Platt:
    r"""Fit the probability of being right by logistic regression on smoothed targets.

    With :math:`N_+` right and :math:`N_-` wrong answers the targets are
    :math:`(N_+ + 1) / (N_+ + 2)` and :math:`1 / (N_- + 2)`, so that no probability becomes 0 or 1
    where the evidence separates them. Two weights and a bias need tens of items; isotonic
    regression, which would also follow a curve that is not logistic, needs about a thousand
    (Niculescu-Mizil and Caruana) and takes one measure of evidence only.

    Parameters
    ----------
    evidence : ndarray of shape (n, m)
    is_right : ndarray of shape (n,), bool
    weights : ndarray of shape (n,)
        How much each item counts.

    References
    ----------
    Platt. *Probabilistic Outputs for Support Vector Machines*. Advances in Large Margin
    Classifiers, 1999, section 2.2. Niculescu-Mizil, Caruana. *Predicting Good Probabilities With
    Supervised Learning*. ICML 2005.

    Examples
    --------
    >>> evidence = np.array([[0.0], [0.1], [0.9], [1.0]])
    >>> fitted = platt(evidence, evidence[:, 0] > 0.5, np.ones(4))
    >>> fitted(np.array([[0.0], [0.5], [1.0]])).round(2).tolist()
    [0.23, 0.5, 0.77]
    """
    from sklearn.linear_model import LogisticRegression

    n_right = int(is_right.sum())
    high, low = (n_right + 1) / (n_right + 2), 1 / (len(is_right) - n_right + 2)
    target = np.where(is_right, high, low)
    middle, spread = evidence.mean(axis=0), evidence.std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    scaled = (evidence - middle) / spread
    counted = np.concatenate([weights * target, weights * (1 - target)])
    model = LogisticRegression(C=np.inf, max_iter=1000)
    model.fit(
        np.concatenate([scaled, scaled]),
        np.repeat([1, 0], len(scaled)),
        sample_weight=counted * len(weights) / weights.sum(),
    )
    slopes = model.coef_[0] / spread
    return Platt(slopes, float(model.intercept_[0] - middle @ slopes))
