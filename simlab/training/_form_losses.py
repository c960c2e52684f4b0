"""A loss for what is known of the items: one label, several, levels, groups, or pairs."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from simlab.errors import DataError
from simlab.items import Items
from simlab.space import RELEVANT
from simlab.training._by_name import check_parameters
from simlab.training.losses import (
    Loss,
    Miner,
    Mining,
    check_loss,
    check_takes_miner,
    make_loss,
    title_of,
)
from simlab.training.losses._making import Asked, read
from simlab.training.losses._pairs import Mined
from simlab.training.losses._registry import OF_LABELS, OF_OTHERS


def check_form(
    told: Any, items: Items, *, has_miner: bool = False, has_memory: bool = False
) -> None:
    """Raise an error for a loss that cannot learn from what is known of the items.

    Raises
    ------
    ChoiceError, TypeError, MissingExtraError, DataError
        As `check_loss`; also a miner where pairs are already chosen, a loss that needs one label
        per item where there is more, and a memory of views that are compared two by two.
    """
    known = items.similarity
    asked = _among(told, "two views" if known.says_nothing else "pairs")
    if asked is not None and (known.says_nothing or known.pairs is not None):
        entry = OF_OTHERS[asked.name]
        check_parameters(f"loss {asked.name!r}", asked.parameters, entry.parameters)
        if known.says_nothing and has_memory:
            raise DataError(
                f"loss {asked.name!r} compares two views of a batch, and so has no use for "
                "memory=; leave it out, or choose 'nt-xent'"
            )
        return
    check_loss(told)
    if known.has_one_label:
        if has_miner or (has_memory and known.source is not None):
            check_takes_miner(told)
        if has_miner and has_memory and known.source is not None:
            raise DataError(
                "a memory holds items of all sets, and between sets nothing is known, which no "
                "miner asks for; leave out miner= or memory="
            )
        if known.source is not None and _has_centers(told):
            raise DataError(
                f"loss {title_of(told)!r} compares an item with the classes of all sets, of which "
                "nothing is known; choose a loss without centers, such as 'supcon', or put the "
                "sets together with Items.concat(..., shared_labels=True)"
            )
        return
    if has_miner:
        raise DataError(
            "a miner needs items with one label each; here pairs, groups, levels or several "
            "labels already say who is compared with whom; leave miner= out"
        )
    if not _by_label(told, items):
        check_takes_miner(told)


def form_loss(
    told: Any,
    items: Items,
    embeddings: Tensor,
    *,
    miner: Miner | None,
    has_memory: bool = False,
) -> tuple[Loss, bool]:
    """Make a loss for training items, and tell whether it takes labels (else relevance).

    Parameters
    ----------
    told
        From `check_form`.
    items : Items
    embeddings : Tensor of shape (n, dim)
        How the items lie before training.
    miner : callable, optional
    has_memory : bool, default=False
        Items of several sets meet, between which nothing is known.
    """
    known = items.similarity
    asked = _among(told, "two views" if known.says_nothing else "pairs")
    if asked is not None and known.says_nothing:
        return OfViews(asked), True
    if asked is not None and known.pairs is not None:
        return OfPairs(asked), False
    codes = np.arange(len(items)) if known.says_nothing else known.codes
    loss = make_loss(told, embeddings, torch.from_numpy(codes), miner=miner)
    meets_others = has_memory and known.source is not None
    if (known.has_one_label and not meets_others) or _by_label(told, items):
        return loss, True
    return Mining(loss, of_relevance), False


def choose_batches(told: str, loss: Any, items: Items) -> str:
    """Keep pairs of a group apart, for `"auto"`, where the others of a batch are strangers.

    Strangers that were given by hand stay with their anchor.

    Examples
    --------
    >>> pairs = Items.from_pairs(["a", "b"], ["c", "d"], scores=[1, 1])
    >>> choose_batches("auto", "ranking-of-pairs", pairs), choose_batches("auto", "cosent", pairs)
    ('apart', 'auto')
    """
    asked = _among(loss, "pairs")
    takes_others = asked is not None and "scores" not in OF_OTHERS[asked.name].needs
    known = items.similarity
    are_friends = known.scores is not None and bool((known.scores > 0).all())
    if known.group is not None and len(np.unique(known.group)) == 1:
        return told  # one group for all tells nobody apart
    return "apart" if told == "auto" and takes_others and are_friends else told


def of_relevance(_: Tensor, relevance: Tensor) -> Mined:
    """List friends (at least half similar) and strangers (not at all) of each item.

    Examples
    --------
    >>> nan = float("nan")
    >>> known = torch.tensor([[1, 1, 0], [1, 1, nan], [0, nan, 1]])
    >>> [part.tolist() for part in of_relevance(known, known)]
    [[0, 1], [1, 0], [0, 2], [2, 0]]
    """
    friends = relevance >= RELEVANT
    friends.fill_diagonal_(fill_value=False)
    return *friends.nonzero(as_tuple=True), *(relevance == 0).nonzero(as_tuple=True)


class OfPairs(nn.Module):
    """A loss of pairs and scores, fed with what is known in a batch.

    Examples
    --------
    >>> known = torch.tensor([[float("nan"), 0.5], [0.5, float("nan")]])
    >>> OfPairs(Asked("cosine", {}))(torch.eye(2), known).item()
    0.25
    """

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        entry = OF_OTHERS[asked.name]
        self._loss = partial(entry.make, **asked.parameters)
        self._takes_scores = "scores" in entry.needs

    def forward(self, embeddings: Tensor, relevance: Tensor) -> Tensor:
        """Judge each known pair once."""
        upper = torch.triu(torch.ones_like(relevance, dtype=torch.bool), diagonal=1)
        known = upper & ~relevance.isnan()
        if self._takes_scores:
            return self._loss(embeddings, known.nonzero(), relevance[known])
        return self._loss(embeddings, (known & (relevance >= RELEVANT)).nonzero())


class OfViews(nn.Module):
    """A loss of two views, fed with batches whose first half are the first views.

    Examples
    --------
    >>> OfViews(Asked("vicreg", {}))(torch.eye(4), torch.tensor([0, 1, 0, 1])).isfinite().item()
    True
    """

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self._loss = partial(OF_OTHERS[asked.name].make, **asked.parameters)

    def forward(self, embeddings: Tensor, _: Tensor) -> Tensor:
        """Compare both halves."""
        return self._loss(*embeddings.chunk(2))


def _among(told: Any, kind: str) -> Asked | None:
    """Read a loss that learns from `"pairs"` or `"two views"`; None for any other."""
    form = read(told)
    if isinstance(form, Asked) and form.name in OF_OTHERS and kind in OF_OTHERS[form.name].needs:
        return form
    return None


def _has_centers(told: Any) -> bool:
    form = read(told)
    if isinstance(form, list):
        return any(_has_centers(part) for _, part in form)
    return isinstance(form, Asked) and "centers" in getattr(OF_LABELS.get(form.name), "needs", "")


def _by_label(told: Any, items: Items) -> bool:
    """Tell whether a loss with centers takes the finest label for all."""
    known = items.similarity
    only_levels = known.several is None and known.pairs is None and known.group is None
    return _has_centers(told) and only_levels
