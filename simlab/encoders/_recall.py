"""Give the vectors of items: what is known from the cache, the rest by encoding it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from simlab.encoders._views import view_keys
from simlab.encoders.filling._fill import Filling, View
from simlab.encoders.filling._ranks import Ranks
from simlab.encoders.models._precision import tell_agreement
from simlab.encoders.store._cache import VECTORS, VectorStore, store_at
from simlab.encoders.store._keys import KeyIndex, distinct
from simlab.encoders.store._rows import Rows
from simlab.errors import ShapeError
from simlab.items import Items

Shared = tuple[str, np.ndarray, np.ndarray | None]
"""What a rank has encoded: the name of the space, keys and vectors (None: nothing)."""


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
    leads : bool, default=True
        False on all ranks but the first, which tells the user what is done.
    """

    filling: Filling
    cache: Path | None
    spaces: tuple[str, str | None]
    n_views: int
    leads: bool = True

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
        wanted = [(plain, View())] if of_views is None or augment is not None else []
        if of_views is not None:
            numbers = range(1, self.n_views + 1)
            wanted += [(of_views, View(number, self.n_views, augment)) for number in numbers]
        found = self._all(items, wanted)
        if of_views is None:
            return _sealed(found[0]), None
        views = np.stack(found[-self.n_views :], axis=1)
        return _sealed(views.mean(axis=1) if augment is None else found[0]), _sealed(views)

    def state(self) -> list[Any]:
        """Tell what the cache holds; equal states give equal vectors without another look."""
        return [store.state() for store in self._stores]

    @property
    def folders(self) -> list[Path]:
        """The folders of the spaces; none without a cache."""
        return [store.folder for store in self._stores]

    @property
    def _stores(self) -> list[VectorStore]:
        stores = [self._store(space) for space in self.spaces if space is not None]
        return [store for store in stores if store is not None]

    def _all(self, items: Items, wanted: list[tuple[str, View]]) -> list[np.ndarray]:
        """Give the vectors of several views; where some are missing, all ranks meet to fill."""
        digests, ranks = items.content.digests(), Ranks.now()
        if ranks is None or self._knows(digests, wanted) or not ranks.meet():
            return [self._vectors(items, digests, space, view) for space, view in wanted]
        leads = ranks.rank == 0
        filling = replace(self.filling, progress=self.filling.progress and leads)
        one = replace(self, filling=filling, leads=leads)
        return [one._shared(items, digests, *each, ranks) for each in wanted]  # noqa: SLF001

    def _knows(self, digests: np.ndarray, wanted: list[tuple[str, View]]) -> bool:
        return all(
            self._found(self._store(space), view_keys(digests, view.number)).known.all()
            for space, view in wanted
        )

    def _shared(
        self, items: Items, digests: np.ndarray, space: str, view: View, ranks: Ranks
    ) -> np.ndarray:
        """Encode the share of this rank and take that of the others; shape (n, dim).

        What is then still missing (the others have a cache or items of their own) is encoded here.
        """
        store, keys = self._store(space), view_keys(digests, view.number)

        def own() -> Shared:
            rows = self._found(store, keys)
            missing = np.flatnonzero(~rows.known & ranks.share(keys))
            first = np.sort(missing[distinct(keys[missing])[0]])
            if not first.size:
                return space, keys[first], None
            return (
                space,
                keys[first],
                self._encoded(items[first], keys[first], store, rows.dim, view),
            )

        _, told = ranks.together(own, lambda share: share if store is None else None)
        parts = [one for one in told if one is not None and one[0] == space]
        vectors, _ = ranks.together(lambda: self._vectors(items, digests, space, view, parts))
        return vectors

    def _vectors(
        self,
        items: Items,
        digests: np.ndarray,
        space: str,
        view: View,
        parts: Sequence[Shared] = (),
    ) -> np.ndarray:
        """Look up what is known, encode the rest, each distinct content once; shape (n, dim)."""
        store, keys = self._store(space), view_keys(digests, view.number)
        rows = self._found(store, keys, parts)
        if rows.known.all():
            return rows.take(np.arange(len(items)))
        missing = np.flatnonzero(~rows.known)
        first, again = distinct(keys[missing])
        order = np.argsort(first)
        wanted = missing[first[order]]  # of each content to encode, the first item that has it
        if len(wanted) == len(items):  # all are new and no two are equal
            return self._encoded(items, keys, store, rows.dim, view)
        encoded = self._encoded(items[wanted], keys[wanted], store, rows.dim, view)
        found = np.empty((len(items), encoded.shape[1]), dtype=np.float32)
        known = np.flatnonzero(rows.known)
        if known.size:
            found[known] = rows.take(known)
        found[missing] = encoded[np.argsort(order)[again]]
        return found

    def _found(
        self, store: VectorStore | None, keys: np.ndarray, parts: Sequence[Shared] = ()
    ) -> Rows:
        """Look up in the cache; without one, in what the ranks have told."""
        if store is not None:
            return store.locate(keys)
        held = [(part, vectors) for _, part, vectors in parts if vectors is not None]
        lengths = sorted({vectors.shape[1] for _, vectors in held})
        if len(lengths) > 1:
            raise ShapeError(
                f"{self.filling.encoder.name} must return vectors of one length on all ranks; "
                f"got {lengths}"
            )
        segment, row = KeyIndex([part for part, _ in held]).look_up(keys)
        return Rows.of([vectors for _, vectors in held], segment, row)

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
        if dim is None and not view.number and self.leads:
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
