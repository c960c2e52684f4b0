"""Where items come from: what goes in is what comes out."""

import shutil
from io import BytesIO

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

from simlab.errors import ChoiceError, DataError, ShapeError, SimlabWarning
from simlab.items import Items


def png(color, size=(3, 2)):
    buffer = BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


# -- arrays ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f4", "i1", "i8", "u1", ">u2"])
def test_arrays_keep_their_values_and_their_type(kind):
    array = np.arange(24).reshape(4, 3, 2).astype(kind)

    read = np.stack(list(Items.from_arrays(array).content))

    assert (read == array).all()
    assert read.dtype == array.dtype.newbyteorder("=")


def test_arrays_of_truth_become_bytes():
    read = Items.from_arrays(np.eye(3, dtype=bool)).content[1]

    assert (read.tolist(), read.dtype) == ([0, 1, 0], np.uint8)


def test_a_column_of_numbers_is_a_set_of_vectors_of_one_number():
    assert Items.from_arrays(np.arange(3.0)).content[2].tolist() == [2.0]


def test_an_array_that_is_not_contiguous_is_read_right():
    array = np.arange(24.0).reshape(4, 6)[:, ::2]

    assert (np.stack(list(Items.from_arrays(array).content)) == array).all()


def test_long_doubles_are_kept_as_doubles():
    assert Items.from_arrays(np.eye(2, dtype=np.longdouble)).content[0].dtype == np.float64


def test_a_list_of_arrays_is_the_same_as_their_stack():
    array = np.random.default_rng(1).normal(size=(3, 2, 2))

    one, other = Items.from_arrays(array), Items.from_arrays(list(array))

    assert (one.content.digests() == other.content.digests()).all()


def test_changing_the_given_array_later_does_not_change_the_items():
    array = np.zeros((2, 2))
    items = Items.from_arrays(array)

    array += 1

    assert items.content[0].tolist() == [0, 0]


# -- texts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [list, tuple, np.array, pd.Series, iter])
def test_texts_come_from_any_sequence(wrap):
    assert list(Items.from_arrays(wrap(["über", "", "猫"])).content) == ["über", "", "猫"]


# -- pictures -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "F", "I"])
def test_pictures_of_every_mode_come_back_unchanged(mode):
    picture = Image.new(mode, (3, 2), 1)

    read = Items.from_arrays([picture]).content[0]

    assert (read.mode, read.tobytes()) == (mode, picture.tobytes())


def test_a_picture_in_a_mode_without_file_format_becomes_rgb():
    assert Items.from_arrays([Image.new("HSV", (2, 2))]).content[0].mode == "RGB"


def test_bytes_are_kept_as_the_file_they_are():
    data = png("red")
    items = Items.from_arrays([data])

    assert items.content.stored[0].as_py()["bytes"] == data
    assert items.content[0].getpixel((0, 0)) == (255, 0, 0)


def test_paths_are_read_only_when_needed(photos):
    files = sorted(photos.glob("red/*.png"))
    items = Items.from_arrays(files)

    files[1].write_bytes(png("green"))

    assert items.content[1].getpixel((0, 0)) == (0, 128, 0)


