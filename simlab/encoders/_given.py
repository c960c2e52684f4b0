"""Give the same Embeddings again, as long as somebody holds them and the cache is as it was."""

from collections.abc import Hashable
from typing import Any
from weakref import WeakKeyDictionary, ref

from simlab.encoders._encoder import Encoder
from simlab.items import Items
from simlab.space import Embeddings

_GIVEN: "WeakKeyDictionary[Items, dict[Hashable, tuple[ref[Embeddings], Any]]]"
_GIVEN = WeakKeyDictionary()


def given_before(items: Items, encoder: Encoder, asked: Hashable, state: Any) -> Embeddings | None:
    """Find what was given for the same values, unless files may have changed since.

    Parameters
    ----------
    items, encoder
        The very same objects.
    asked : hashable
        All else that decides the vectors.
    state : object
        Of the cache: equal if nothing came, went or changed.
    """
    if items not in _GIVEN or items.content.may_change:
        return None
    known, before = _GIVEN[items].get(asked, (lambda: None, None))
    embeddings = known()
    is_same = embeddings is not None and embeddings.source is encoder and before == state
    return embeddings if is_same else None


def note_given(embeddings: Embeddings, asked: Hashable, state: Any) -> None:
    """Remember what was given, without keeping it alive."""
    _GIVEN.setdefault(embeddings.items, {})[asked] = ref(embeddings), state
