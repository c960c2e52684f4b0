"""explore: what reaches the widget is what the index and the items say."""

import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from simlab.encoders import embed, encoder
from simlab.errors import ChoiceError, DataError
from simlab.items import Items
from simlab.space import Embeddings, Index, project
from simlab.views import _theme, explore

OPTIONS = {"projection": "pca", "progress": False}


def neighbors_of(explorer, k):
    shape = (len(explorer.ids), k)
    return (
        np.frombuffer(explorer.neighbors, "<u4").reshape(shape),
        np.frombuffer(explorer.similarities, "<f4").reshape(shape),
    )


@pytest.fixture
def space(items):
    return embed(items, encoder("pixels"), cache=False, progress=False)


def spread(items):
    """Put items of any kind at random places."""
    return Embeddings(np.random.default_rng(0).normal(size=(len(items), 4)), items)


def test_neighbors_are_those_of_an_exact_search_in_the_original_space(space):
    found = Index(space).search(space, k=5, exclude_self=True)
    positions, similarities = neighbors_of(explore(space, k=5, **OPTIONS), 5)

    np.testing.assert_array_equal(positions, found.positions)
    np.testing.assert_array_equal(similarities, found.similarities)


def test_there_are_as_many_neighbors_as_other_items_at_most(space):
    explorer = explore(space, k=50, **OPTIONS)

    assert repr(explorer).startswith("Explorer of 12 items, 3 labels, 11 neighbors each")


def test_the_map_is_the_projection(space):
    explorer = explore(space, **OPTIONS)

    assert explorer.xy == project(space, "pca").astype("<f4").tobytes()
    assert explorer.projection == "PCA"


def test_a_map_of_few_items_is_called_what_it_is(space):
    explorer = explore(space, progress=False)

    assert explorer.xy == project(space, "pca").astype("<f4").tobytes()
    assert explorer.projection == "PCA"


def test_a_map_by_umap_is_called_so(monkeypatch):
    sixteen = spread(Items.from_arrays(np.eye(16)))
    asked = []

    def laid_out(embeddings, method, *, seed=0):
        asked.append((len(embeddings), method, seed))
        return np.zeros((16, 2))

    monkeypatch.setattr("simlab.views._explore.project", laid_out)
    explorer = explore(sixteen, seed=7, progress=False)

    assert (explorer.projection, asked[-1]) == ("UMAP", (16, "umap", 7))
    assert [one["name"] for one in explorer.other_maps] == ["PCA"]


def test_in_the_background_pca_is_there_at_once_and_umap_when_it_is_ready():
    sixteen = spread(Items.from_arrays(np.eye(16)))
    explorer = explore(sixteen, background=True, progress=False)
    first = explorer.projection, explorer.xy, explorer.progress.startswith("UMAP: ")
    explorer.wait()

    assert first == ("PCA", project(sixteen, "pca").astype("<f4").tobytes(), True)
    assert (explorer.projection, explorer.progress) == ("UMAP", "")
    assert explorer.other_maps == [{"name": "PCA", "xy": first[1]}]
    assert explorer.xy == project(sixteen).astype("<f4").tobytes()


def test_ids_and_labels_come_along(space):
    explorer = explore(space, **OPTIONS)

    assert explorer.ids == [f"tree-{row}" for row in range(12)]
    assert explorer.label_names == ["ash", "elm", "oak"]


def test_the_title_is_the_name_of_the_encoder(space):
    assert explore(space, **OPTIONS).title == "pixels"


def test_a_title_of_ones_own(space):
    assert explore(space, title="Trees", **OPTIONS).title == "Trees"


def test_embeddings_of_no_known_source_have_a_title(items):
    assert explore(spread(items), **OPTIONS).title == "embeddings"


def test_items_without_labels_can_be_explored():
    assert explore(spread(Items.from_arrays(np.eye(5))), **OPTIONS).label_names == []


# -- samples --------------------------------------------------------------------------------


def test_of_many_items_a_sample_is_shown_and_said(space):
    explorer = explore(space, max_items=8, **OPTIONS)

    assert explorer.note == "8 of 12 items, drawn at random (max_items)."
    assert len(set(explorer.ids)) == 8
    assert set(explorer.ids) < set(space.items.ids)


def test_neighbors_in_a_sample_are_of_the_sample(space):
    explorer = explore(space, max_items=8, k=3, **OPTIONS)
    rows = [int(name.removeprefix("tree-")) for name in explorer.ids]
    sample = space[rows]
    found = Index(sample).search(sample, k=3, exclude_self=True)

    np.testing.assert_array_equal(neighbors_of(explorer, 3)[0], found.positions)


def test_the_seed_decides_the_sample(space):
    one, again, other = (
        explore(space, max_items=6, seed=seed, **OPTIONS).ids for seed in (0, 0, 1)
    )

    assert (one == again, one == other) == (True, False)


def test_nothing_is_said_when_all_items_are_shown(space):
    assert explore(space, max_items=12, **OPTIONS).note == ""


# -- content --------------------------------------------------------------------------------


def test_texts_have_their_words_and_no_pictures(texts):
    explorer = explore(spread(texts), **OPTIONS)

    assert explorer.texts == list(texts.content)
    assert explorer.sprites == []