def test_a_photo_is_turned_as_the_camera_was_held(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    Image.new("RGB", (4, 2)).save(tmp_path / "photo.jpg", exif=exif)

    assert Items.from_arrays([tmp_path / "photo.jpg"]).content[0].size == (2, 4)


# -- labels and ids -------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [list, tuple, np.array, pd.Series, pd.Categorical, iter])
def test_labels_come_from_any_sequence(wrap):
    items = Items.from_arrays(["a", "b", "c"], labels=wrap(["y", "x", "y"]))

    assert (items.label_names, items.label_codes.tolist()) == (("x", "y"), [1, 0, 1])


def test_labels_may_be_integers():
    items = Items.from_arrays(["a", "b"], labels=np.array([7, -3], dtype=np.int8))

    assert (items.label_names, items.label_codes.tolist()) == ((-3, 7), [1, 0])


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_missing_label_is_none_and_has_no_code(missing):
    items = Items.from_arrays(["a", "b"], labels=[missing, 1])

    assert (items.labels[0], items.label_codes.tolist()) == (None, [-1, 0])


def test_items_without_labels_have_none():
    items = Items.from_arrays(["a", "b"])

    assert (items.labels, items.label_names, items.label_codes.tolist()) == (None, (), [-1, -1])


def test_ids_are_kept():
    assert Items.from_arrays(["a", "b"], ids=["one", "two"]).ids.tolist() == ["one", "two"]


def test_ids_may_be_integers():
    assert Items.from_arrays(["a", "b"], ids=np.array([5, 3])).ids.tolist() == [5, 3]


def test_default_ids_are_unique():
    assert len(set(Items.from_arrays(["same"] * 50).ids)) == 50


def test_default_ids_are_the_same_every_time():
    first, second = (Items.from_arrays(["a", "b"]).ids.tolist() for _ in range(2))

    assert first == second


@pytest.mark.parametrize("other", [["a", "X", "c"], ["a", "b"], ["a", "c", "b"]])
def test_default_ids_of_different_sets_share_nothing(other):
    one, two = Items.from_arrays(["a", "b", "c"]), Items.from_arrays(other)

    assert not set(one.ids) & set(two.ids)


# -- frames ---------------------------------------------------------------------------------

COLUMNS = {"text": ["pay", "bill", "bus"], "intent": ["money", "money", "travel"], "n": [1, 2, 3]}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_a_frame_gives_content_labels_and_the_other_columns(make):
    items = Items.from_frame(make(COLUMNS), content="text", label="intent")

    assert list(items.content) == COLUMNS["text"]
    assert items.labels.tolist() == COLUMNS["intent"]
    assert items.columns == ("id", "label", "intent", "n")
    assert items.column("n").tolist() == [1, 2, 3]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_a_frame_may_name_its_ids(make):
    items = Items.from_frame(make({**COLUMNS, "key": ["a", "b", "c"]}), "text", "intent", id="key")

    assert items.ids.tolist() == ["a", "b", "c"]


def test_categories_of_pandas_are_labels():
    frame = pd.DataFrame(COLUMNS).astype({"intent": "category"})

    assert Items.from_frame(frame, "text", "intent").label_codes.tolist() == [0, 0, 1]


def test_categories_of_polars_are_labels():
    frame = pl.DataFrame(COLUMNS).with_columns(pl.col("intent").cast(pl.Categorical))

    assert Items.from_frame(frame, "text", "intent").where(label="travel").ids.size == 1


def test_the_index_of_a_frame_does_not_matter():
    frame = pd.DataFrame(COLUMNS, index=[9, 9, 4])

    assert Items.from_frame(frame, "text", "intent").column("n").tolist() == [1, 2, 3]


def test_a_frame_without_labels_has_none_even_if_a_column_is_called_label():
    frame = pd.DataFrame({"content": ["a"], "label": ["x"]})

    assert Items.from_frame(frame, label=None).labels is None


def test_missing_labels_of_a_frame_are_none():
    frame = pd.DataFrame({"content": ["a", "b"], "label": ["x", None]})

    assert Items.from_frame(frame).labels.tolist() == ["x", None]


def test_a_frame_may_hold_files_of_pictures(photos):
    frame = pd.DataFrame({"content": sorted(photos.glob("*/*.png")), "label": list("aaabbb")})

    assert repr(Items.from_frame(frame)) == "Items: 6 images, 2 labels"


def test_a_frame_may_hold_arrays():
    frame = pd.DataFrame({"content": list(np.eye(3)), "label": [0, 1, 1]})

    assert repr(Items.from_frame(frame)) == "Items: 3 arrays of shape (3,), 2 labels"


def test_the_frame_is_not_changed():
    frame = pd.DataFrame(COLUMNS)
    before = frame.copy()

    Items.from_frame(frame, "text", "intent")

    pd.testing.assert_frame_equal(frame, before)


# -- folders --------------------------------------------------------------------------------


def test_the_sub_folder_is_the_label_and_the_path_the_id(photos):
    items = Items.from_folder(photos)

    assert items.labels.tolist() == ["blue"] * 3 + ["red"] * 3
    assert items.ids.tolist()[:2] == ["photos/blue/0.png", "photos/blue/1.png"]


def test_equal_file_names_in_two_folders_are_two_ids(photos):
    shutil.copytree(photos, photos.with_name("others"))
    one, two = Items.from_folder(photos), Items.from_folder(photos.with_name("others"))

    assert not set(one.ids) & set(two.ids)


def test_pictures_deeper_down_belong_to_the_first_folder(photos):
    (photos / "red" / "dark").mkdir()
    (photos / "red" / "dark" / "4.JPEG").write_bytes(png("maroon"))

    assert Items.from_folder(photos).where(id="photos/red/dark/4.JPEG").labels.tolist() == ["red"]


@pytest.mark.parametrize(
    "stray", ["red/.hidden.png", ".ipynb_checkpoints/0.png", "red/.cache/0.png", "red/notes.txt"]
)
def test_hidden_and_other_files_are_passed_over(photos, stray):
    (photos / stray).parent.mkdir(exist_ok=True)
    (photos / stray).write_bytes(png("red"))

    assert len(Items.from_folder(photos)) == 6


def test_a_folder_may_be_moved_into_while_items_of_it_live(photos, monkeypatch):
    monkeypatch.chdir(photos.parent)
    items = Items.from_folder("photos")

    monkeypatch.chdir(photos)

    assert items.content[0].size == (8, 6)


# -- data sets ------------------------------------------------------------------------------

COLORS = ["red", "blue", "green", "yellow"]


@pytest.fixture
def colors():
    return datasets.Dataset.from_dict(
        {
            "image": [Image.new("RGB", (2, 2), color) for color in COLORS],
            "label": [0, 1, 1, 0],
            "color": COLORS,
        },
        features=datasets.Features(
            image=datasets.Image(),
            label=datasets.ClassLabel(names=["warm", "cold"]),
            color=datasets.Value("string"),
        ),
    )


def test_class_labels_become_their_names(colors):
    assert Items.from_dataset(colors).labels.tolist() == ["warm", "cold", "cold", "warm"]


def test_an_image_column_is_read_as_pictures(colors):
    assert Items.from_dataset(colors).content[1].getpixel((0, 0)) == (0, 0, 255)


@pytest.mark.parametrize(
    "choose",
    [
        lambda rows: rows.select([2, 0, 3]),
        lambda rows: rows.select(range(1, 3)),
        lambda rows: rows.shuffle(seed=3),
        lambda rows: rows.shuffle(seed=3).select([1, 2]),
        lambda rows: rows.sort("color"),
        lambda rows: rows.filter(lambda row: row["color"] != "blue", desc=None),
        lambda rows: datasets.concatenate_datasets([rows, rows.select([0])]),
    ],
    ids=["select", "range", "shuffle", "twice", "sort", "filter", "concatenate"],
)
def test_content_labels_and_columns_of_a_chosen_data_set_stay_together(colors, choose):
    rows = choose(colors)
    items = Items.from_dataset(rows)

    assert items.column("color").tolist() == list(rows["color"])
    assert items.labels.tolist() == [["warm", "cold"][code] for code in rows["label"]]
    assert [picture.tobytes() for picture in items.content] == [
        Image.new("RGB", (2, 2), color).tobytes() for color in rows["color"]
    ]


def test_the_data_set_itself_still_decodes(colors):
    Items.from_dataset(colors)

    assert colors[0]["image"].size == (2, 2)


def test_a_class_of_minus_one_stands_for_no_label(colors):
    features = colors.features
    rows = datasets.Dataset.from_dict(
        {"image": colors["image"], "label": [0, -1, 1, None], "color": COLORS}, features=features
    )

    assert Items.from_dataset(rows).labels.tolist() == ["warm", None, "cold", None]


def test_a_data_set_of_texts_shares_its_memory_map(tmp_path):
    datasets.Dataset.from_dict({"text": ["a", "b"], "label": ["x", "y"]}).save_to_disk(tmp_path)
    rows = datasets.load_from_disk(tmp_path)
    items = Items.from_dataset(rows, content="text")

    stored = items.content.stored.chunk(0).buffers()[-1].address

    assert stored == rows.data.table.column("text").chunk(0).buffers()[-1].address


def test_missing_texts_that_were_deselected_do_no_harm():
    rows = datasets.Dataset.from_dict({"text": ["a", None, "b"], "label": [0, 1, 1]})

    assert list(Items.from_dataset(rows.select([0, 2]), content="text").content) == ["a", "b"]


def test_a_data_set_of_arrays_is_read_as_arrays():
    features = datasets.Features(x=datasets.Array2D((2, 2), "float32"), y=datasets.Value("int64"))
    rows = datasets.Dataset.from_dict({"x": np.ones((3, 2, 2)), "y": [0, 1, 1]}, features=features)

    assert repr(Items.from_dataset(rows, "x", "y")) == "Items: 3 arrays of shape (2, 2), 2 labels"


def test_a_data_set_may_do_without_labels(colors):
    assert Items.from_dataset(colors, label=None).labels is None


# -- what does not fit ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "make", "text"),
    [
        (
            ShapeError,
            lambda: Items.from_arrays(["a", "b"], labels=[1]),
            "labels need one entry per item: got 1 for 2 items",
        ),
        (
            ShapeError,
            lambda: Items.from_arrays(["a", "b"], ids=["x"]),
            "ids need one entry per item: got 1 for 2 items",
        ),
        (
            DataError,
            lambda: Items.from_arrays(["a", "b", "c"], ids=["x", "y", "x"]),
            "ids must be unique; got 'x' more than once",
        ),
        (
            DataError,
            lambda: Items.from_arrays(["a", "b"], ids=["x", None]),
            "ids must be present; 1 of 2 are missing",
        ),
        (
            DataError,
            lambda: Items.from_arrays(["a", "b"], labels=pa.array([{"x": 1}, {"x": 2}])),
            (
                "labels must be one per item, or a list of them; got struct<x: int64>; choose one "
                "column of them"
            ),
        ),
        (
            ChoiceError,
            lambda: Items.from_frame(pd.DataFrame(COLUMNS), content="texts"),
            "column must be one of 'intent', 'n', 'text'; got 'texts'. Did you mean 'text'?",
        ),
        (
            ChoiceError,
            lambda: Items.from_frame(pl.DataFrame(COLUMNS), content="text", label="intend"),
            "column must be one of 'intent', 'n', 'text'; got 'intend'. Did you mean 'intent'?",
        ),
        (
            DataError,
            lambda: Items.from_frame(pd.DataFrame({"content": [None, "b"], "label": [0, 1]})),
            (
                "every item of a text column must be a str; got float at row 0 (1 such rows); drop "
                "or fill them first"
            ),
        ),
        (
            DataError,
            lambda: Items.from_dataset(
                datasets.Dataset.from_dict({"text": ["a", None], "label": [0, 1]}), "text"
            ),
            "every item must be present; 1 of 2 have no 'text'; drop them first",
        ),
        (
            DataError,
            lambda: Items.from_dataset(
                datasets.Dataset.from_dict({"text": ["a"], "label": [{"x": 1}]}), "text"
            ),
            "column 'label' must hold one label per item, or a list; got {'x': Value('int64')}",
        ),
        (
            DataError,
            lambda: Items.from_dataset(datasets.DatasetDict()),
            (
                "dataset must be a datasets.Dataset; got DatasetDict; load one split of it, "
                "without streaming"
            ),
        ),
    ],
)
def test_what_does_not_fit_is_told_in_full(kind, make, text):
    with pytest.raises(kind) as caught:
        make()

    assert str(caught.value) == text


