"""embed: the one door from Items to Embeddings; the cache lives behind it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from simlab._folders import cache_folder
from simlab.encoders._cache import VECTORS, VectorStore, store_at
from simlab.encoders._encoder import Encoder
from simlab.encoders._housekeeping import keep_to_limit
from simlab.encoders._keys import distinct
from simlab.encoders._limit import cache_limit
from simlab.errors import ChoiceError, DataError, ShapeError
from simlab.items import Items
from simlab.space import Embeddings

_DTYPES = ("float16", "float32")
_SEGMENT_ITEMS = 16_384
_SEGMENT_SECONDS = 15.0
"""A segment is written after so many items or seconds: what an interruption can cost at most."""


def embed(
    items: Items,
    encoder: Encoder,
    *,
    cache: str | Path | Literal[False] = "default",
    dtype: Literal["float32", "float16"] = "float32",
    batch_size: int = 64,
    progress: bool = True,
) -> Embeddings:
    """Place items in the space of an encoder; what was computed once is remembered on disk.

    Vectors are found again by what they depend on: the encoder's fingerprint (weights,
    configuration, preprocessing) and the content of the item. Renaming, reordering, selecting or
    relabeling items costs nothing; a changed picture or model is computed anew. Equal content
    is encoded once. Stopping in the middle keeps what was done.

    Parameters
    ----------
    items : Items
        At least one.
    encoder : Encoder
        From `simlab.encoder`, or a Run.
    cache : "default", False, str or Path, default="default"
        `"default"`: the folder named by `SIMLAB_CACHE`, else `data/cache` of a checkout, else
        the user's cache folder. A path: that folder. False: remember nothing.
        `SIMLAB_CACHE_LIMIT` (such as "20GB") limits its size: the vectors unused for longest go.
    dtype : "float32" or "float16", default="float32"
        How vectors are kept. float16 takes half the disk and rounds to three digits, whether
        they come from the cache or not; the two are never mixed. Embeddings are float32.
    batch_size : int, default=64
        Items read and encoded at a time.
    progress : bool, default=True
        Show a progress bar while encoding.

    Returns
    -------
    Embeddings

    Raises
    ------
    ChoiceError
        An unknown dtype.
    DataError
        No items, items of a kind that the encoder does not read, a batch size below 1, or NaN
        in a vector; numbers above 65504 for float16; `SIMLAB_CACHE_LIMIT` is no size.
    ShapeError
        An encoder that does not return one vector per item.
    CacheError
        The cache cannot be written.
    TypeError
        Something that is no encoder.

    Examples
    --------
    >>> from simlab.encoders import encoder
    >>> items = Items.from_arrays(np.eye(3), labels=[0, 1, 1])
    >>> embed(items, encoder("pixels"), cache=False)
    Embeddings: 3 vectors of 3 dimensions from pixels
    """
    if not hasattr(encoder, "modalities"):
        raise TypeError(
            f"embed needs an encoder; got {encoder!r}; make one with simlab.encoder({encoder!r})"
        )
    if not len(items):
        raise DataError("embed needs at least one item; got none")
    if batch_size < 1:
        raise DataError(f"batch_size must be at least 1; got {batch_size!r}")
    if dtype not in _DTYPES:
        raise ChoiceError.of("dtype", dtype, _DTYPES)
    if items.modality not in encoder.modalities:
        raise DataError(
            f"{encoder.name} reads {' or '.join(sorted(encoder.modalities))} items; "
            f"got {items.modality} items; choose another encoder or another content column"
        )
    base = getattr(encoder, "base", None)
    if base is not None and hasattr(encoder, "transform"):  # a run: its head costs next to nothing
        below = embed(
            items, base, cache=cache, dtype=dtype, batch_size=batch_size, progress=progress
        )
        return Embeddings(encoder.transform(below.vectors), items, encoder)
    folder = cache_folder() if cache == "default" else cache
    space = encoder.fingerprint if dtype == "float32" else f"{encoder.fingerprint}-{dtype}"
    if folder:
        store = store_at(Path(folder).expanduser().absolute() / VECTORS / space, dtype)
    else:
        store = None
    vectors = _vectors(items, encoder, store, batch_size, dtype=np.dtype(dtype), progress=progress)
    return Embeddings(vectors, items, encoder)


def _vectors(
    items: Items,
    encoder: Encoder,
    store: VectorStore | None,
    batch_size: int,
    *,
    dtype: np.dtype,
    progress: bool,
) -> np.ndarray:
    """Look up what is known, encode the rest, each distinct content once; shape (n, dim)."""
    digests = items.content.digests()
    rows = store.locate(digests) if store is not None else None
    if rows is not None and rows.known.all():
        return rows.take(np.arange(len(items)))
    limit = cache_limit() if store is not None else None  # nonsense is told before the work
    missing = np.arange(len(items)) if rows is None else np.flatnonzero(~rows.known)
    first, again = distinct(digests[missing])
    first = missing[first]  # of each content to encode, the first item that has it
    batches = _batches(items, encoder, first, batch_size, dtype=dtype, progress=progress)
    dim = None if rows is None else rows.dim
    made: list[Part] = []
    for places, vectors in _segments(_of_one_length(batches, encoder.name, dim)):
        if store is not None:
            store.add(digests[first[places]], vectors, name=encoder.name)
        made.append((places, vectors))
    if store is not None:
        store.tidy()
        if limit is not None:
            keep_to_limit(store.folder, limit)
    places, vectors = _joined(made)
    encoded = np.empty_like(vectors)
    encoded[places] = vectors
    if rows is None or not rows.known.any():
        return encoded[again]
    found = np.empty((len(items), encoded.shape[1]), dtype=np.float32)
    known = np.flatnonzero(rows.known)
    found[known] = rows.take(known)
    found[missing] = encoded[again]
    return found


Part = tuple[np.ndarray, np.ndarray]


def _batches(
    items: Items,
    encoder: Encoder,
    rows: np.ndarray,
    size: int,
    *,
    dtype: np.dtype,
    progress: bool,
) -> Iterator[Part]:
    """Encode some items, batch by batch: in their order, as files lie, but long texts first."""
    from tqdm.auto import tqdm

    content = items.content.take(rows)
    order = np.argsort(rows)
    if items.modality == "text":  # so that little is padded
        lengths = np.array([len(text) for text in content])
        order = order[np.argsort(-lengths[order], kind="stable")]
    with tqdm(
        total=len(rows),
        desc=f"embed: {encoder.name}",
        unit="item",
        leave=False,
        disable=not progress,
    ) as bar:
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            vectors = _encoded(encoder, [content[int(place)] for place in chosen])
            bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
            if bad.size:
                ids = items.ids[rows[chosen[bad]]]
                raise DataError(
                    f"{encoder.name} must return finite vectors; got NaN or infinity for item "
                    f"{ids[0]!r} ({bad.size} in this batch); mend the encoder or leave them out"
                )
            yield chosen, _rounded(vectors, dtype, encoder.name)
            bar.update(len(chosen))


def _rounded(vectors: np.ndarray, dtype: np.dtype, name: str) -> np.ndarray:
    """Give float32 vectors as they will be read from the disk."""
    with np.errstate(over="ignore"):
        kept = vectors.astype(dtype, copy=False).astype(np.float32, copy=False)
    if not np.isfinite(kept).all():
        raise DataError(
            f"vectors kept as {dtype} must lie within ±{np.finfo(dtype).max:.0f}; {name} returned "
            f"{np.abs(vectors).max():.6g}; use dtype='float32'"
        )
    return kept


def _encoded(encoder: Encoder, content: list[Any]) -> np.ndarray:
    """Encode one batch into an array of its own: an encoder may use its buffer again."""
    with np.errstate(over="ignore"):  # too large for float32 is infinite, and refused as such
        vectors = np.array(encoder.encode(content), dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != len(content):  # noqa: PLR2004
        n = len(content)
        raise ShapeError(
            f"{encoder.name} must return one vector per item, an array of shape ({n}, dim) for "
            f"{n} item{'s' * (n != 1)}; got {vectors.shape}"
        )
    return vectors


def _of_one_length(batches: Iterator[Part], name: str, dim: int | None) -> Iterator[Part]:
    for places, vectors in batches:
        dim = vectors.shape[1] if dim is None else dim
        if vectors.shape[1] != dim:
            raise ShapeError(
                f"{name} must return vectors of one length; got {dim} and {vectors.shape[1]}"
            )
        yield places, vectors


def _segments(batches: Iterator[Part]) -> Iterator[Part]:
    """Gather batches into segments; what is done is handed on even when the next batch fails."""
    waiting: list[Part] = []
    since = time.monotonic()
    try:
        for batch in batches:
            waiting.append(batch)
            n = sum(len(places) for places, _ in waiting)
            if n >= _SEGMENT_ITEMS or time.monotonic() - since >= _SEGMENT_SECONDS:
                yield _joined(waiting)
                waiting, since = [], time.monotonic()
    except (Exception, KeyboardInterrupt):
        if waiting:
            yield _joined(waiting)
        raise
    if waiting:
        yield _joined(waiting)


def _joined(parts: list[Part]) -> Part:
    return np.concatenate([places for places, _ in parts]), np.concatenate(
        [rows for _, rows in parts]
    )
