"""The triplets that are right, but not by enough."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from simlab.training.losses._pairs import pairs_of


@torch.no_grad()
def semi_hard(
    embeddings: Tensor, labels: Tensor, *, margin: float = 0.2
) -> tuple[Tensor, Tensor, Tensor]:
    """Take strangers that are further than a friend, but by less than the margin.

    Parameters
    ----------
    embeddings : Tensor of shape (batch, dim)
    labels : Tensor of shape (batch,), int
    margin : float, default=0.2
        In cosine.

    Returns
    -------
    anchors, friends, strangers : Tensor of shape (n,)

    References
    ----------
    Schroff, Kalenichenko, Philbin. 2015. arXiv:1503.03832. Equal to
    `TripletMarginMiner(type_of_triplets="semihard")` with `CosineSimilarity` of
    pytorch-metric-learning, but for triplets exactly at the margin, which cost nothing.

    Examples
    --------
    >>> vectors = torch.tensor([[1.0, 0.0], [1.0, 0.1], [1.0, 0.2]])
    >>> [one.tolist() for one in semi_hard(vectors, torch.tensor([0, 0, 1]))]
    [[0], [1], [2]]
    """
    unit = normalize(embeddings, dim=1)
    similarity = unit @ unit.T
    rows, columns, hidden = pairs_of(labels)
    nearer = similarity[rows, columns][:, None] - similarity[rows]  # (n_friends, batch)
    pair, stranger = ((nearer > 0) & (nearer < margin) & ~hidden[rows]).nonzero(as_tuple=True)
    return rows[pair], columns[pair], stranger
