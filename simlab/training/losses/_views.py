"""Losses of two views, without strangers: VICReg and Barlow Twins."""

import torch
from torch import Tensor
from torch.nn.functional import mse_loss, relu

_LEAST_VARIANCE = 1e-4


def vicreg(
    first: Tensor,
    second: Tensor,
    *,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 1.0,
) -> Tensor:
    r"""Bring two views together while every dimension varies and none repeats another.

    .. math:: \ell = \lambda \frac{1}{BD} \lVert Z - Z' \rVert^2
        + \mu [v(Z) + v(Z')] + \nu [c(Z) + c(Z')]

    with :math:`v(Z) = \frac{1}{2D} \sum_j \max(0, 1 - \sigma_j)` and :math:`c(Z)` the sum of the
    squares of all covariances of two dimensions over D.

    Parameters
    ----------
    first, second : Tensor of shape (batch, dim)
        Two views of each item, in the same order; lengths count.
    invariance, variance, covariance : float, default=25.0, 25.0 and 1.0
        :math:`\lambda`, :math:`\mu` and :math:`\nu`.

    Returns
    -------
    Tensor of shape ()

    References
    ----------
    Bardes, Ponce, LeCun. *VICReg: Variance-Invariance-Covariance Regularization for
    Self-Supervised Learning*. 2021. arXiv:2105.04906. Equal to `VICRegLoss` of
    pytorch-metric-learning (half the variance term of the paper, as in its code).

    Examples
    --------
    >>> views = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    >>> vicreg(views, views).item()
    0.0
    """
    spread = (1 - (view.var(dim=0) + _LEAST_VARIANCE).sqrt() for view in (first, second))
    terms = (
        invariance * mse_loss(first, second),
        variance * sum(relu(one).mean() / 2 for one in spread),
        covariance * sum(_repetition(view) for view in (first, second)),
    )
    return terms[0] + terms[1] + terms[2]


def _repetition(view: Tensor) -> Tensor:
    n, dim = view.shape
    centered = view - view.mean(dim=0)
    covariances = centered.T @ centered / (n - 1)
    return (covariances.square().sum() - covariances.diagonal().square().sum()) / dim


def barlow_twins(first: Tensor, second: Tensor, *, repetition: float = 0.005) -> Tensor:
    r"""Make the correlation of two views the identity: the same, and no dimension twice.

    .. math:: \ell = \sum_j (1 - C_{jj})^2 + \lambda \sum_{j \ne k} C_{jk}^2

    with :math:`C` the correlations of the dimensions of both views over the batch.

    Parameters
    ----------
    first, second : Tensor of shape (batch, dim)
        Two views of each item, in the same order.
    repetition : float, default=0.005
        :math:`\lambda`.

    Returns
    -------
    Tensor of shape ()

    References
    ----------
    Zbontar, Jing, Misra, LeCun, Deny. *Barlow Twins: Self-Supervised Learning via Redundancy
    Reduction*. 2021. arXiv:2103.03230, equation 1.

    Examples
    --------
    >>> views = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> round(barlow_twins(views, views).item(), 6)
    0.0
    """
    one, other = (_standard(view) for view in (first, second))
    correlation = one.T @ other / len(first)
    same = correlation.diagonal()
    off = correlation.square().sum() - same.square().sum()
    return (1 - same).square().sum() + repetition * off


def _standard(view: Tensor) -> Tensor:
    centered = view - view.mean(dim=0)
    return centered / (centered.square().mean(dim=0) + torch.finfo(view.dtype).eps).sqrt()
