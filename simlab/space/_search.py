"""Exact nearest neighbors by cosine similarity: faiss, or numpy where it cannot be imported."""

from functools import lru_cache
from types import ModuleType

import numpy as np

_CHUNK = 1024


@lru_cache
def _faiss() -> ModuleType | None:
    try:
        import faiss
    except ImportError:
        return None
    return faiss


def nearest(queries: np.ndarray, gallery: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the `k` most similar gallery vectors of each query.

    Parameters
    ----------
    queries : ndarray of shape (q, dim), float32
        Unit vectors.
    gallery : ndarray of shape (n, dim), float32
        Unit vectors.
    k : int
        At most n.

    Returns
    -------
    positions : ndarray of shape (q, k), int64
        Rows of the gallery, the most similar first.
    similarities : ndarray of shape (q, k), float32
        Cosine similarity in [-1, 1].

    Examples
    --------
    >>> positions, similarities = nearest(np.eye(2, dtype="f4"), np.eye(2, dtype="f4"), 1)
    >>> positions.ravel().tolist()
    [0, 1]
    """
    search = _nearest_numpy if _faiss() is None else _nearest_faiss
    positions, similarities = search(np.ascontiguousarray(queries), gallery, k)
    return positions, np.clip(similarities, -1.0, 1.0)


def _nearest_faiss(
    queries: np.ndarray, gallery: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    faiss = _faiss()
    assert faiss is not None  # noqa: S101 (chosen by the caller)
    similarities, positions = faiss.knn(
        queries, np.ascontiguousarray(gallery), k, metric=faiss.METRIC_INNER_PRODUCT
    )
    return positions, similarities


def _nearest_numpy(
    queries: np.ndarray, gallery: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    positions = np.empty((len(queries), k), dtype=np.int64)
    similarities = np.empty((len(queries), k), dtype=np.float32)
    for start in range(0, len(queries), _CHUNK):
        product = queries[start : start + _CHUNK] @ gallery.T  # (chunk, n)
        best = np.argpartition(-product, k - 1, axis=1)[:, :k] if k < len(gallery) else None
        best = np.tile(np.arange(len(gallery)), (len(product), 1)) if best is None else best
        values = np.take_along_axis(product, best, axis=1)
        order = np.lexsort((best, -values), axis=1)
        positions[start : start + _CHUNK] = np.take_along_axis(best, order, axis=1)
        similarities[start : start + _CHUNK] = np.take_along_axis(values, order, axis=1)
    return positions, similarities


def nearest_others(
    queries: np.ndarray, gallery: np.ndarray, own: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the `k` nearest of each query, never itself.

    Parameters
    ----------
    queries, gallery : ndarray of shape (q, dim) and (n, dim), float32
        Unit vectors.
    own : ndarray of shape (q,), int
        Where each query stands in the gallery; -1 if it does not.
    k : int
        At most n - 1.

    Returns
    -------
    positions, similarities : ndarray of shape (q, k)
    """
    if (own < 0).all():
        return nearest(queries, gallery, k)
    positions, similarities = nearest(queries, gallery, k + 1)
    keep = positions != own[:, None]
    keep[keep.all(axis=1), -1] = False  # not in the list: drop the farthest instead
    shape = (len(queries), k)
    return positions[keep].reshape(shape), similarities[keep].reshape(shape)