def test_labels_of_several_types_are_refused():
    with pytest.raises(DataError, match=r"^labels must be of one simple type .*with str\(\)$"):
        Items.from_arrays(["a", "b"], labels=[1, "x"])


def test_a_frame_column_of_several_types_is_named():
    frame = pd.DataFrame({"content": ["a", "b"], "label": [0, 1], "mess": [1, "x"]})

    with pytest.raises(DataError, match=r"^column 'mess' must hold values of one simple type"):
        Items.from_frame(frame)


# -- unreadable files -------------------------------------------------------------------------


def test_unreadable_files_of_a_folder_are_skipped_and_counted(photos):
    (photos / "red" / "1.png").write_bytes(b"not a picture")

    with pytest.warns(SimlabWarning) as told:
        items = Items.from_folder(photos, unreadable="skip")

    assert str(told[0].message) == (
        "1 of 6 files are no pictures that pillow can read; they are skipped: "
        f"{photos / 'red' / '1.png'}"
    )
    assert told[0].filename == __file__
    assert "photos/red/1.png" not in items.ids
    assert len(items) == 5


def test_a_truncated_picture_is_skipped_too(photos):
    file = photos / "red" / "2.png"
    noise = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file)
    file.write_bytes(file.read_bytes()[:3000])

    with pytest.warns(SimlabWarning, match=r"^1 of 6 files"):
        items = Items.from_folder(photos, unreadable="skip")

    assert len(list(items.content)) == 5


