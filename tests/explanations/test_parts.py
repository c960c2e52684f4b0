import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from simlab.explanations._parts import cut, edges, part_names

shapes = st.tuples(st.integers(1, 20), st.integers(1, 20))


@given(shapes, st.integers(1, 8))
def test_cells_cover_every_number_once(shape, grid):
    parts = cut(np.zeros(shape), [np.ones(shape)], grid=grid)
    covered = sum(parts.copy(part, way) for part, way in parts.changes())

    assert (covered == 1).all()


@given(shapes, st.integers(1, 8))
def test_no_side_has_more_cells_than_the_grid_or_the_array(shape, grid):
    parts = cut(np.zeros(shape), [np.ones(shape)], grid=grid)

    assert parts.shape == (min(grid, shape[0]), min(grid, shape[1]))


@given(st.integers(1, 300), st.integers(1, 20))
def test_cells_differ_by_at_most_one_row(n, cells):
    steps = np.diff(edges(n, cells))

    assert steps.max() - steps.min() <= 1


@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 3), (3, 6, 8), (1, 6, 8), (6, 8, 5)])
def test_cells_lie_in_the_plane_whatever_the_place_of_the_channels(shape):
    parts = cut(np.zeros(shape), [np.ones(shape)], grid=2)
    changed = parts.copy(0, 0)

    assert (parts.shape, changed.mean()) == ((2, 2), 0.25)


def test_cells_span_all_channels():
    changed = cut(np.zeros((4, 4, 3)), [np.ones((4, 4, 3))], grid=2).copy(3, 0)

    assert changed[2:, 2:].all()


def test_a_copy_leaves_the_item_as_it_is():
    item = np.zeros((4, 4))
    cut(item, [np.ones((4, 4))], grid=2).copy(0, 0)

    assert not item.any()


def test_a_cell_equal_to_its_donor_needs_no_copy():
    donor = np.zeros((4, 4))
    donor[0, 0] = 1

    assert cut(np.zeros((4, 4)), [donor], grid=2).changes() == [(0, 0)]


def test_values_of_a_plain_array_are_its_parts():
    parts = cut(np.zeros(3), [np.ones(3)], grid=2)

    assert [parts.copy(part, 0).tolist() for part in range(3)] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize(("part", "left"), [(0, "fox, jumps"), (1, "A jumps"), (2, "A fox,")])
def test_a_word_is_left_out_with_its_space(part, left):
    assert cut("A fox, jumps", [], grid=6).copy(part, 0) == left


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_text_without_words_has_no_parts(text):
    parts = cut(text, [], grid=6)

    assert (parts.shape, parts.changes()) == ((0,), [])


def test_copies_of_a_picture_are_pictures_of_its_size():
    picture, donor = Image.new("RGB", (30, 20), "red"), Image.new("RGB", (7, 9), "blue")
    copied = cut(picture, [donor], grid=2).copy(0, 0)

    assert (copied.mode, copied.size) == ("RGB", (30, 20))


def test_a_cell_of_a_picture_comes_from_the_same_place_of_the_donor():
    donor = Image.new("RGB", (4, 4), "white")
    donor.putpixel((0, 0), (0, 0, 255))
    copied = cut(Image.new("RGB", (4, 4), "red"), [donor], grid=2).copy(0, 0)

    assert copied.getpixel((0, 0)) == (0, 0, 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_pictures_of_every_mode_can_be_cut(mode):
    parts = cut(Image.new(mode, (8, 8)), [Image.new("RGB", (8, 8), "red")], grid=2)

    assert parts.copy(0, 0).mode == "RGB"


def test_what_is_transparent_becomes_white():
    parts = cut(Image.new("RGBA", (2, 2), (9, 9, 9, 0)), [], grid=1)

    assert parts.original.getpixel((0, 0)) == (255, 255, 255)


def test_large_pictures_are_reduced_before_they_are_cut():
    parts = cut(Image.new("RGB", (1024, 512)), [Image.new("RGB", (8, 8))], grid=2)

    assert parts.original.size == (256, 128)


def test_places_are_named_in_the_order_of_the_weights():
    assert part_names((2, 2))[2] == "row 1, column 0"
