"""The Lightning data module over embeddings: training is a walk through one matrix."""

from itertools import chain
from typing import Any

import numpy as np
import pytorch_lightning as pl  # noqa: TID253 (this file is opened by fit alone)
import torch
from torch import distributed
from torch.utils.data import DataLoader, Sampler, TensorDataset

from simlab.errors import DataError
from simlab.space import Embeddings
from simlab.training._batches import Batches, DrawnViews, TwoViews
from simlab.training._form_batches import batches_of, check_batches
from simlab.training._inputs import Inputs
from simlab.training._tensors import as_tensor
from simlab.training.large import RankBatches, n_ranks


class _Rows(TensorDataset):
    """Vectors, with labels or numbers; takes a whole batch, or several, by one indexing."""

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
        With labels, or pairs that say how similar items are; items of which nothing is known, and
        labels with one item, are left out. If they have views, each item shows one of them in an
        epoch; where nothing is known of any item it shows two, and is a class of its own.
    val : Embeddings, optional
        As `train`; compared among themselves after every epoch.
    batch_size, per_class, seed
        See `BalancedBatches`.
    at_once : int, optional
        Give lists of up to so many training batches instead of single ones.
    by_label : bool, optional
        Whether batches come with labels, or with the numbers of items; by default with labels
        where one per item says it all.

    batches : str, default="auto"
        `"balanced"`, `"all-pairs"` or `"apart"`, see `simlab.fit`.

    Attributes
    ----------
    batches : Sampler
        The rows of each training batch of one process.
    by_label : bool
        Whether batches come with labels, or with the numbers of items.

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
        by_label: bool | None = None,
        batches: str = "auto",
    ) -> None:
        super().__init__()
        known = train.items.similarity
        self.train, self.val, self._at_once = train, val, at_once
        self._batch_size, self._per_class = batch_size, per_class
        self._seed, self._told = seed, batches
        check_batches(batches, train.items)
        self.by_label = known.has_one_label if by_label is None else by_label
        n_labels = int((np.bincount(known.codes[known.codes >= 0]) > 1).sum())
        needs_labels = known.several is None and known.pairs is None
        is_by_views = known.says_nothing and train.views is not None
        if needs_labels and n_labels < 2 and not is_by_views:  # noqa: PLR2004
            raise DataError(
                f"training needs at least two labels with two items each; got {n_labels} among "
                f"{len(train)} items; similarity is learned from what differs"
            )
        self.batches: Batches = self._batches(batch_size)

    def train_dataloader(self) -> DataLoader:
        """Give (vectors, labels) of class-balanced batches.

        Where one label per item does not say it all (`by_label` is False) the second is the
        number of each item, for `SimilarityModule(..., similarity=items.similarity)`. Of several
        processes that train together, each gets its share of batches that are so many times as
        large.
        """
        views = self.train.views
        return DataLoader(
            _rows(self.train, views, by_label=self.by_label),
            sampler=self._sampler(views),
            batch_size=self._at_once,
            collate_fn=None if self._at_once is None else list,
            generator=torch.Generator(),  # leaves the randomness of the head alone
        )

    def _sampler(self, views: np.ndarray | None) -> Sampler[list[int]]:
        """Draw the view that each item shows, unless the batches say it themselves."""
        batches = self.batches
        if n_ranks() > 1:
            batches = self._batches(self._batch_size * n_ranks())
        if views is not None and not isinstance(batches, TwoViews):
            batches = DrawnViews(batches, *views.shape[:2])
        if n_ranks() == 1:
            return batches
        return RankBatches(batches, n_ranks=n_ranks(), rank=distributed.get_rank())

    def _batches(self, batch_size: int) -> Batches:
        how: Any = {"batch_size": batch_size, "seed": self._seed}
        if self.train.items.similarity.says_nothing and self.train.views is not None:
            return TwoViews(*self.train.views.shape[:2], **how)
        return batches_of(self.train.items, per_class=self._per_class, told=self._told, **how)

    def val_dataloader(self) -> DataLoader | list:
        """Give all validation items as one batch, with relevance unless labels say it all."""
        if self.val is None:
            return []
        known, numbers = self.val.items.similarity, np.arange(len(self.val))
        labels = known.codes if known.is_plain else known.relevance(numbers, numbers)
        rows = _Rows(as_tensor(self.val.vectors), torch.from_numpy(labels))
        everyone = [list(range(len(self.val)))]
        return DataLoader(rows, sampler=everyone, batch_size=None, generator=torch.Generator())


def _rows(
    embeddings: Embeddings | Inputs, views: np.ndarray | None, *, by_label: bool
) -> TensorDataset:
    """Share the memory of the vectors, or of all views one after another."""
    vectors, n_views = embeddings.vectors, 1
    if views is not None:
        vectors, n_views = views.reshape(-1, views.shape[2]), views.shape[1]
    known = embeddings.items.similarity
    codes = known.codes if by_label and not known.says_nothing else np.arange(len(embeddings))
    return _Rows(as_tensor(vectors), torch.from_numpy(np.repeat(codes, n_views)))
