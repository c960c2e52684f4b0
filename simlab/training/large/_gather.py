"""One batch over several processes: each computes its share, and all see the whole."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, distributed
from torch.autograd import Function
from torch.utils.data import DistributedSampler

from simlab.training._batches import Batches


def n_ranks() -> int:
    """Count the processes that train together; 1 outside of any group.

    Examples
    --------
    >>> n_ranks()
    1
    """
    is_on = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if is_on else 1


def gathered(vectors: Tensor) -> Tensor:
    """Put the rows of all processes together, as dealt by `RankBatches`; gradients go back.

    Every process then holds the loss of the whole batch. Going backward the gradients of all are
    added up, and strategies such as `ddp` average those of the weights: what remains is the
    gradient of one process with the whole batch.

    Parameters
    ----------
    vectors : Tensor of shape (n, ...)
        n may differ between the processes.

    Returns
    -------
    Tensor of shape (sum of n, ...)
        The tensor itself, if there is one process.

    Examples
    --------
    >>> gathered(torch.eye(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    return vectors if n_ranks() == 1 else _Gather.apply(vectors)


class _Gather(Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor) -> Tensor:
        count = torch.tensor([len(vectors)], device=vectors.device)
        counts = [torch.empty_like(count) for _ in range(n_ranks())]
        distributed.all_gather(counts, count)
        sizes = [int(one) for one in counts]
        dealt = [torch.arange(size) * len(sizes) + rank for rank, size in enumerate(sizes)]
        order = torch.cat(dealt).argsort().to(vectors.device)
        ctx.mine = order.argsort().split(sizes)[distributed.get_rank()]
        padded = vectors.new_zeros(max(sizes), *vectors.shape[1:])  # all must send as much
        padded[: len(vectors)] = vectors
        parts = [torch.empty_like(padded) for _ in sizes]
        distributed.all_gather(parts, padded)
        return torch.cat([part[:n] for part, n in zip(parts, sizes, strict=True)])[order]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous()
        distributed.all_reduce(total)
        return total[ctx.mine]


class RankBatches(DistributedSampler):
    """The share of this process in every batch; Lightning leaves such a sampler as it is.

    Parameters
    ----------
    batches : Batches
        Of all processes together.

    Examples
    --------
    >>> from simlab.training._batches import TwoViews
    >>> both = TwoViews(4, 2, batch_size=8, seed=0)
    >>> [len(RankBatches(both, n_ranks=2, rank=rank).share(list(range(5)))) for rank in (0, 1)]
    [3, 2]
    """

    def __init__(self, batches: Batches, *, n_ranks: int, rank: int) -> None:
        super().__init__(batches, num_replicas=n_ranks, rank=rank)  # type: ignore[arg-type]
        self._batches = batches

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch, the same in every process."""
        self._batches.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        return (self.share(batch) for batch in self._batches)

    def share(self, batch: list[int]) -> list[int]:
        """Take one row in so many."""
        return batch[self.rank :: self.num_replicas]
