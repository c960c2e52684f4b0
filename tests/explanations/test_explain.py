"""What an explanation must get right, on encoders whose every move is known."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from simlab.errors import DataError, ShapeError
from simlab.explanations import explain
from simlab.items import Items
from simlab.space import Embeddings, Index, Neighbors


def cosine(one, other):
    return one @ other / np.linalg.norm(one) / np.linalg.norm(other)


def mean_red(item):
    """Read the mean red of the cell in row 1, column 2 of a 4 x 4 grid, and nothing else."""
    return [np.asarray(item)[4:8, 8:12, 0].mean() / 255, 0.5]


@pytest.fixture
def colors():
    return np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)


@pytest.fixture
def red_map(colors, reader, ask):
    encoder = reader(mean_red)
    return explain(ask(colors, encoder), encoder, grid=4, donors=1, progress=False)


def all_maps(explanation):
    return [
        side for pair in explanation.pairs for side in (pair.query_weights, pair.neighbor_weights)
    ]


# -- the analytic case -------------------------------------------------------------------------


def test_all_weight_lies_on_the_one_cell_that_is_read(red_map):
    elsewhere = [np.delete(weights.ravel(), 1 * 4 + 2) for weights in all_maps(red_map)]

    assert not np.any(elsewhere)


def test_the_weight_of_the_query_is_the_fall_of_the_similarity(red_map, colors):
    pair = red_map.pairs[0]
    [donor] = [colors[red_map.neighbors.gallery.items.ids == name][0] for name in red_map.donors]
    query, neighbor = np.array(mean_red(colors[0])), np.array(mean_red(colors[pair.position]))
    fall = cosine(query, neighbor) - cosine(np.array(mean_red(donor)), neighbor)

    assert pair.query_weights[1, 2] == pytest.approx(fall, abs=1e-6)


def test_the_weight_of_the_neighbor_is_the_fall_of_the_similarity(red_map, colors):
    pair = red_map.pairs[0]
    [donor] = [colors[red_map.neighbors.gallery.items.ids == name][0] for name in red_map.donors]
    query, neighbor = np.array(mean_red(colors[0])), np.array(mean_red(colors[pair.position]))
    fall = cosine(query, neighbor) - cosine(query, np.array(mean_red(donor)))

    assert pair.neighbor_weights[1, 2] == pytest.approx(fall, abs=1e-6)


def test_pictures_are_explained_like_the_arrays_they_hold(red_map, colors, reader, ask):
    encoder = reader(mean_red)
    pictures = [Image.fromarray(array) for array in colors]
    of_pictures = explain(ask(pictures, encoder), encoder, grid=4, donors=1, progress=False)

    assert np.array_equal(all_maps(of_pictures), all_maps(red_map))


def test_the_encoder_is_given_pictures_for_pictures(colors, reader, ask):
    encoder = reader(mean_red)
    found = ask([Image.fromarray(array) for array in colors], encoder)
    explain(found, encoder, progress=False)

    assert all(isinstance(item, Image.Image) for item in encoder.seen)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_weights_vanish_for_a_cell_that_the_encoder_ignores(row, column, seed):
    rng = np.random.default_rng(seed)
    kept = np.ones((4, 4))
    kept[row, column] = 0
    encoder = Blind(rng.normal(size=(16, 5)) * kept.reshape(16, 1))
    arrays = rng.normal(size=(6, 4, 4))
    maps = all_maps(explain(nearest(arrays, encoder), encoder, progress=False))

    assert not np.any([weights[row, column] for weights in maps])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_weights_do_not_change_when_the_space_is_rotated(seed):
    rng = np.random.default_rng(seed)
    matrix, arrays = rng.normal(size=(16, 5)), rng.normal(size=(6, 4, 4))
    rotation = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    straight, turned = Blind(matrix), Blind(matrix @ rotation)
    found = [explain(nearest(arrays, one), one, progress=False) for one in (straight, turned)]

    assert np.allclose(all_maps(found[0]), all_maps(found[1]), atol=1e-5)


class Blind:
    """A linear map of the numbers of an array."""

    name, modalities, fingerprint = "linear", frozenset({"array"}), "linear"

    def __init__(self, matrix):
        self.matrix = matrix

    def encode(self, content):
        return np.array([item.ravel() @ self.matrix for item in content])  # one by one: exact


def nearest(arrays, encoder, k=2):
    embeddings = Embeddings(encoder.encode(arrays), Items.from_arrays(arrays), encoder)
    return Index(embeddings).search(embeddings[:1], k=k, exclude_self=True)


# -- the sign ----------------------------------------------------------------------------------


def signs_are_right(weights):
    """Whether what they share (value 0) brings together and what differs (1) holds apart."""
    return bool(np.allclose(weights, [np.sqrt(0.5), -np.sqrt(0.5)]))


@pytest.fixture
def plus_and_minus(reader):
    """Query (1, 1) and neighbor (1, -1), with (0, 0) as the only donor."""
    encoder = reader(np.asarray)
    arrays = np.array([[1.0, 1.0], [1.0, -1.0], [0.0, 0.0]])
    gallery = Embeddings(arrays, Items.from_arrays(arrays), encoder)
    found = Neighbors(gallery[:1], gallery, np.array([[1]]), np.array([[0.0]]))
    [pair] = explain(found, encoder, progress=False).pairs
    return pair


def test_a_shared_value_brings_together_and_a_different_one_holds_apart(plus_and_minus):
    assert signs_are_right(plus_and_minus.query_weights)


def test_both_sides_have_the_same_sign_convention(plus_and_minus):
    assert signs_are_right(plus_and_minus.neighbor_weights)


def test_weights_of_the_wrong_sign_would_be_found_out(plus_and_minus):
    assert not signs_are_right(-plus_and_minus.query_weights)


# -- a planted patch, and a control that ignores it --------------------------------------------


def corner_leads(weights):
    return bool(weights[0, 0] > np.delete(weights.ravel(), 0).max())


@pytest.fixture
def patched():
    """Ten pictures of noise, of which the first two share a bright corner."""
    arrays = np.random.default_rng(1).normal(size=(10, 12, 12))
    arrays[:2, :2, :2] = 6.0
    return arrays


def reading(corner):
    """Make a head that sees the whole picture blurred to 6 x 6, and its corner so much."""
    mix = np.random.default_rng(2).normal(size=(36, 24)) / 6

    def function(item):
        coarse = item.reshape(6, 2, 6, 2).mean(axis=(1, 3)).ravel()
        coarse[0] *= corner
        return coarse @ mix

    return function


@pytest.fixture
def shortcut(patched, reader, ask):
    encoder = reader(reading(corner=1.0))
    return explain(ask(patched, encoder, k=1), encoder, progress=False).pairs[0]


@pytest.fixture
def control(patched, reader):
    """The same pair through a head that does not see the corner."""
    encoder = reader(reading(corner=0.0))
    embeddings = Embeddings(encoder.encode(patched), Items.from_arrays(patched), encoder)
    found = Neighbors(embeddings[:1], embeddings, np.array([[1]]), np.array([[0.5]]))
    return explain(found, encoder, progress=False).pairs[0]


def test_the_planted_corner_makes_the_nearest_neighbor(shortcut):
    assert shortcut.position == 1


def test_the_planted_corner_leads_in_the_query(shortcut):
    assert corner_leads(shortcut.query_weights)


def test_the_planted_corner_leads_in_the_neighbor(shortcut):
    assert corner_leads(shortcut.neighbor_weights)


def test_the_corner_does_not_lead_for_a_head_that_ignores_it(control):
    assert not corner_leads(control.query_weights)


def test_the_corner_weighs_nothing_for_a_head_that_ignores_it(control):
    assert control.query_weights[0, 0] == control.neighbor_weights[0, 0] == 0


def test_a_reversed_map_would_not_have_the_corner_in_the_lead(shortcut):
    assert not corner_leads(-shortcut.query_weights)


# -- words -------------------------------------------------------------------------------------


@pytest.fixture
def foxes(reader, ask):
    encoder = reader(lambda text: [text.split().count("fox"), 1.0])
    return explain(ask(["a red fox", "one fox", "a car"], encoder, k=1), encoder, progress=False)


def test_all_weight_lies_on_the_one_word_that_is_read(foxes):
    expected = 1 - np.sqrt(0.5)

    assert foxes.pairs[0].query_weights == pytest.approx([0, 0, expected], abs=1e-6)


def test_words_that_are_not_read_weigh_exactly_nothing(foxes):
    assert not foxes.pairs[0].query_weights[:2].any()


def test_the_words_of_both_texts_are_kept(foxes):
    assert (foxes.words, foxes.pairs[0].neighbor_words) == (("a", "red", "fox"), ("one", "fox"))


def test_texts_need_no_donors(foxes):
    assert foxes.donors == ()


def test_a_text_without_words_is_explained_by_nothing(reader, ask):
    encoder = reader(lambda text: [len(text), 1.0])
    explanation = explain(ask(["", "b", "c"], encoder, k=1), encoder, progress=False)

    assert explanation.pairs[0].query_weights.shape == (0,)


# -- what it costs -----------------------------------------------------------------------------


def test_copies_of_the_query_are_encoded_once_for_all_pairs(reader, ask):
    encoder = reader(lambda text: [len(text), 1.0])
    explain(ask(["a b c", "d e", "f g"], encoder), encoder, pairs=2, progress=False)

    assert len(encoder.seen) == (1 + 3) + (1 + 2) + (1 + 2)


def test_cells_that_equal_their_donor_are_not_encoded(reader, ask):
    arrays = np.zeros((4, 6, 6))
    arrays[:, 0, 0] = [1, 2, 3, 4]
    encoder = reader(lambda item: [item.sum(), 1.0])
    explain(ask(arrays, encoder), encoder, pairs=1, donors=1, progress=False)

    assert len(encoder.seen) == 4


def test_a_batch_is_never_larger_than_sixty_four(reader, ask, monkeypatch):
    encoder = reader(lambda item: [item.sum(), 1.0])
    found = ask(np.random.default_rng(0).normal(size=(5, 6, 6)), encoder)
    sizes = []
    encode = type(encoder).encode
    monkeypatch.setattr(
        type(encoder), "encode", lambda self, some: sizes.append(len(some)) or encode(self, some)
    )
    explain(found, encoder, progress=False)

    assert max(sizes) == 64


# -- donors and seeds --------------------------------------------------------------------------


@pytest.fixture
def noise():
    return np.random.default_rng(3).normal(size=(40, 4, 4))


def maps_with(noise, **options):
    encoder = Blind(np.random.default_rng(4).normal(size=(16, 5)))
    return explain(nearest(noise, encoder), encoder, progress=False, **options)


def test_the_same_seed_gives_the_same_weights(noise):
    one, again = maps_with(noise, seed=7), maps_with(noise, seed=7)

    assert np.array_equal(all_maps(one), all_maps(again))


def test_another_seed_draws_other_donors(noise):
    assert maps_with(noise, seed=7).donors != maps_with(noise, seed=8).donors


def test_neither_the_query_nor_the_shown_neighbors_are_donors(noise):
    explanation = maps_with(noise, donors=100)
    shown = {explanation.neighbors.queries.items.ids[0], *explanation.neighbors.ids[0]}

    assert len(explanation.donors) == 40 - 3
    assert not shown & set(explanation.donors)


def test_weights_are_the_mean_over_donors(reader):
    encoder = reader(np.asarray)
    arrays = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    gallery = Embeddings(arrays, Items.from_arrays(arrays), encoder)
    found = Neighbors(gallery[:1], gallery, np.array([[1]]), np.array([[1.0]]))
    [pair] = explain(found, encoder, donors=2, progress=False).pairs
    fall_to_zero_vector, fall_to_opposite = 1.0, 2.0

    assert pair.query_weights[0] == pytest.approx((fall_to_zero_vector + fall_to_opposite) / 2)


def test_no_more_pairs_are_explained_than_asked_for(noise):
    assert len(maps_with(noise, pairs=1).pairs) == 1


def test_no_more_pairs_are_explained_than_there_are(noise):
    assert len(maps_with(noise, pairs=9).pairs) == 2


def test_the_query_itself_is_no_pair(reader):
    encoder = reader(np.asarray)
    arrays = np.eye(4)
    gallery = Embeddings(arrays, Items.from_arrays(arrays), encoder)
    found = Index(gallery).search(gallery[:1], k=3)
    explanation = explain(found, encoder, progress=False)

    assert gallery.items.ids[0] not in {pair.neighbor_id for pair in explanation.pairs}


# -- refusals ----------------------------------------------------------------------------------


@pytest.fixture
def found(reader):
    encoder = reader(np.asarray)
    gallery = Embeddings(np.eye(4), Items.from_arrays(np.eye(4)), encoder)
    return Index(gallery).search(gallery[:2], k=2)


def test_two_queries_are_refused(found, reader):
    with pytest.raises(DataError, match=r"one query; got 2 queries; .* neighbors\[0\]"):
        explain(found, reader(np.asarray), progress=False)


def test_another_encoder_is_refused_by_its_fingerprint(found, reader):
    other = reader(np.asarray, name="other", fingerprint="other")

    with pytest.raises(DataError, match="must be the one that placed the neighbors, function"):
        explain(found[0], other, progress=False)


def test_an_equal_encoder_made_anew_is_accepted(found, reader):
    assert explain(found[0], reader(np.asarray), progress=False).pairs


def test_an_encoder_that_does_not_read_the_items_is_refused(found, reader):
    texts_only = reader(np.asarray, modalities=frozenset({"text"}))

    with pytest.raises(DataError, match="reads text items; the neighbors are array items"):
        explain(found[0], texts_only, progress=False)


def test_an_encoder_of_another_dimension_is_refused_without_a_source(reader):
    gallery = Embeddings(np.eye(4), Items.from_arrays(np.eye(4)))
    found = Index(gallery).search(gallery[:1], k=2)

    with pytest.raises(ShapeError, match="returns 2 dimensions, they have 4"):
        explain(found, reader(lambda item: item[:2]), progress=False)


def test_an_encoder_that_breaks_on_a_copy_is_named(reader):
    gallery = Embeddings(np.eye(4), Items.from_arrays(np.eye(4)))
    found = Index(gallery).search(gallery[:1], k=2)

    with pytest.raises(DataError, match="function must return finite vectors"):
        explain(found, reader(lambda item: item * np.nan), progress=False)


def test_a_gallery_without_free_items_is_refused(reader):
    gallery = Embeddings(np.eye(3), Items.from_arrays(np.eye(3)))
    found = Index(gallery).search(gallery[:1], k=3)

    with pytest.raises(DataError, match="give fewer pairs"):
        explain(found, reader(np.asarray), progress=False)


def test_a_query_of_another_shape_than_the_gallery_is_refused(reader):
    gallery = Embeddings(np.eye(3), Items.from_arrays(np.zeros((3, 4))))
    query = Embeddings(np.eye(3)[:1], Items.from_arrays(np.zeros((1, 2, 2))))
    found = Index(gallery).search(query, k=1)

    with pytest.raises(DataError, match=r"of one kind.*shape \(2, 2\) and array of shape \(4,\)"):
        explain(found, reader(np.asarray), progress=False)


@pytest.mark.parametrize("name", ["pairs", "donors", "grid"])
def test_numbers_below_one_are_refused_by_name(found, reader, name):
    with pytest.raises(DataError, match=f"{name} must be at least 1; got 0"):
        explain(found[0], reader(np.asarray), progress=False, **{name: 0})


def test_items_of_several_parts_are_told_to_be_explained_part_by_part(reader):
    both = Items.from_arrays({"text": ["a", "b", "c"], "said": ["d", "e", "f"]}, labels=[0, 0, 1])
    space = Embeddings(np.eye(3), both)
    found = Index(space).search(space[:1], k=2, exclude_self=True)

    with pytest.raises(
        DataError, match=r"got 1 item of text and said and 3 items of text and said"
    ):
        explain(found, reader(mean_red), progress=False)
