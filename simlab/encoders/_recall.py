"""Give the vectors of items: what is known from the cache, the rest by encoding it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from simlab.encoders._cache import VECTORS, VectorStore, store_at
from simlab.encoders._fill import Filling, View
from simlab.encoders._keys import distinct
from simlab.encoders._precision import tell_agreement
from simlab.encoders._views import view_keys
from simlab.items import Items


@dataclass(frozen=True)
class Recall:
    """The cache in front of an encoder.

    Attributes
    ----------
    filling : Filling
        How what is not known is encoded.
    cache : Path or None
        The folder of the cache; None remembers nothing.
    spaces : tuple of str and str or None
        The names of the space of the items as they are, and of that of their views.
    n_views : int
        1 asks for no views.
    """

    filling: Filling
    cache: Path | None
    spaces: tuple[str, str | None]
    n_views: int

    @classmethod
    def of(cls, filling: Filling, cache: Path | None, n_views: int) -> Self:
        """Take the fingerprints once: some encoders hash all their weights for them."""
        encoder: Any = filling.encoder
        if n_views == 1:
            return cls(filling, cache, (encoder.fingerprint, None), n_views)
        is_plain = getattr(encoder, "augment", None) is None
        of_views = encoder.fingerprint if is_plain else encoder.views_fingerprint
        return cls(filling, cache, (encoder.fingerprint, of_views), n_views)

    def vectors(self, items: Items) -> tuple[np.ndarray, np.ndarray | None]:
        """Give vectors of shape (n, dim), and from two views on those of shape (n, views, dim).

        Items that an encoder sees only at random have no vector of their own: they get the mean
        of their views.
        """
        augment = getattr(self.filling.encoder, "augment", None)
        plain, of_views = self.spaces
        if of_views is None:
            return _sealed(self._vectors(items, plain, View())), None
        numbers = range(1, self.n_views + 1)
        seen = [View(number, self.n_views, augment) for number in numbers]
        views = np.stack([self._vectors(items, of_views, view) for view in seen], axis=1)
        is_seen = augment is not None
        vectors = self._vectors(items, plain, View()) if is_seen else views.mean(axis=1)
        return _sealed(vectors), _sealed(views)

    def state(self) -> list[Any]:
        """Tell what the cache holds; equal states give equal vectors without another look."""
        stores = [self._store(space) for space in self.spaces if space is not None]
        return [store.state() for store in stores if store is not None]

    def _vectors(self, items: Items, space: str, view: View) -> np.ndarray:
        """Look up what is known, encode the rest, each distinct content once; shape (n, dim)."""
        store = self._store(space)
        keys = view_keys(items.content.digests(), view.number)
        rows = store.locate(keys) if store is not None else None
        if rows is not None and rows.known.all():
            return rows.take(np.arange(len(items)))
        missing = np.arange(len(items)) if rows is None else np.flatnonzero(~rows.known)
        first, again = distinct(keys[missing])
        order = np.argsort(first)
        wanted = missing[first[order]]  # of each content to encode, the first item that has it
        dim = None if rows is None else rows.dim
        encoded = self._encoded(items[wanted], keys[wanted], store, dim, view)
        if len(wanted) == len(items):
            return encoded
        found = np.empty((len(items), encoded.shape[1]), dtype=np.float32)
        if rows is not None and rows.known.any():
            known = np.flatnonzero(rows.known)
            found[known] = rows.take(known)
        found[missing] = encoded[np.argsort(order)[again]]
        return found

    def _encoded(
        self, items: Items, keys: np.ndarray, store: VectorStore | None, dim: int | None, view: View
    ) -> np.ndarray:
        """Encode distinct items, remembering segment after segment."""
        vectors = np.empty((0, 0), dtype=np.float32)
        for places, vectors in self.filling.segments(items, keys, dim=dim, view=view):
            if store is not None:
                is_run = places[-1] - places[0] + 1 == len(places)
                rows = slice(places[0], places[-1] + 1) if is_run else places
                store.add(keys[rows], vectors[rows], name=self.filling.encoder.name)
        if store is not None:
            store.tidy()
        if dim is None and not view.number:
            tell_agreement(self.filling.encoder, items.content, vectors)
        return vectors

    def _store(self, space: str) -> VectorStore | None:
        if self.cache is None:
            return None
        kind = self.filling.dtype.name
        name = space if kind == "float32" else f"{space}-{kind}"
        return store_at(self.cache / VECTORS / name, kind)


def _sealed(array: np.ndarray) -> np.ndarray:
    """Forbid writing: the same vectors may be given again."""
    array.flags.writeable = False
    return array
