"""embed: the one door from Items to Embeddings; the cache lives behind it."""

from functools import partial
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

import numpy as np

from simlab._folders import cache_folder
from simlab.encoders._encoder import Encoder
from simlab.encoders._given import given_before, note_given
from simlab.encoders._recall import Recall
from simlab.encoders._together import embed_together
from simlab.encoders.filling._fill import Filling
from simlab.encoders.models._several import SeveralEncoder
from simlab.encoders.store._housekeeping import keep_to_limit
from simlab.encoders.store._limit import cache_limit
from simlab.errors import ChoiceError, DataError
from simlab.items import Items
from simlab.space import Embeddings

_DTYPES = ("float16", "float32")


def embed(
    items: Items,
    encoder: Encoder,
    *,
    cache: str | Path | Literal[False] = "default",
    dtype: Literal["float32", "float16"] = "float32",
    batch_size: int | Literal["auto"] = "auto",
    views: int = 1,
    progress: bool = True,
) -> Embeddings:
    """Place items in the space of an encoder; what was computed once is remembered on disk.

    Vectors are found again by what they depend on: the encoder's fingerprint (weights,
    configuration, preprocessing, versions of its libraries), the content of the item and the
    number of the view. Renaming, reordering, selecting or relabeling items costs nothing; a
    changed picture or model is computed anew. Equal content is encoded once. Stopping in the
    middle keeps what was done. Of items of several parts each part is found again by itself.

    In a distributed training (`torch.distributed`, as by Lightning's `setup`) call it on every
    rank with the same arguments: where something is missing each encodes its share, and all get
    all vectors, with a cache and without. A rank that calls alone (as in `prepare_data`) waits for
    the others half a minute, warns, and encodes everything itself.

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
    batch_size : int or "auto", default="auto"
        Items encoded at a time. `"auto"` starts with few and doubles while that is faster.
    views : int, default=1
        From 2 on: also encode so many augmented views of each item, which `fit` draws from. The
        encoder must augment (`simlab.encoder(..., augment=f)`), or its preprocessing be random.
    progress : bool, default=True
        Show a progress bar while encoding, with rate and remaining time; of several ranks, the
        first one shows it.

    Returns
    -------
    Embeddings
        Read-only vectors of the items as they are, and their `views`. Where the preprocessing
        itself is random an item has no vector but those of its views: then it is their mean.

    Raises
    ------
    ChoiceError
        An unknown dtype.
    DataError
        No items, items of a kind that the encoder does not read, a batch size or a number of
        views below 1, or NaN in a vector; numbers above 65504 for float16; an encoder that gives
        the same item another vector each time, without `views`; views of one that does not;
        `SIMLAB_CACHE_LIMIT` is no size.
    ShapeError
        An encoder that does not return one vector per item.
    CacheError
        The cache cannot be written.
    RankError
        Another rank of a distributed training failed.
    TypeError
        Something that is no encoder.

    Examples
    --------
    >>> from simlab.encoders import encoder
    >>> items = Items.from_arrays(np.eye(3), labels=[0, 1, 1])
    >>> embed(items, encoder("pixels"), cache=False)
    Embeddings: 3 vectors of 3 dimensions from pixels

    Two noisy views of each item:

    >>> noisy = encoder("pixels", augment=lambda array: array + np.random.normal(size=3))
    >>> embed(items, noisy, views=2, cache=False).views.shape
    (3, 2, 3)
    """
    _check(items, encoder, dtype, batch_size, views)
    again = partial(embed, cache=cache, dtype=dtype, batch_size=batch_size, progress=progress)
    base = getattr(encoder, "base", None)
    # what lies above a base costs next to nothing, unless that is the whole network
    is_light = views > 1 or not getattr(base, "is_input", False)
    if base is not None and hasattr(encoder, "transform") and is_light:
        return _above(again(items, base, views=views), encoder)
    if isinstance(encoder, SeveralEncoder):
        return embed_together(items, encoder, again, views=views)
    folder = cache_folder() if cache == "default" else cache
    place = Path(folder).expanduser().absolute() if folder else None
    size = None if batch_size == "auto" else batch_size
    recall = Recall.of(Filling(encoder, np.dtype(dtype), size, progress), place, views)
    limit = cache_limit() if place is not None else None  # nonsense is told before the work
    asked, before = (place, dtype, views, recall.spaces), recall.state()
    known = given_before(items, encoder, asked, before)
    if known is not None:
        return known
    vectors, seen = recall.vectors(items)
    embeddings = Embeddings(vectors, items, encoder, seen)
    if limit is not None and recall.state() != before:
        keep_to_limit(recall.folders, limit)
    if place is not None:
        note_given(embeddings, asked, recall.state())
    return embeddings


def _check(items: Items, encoder: Encoder, dtype: str, batch_size: Any, views: Any) -> None:
    if not hasattr(encoder, "modalities"):
        raise TypeError(
            f"embed needs an encoder; got {encoder!r}; make one with simlab.encoder({encoder!r})"
        )
    if not len(items):
        raise DataError("embed needs at least one item; got none")
    if batch_size != "auto" and not _is_count(batch_size):
        raise DataError(f"batch_size must be 'auto' or at least 1; got {batch_size!r}")
    if not _is_count(views):
        raise DataError(f"views must be a whole number, at least 1; got {views!r}")
    if dtype not in _DTYPES:
        raise ChoiceError.of("dtype", dtype, _DTYPES)
    if not items.content.modalities <= encoder.modalities:
        advice = "choose another encoder or another content column"
        if items.parts:
            advice = (
                f"give a mapping from parts to encoders, or embed items.part({items.parts[0]!r})"
            )
        kinds = " and ".join(sorted(items.content.modalities))
        raise DataError(
            f"{encoder.name} reads {' or '.join(sorted(encoder.modalities))} items; got {kinds} "
            f"items; {advice}"
        )


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and int(value) >= 1


def _above(below: Embeddings, run: Any) -> Embeddings:
    """Send vectors and views through what lies above an encoder."""
    views = below.views
    if views is not None:
        flat = run.transform(views.reshape(-1, views.shape[2]))
        views = flat.reshape(*views.shape[:2], -1)
    return Embeddings(run.transform(below.vectors), below.items, run, views)
