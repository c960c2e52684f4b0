"""Bad input: what must hold, what came, and what to do; every text in full."""

import numpy as np
import pytest
from PIL import Image

from simlab.errors import DataError, ShapeError
from simlab.items import Items


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ([], DataError, "content must hold at least one item; got none"),
        (np.zeros((0, 3)), DataError, "content must hold at least one item; got none"),
        (
            "hello",
            DataError,
            "content must be a sequence with one entry per item; got one str; put it into a list",
        ),
        (
            Image.new("L", (2, 2)),
            DataError,
            "content must be a sequence with one entry per item; got one Image; put it into a list",
        ),
        (
            np.array(3.0),
            DataError,
            (
                "content must be a sequence with one entry per item; got one ndarray; put it into "
                "a list"
            ),
        ),
        (
            7,
            DataError,
            "content must be a sequence with one entry per item; got one int; put it into a list",
        ),
        (
            np.array([[1.0, 2.0], [np.nan, 1.0], [np.inf, 0.0]]),
            DataError,
            (
                "arrays must hold finite numbers; got NaN or infinity in 2 items (first at row 1); "
                "fill them or leave these items out"
            ),
        ),
        (
            [np.zeros(2), np.full(2, -np.inf)],
            DataError,
            (
                "arrays must hold finite numbers; got NaN or infinity in 1 items (first at row 1); "
                "fill them or leave these items out"
            ),
        ),
        (
            [np.zeros((2, 3)), np.zeros((3, 2)), np.zeros((2, 3))],
            ShapeError,
            "arrays must have one shape; got (2, 3), (3, 2); resize or pad them first",
        ),
        (
            [np.zeros(size) for size in range(1, 6)],
            ShapeError,
            "arrays must have one shape; got (1,), (2,), (3,) and 2 more; resize or pad them first",
        ),
        (
            [[1, 2], [3, [4]]],
            ShapeError,
            "every item must be an array; got nested lists of unequal length",
        ),
        (
            [np.zeros(2), None],
            DataError,
            "content must be texts, pictures or arrays of numbers; got NoneType at row 1",
        ),
        (
            [{1: "a"}],
            DataError,
            "content needs parts with names (str); got [1]",
        ),
        (
            ["a", 3, None],
            DataError,
            (
                "every item of a text column must be a str; got int at row 1 (2 such rows); drop "
                "or fill them first"
            ),
        ),
        (
            [None, "a"],
            DataError,
            (
                "every item of a text column must be a str; got NoneType at row 0 (1 such rows); "
                "drop or fill them first"
            ),
        ),
        (
            [Image.new("L", (2, 2)), 3],
            DataError,
            (
                "every item of an image column must be a picture (PIL), bytes or a Path; got "
                "int at row 1"
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_content_is_told_in_full(content, kind, text):
    with pytest.raises(kind) as caught:
        Items.from_arrays(content)

    assert str(caught.value) == text


# -- files ----------------------------------------------------------------------------------


def test_a_missing_folder_is_named():
    with pytest.raises(DataError) as caught:
        Items.from_folder("no-such-folder")

    assert str(caught.value) == "folder must exist; got 'no-such-folder'"


def test_a_file_in_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(DataError, match=r"^folder must exist; got '.*file'$"):
        Items.from_folder(tmp_path / "file")


def test_a_folder_without_pictures_says_what_was_looked_for(tmp_path):
    with pytest.raises(DataError) as caught:
        Items.from_folder(tmp_path)

    assert str(caught.value) == (
        f"folder must hold pictures in one sub-folder per label; found none below "
        f"{str(tmp_path)!r} (looked for .avif, .bmp, .gif, .jpeg, .jpg, .png, .tif, .tiff, .webp)"
    )


def test_pictures_without_sub_folders_are_no_labels(photos):
    with pytest.raises(DataError, match=r"^folder must hold pictures in one sub-folder per label"):
        Items.from_folder(photos / "red")


def test_a_file_that_is_no_picture_is_named_before_any_work(photos):
    broken = photos / "red" / "1.png"
    broken.write_bytes(b"not a picture")

    with pytest.raises(DataError) as caught:
        Items.from_folder(photos)

    assert str(caught.value) == (
        f"every file must be a picture that pillow can read; 1 of 6 are not: {broken}; repair or "
        "remove them, or skip them with unreadable='skip'"
    )


def test_at_most_three_broken_files_are_named(photos):
    for file in photos.glob("*/*.png"):
        file.write_bytes(b"")

    with pytest.raises(DataError) as caught:
        Items.from_folder(photos)

    assert str(caught.value).count(".png") == 3


def test_a_truncated_picture_is_named_when_it_is_read(photos):
    noise = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
    file = photos / "red" / "2.png"
    Image.fromarray(noise).save(file)
    file.write_bytes(file.read_bytes()[:3000])
    items = Items.from_folder(photos)

    with pytest.raises(DataError) as caught:
        items.content[5]

    assert str(caught.value).startswith(
        f"image {str(file)!r} must be a picture that pillow can read ("
    )
    assert str(caught.value).endswith("); repair or remove it")


def test_bytes_that_are_no_picture_are_told_by_their_size():
    items = Items.from_arrays([b"not a picture"])

    with pytest.raises(DataError) as caught:
        items.content[0]

    assert str(caught.value) == (
        "image of 13 bytes must be a picture that pillow can read (of no known format); repair or "
        "remove it"
    )


def test_a_file_that_has_gone_is_named(photos):
    items = Items.from_folder(photos)
    (photos / "blue" / "0.png").unlink()

    with pytest.raises(DataError) as caught:
        items.content[0]

    assert str(caught.value) == (
        f"image {str(photos / 'blue' / '0.png')!r} must be a readable file (No such file or "
        "directory); restore it or leave it out"
    )


@pytest.mark.parametrize("seed", range(20))
def test_a_garbled_picture_never_raises_anything_else(photos, seed):
    file = photos / "red" / "0.png"
    data = bytearray(file.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(8, len(data), size=4):
        data[place] = rng.integers(256)
    items = Items.from_arrays([bytes(data)])

    try:
        read = items.content[0].mode
    except DataError as error:
        read = str(error)

    assert read == "RGB" or "must be a picture that pillow can read" in read
