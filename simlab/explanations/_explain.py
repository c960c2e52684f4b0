"""explain: from the neighbors of one query to the reasons."""

from typing import Any

import numpy as np

from simlab.encoders import Encoder
from simlab.errors import DataError
from simlab.explanations._evidence import Evidence, others, plain
from simlab.explanations._explanation import Explanation, PairMap
from simlab.explanations._occlusion import Side, occlude
from simlab.explanations._parts import cut
from simlab.items import MIXED, VARIOUS
from simlab.space import Embeddings, Neighbors


def explain(
    neighbors: Neighbors,
    encoder: Encoder,
    *,
    pairs: int = 3,
    donors: int = 2,
    grid: int = 6,
    seed: int = 0,
    progress: bool = True,
) -> Explanation:
    """Say why these are the neighbors of a query: the votes, and the parts that matter.

    For the nearest neighbors, every part of both items is replaced in turn, and the fall of the
    cosine similarity is measured. Nothing is assumed of the encoder but that it encodes. Cells
    of pictures and arrays, and values of 1-D arrays, are replaced by those of other gallery
    items: such a copy stays a picture of the kind that the encoder knows, while a grey cell is
    news to it and a blurred cell still shows a color. Words are left out.

    A part whose work another part can do alone gets little weight, because only one is replaced
    at a time.

    Parameters
    ----------
    neighbors : Neighbors
        Of one query, for example `index.search(queries)[0]`. The query itself is passed over
        where it is part of the gallery.
    encoder : Encoder or Run
        What placed query and gallery.
    pairs : int, default=3
        How many of the nearest neighbors are looked into; as many as there are if fewer.
    donors : int, default=2
        How many gallery items give replacements, drawn at random from those not shown; weights
        are averaged over them. Without meaning for texts.
    grid : int, default=6
        Cells per side of a picture or array; one cell per row or column if it has fewer.
    seed : int, default=0
        Of the draw of donors.
    progress : bool, default=True
        Show a progress bar while encoding.

    Returns
    -------
    Explanation
        Plain data; it shows itself without the encoder.

    Raises
    ------
    DataError
        Not exactly one query, another encoder than the one of the neighbors, items that it does
        not read or that have several parts, queries of another kind or shape than the gallery, a
        gallery without items to take replacements from, or `pairs`, `donors` or `grid` below 1.
    ShapeError
        Neighbors without a source, and an encoder of another dimension.

    Notes
    -----
    At most `(pairs + 1) * (grid**2 * donors + 1)` copies are encoded; for texts one for each
    word. Pictures are put on white and reduced to 256 pixels before they are cut.

    References
    ----------
    Zeiler and Fergus. *Visualizing and Understanding Convolutional Networks*. ECCV 2014,
    arXiv:1311.2901, section 4.2. Dong, Collins and Hoogs. *Explainability for Content-Based
    Image Retrieval*. CVPR Workshops 2019.

    Examples
    --------
    The two agree in their first value only:

    >>> from simlab.encoders import embed, encoder
    >>> from simlab.items import Items
    >>> from simlab.space import Index
    >>> items = Items.from_arrays(np.array([[3.0, 1, 0], [3, 0, 1], [0, 1, 1]]), labels=[0, 0, 1])
    >>> pixels = encoder("pixels")
    >>> embeddings = embed(items, pixels, cache=False)
    >>> neighbors = Index(embeddings).search(embeddings[:1], k=1, exclude_self=True)
    >>> explanation = explain(neighbors[0], pixels, progress=False)
    >>> explanation
    Explanation: the only neighbor is 0; the nearest has similarity 0.90 (1 pair by values, pixels)
    >>> explanation.pairs[0].query_weights.round(2).tolist()
    [0.9, 0.0, -0.05]
    """
    evidence = Evidence.of(neighbors)
    _check(neighbors, encoder, pairs=pairs, donors=donors, grid=grid)
    positions, similarities = others(neighbors)
    shown = positions[:pairs]
    found = neighbors.gallery[shown]
    rows = _donors(neighbors, shown, donors, seed)
    given = [neighbors.gallery.items.content[int(row)] for row in rows]
    query = cut(neighbors.queries.items.content[0], given, grid=grid)
    cuts = [cut(content, given, grid=grid) for content in found.items.content]
    sides = [Side(query, found.unit), *(Side(parts, neighbors.queries.unit) for parts in cuts)]
    of_query, *of_neighbors = occlude(sides, encoder, progress=progress)
    labels = found.items.labels
    maps = [
        PairMap(
            neighbor_id=plain(found.items.ids[rank]),
            neighbor_label=None if labels is None else plain(labels[rank]),
            position=int(shown[rank]),
            similarity=float(similarities[rank]),
            query_weights=of_query[rank],
            neighbor_weights=of_neighbors[rank][0],
            neighbor_words=parts.words,
        )
        for rank, parts in enumerate(cuts)
    ]
    return Explanation(
        neighbors=neighbors,
        evidence=evidence,
        pairs=tuple(maps),
        encoder_name=encoder.name,
        kind=query.kind,
        words=query.words,
        donors=tuple(neighbors.gallery.items.ids[rows].tolist()),
    )


def _donors(neighbors: Neighbors, shown: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Draw rows of the gallery that are neither the query nor shown; none for texts."""
    items = neighbors.gallery.items
    if items.modality == "text":
        return np.empty(0, dtype=np.int64)
    is_free = items.ids.astype(object) != neighbors.queries.items.ids[0]
    is_free[shown] = False
    free = np.flatnonzero(is_free)
    if not free.size:
        raise DataError(
            "replacements are taken from gallery items that are not shown, and a gallery of "
            f"{len(items)} with {len(shown)} shown has none left; give fewer pairs, or search in a "
            "larger gallery"
        )
    return np.random.default_rng(seed).choice(free, min(n, len(free)), replace=False)


def _check(neighbors: Neighbors, encoder: Encoder, **counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise DataError(f"{name} must be at least 1; got {count!r}")
    _check_source(neighbors.gallery, encoder)
    _check_source(neighbors.queries, encoder)
    asked, there = neighbors.queries.items, neighbors.gallery.items
    if not {asked.modality, there.modality}.isdisjoint({MIXED, VARIOUS}):
        raise DataError(
            "explain looks into pictures, texts and arrays, each by itself; got "
            f"{asked.content.told} and {there.content.told}; embed one part, items.part('image'), "
            "or items of one modality, and explain their neighbors"
        )
    if there.modality not in encoder.modalities:
        raise DataError(
            f"{encoder.name} reads {' or '.join(sorted(encoder.modalities))} items; the neighbors "
            f"are {there.modality} items; give the encoder that placed them"
        )
    if _kind(asked.content) != _kind(there.content):
        raise DataError(
            "query and gallery must be of one kind, because parts of the one are replaced by "
            f"parts of the other; got {_kind(asked.content)} and {_kind(there.content)}"
        )


def _check_source(embeddings: Embeddings, encoder: Encoder) -> None:
    source = embeddings.source
    if source is None or source is encoder or source.fingerprint == encoder.fingerprint:
        return
    raise DataError(
        f"the encoder must be the one that placed the neighbors, {source.name}; got "
        f"{encoder.name} with other weights or options; give that one, or embed anew with this one"
    )


def _kind(content: Any) -> str:
    shape = f" of shape {content[0].shape}" if content.modality == "array" else ""
    return f"{content.modality}{shape}"
