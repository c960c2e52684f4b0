"""explore: from embeddings to the linked map and gallery."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from tqdm.auto import tqdm

from simlab._pictures import is_picture
from simlab._thumbnails import thumbnail, written
from simlab.errors import ChoiceError, DataError
from simlab.items import Content
from simlab.space import Embeddings, Index, project
from simlab.views._aside import laid_out_aside
from simlab.views._explorer import Explorer

if TYPE_CHECKING:
    import pyarrow as pa
    from PIL.Image import Image

PROJECTIONS = ("pca", "umap")
_FEWEST_FOR_UMAP = 16
"""`project` lays out fewer items by PCA, whatever is asked."""
_MOST_VALUES = 100
"""A column with more distinct values is an identifier, not a way to color a map."""


def explore(
    embeddings: Embeddings,
    *,
    projection: str = "umap",
    k: int = 12,
    title: str | None = None,
    max_items: int = 20_000,
    seed: int = 0,
    background: bool = False,
    progress: bool = True,
) -> Explorer:
    """Open a map of the items, linked to the neighbors of the one you click.

    Neighbors are exact and come from the original space; the map is only a sketch of it. Right
    and wrong neighbors are told apart by label. Color by any column, by what the neighbors would
    predict, by similarity to the chosen item; search, filter, select and bookmark; start from the
    lists of errors; lay the map along axes from one label to another. All of it goes on working
    in a saved notebook and in a report, without a kernel.

    Parameters
    ----------
    embeddings : Embeddings
        What to look at. Pass held-out items for an honest picture of a trained space.
    projection : {"umap", "pca"}, default="umap"
        How the plane is made; in the page one can change to PCA. The first UMAP of a process
        takes up to a minute; layouts are remembered by content.
    k : int, default=12
        Neighbors per item (fewer if there are fewer items).
    title : str, optional
        By default the name of the encoder or run.
    max_items : int, default=20_000
        Of a larger set a random sample is shown, and the view says so.
    seed : int, default=0
        Of the layout and the sample.
    background : bool, default=False
        Show PCA at once, and the projection when another process has computed it: the kernel
        stays free, and the map says which stage it is in. `explorer.wait()` waits for it, and so
        does a report.
    progress : bool, default=True
        Show a progress bar while thumbnails are made.

    Returns
    -------
    Explorer
        A widget; `selected` and `selected_ids` hold what lasso or filter chose, `query` the chosen
        item, `bookmarks` the rows that were kept.

    Raises
    ------
    TypeError
        Anything but Embeddings.
    DataError
        Fewer than two items, or to show fewer than two.
    ChoiceError
        Unknown projection.

    Examples
    --------
    >>> from simlab import embed, encoder, load
    >>> digits = embed(load("striped-digits")[:50], encoder("pixels"), cache=False)
    >>> explore(digits, projection="pca", k=5, progress=False)
    Explorer of 50 items, 10 labels, 5 neighbors each; nothing to see? sl.report(...) makes a page
    """
    if not isinstance(embeddings, Embeddings):
        raise TypeError(
            f"explore shows one space, as Embeddings; got {type(embeddings).__name__}; compare "
            "several with simlab.compare"
        )
    if len(embeddings) < 2:  # noqa: PLR2004
        raise DataError(f"explore needs at least two items; got {len(embeddings)}")
    if max_items < 2:  # noqa: PLR2004
        raise DataError(f"max_items must be at least 2; got {max_items!r}")
    if projection not in PROJECTIONS:
        raise ChoiceError.of("projection", projection, PROJECTIONS)
    shown, note = _sample(embeddings, max_items, seed)
    items = shown.items
    found = Index(shown).search(shown, k=min(k, len(shown) - 1), exclude_self=True)
    source = shown.source.name if shown.source is not None else "embeddings"
    thumbnails, texts = _seen(items.content, progress=progress)
    by_pca = projection == "pca" or len(shown) < _FEWEST_FOR_UMAP
    maps = {"PCA": project(shown, "pca")}
    if not by_pca and not background:
        maps = {projection.upper(): project(shown, projection, seed=seed)} | maps
    name, *others = maps
    explorer = Explorer.of(
        xy=maps[name],
        other_maps={other: maps[other] for other in others},
        neighbors=found.positions,
        similarities=found.similarities,
        labels=items.labels,
        ids=items.ids,
        texts=texts,
        thumbnails=thumbnails,
        colorings=_colorings(shown),
        vectors=shown.unit,
        projection=name,
        title=title or source,
        note=note,
    )
    if background and not by_pca:
        aside = partial(laid_out_aside, shown, projection, seed=seed)
        explorer.improve(lambda tell: aside(tell=tell), projection.upper())
    return explorer


def _sample(embeddings: Embeddings, most: int, seed: int) -> tuple[Embeddings, str]:
    n = len(embeddings)
    if n <= most:
        return embeddings, ""
    rows = np.sort(np.random.default_rng(seed).choice(n, size=most, replace=False))
    return embeddings[rows], f"{most:,} of {n:,} items, drawn at random (max_items)."


def _seen(
    content: Content, *, progress: bool
) -> "tuple[list[Image | None] | None, list[str] | None]":
    """Shrink pictures while they are read, so that only thumbnails stay in memory; keep texts.

    Texts among pictures are written on a thumbnail of their own.
    """
    thumbnails, texts = [], []
    for value in tqdm(content, desc="content", unit="item", leave=False, disable=not progress):
        parts = list(value.values()) if isinstance(value, Mapping) else [value]
        picture = next((part for part in parts if is_picture(part)), None)
        thumbnails.append(None if picture is None else thumbnail(picture))
        texts.append("\n".join(part for part in parts if isinstance(part, str)))
    told = texts if any(texts) else None
    if all(one is None for one in thumbnails):
        return None, told
    of_each = zip(thumbnails, texts, strict=True)
    return [one or (written(text) if text else None) for one, text in of_each], told


def _colorings(embeddings: Embeddings) -> dict[str, np.ndarray]:
    """Choose the columns that group the items or measure them."""
    chosen = {}
    for name in embeddings.items.columns:
        if name in {"id", "label"} or _is_nested(embeddings.items.table, name):
            continue
        values = embeddings.items.column(name)
        n_distinct = len(set(values.tolist()))
        groups = n_distinct <= _MOST_VALUES and n_distinct < len(values)
        if n_distinct > 1 and (groups or _is_measured(values)):
            chosen[name] = values
    return chosen


def _is_measured(values: np.ndarray) -> bool:
    """Tell measurements from whole numbers that only count the rows or name them."""
    plain = [value for value in values.tolist() if value is not None]
    if not all(isinstance(value, int | float) for value in plain):
        return False
    numbers = np.array(plain, dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    return bool(len(set(plain)) < len(plain) or (numbers != np.rint(numbers)).any())


def _is_nested(table: "pa.Table", name: str) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_nested(table.schema.field(name).type))