@pytest.mark.parametrize("shape", [(6, 6), (6, 6, 1), (6, 6, 3)])
def test_arrays_of_the_shape_of_pictures_have_thumbnails(shape):
    explorer = explore(
        spread(Items.from_arrays(np.random.default_rng(0).random((5, *shape)))), **OPTIONS
    )
    [sheet] = explorer.sprites

    assert Image.open(BytesIO(sheet)).size == (64 * explorer.sprite_columns, 64)
    assert explorer.texts == []


@pytest.mark.parametrize("shape", [(6,), (6, 6, 2), (2, 3, 3, 3)])
def test_other_arrays_have_none(shape):
    explorer = explore(
        spread(Items.from_arrays(np.random.default_rng(0).random((5, *shape)))), **OPTIONS
    )

    assert explorer.sprites == []


def test_pictures_have_thumbnails_in_their_colors(photos):
    explorer = explore(spread(Items.from_folder(photos)), **OPTIONS)
    sheet = np.asarray(Image.open(BytesIO(explorer.sprites[0])))
    blue, red = sheet[32, 32], sheet[32, 3 * 64 + 32]

    assert (blue.argmax(), red.argmax()) == (2, 0)


# -- colors ---------------------------------------------------------------------------------


def offered(items):
    return [coloring["name"] for coloring in explore(spread(items), **OPTIONS).colorings]


def test_columns_that_group_the_items_are_offered_as_colors(items):
    more = items.with_column("split", ["train", "test"] * 6).with_column("size", [1, 2, 3] * 4)

    assert offered(more) == ["split", "size"]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(["same"] * 12, id="one value"),
        pytest.param([f"name {row}" for row in range(12)], id="one value per item"),
        pytest.param([[1, 2]] * 6 + [[3]] * 6, id="lists"),
    ],
)
def test_columns_that_group_nothing_are_not_offered(items, values):
    assert offered(items.with_column("extra", values)) == []


def test_a_coloring_carries_the_values_of_its_column(items):
    [coloring] = explore(
        spread(items.with_column("side", ["left", "right"] * 6)), **OPTIONS
    ).colorings

    assert coloring["names"] == ["left", "right"]
    assert np.frombuffer(coloring["codes"], "<i4").tolist() == [0, 1] * 6


def test_measurements_are_offered_as_numbers_and_row_numbers_are_not(items):
    more = items.with_column("size", np.linspace(0.5, 9.5, 12)).with_column("row", range(12))
    [coloring] = explore(spread(more), **OPTIONS).colorings

    assert coloring["name"] == "size"


# -- bad input ------------------------------------------------------------------------------


def test_an_unknown_projection(space):
    with pytest.raises(ChoiceError) as caught:
        explore(space, projection="tsne", progress=False)

    assert str(caught.value) == "projection must be one of 'pca', 'umap'; got 'tsne'"


@pytest.mark.parametrize(
    ("n", "options", "text"),
    [
        (1, {}, "explore needs at least two items; got 1"),
        (12, {"max_items": 1}, "max_items must be at least 2; got 1"),
        (12, {"k": 0}, "k must be from 1 to 11, the number of items that can be found; got 0"),
    ],
)
def test_too_little_to_explore(space, n, options, text):
    with pytest.raises(DataError) as caught:
        explore(space[:n], **OPTIONS, **options)

    assert str(caught.value) == text


# -- theme ----------------------------------------------------------------------------------


def test_colors_are_written_in_full_and_differ():
    assert all(re.fullmatch(r"#[0-9a-f]{6}", color) for color in _theme.COLORS)
    assert len(set(_theme.COLORS)) == len(_theme.COLORS)


def test_plotly_takes_the_layout():
    from plotly.graph_objects import Figure

    layout = Figure(layout=_theme.plain_layout()).layout

    assert (layout.font.color, layout.paper_bgcolor) == ("#7d858c", "rgba(0,0,0,0)")


def test_several_spaces_are_sent_to_the_comparison(space):
    with pytest.raises(TypeError, match=r"got dict; compare several with simlab\.compare"):
        explore({"one": space})


def test_items_of_parts_are_seen_by_their_picture_and_searched_by_their_text():
    pictures = [Image.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    both = spread(Items.from_arrays({"said": ["a", "b", "c"], "seen": pictures}))
    shown = explore(both, k=1, **OPTIONS)
    [sheet] = shown.sprites

    assert shown.texts == ["a", "b", "c"]
    assert Image.open(BytesIO(sheet)).convert("RGB").getpixel((32, 32))[0] > 200


def test_texts_among_pictures_are_written_on_thumbnails():
    red = Image.new("RGB", (64, 64), "red")
    shown = explore(spread(Items.from_arrays([red, "a red square", red])), k=1, **OPTIONS)
    cells = np.asarray(Image.open(BytesIO(shown.sprites[0])).convert("L"))[:, 64:128]

    assert shown.texts == ["", "a red square", ""]
    assert cells.max() > 240
    assert cells.min() < 60
    assert {one["name"]: one["names"] for one in shown.colorings}["modality"] == [
        "image",
        "text",
    ]
