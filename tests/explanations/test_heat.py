import numpy as np
import pytest
from hypothesis import given, strategies as st

from simlab.explanations._heat import APART, TOGETHER, heat_map, tint

blank = np.full((12, 12), 255, dtype=np.uint8)


@given(st.floats(0.001, 1), st.floats(1, 2))
def test_the_sign_of_a_weight_never_changes_its_opacity(weight, scale):
    opacity_of = [tint(value, scale).split(",")[3] for value in (weight, -weight)]

    assert opacity_of[0] == opacity_of[1]


@pytest.mark.parametrize(("weight", "color"), [(1.0, TOGETHER), (-1.0, APART)])
def test_a_cell_takes_the_colour_of_its_sign(weight, color):
    weights = np.zeros((2, 2))
    weights[0, 1] = weight
    drawn = heat_map(blank, weights, 1.0, size=12).getpixel((18, 6))

    assert drawn == tuple(round(0.2 * 255 + 0.8 * part) for part in color)


def test_a_cell_without_weight_stays_grey():
    weights = np.zeros((2, 2))
    weights[0, 1] = 1.0
    drawn = heat_map(blank, weights, 1.0, size=12).getpixel((6, 18))

    assert drawn == (255, 255, 255)


def test_half_the_scale_has_half_the_opacity():
    red = [heat_map(blank, np.full((1, 1), w), 1.0, size=6).getpixel((0, 0))[0] for w in (0.5, 1.0)]

    assert 255 - red[0] == pytest.approx((255 - red[1]) / 2, abs=1)


def test_cells_keep_their_place_in_a_picture_that_is_not_square():
    weights = np.zeros((2, 3))
    weights[1, 2] = 1.0
    drawn = np.asarray(heat_map(np.full((4, 9), 255, np.uint8), weights, 1.0, size=18))
    rows, columns = np.nonzero(drawn[..., 0] < 255)

    assert (rows.min() / drawn.shape[0], columns.min() / drawn.shape[1]) == (0.5, 2 / 3)