def test_unreadable_files_of_a_frame_are_skipped_with_their_rows(photos):
    files = [photos / "gone.png", *sorted(photos.glob("red/*.png"))]
    frame = pd.DataFrame({"content": files, "label": ["a", "b", "c", "d"], "row": range(4)})

    with pytest.warns(SimlabWarning, match=r"^1 of 4 files .* are skipped: .*gone.png$") as told:
        items = Items.from_frame(frame, unreadable="skip")

    assert items.column("row").tolist() == [1, 2, 3]
    assert items.labels.tolist() == ["b", "c", "d"]
    assert told[0].filename == __file__


def test_unreadable_files_of_a_frame_are_an_error_otherwise(photos):
    frame = pd.DataFrame({"content": [photos / "gone.png", photos / "red" / "0.png"]})

    with pytest.raises(DataError, match=r"^every file must be .*; 1 of 2 are not: .*gone\.png; "):
        Items.from_frame(frame, label=None)


def test_a_folder_of_which_nothing_can_be_read_is_an_error_even_so(photos):
    for file in photos.glob("*/*.png"):
        file.write_bytes(b"")

    with pytest.raises(DataError, match=r"^every file must be a picture .*; 6 of 6 are not: "):
        Items.from_folder(photos, unreadable="skip")


def test_another_way_with_unreadable_files_is_told(photos):
    with pytest.raises(ChoiceError) as caught:
        Items.from_folder(photos, unreadable="ignore")

    assert str(caught.value) == "unreadable must be one of 'error', 'skip'; got 'ignore'"


