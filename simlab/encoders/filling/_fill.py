"""Encode what the cache does not know: batch by batch, in the order that costs least."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from simlab.encoders._dropout import Dropout, dropping
from simlab.encoders._encoder import Encoder
from simlab.encoders._views import augmented, own_chance, seed
from simlab.encoders.filling._memory import kept_memory
from simlab.encoders.filling._pace import Pace
from simlab.encoders.filling._randomness import (
    Watch,
    refuse_dropout,
    refuse_random,
    refuse_views,
)
from simlab.encoders.filling._reading import Reader
from simlab.errors import DataError, ShapeError
from simlab.items import Items

_SEGMENT_ITEMS = 16_384
_SEGMENT_SECONDS = 15.0
"""A segment is written after so many items or seconds: what an interruption can cost at most."""
_TEXT_START = 16
"""What a text costs before its first letter, in letters."""

Part = tuple[np.ndarray, np.ndarray]
"""Places, and vectors."""


@dataclass(frozen=True)
class View:
    """Which of `of` views is encoded; view 0 is the item as it is."""

    number: int = 0
    of: int = 1
    augment: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Filling:
    """How content becomes vectors.

    Attributes
    ----------
    encoder : Encoder
    dtype : dtype
        Vectors are rounded to it, and handed on as float32.
    batch_size : int or None
        None finds out.
    progress : bool
        Show a bar.
    """

    encoder: Encoder
    dtype: np.dtype
    batch_size: int | None
    progress: bool

    def segments(
        self, items: Items, keys: np.ndarray, *, dim: int | None = None, view: View = View()
    ) -> Iterator[Part]:
        """Encode items; what is done is handed on even when the next batch fails.

        Parameters
        ----------
        items : Items
        keys : ndarray of shape (n, 16), uint8
            Of each item in this view: they decide its chance.
        dim : int, optional
            The length that vectors must have.
        view : View

        Yields
        ------
        places : ndarray of int, increasing
            What was encoded since the last time.
        vectors : ndarray of shape (n, dim), float32
            Of all items, always the same; at the places told so far they are filled in.
        """
        vectors: np.ndarray | None = None
        waiting: list[np.ndarray] = []
        n, since = 0, time.monotonic()
        try:
            for places, encoded in self._batches(items, keys, view):
                dim = self._same_dim(dim, encoded)
                if vectors is None:
                    vectors = np.empty((len(items), dim), dtype=np.float32)
                vectors[places] = encoded
                waiting.append(places)
                n += len(places)
                if n >= _SEGMENT_ITEMS or time.monotonic() - since >= _SEGMENT_SECONDS:
                    yield np.sort(np.concatenate(waiting)), vectors
                    waiting, n, since = [], 0, time.monotonic()
        except (Exception, KeyboardInterrupt):
            if waiting and vectors is not None:
                yield np.sort(np.concatenate(waiting)), vectors
            raise
        if waiting and vectors is not None:
            yield np.sort(np.concatenate(waiting)), vectors

    def _batches(self, items: Items, keys: np.ndarray, view: View) -> Iterator[Part]:
        """Encode in the order of the items, as files lie, but long texts first."""
        from tqdm.auto import tqdm

        order, work = _order(items)
        pace, at = Pace(self.batch_size), 0
        plain = getattr(self.encoder, "plain", self.encoder)  # what augments is random on purpose
        watch = Watch(plain, self._encode)
        which = f", view {view.number} of {view.of}" if view.number else ""
        with (
            kept_memory(),
            Reader(items.content, order) as reader,
            tqdm(
                total=len(items),
                desc=f"embed: {self.encoder.name}{which}",
                unit="item",
                leave=False,
                disable=not self.progress,
            ) as bar,
        ):
            while at < len(order):
                chosen = order[at : at + pace.size(work[at])]
                start = time.perf_counter()
                content = reader.take(len(chosen))
                vectors = self._seen(content, keys[chosen], view, pace)
                spent = time.perf_counter() - start
                if not at:
                    vectors = vectors.copy()  # judging may encode again
                    self._judge(watch, content, view)
                pace.note(len(chosen), work[at : at + len(chosen)].sum(), spent)
                self._check_finite(vectors, items, chosen)
                yield chosen, self._rounded(vectors)
                at += len(chosen)
                bar.update(len(chosen))

    def _seen(self, content: list[Any], keys: np.ndarray, view: View, pace: Pace) -> np.ndarray:
        """Encode a batch as a view has it; what does not fit into memory, half by half."""
        if isinstance(view.augment, Dropout):
            with own_chance(), dropping():
                seed(keys[0])
                return self._in_memory(content, pace)
        if view.augment is not None:
            return self._in_memory(augmented(view.augment, content, keys), pace)
        if not view.number:
            return self._in_memory(content, pace)
        with own_chance():
            seed(keys[0])
            return self._in_memory(content, pace)

    def _in_memory(self, content: list[Any], pace: Pace) -> np.ndarray:
        try:
            return self._encode(content)
        except Exception as error:
            if type(error).__name__ != "OutOfMemoryError" or len(content) == 1:
                raise
        pace.shrink()
        middle = len(content) // 2
        halves = content[:middle], content[middle:]
        return np.concatenate([self._in_memory(half, pace).copy() for half in halves])

    def _encode(self, content: list[Any]) -> np.ndarray:
        """Encode one batch; the encoder may use its buffer again, so take it before the next."""
        with np.errstate(over="ignore"):  # too large for float32 is infinite, and refused as such
            vectors = np.asarray(self.encoder.encode(content), dtype=np.float32)
        if vectors.ndim != 2 or len(vectors) != len(content):  # noqa: PLR2004
            n = len(content)
            raise ShapeError(
                f"{self.encoder.name} must return one vector per item, an array of shape "
                f"({n}, dim) for {n} item{'s' * (n != 1)}; got {vectors.shape}"
            )
        return vectors

    def _judge(self, watch: Watch, content: list[Any], view: View) -> None:
        """Refuse one vector where chance decides, and views where it does not."""
        if isinstance(view.augment, Dropout):
            with dropping():
                if not watch.differs(content):
                    raise refuse_dropout(self.encoder.name)
        if view.augment is not None:
            return
        is_random = watch.is_random(content, suspected=view.number > 0)
        if is_random and not view.number:
            raise refuse_random(self.encoder.name)
        if view.number and not is_random:
            raise refuse_views(self.encoder.name, view.of)

    def _same_dim(self, dim: int | None, vectors: np.ndarray) -> int:
        if dim not in {None, vectors.shape[1]}:
            raise ShapeError(
                f"{self.encoder.name} must return vectors of one length; got {dim} and "
                f"{vectors.shape[1]}"
            )
        return vectors.shape[1]

    def _check_finite(self, vectors: np.ndarray, items: Items, chosen: np.ndarray) -> None:
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if bad.size:
            raise DataError(
                f"{self.encoder.name} must return finite vectors; got NaN or infinity for item "
                f"{items.ids[chosen[bad[0]]]!r} ({bad.size} in this batch); mend the encoder or "
                "leave them out"
            )

    def _rounded(self, vectors: np.ndarray) -> np.ndarray:
        """Give float32 vectors as they will be read from the disk."""
        if self.dtype == np.float32:
            return vectors
        with np.errstate(over="ignore"):
            kept = vectors.astype(self.dtype, copy=False).astype(np.float32, copy=False)
        if not np.isfinite(kept).all():
            raise DataError(
                f"vectors kept as {self.dtype} must lie within ±{np.finfo(self.dtype).max:.0f}; "
                f"{self.encoder.name} returned {np.abs(vectors).max():.6g}; use dtype='float32'"
            )
        return kept


def _order(items: Items) -> tuple[np.ndarray, np.ndarray]:
    """Tell in which order to encode, and how much work each item then is."""
    if items.modality != "text":
        return np.arange(len(items)), np.ones(len(items))
    lengths = _TEXT_START + np.array([len(text) for text in items.content[:]])
    order = np.argsort(-lengths, kind="stable")  # so that little is padded
    return order, lengths[order].astype(float)
