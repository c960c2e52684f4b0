"""Maps: two coordinates per item that keep neighbors near each other."""

import os
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np

from simlab._fingerprint import fingerprint
from simlab._folders import cache_folder
from simlab.errors import ChoiceError, DataError, SimlabWarning
from simlab.space._embeddings import Embeddings
from simlab.space._search import nearest

METHODS = ("pca", "umap")
_N_NEIGHBORS = 15
_MIN_DIST = 0.1


def project(embeddings: Embeddings, method: str = "umap", *, seed: int = 0) -> np.ndarray:
    """Lay items out on a plane.

    Layouts are remembered by the vectors, the method and the seed: the first UMAP of a process
    costs tens of seconds (numba compiles it), a remembered one nothing.

    Parameters
    ----------
    embeddings : Embeddings
        At least 1 item; with fewer than 16 the map is always PCA.
    method : {"umap", "pca"}, default="umap"
        `"umap"`: 15 nearest neighbors by cosine (exact), started from PCA (McInnes, Healy,
        Melville 2018, arXiv:1802.03426). `"pca"`: the two principal axes of the unit vectors.
    seed : int, default=0
        Of UMAP's optimization.

    Returns
    -------
    ndarray of shape (n, 2), float32

    Raises
    ------
    ChoiceError
        Unknown method.
    DataError
        No items.

    Warns
    -----
    SimlabWarning
        UMAP found no layout (all vectors alike); the map is PCA.

    Examples
    --------
    >>> from simlab.items import Items
    >>> three = Embeddings(np.eye(3), Items.from_arrays(["a", "b", "c"]))
    >>> project(three, "pca").shape
    (3, 2)
    """
    if method not in METHODS:
        raise ChoiceError.of("projection", method, METHODS)
    if not len(embeddings):
        raise DataError("a map needs at least one item; got none")
    if method == "pca" or len(embeddings) <= _N_NEIGHBORS:
        return _pca(embeddings.unit)
    key = fingerprint(embeddings.fingerprint, [method, seed, _N_NEIGHBORS, _MIN_DIST])
    remembered = cache_folder() / "layouts" / f"{key}.safetensors"
    if (found := _read(remembered, len(embeddings))) is not None:
        return found
    layout = _umap(embeddings.unit, seed)
    if not np.isfinite(layout).all():
        warnings.warn(
            "umap found no layout for these vectors (are they all alike?); the map is PCA",
            SimlabWarning,
            stacklevel=2,
        )
        return _pca(embeddings.unit)
    _remember(remembered, layout)
    return layout


def _pca(unit: np.ndarray) -> np.ndarray:
    centered = unit - unit.mean(axis=0)
    _, vectors = np.linalg.eigh(centered.T @ centered)
    axes = vectors[:, ::-1][:, :2]
    axes = axes * np.where(np.abs(axes).max(axis=0) == axes.max(axis=0), 1, -1)  # one sign for all
    flat = np.zeros((len(unit), 2), dtype=np.float32)
    flat[:, : axes.shape[1]] = centered @ axes
    return flat


def _umap(unit: np.ndarray, seed: int) -> np.ndarray:
    positions, similarities = nearest(unit, unit, _N_NEIGHBORS)
    start = _pca(unit)
    start = 10 * start / max(float(np.abs(start).max()), 1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # n_jobs with a seed, and deprecations of its dependencies
        from umap import UMAP

        mapper = UMAP(
            n_neighbors=_N_NEIGHBORS,
            min_dist=_MIN_DIST,
            metric="cosine",
            init=start,
            random_state=seed,
            precomputed_knn=(positions, np.maximum(1 - similarities, 0)),
        )
        return mapper.fit_transform(unit).astype(np.float32)


def _read(path: Path, n: int) -> np.ndarray | None:
    """Read a remembered layout; a damaged one counts as none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            layout = file.get_tensor("layout")
            told = (file.metadata() or {}).get("check")
    except (SafetensorError, OSError, ValueError):
        return None
    return layout if told == fingerprint(layout) and layout.shape == (n, 2) else None


def _remember(path: Path, layout: np.ndarray) -> None:
    """Write aside and rename, so that nobody reads half a file; a full disk only costs time."""
    from safetensors.numpy import save

    layout = np.ascontiguousarray(layout)
    aside = path.with_name(f"{path.name}-{os.getpid()}.part")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(save({"layout": layout}, metadata={"check": fingerprint(layout)}))
        aside.replace(path)
    with suppress(OSError):  # after the renaming there is nothing left
        aside.unlink()
