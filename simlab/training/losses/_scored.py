"""Losses of pairs with scores: CoSENT, AnglE, cosine."""

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, mse_loss, normalize


def cosine(embeddings: Tensor, pairs: Tensor, scores: Tensor) -> Tensor:
    r"""Bring the cosine similarity of each pair to its score.

    .. math:: \ell = \frac1n \sum_k (\cos_k - y_k)^2

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    pairs : Tensor of shape (n_pairs, 2), int
        Positions in the batch.
    scores : Tensor of shape (n_pairs,)
        From -1 to 1: what the similarity should be.

    Returns
    -------
    Tensor of shape ()

    References
    ----------
    Reimers, Gurevych. *Sentence-BERT*. 2019. arXiv:1908.10084, "regression objective". Equal
    to `CosineSimilarityLoss` of sentence-transformers.

    Examples
    --------
    >>> cosine(torch.eye(2), torch.tensor([[0, 1]]), torch.tensor([0.5])).item()
    0.25
    """
    if not len(pairs):
        return (embeddings * 0).sum()
    similarity = cosine_similarity(embeddings[pairs[:, 0]], embeddings[pairs[:, 1]])
    return mse_loss(similarity, scores.to(similarity.dtype))


def cosent(embeddings: Tensor, pairs: Tensor, scores: Tensor, *, scale: float = 20.0) -> Tensor:
    r"""Order the cosine similarities of pairs as their scores.

    .. math:: \ell = \log\Bigl(1 + \sum_{y_k < y_l} e^{\gamma (\cos_k - \cos_l)}\Bigr)

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item; need not be normalized.
    pairs : Tensor of shape (n_pairs, 2), int
        Positions in the batch.
    scores : Tensor of shape (n_pairs,)
        Of any range; only their order counts.
    scale : float, default=20.0
        :math:`\gamma`; higher looks harder at the worst order.

    Returns
    -------
    Tensor of shape ()

    References
    ----------
    Su. *CoSENT: A more efficient sentence vector scheme than Sentence-BERT*. 2022.
    kexue.fm/archives/8847. Equal to `CoSENTLoss` of sentence-transformers.

    Examples
    --------
    >>> pairs, scores = torch.tensor([[0, 1], [0, 2]]), torch.tensor([1.0, 0.0])
    >>> cosent(torch.eye(2)[[0, 0, 1]], pairs, scores).item() < 1e-6
    True
    """
    similarity = cosine_similarity(embeddings[pairs[:, 0]], embeddings[pairs[:, 1]])
    return _in_order(similarity * scale, scores)


def angle(embeddings: Tensor, pairs: Tensor, scores: Tensor, *, scale: float = 20.0) -> Tensor:
    r"""Order the angles of pairs in the complex plane as their scores.

    As `cosent`; the two halves of a vector are the real and the imaginary parts of a complex
    one, and in place of the cosine stands the absolute value of the sum over both parts of
    :math:`a \bar b / |a||b|`. The gradient stays large where the cosine's vanishes.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
        One vector per item, of an even number of dimensions.
    pairs : Tensor of shape (n_pairs, 2), int
        Positions in the batch.
    scores : Tensor of shape (n_pairs,)
        Of any range; only their order counts.
    scale : float, default=20.0
        Higher looks harder at the worst order.

    Returns
    -------
    Tensor of shape ()

    References
    ----------
    Li, Li. *AnglE-optimized Text Embeddings*. 2023. arXiv:2309.12871, equations 6 to 9. Equal
    to `AnglELoss` of sentence-transformers. Opposite vectors count as near, as there: combine
    it with `cosent`.

    Examples
    --------
    >>> pairs, scores = torch.tensor([[0, 1], [0, 2]]), torch.tensor([1.0, 0.0])
    >>> vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    >>> round(angle(vectors, pairs, scores).item(), 3)
    0.0
    """
    unit = normalize(embeddings, dim=1)
    real, imaginary = unit.chunk(2, dim=1)
    a, b, c, d = (part[side] for side in pairs.T for part in (real, imaginary))
    similarity = (a * c + b * d + b * c - a * d).sum(dim=1).abs()
    return _in_order(similarity * scale, scores)


def _in_order(values: Tensor, scores: Tensor) -> Tensor:
    wrong = values[:, None] - values[None, :]  # (n_pairs, n_pairs)
    wrong = wrong.masked_fill(scores[:, None] >= scores[None, :], -torch.inf)
    return torch.cat([values.new_zeros(1), wrong.flatten()]).logsumexp(dim=0)
