"""Maps: two finite coordinates per item, the same each time, remembered."""

import sys

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simlab.errors import ChoiceError, DataError, SimlabWarning
from simlab.items import Items
from simlab.space import Embeddings, _projections, project


def placed(vectors):
    return Embeddings(vectors, Items.from_arrays(vectors))


def scattered(n=40, dim=6, seed=0):
    return placed(np.random.default_rng(seed).normal(size=(n, dim)))


@pytest.fixture
def no_umap(monkeypatch):
    """Make every import of umap fail."""
    monkeypatch.setitem(sys.modules, "umap", None)


@pytest.fixture
def quick_umap(monkeypatch):
    """Stand in for UMAP, and count: it takes seconds to compile."""
    calls = []

    def stand_in(unit, seed):
        calls.append(seed)
        return np.random.default_rng(seed).normal(size=(len(unit), 2)).astype(np.float32)

    monkeypatch.setattr(_projections, "_umap", stand_in)
    return calls


# -- pca ------------------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 8))
def test_any_number_of_items_and_dimensions_gets_a_finite_map(seed, n, dim):
    layout = project(scattered(n, dim, seed), "pca")

    assert (layout.shape, layout.dtype) == ((n, 2), np.float32)
    assert np.isfinite(layout).all()


def test_pca_is_the_same_each_time():
    assert (project(scattered(), "pca") == project(scattered(), "pca")).all()


def test_pca_keeps_the_two_directions_of_greatest_spread():
    unit = scattered(200).unit
    centered = unit - unit.mean(axis=0)
    values = np.linalg.svd(centered, compute_uv=False)

    assert np.allclose(
        np.linalg.norm(project(scattered(200), "pca"), axis=0), values[:2], rtol=1e-3
    )


def test_pca_does_not_turn_over_when_items_change_places():
    emb = scattered()
    order = np.random.default_rng(1).permutation(len(emb))

    assert np.allclose(project(emb[order], "pca"), project(emb, "pca")[order], atol=1e-4)


# -- umap -----------------------------------------------------------------------------------


def test_umap_keeps_clusters_together_and_is_the_same_in_an_empty_cache(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 15)
    emb = placed(np.eye(3)[labels] * 5 + 0.2 * rng.normal(size=(45, 3)))
    layout = project(emb)
    centers = np.stack([layout[labels == label].mean(axis=0) for label in range(3)])
    nearest = ((layout[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)
    monkeypatch.setenv("SIMLAB_CACHE", str(tmp_path))

    assert (nearest == labels).all()
    assert (project(emb) == layout).all()


@pytest.mark.usefixtures("no_umap")
def test_a_remembered_map_needs_no_umap(quick_umap):
    first = project(scattered())

    assert (project(scattered()) == first).all()
    assert quick_umap == [0]


@pytest.mark.parametrize(
    "other",
    [lambda: project(scattered(seed=1)), lambda: project(scattered(), seed=1)],
    ids=["vectors", "seed"],
)
def test_other_vectors_or_another_seed_make_another_map(quick_umap, other):
    project(scattered())
    other()

    assert len(quick_umap) == 2


def test_labels_are_no_part_of_the_map(quick_umap):
    emb = scattered()
    project(emb)
    project(Embeddings(emb.vectors, Items.from_arrays(emb.vectors, labels=range(40))))

    assert len(quick_umap) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda data: data[:-5],
        lambda data: b"PK\x03\x04" + data,
        lambda _: b"\x80\x04N.",
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: data + b"more",
    ],
    ids=["empty", "short", "zip", "pickle", "flipped", "long"],
)
def test_a_damaged_map_is_made_again(quick_umap, cache_root, spoil):
    first = project(scattered())
    [file] = (cache_root / "layouts").iterdir()
    file.write_bytes(spoil(file.read_bytes()))

    assert (project(scattered()) == first).all()
    assert len(quick_umap) == 2
    assert (project(scattered()) == first).all()
    assert len(quick_umap) == 2


@pytest.mark.usefixtures("quick_umap")
def test_a_map_of_another_size_is_not_taken(cache_root):
    project(scattered(20))
    [small] = (cache_root / "layouts").iterdir()
    project(scattered(40))
    [large] = set((cache_root / "layouts").iterdir()) - {small}
    large.write_bytes(small.read_bytes())

    assert len(project(scattered(40))) == 40


@pytest.mark.usefixtures("quick_umap")
def test_nothing_but_the_map_is_left_in_the_cache(cache_root):
    project(scattered())

    assert [file.suffix for file in cache_root.rglob("*") if file.is_file()] == [".safetensors"]


@pytest.mark.usefixtures("quick_umap")
def test_without_a_cache_that_can_be_written_there_is_still_a_map(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SIMLAB_CACHE", str(tmp_path / "file"))

    assert project(scattered()).shape == (40, 2)


@pytest.mark.usefixtures("no_umap")
@pytest.mark.parametrize("n", [1, 2, 15])
def test_few_items_get_pca(n):
    assert (project(scattered(n)) == project(scattered(n), "pca")).all()


def test_vectors_that_are_all_alike_get_a_finite_map_with_a_warning(monkeypatch):
    monkeypatch.setattr(_projections, "_umap", lambda unit, _: np.full((len(unit), 2), np.nan))

    with pytest.warns(SimlabWarning, match=r"^umap found no layout .*; the map is PCA$"):
        layout = project(placed(np.ones((40, 3))))

    assert np.isfinite(layout).all()


# -- errors ---------------------------------------------------------------------------------


def test_an_unknown_projection_names_those_there_are():
    with pytest.raises(ChoiceError) as caught:
        project(scattered(), "tsne")

    assert str(caught.value) == "projection must be one of 'pca', 'umap'; got 'tsne'"


def test_a_map_of_nothing_is_refused():
    with pytest.raises(DataError, match=r"^a map needs at least one item; got none$"):
        project(scattered()[:0])
