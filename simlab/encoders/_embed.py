"""embed: the one door from Items to Embeddings; the cache lives behind it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from simlab._folders import cache_folder
from simlab.encoders._cache import VectorStore
from simlab.encoders._encoder import Encoder
from simlab.errors import DataError, ShapeError
from simlab.items import Items
from simlab.space import Embeddings

_SEGMENT_ITEMS = 4096
_SEGMENT_SECONDS = 15.0
"""A segment is written after so many items or seconds: what an interruption can cost at most."""


def embed(
    items: Items,
    encoder: Encoder,
    *,
    cache: str | Path | Literal[False] = "default",
    batch_size: int = 64,
    progress: bool = True,
) -> Embeddings:
    """Place items in the space of an encoder; what was computed once is remembered on disk.

    Vectors are found again by what they depend on: the encoder's fingerprint (weights,
    configuration, preprocessing) and the content of the item. Renaming, reordering, selecting or
    relabelling items costs nothing; a changed picture or model is computed anew. Equal content
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
    batch_size : int, default=64
        Items read and encoded at a time.
    progress : bool, default=True
        Show a progress bar while encoding.

    Returns
    -------
    Embeddings

    Raises
    ------
    DataError
        No items, items of a kind that the encoder does not read, a batch size below 1, or NaN
        in a vector.
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
    if items.modality not in encoder.modalities:
        raise DataError(
            f"{encoder.name} reads {' or '.join(sorted(encoder.modalities))} items; "
            f"got {items.modality} items; choose another encoder or another content column"
        )
    base = getattr(encoder, "base", None)
    if base is not None and hasattr(encoder, "transform"):  # a run: its head costs next to nothing
        below = embed(items, base, cache=cache, batch_size=batch_size, progress=progress)
        return Embeddings(encoder.transform(below.vectors), items, encoder)
    folder = cache_folder() if cache == "default" else cache
    if folder:
        store = VectorStore(Path(folder).expanduser() / "vectors" / encoder.fingerprint)
    else:
        store = None
    return Embeddings(
        _vectors(items, encoder, store, batch_size, progress=progress), items, encoder
    )


def _vectors(
    items: Items, encoder: Encoder, store: VectorStore | None, batch_size: int, *, progress: bool
) -> np.ndarray:
    """Look up what is known, encode the rest, each distinct content once; shape (n, dim)."""
    digests = items.content.digests()
    _, first, again = np.unique(digests, axis=0, return_index=True, return_inverse=True)
    keys = digests[first]
    found = store.find(keys) if store is not None else [None] * len(first)
    missing = np.array([place for place, vector in enumerate(found) if vector is None], dtype=int)
    batches = _batches(items, encoder, first, missing, batch_size, progress=progress)
    dim = next((len(vector) for vector in found if vector is not None), None)
    for places, vectors in _segments(_of_one_length(batches, encoder.name, dim)):
        if store is not None:
            store.add(keys[places], vectors)
        for place, vector in zip(places, vectors, strict=True):
            found[place] = vector
    return np.stack([vector for vector in found if vector is not None])[again.ravel()]


Part = tuple[np.ndarray, np.ndarray]


def _batches(
    items: Items,
    encoder: Encoder,
    first: np.ndarray,
    missing: np.ndarray,
    size: int,
    *,
    progress: bool,
) -> Iterator[Part]:
    """Encode batch by batch; texts are sorted by length, so that little is padded."""
    if not missing.size:
        return
    from tqdm.auto import tqdm

    content = items.content.take(first[missing])
    order = np.arange(len(missing))
    if items.modality == "text":
        order = np.argsort([-len(text) for text in content], kind="stable")
    with tqdm(
        total=len(missing),
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
                ids = items.ids[first[missing[chosen[bad]]]]
                raise DataError(
                    f"{encoder.name} must return finite vectors; got NaN or infinity for item "
                    f"{ids[0]!r} ({bad.size} in this batch); mend the encoder or leave them out"
                )
            yield missing[chosen], vectors
            bar.update(len(chosen))


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
