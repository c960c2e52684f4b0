"""Thumbnails are square, white around the picture, and cut into sheets by row."""

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from simlab._thumbnails import data_uri, sprite_sheets, thumbnail


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    return image.convert("RGB").getpixel((x, y))


def near(one: tuple[int, ...], two: tuple[int, ...]) -> bool:
    return all(abs(a - b) < 24 for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("shape", [(300, 200), (10, 500), (64, 64), (5, 3), (40, 40), (1, 1)])
def test_every_picture_becomes_a_square_of_the_asked_size(shape):
    picture = Image.new("RGB", shape, "red")

    assert thumbnail(picture, size=48).size == (48, 48)


def test_a_wide_picture_stands_between_white_bars():
    small = thumbnail(Image.new("RGB", (400, 100), "red"), size=64)

    assert [pixel(small, 32, y) for y in (0, 32, 63)] == [(255,) * 3, (255, 0, 0), (255,) * 3]


def test_a_small_array_keeps_its_pixels():
    small = np.asarray(thumbnail(np.eye(8), size=64).convert("L"))

    assert np.array_equal(small, np.kron(np.eye(8), np.full((8, 8), 255)))


def test_an_array_is_stretched_to_its_own_range_by_default():
    small = np.asarray(thumbnail(np.array([[3.0, 5.0], [5.0, 3.0]]), size=2))

    assert small[:, :, 0].tolist() == [[0, 255], [255, 0]]


def test_limits_make_arrays_comparable():
    small = np.asarray(thumbnail(np.array([[3.0, 5.0], [5.0, 3.0]]), size=2, limits=(0, 10)))

    assert small[:, :, 0].tolist() == [[76, 128], [128, 76]]


def test_limits_turned_round_paint_a_negative():
    small = np.asarray(thumbnail(np.array([[0.0, 16.0], [16.0, 0.0]]), size=2, limits=(16, 0)))

    assert small[:, :, 0].tolist() == [[255, 0], [0, 255]]


def test_bytes_are_taken_as_they_are():
    small = np.asarray(thumbnail(np.array([[10, 20], [30, 40]], np.uint8), size=2))

    assert small[:, :, 0].tolist() == [[10, 20], [30, 40]]


@pytest.mark.parametrize(
    "array", [np.full((4, 4), 7.0), np.full((4, 4), np.nan), np.zeros((4, 4, 1))]
)
def test_arrays_without_contrast_are_drawn_black(array):
    assert pixel(thumbnail(array, size=16), 8, 8) == (0, 0, 0)


def test_transparent_parts_turn_white():
    glass = Image.new("RGBA", (64, 64), (0, 0, 0, 0))

    assert pixel(thumbnail(glass), 32, 32) == (255, 255, 255)


def test_an_array_that_is_no_picture_is_refused_with_its_shape():
    with pytest.raises(ValueError, match=r"needs the shape .*; got \(4, 4, 2\)"):
        thumbnail(np.zeros((4, 4, 2)))


def test_a_data_uri_holds_the_picture():
    uri = data_uri(Image.new("RGB", (9, 7), "blue"))
    picture = Image.open(BytesIO(b64decode(uri.partition(",")[2])))

    assert (uri[:23], picture.size) == ("data:image/webp;base64,", (9, 7))


def test_thumbnail_i_is_found_by_its_row_alone():
    colors = [(row % 7 * 40, row % 5 * 60, row % 3 * 120) for row in range(1100)]
    sheets = [
        Image.open(BytesIO(sheet))
        for sheet in sprite_sheets(
            (np.full((8, 8, 3), color, np.uint8) for color in colors), cell=16
        )
    ]
    rows = [0, 31, 32, 1023, 1024, 1099]
    found = [
        pixel(sheets[row // 1024], row % 1024 % 32 * 16 + 8, row % 1024 // 32 * 16 + 8)
        for row in rows
    ]

    assert all(near(one, colors[row]) for one, row in zip(found, rows, strict=True))


def test_the_last_sheet_has_only_the_rows_it_needs():
    sheets = sprite_sheets([None] * 1100, cell=16)

    assert [Image.open(BytesIO(sheet)).size for sheet in sheets] == [(512, 512), (512, 48)]


def test_no_pictures_need_no_sheet():
    assert sprite_sheets([]) == []