# -- empty classes ----------------------------------------------------------------------------


def test_a_label_without_pictures_is_an_error(photos):
    (photos / "green").mkdir()
    (photos / "green" / "notes.txt").touch()

    with pytest.raises(DataError) as caught:
        Items.from_folder(photos)

    assert str(caught.value) == (
        "every sub-folder must hold pictures of its label; 1 of 3 hold none: 'green'; remove them, "
        "or skip them with unreadable='skip'"
    )


def test_a_label_without_pictures_can_be_skipped(photos):
    (photos / "green").mkdir()

    with pytest.warns(SimlabWarning) as told:
        items = Items.from_folder(photos, unreadable="skip")

    assert str(told[0].message) == (
        "1 of 3 sub-folders hold no pictures; their labels are left out: 'green'"
    )
    assert items.label_names == ("blue", "red")


def test_a_label_whose_pictures_are_all_unreadable_is_told(photos):
    for file in photos.glob("red/*.png"):
        file.write_bytes(b"")

    with pytest.warns(SimlabWarning) as told:
        items = Items.from_folder(photos, unreadable="skip")

    assert [str(one.message)[:11] for one in told] == ["3 of 6 file", "1 of 2 sub-"]
    assert items.label_names == ("blue",)


def test_hidden_folders_are_no_labels(photos):
    (photos / ".ipynb_checkpoints").mkdir()

    assert Items.from_folder(photos).label_names == ("blue", "red")


def test_infinite_labels_are_told():
    with pytest.raises(DataError, match=r"^labels must be finite; got infinity among them"):
        Items.from_arrays(["a", "b"], labels=[1.0, np.inf])
