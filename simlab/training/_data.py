"""The Lightning data module over embeddings: training is a walk through one matrix."""

from itertools import chain
from typing import Any

import numpy as np
import pytorch_lightning as pl  # noqa: TID253 (this file is opened by fit alone)
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

from simlab.errors import DataError
from simlab.items import Similarity
from simlab.space import Embeddings
from simlab.training._batches import Batches, DrawnViews, TwoViews
from simlab.training._form_batches import batches_of
from simlab.training._inputs import Inputs
from simlab.training._tensors import as_tensor


class _ByLabel(TensorDataset):
    """Vectors and labels; takes a whole batch, or several, by one indexing."""

    def __getitem__(self, rows: list[int]) -> tuple[torch.Tensor, ...]:
        index = torch.tensor(rows)
        return tuple(tensor.index_select(0, index) for tensor in self.tensors)

    def __getitems__(self, batches: list[list[int]]) -> list[tuple[torch.Tensor, ...]]:
        sizes = [len(rows) for rows in batches]
        taken = self[list(chain.from_iterable(batches))]
        return list(zip(*(tensor.split(sizes) for tensor in taken), strict=True))


class _ByRelevance(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Vectors, and how similar the items of a batch are to each other.

    Parameters
    ----------
    vectors : Tensor of shape (rows, dim)
    known : Similarity
        Of the items.
    n_views : int, default=1
        Rows of each item.
    """

    def __init__(self, vectors: torch.Tensor, known: Similarity, n_views: int = 1) -> None:
        self._vectors, self._known, self._n_views = vectors, known, n_views

    def __getitem__(self, rows: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        index = torch.tensor(rows)
        items = index.numpy() // self._n_views
        known = torch.from_numpy(self._known.relevance(items, items))
        return self._vectors.index_select(0, index), known


class SimilarityData(pl.LightningDataModule):
    """Training and validation embeddings for any `pl.Trainer`.

    Parameters
    ----------
    train : Embeddings
        With labels, or pairs that say how similar items are; items of which nothing is known, and
        labels with one item, are left out. If they have views, each item shows one of them in an
        epoch; where nothing is known of any item it shows two, and is a class of its own.
    val : Embeddings, optional
        As `train`; compared among themselves after every epoch.
    batch_size, per_class, seed
        See `BalancedBatches`.
    at_once : int, optional
        Give lists of up to so many training batches instead of single ones.
    by_label : bool, default=False
        Give labels even where more is known than one per item (levels, groups).

    Attributes
    ----------
    batches : Sampler
        The rows of each training batch.
    by_label : bool
        Whether batches come with labels, or with relevance.

    Raises
    ------
    DataError
        Fewer than two labels with two training items, and no pairs.

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
        train: Embeddings | Inputs,
        val: Embeddings | Inputs | None = None,
        *,
        batch_size: int = 128,
        per_class: int = 5,
        seed: int = 0,
        at_once: int | None = None,
        by_label: bool = False,
    ) -> None:
        super().__init__()
        known = train.items.similarity
        self.train, self.val, self._at_once = train, val, at_once
        self.by_label = by_label or known.has_one_label
        if known.says_nothing and train.views is not None:
            n, n_views, _ = train.views.shape
            self.batches: Batches = TwoViews(n, n_views, batch_size=batch_size, seed=seed)
            return
        n_labels = int((np.bincount(known.codes[known.codes >= 0]) > 1).sum())
        needs_labels = known.several is None and known.pairs is None
        if needs_labels and n_labels < 2:  # noqa: PLR2004
            raise DataError(
                f"training needs at least two labels with two items each; got {n_labels} among "
                f"{len(train)} items; similarity is learned from what differs"
            )
        self.batches = batches_of(
            train.items, batch_size=batch_size, per_class=per_class, seed=seed
        )

    def train_dataloader(self) -> DataLoader:
        """Give (vectors, labels) of class-balanced batches.

        Where one label per item does not say it all (`by_label` is False) the second is the
        relevance of each item for each, of shape (batch, batch): 1 the same, 0 strangers, NaN
        where nothing is known.
        """
        views = self.train.views
        return DataLoader(
            _rows(self.train, views, by_label=self.by_label),
            sampler=self._of_views(views),
            batch_size=self._at_once,
            collate_fn=None if self._at_once is None else list,
        )

    def _of_views(self, views: np.ndarray | None) -> Batches:
        """Draw the view that each item shows, unless the batches say it themselves."""
        if views is None or isinstance(self.batches, TwoViews):
            return self.batches
        return DrawnViews(self.batches, *views.shape[:2])

    def val_dataloader(self) -> DataLoader | list:
        """Give all validation items as one batch, with relevance unless labels say it all."""
        if self.val is None:
            return []
        rows = _rows(self.val, by_label=self.val.items.similarity.is_plain)
        return DataLoader(rows, sampler=[list(range(len(self.val)))], batch_size=None)


def _rows(
    embeddings: Embeddings | Inputs, views: np.ndarray | None = None, *, by_label: bool
) -> Any:
    """Share the memory of the vectors, or of all views one after another."""
    vectors, n_views = embeddings.vectors, 1
    if views is not None:
        vectors, n_views = views.reshape(-1, views.shape[2]), views.shape[1]
    known = embeddings.items.similarity
    if not by_label:
        return _ByRelevance(as_tensor(vectors), known, n_views)
    classes = np.arange(len(embeddings)) if known.says_nothing else known.codes
    codes = torch.from_numpy(np.repeat(classes, n_views))
    return _ByLabel(as_tensor(vectors), codes)
