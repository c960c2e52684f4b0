"""Embed with several encoders: each reads its own, and what it made is remembered as its own."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from simlab.encoders.models._several import SeveralEncoder
from simlab.errors import DataError
from simlab.items import Items
from simlab.space import Embeddings

Embed = Callable[..., Embeddings]
"""From items, an encoder and `views` to embeddings: `embed`, with all else chosen."""


def embed_together(
    items: Items, encoder: SeveralEncoder, embed: Embed, *, views: int
) -> Embeddings:
    """Embed items of several parts side by side, or items of each modality by their encoder.

    Views are those of the encoders that augment; the other parts stay as they are in every view.
    """
    if items.parts:
        return _side_by_side(items, encoder, embed, views)
    of_each = getattr(items.content, "modality_of_each", None)
    if of_each is None:
        of_each = np.full(len(items), items.modality)
    rows = encoder.rows_by_reader(of_each)
    found = _placed(
        {name: items if len(rows) == 1 else items[chosen] for name, chosen in rows.items()},
        encoder,
        embed,
        views,
    )
    vectors = encoder.gathered({name: (rows[name], one.vectors) for name, one in found.items()})
    if views == 1:
        return Embeddings(vectors, items, encoder)
    seen = {name: (rows[name], _views(one, views)) for name, one in found.items()}
    return Embeddings(vectors, items, encoder, encoder.gathered(seen))


def _side_by_side(items: Items, encoder: SeveralEncoder, embed: Embed, views: int) -> Embeddings:
    for name in encoder.parts:
        if name not in items.parts:
            raise DataError(
                f"items must have the part {name!r}, which {encoder.parts[name].name} reads; got "
                f"items of {' and '.join(items.parts)}; name the encoders after these parts"
            )
    found = _placed({name: items.part(name) for name in encoder.parts}, encoder, embed, views)
    vectors = encoder.beside({name: one.vectors for name, one in found.items()})
    if views == 1:
        return Embeddings(vectors, items, encoder)
    seen = {name: _views(one, views) for name, one in found.items()}
    return Embeddings(vectors, items, encoder, encoder.beside(seen))


def _placed(
    parts: Mapping[str, Items], encoder: SeveralEncoder, embed: Embed, views: int
) -> dict[str, Embeddings]:
    """Embed each part; where some encoders augment, the others have no views."""
    of: dict[str, Any] = {name: encoder.parts[name] for name in parts}
    augments = {name for name, one in of.items() if getattr(one, "augment", None) is not None}
    return {
        name: embed(part, of[name], views=views if name in augments or not augments else 1)
        for name, part in parts.items()
    }


def _views(embeddings: Embeddings, n: int) -> np.ndarray:
    """Give all views, shape (items, n, dim); of an encoder that has none the vector itself."""
    if embeddings.views is not None:
        return embeddings.views
    return np.repeat(embeddings.vectors[:, None], n, axis=1)
