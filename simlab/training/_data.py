"""The Lightning data module over embeddings: training is a walk through one matrix."""

from itertools import chain

import numpy as np
import pytorch_lightning as pl  # noqa: TID253 (this file is opened by fit alone)
import torch
from torch.utils.data import DataLoader, TensorDataset

from simlab.errors import DataError
from simlab.space import Embeddings
from simlab.training._batches import BalancedBatches, DrawnViews
from simlab.training._tensors import as_tensor


class _Rows(TensorDataset):
    """A tensor data set that takes a whole batch, or several, by one indexing."""

    def __getitem__(self, rows: list[int]) -> tuple[torch.Tensor, ...]:
        index = torch.tensor(rows)
        return tuple(tensor.index_select(0, index) for tensor in self.tensors)

    def __getitems__(self, batches: list[list[int]]) -> list[tuple[torch.Tensor, ...]]:
        sizes = [len(rows) for rows in batches]
        taken = self[list(chain.from_iterable(batches))]
        return list(zip(*(tensor.split(sizes) for tensor in taken), strict=True))


class SimilarityData(pl.LightningDataModule):
    """Training and validation embeddings for any `pl.Trainer`.

    Parameters
    ----------
    train : Embeddings
        With labels; items without one, and labels with one item, are left out. If they have
        views, each item shows one of them in an epoch.
    val : Embeddings, optional
        With labels; compared among themselves after every epoch.
    batch_size, per_class, seed
        See `BalancedBatches`.
    at_once : int, optional
        Give lists of up to so many training batches instead of single ones.

    Attributes
    ----------
    batches : BalancedBatches
        The rows of each training batch.

    Raises
    ------
    DataError
        Fewer than two labels with two training items.

    Examples
    --------
    >>> import numpy as np
    >>> from simlab.items import Items
    >>> items = Items.from_arrays(np.eye(4), labels=[0, 0, 1, 1])
    >>> data = SimilarityData(Embeddings(np.eye(4), items), batch_size=4, per_class=2)
    >>> vectors, codes = next(iter(data.train_dataloader()))
    >>> vectors.shape
    torch.Size([4, 4])
    """

    def __init__(
        self,
        train: Embeddings,
        val: Embeddings | None = None,
        *,
        batch_size: int = 128,
        per_class: int = 5,
        seed: int = 0,
        at_once: int | None = None,
    ) -> None:
        super().__init__()
        codes = train.items.label_codes
        n_labels = int((np.bincount(codes[codes >= 0]) > 1).sum())
        if n_labels < 2:  # noqa: PLR2004
            raise DataError(
                f"training needs at least two labels with two items each; got {n_labels} among "
                f"{len(train)} items; similarity is learned from what differs"
            )
        self.train, self.val, self._at_once = train, val, at_once
        self.batches = BalancedBatches(codes, batch_size=batch_size, per_class=per_class, seed=seed)

    def train_dataloader(self) -> DataLoader:
        """Give (vectors, labels) of class-balanced batches."""
        views = self.train.views
        return DataLoader(
            _rows(self.train, views),
            sampler=self.batches if views is None else DrawnViews(self.batches, *views.shape[:2]),
            batch_size=self._at_once,
            collate_fn=None if self._at_once is None else list,
        )

    def val_dataloader(self) -> DataLoader | list:
        """Give all validation items as one batch."""
        if self.val is None:
            return []
        return DataLoader(_rows(self.val), sampler=[list(range(len(self.val)))], batch_size=None)


def _rows(embeddings: Embeddings, views: np.ndarray | None = None) -> _Rows:
    """Make tensors that share the memory of the vectors, or of all views one after another."""
    vectors, codes = embeddings.vectors, embeddings.items.label_codes
    if views is not None:
        vectors = views.reshape(-1, views.shape[2])
        codes = np.repeat(codes, views.shape[1])
    return _Rows(as_tensor(vectors), torch.from_numpy(codes))
