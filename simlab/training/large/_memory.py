"""Vectors of past batches, beside which a loss sees the present one."""

import torch
from torch import Tensor, nn


class Memory(nn.Module):
    """Remember the last vectors, and put them behind those of a batch.

    A loss then judges a batch as large as both; the remembered vectors stay as they were made,
    and those of the present batch learn for all: their gradients are divided by their share, as
    an estimate of the gradient of the large batch. So the weights move as fast whatever is
    remembered; loss and miner need to know nothing of it.

    Parameters
    ----------
    size : int
        Vectors to remember; the oldest give way.
    dim : int
        Numbers in a vector.

    Notes
    -----
    The head has changed since a vector was made: with a high learning rate remember less. What is
    remembered is part of the module's state, so that a checkpoint holds it. The loss costs as
    much as that of a batch of `batch + size` items.

    References
    ----------
    Wang, Zhang, Huang, Scott. *Cross-Batch Memory for Embedding Learning*. 2020.
    arXiv:1912.06798. Theirs compares the batch with the memory; here remembered items are
    anchors too, so that any loss works as it is.

    Examples
    --------
    >>> memory = Memory(size=3, dim=2)
    >>> for batch in torch.arange(8.0).view(2, 2, 2):
    ...     vectors, labels = memory(batch, batch[:, 0].long())
    >>> labels.tolist(), memory(batch, batch[:, 0].long())[1].tolist()
    ([4, 6, 0, 2], [4, 6, 2, 4, 6])
    """

    vectors: Tensor
    labels: Tensor
    n_seen: Tensor

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("vectors", torch.zeros(size, dim))
        self.register_buffer("labels", torch.zeros(size, dtype=torch.long))
        self.register_buffer("n_seen", torch.zeros((), dtype=torch.long))

    def forward(self, embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the batch followed by what is remembered, oldest first; then remember the batch.

        Parameters
        ----------
        embeddings : Tensor of shape (batch, dim)
        labels : Tensor of shape (batch,), int
            Or numbers of items.

        Returns
        -------
        Tensor of shape (batch + n, dim) and Tensor of shape (batch + n,)
            With n up to `size`.
        """
        order = self._order()
        joined = torch.cat([embeddings, self.vectors[order].to(embeddings.dtype)])
        if joined.requires_grad:
            share = len(embeddings) / len(joined)
            joined.register_hook(lambda gradient: gradient / share)
        both = torch.cat([labels, self.labels[order]])
        self._remember(embeddings.detach(), labels)
        return joined, both

    def _order(self) -> Tensor:
        """Tell where the remembered vectors lie, oldest first."""
        size, seen = len(self.labels), int(self.n_seen)
        return torch.arange(max(seen - size, 0), seen, device=self.labels.device) % size

    @torch.no_grad()
    def _remember(self, embeddings: Tensor, labels: Tensor) -> None:
        size = len(self.labels)
        first = self.n_seen + max(len(labels) - size, 0)
        places = torch.arange(min(len(labels), size), device=labels.device) + first
        # new tensors: autograd may still need the old ones
        self.vectors = self.vectors.index_copy(
            0, places % size, embeddings[-size:].to(self.vectors.dtype)
        )
        self.labels = self.labels.index_copy(0, places % size, labels[-size:])
        self.n_seen = self.n_seen + len(labels)
