"""A batch through a head chunk by chunk: its activations need the memory of one chunk."""

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def in_chunks(head: nn.Module, vectors: Tensor, size: int | None) -> Tensor:
    """Map a batch through a head, holding the activations of `size` items at a time.

    Going backward each chunk is computed again, with the same dropout, just before its gradient
    is needed. So any loss over the whole batch gets its exact gradient, and only the vectors
    that come out, shape (batch, out), are ever held for all items. It costs a second forward
    pass. A layer that normalizes by the batch sees chunks, and moves its statistics twice.

    Parameters
    ----------
    head : torch.nn.Module
    vectors : Tensor of shape (batch, ...)
    size : int or None
        Items in a chunk; None, or no fewer than the batch, takes it as one.

    Returns
    -------
    Tensor of shape (batch, out)

    References
    ----------
    Gao, Zhang, Han, Callan. *Scaling Deep Contrastive Learning Batch Size under Memory Limited
    Setup* (GradCache). 2021. arXiv:2101.06983. Theirs keeps the gradient by each vector and runs
    the chunks again by hand; here autograd does it, so nothing of a training loop changes.

    Examples
    --------
    >>> in_chunks(nn.Linear(4, 2), torch.ones(10, 4), 3).shape
    torch.Size([10, 2])
    """
    if size is None or size >= len(vectors) or not torch.is_grad_enabled():
        return head(vectors)
    parts = [checkpoint(head, part, use_reentrant=False) for part in vectors.split(size)]
    return torch.cat(parts)
