"""Items of several parts: a picture and its caption, texts and the columns of a table."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from datasets import Dataset, Features, Image as ImageFeature, Value
from PIL import Image

from simlab.errors import ChoiceError, DataError, ShapeError, SimlabWarning
from simlab.items import Items, duplicates

COLORS = ["red", "green", "blue", "white"]
PICTURES = [Image.new("RGB", (4, 4), color) for color in COLORS]
CAPTIONS = [f"a {color} square" for color in COLORS]


def files(folder):
    found = [folder / f"{color}.png" for color in COLORS]
    for path, picture in zip(found, PICTURES, strict=True):
        picture.save(path)
    return found


@pytest.fixture
def both():
    return Items.from_arrays({"image": PICTURES, "text": CAPTIONS}, labels=list("xxyy"), ids=COLORS)


def test_an_item_is_a_mapping_of_its_parts(both):
    assert (both.modality, both.parts) == ("mixed", ("image", "text"))
    assert repr(both) == "Items: 4 items of image and text, 2 labels"
    assert both.content[1]["text"] == "a green square"
    assert both.content[1:3][1]["image"].getpixel((0, 0)) == (0, 0, 255)


def test_a_list_of_mappings_is_the_same_as_a_mapping_of_lists(both):
    rows = [
        {"text": text, "image": picture} for text, picture in zip(CAPTIONS, PICTURES, strict=True)
    ]

    assert (Items.from_arrays(rows).content.digests() == both.content.digests()).all()


@pytest.mark.parametrize("library", [pd, pl])
@pytest.mark.parametrize(
    "content", [["file", "said"], {"image": "file", "text": "said"}], ids=["list", "mapping"]
)
def test_columns_of_a_frame_become_parts_and_the_others_come_along(library, content, tmp_path):
    frame = pd.DataFrame({"file": files(tmp_path), "said": CAPTIONS, "size": [1, 2, 3, 4]})
    frame = frame if library is pd else pl.DataFrame(frame.to_dict("list"))
    items = Items.from_frame(frame, content=content, label=None)

    assert items.parts == tuple(content)
    assert items.columns == ("id", "size")
    assert list(items.content[2].values())[1] == "a blue square"


def test_columns_of_a_table_are_a_part_of_parts():
    frame = pd.DataFrame({"title": ["fox", "car"], "price": [1.5, 2.0], "color": ["red", "blue"]})
    items = Items.from_frame(
        frame, content={"text": "title", "row": ["price", "color"]}, label=None
    )

    assert items.content[1]["row"] == {"price": np.array([2.0]), "color": "blue"}


def test_parts_of_a_data_set_share_its_memory_map(tmp_path):
    features = Features(
        {"picture": ImageFeature(), "said": Value("string"), "kind": Value("int32")}
    )
    rows = Dataset.from_dict(
        {"picture": PICTURES, "said": CAPTIONS, "kind": [0, 0, 1, 1]}, features=features
    )
    rows.save_to_disk(tmp_path / "set")
    chosen = Dataset.load_from_disk(tmp_path / "set").select([3, 1])
    items = Items.from_dataset(chosen, content=["picture", "said"], label="kind")

    assert items.content[0]["said"] == "a white square"
    assert items.content[1]["picture"].getpixel((0, 0)) == (0, 128, 0)
    assert (items.columns, items.labels.tolist()) == (("id", "label", "kind"), [1, 0])


def test_selecting_splitting_and_columns_work_as_ever(both):
    assert both.where(label="y").content[0]["text"] == "a blue square"
    assert both[[3, 0]].content[0]["text"] == "a white square"
    assert len(both.split(by="item", test=0.5).where(split="test")) == 2
    assert both.without(["red"]).part("text").content[0] == "a green square"


def test_a_part_is_items_with_the_same_ids_labels_and_columns(both):
    part = both.part("text")

    assert repr(part) == "Items: 4 texts, 2 labels"
    assert part.ids.tolist() == COLORS
    with pytest.raises(ChoiceError, match=r"^part must be one of 'image', 'text'; got 'txt'"):
        both.part("txt")


def test_content_is_equal_if_all_parts_are():
    said = Items.from_arrays({"a": ["x", "x", "x"], "b": ["y", "z", "y"]}, ids=list("123"))
    turned = Items.from_arrays({"b": ["x"], "a": ["y"]})

    assert duplicates(said).frame[["id", "other"]].to_numpy().tolist() == [["3", "1"]]
    assert (turned.content.digests() != said.content.digests()[:1]).any()


def test_items_with_equal_parts_are_put_together(both):
    turned = Items.from_arrays({"text": ["a fox"], "image": PICTURES[:1]})
    joined = Items.concat({"one": both, "other": turned})

    assert joined.content[4]["text"] == "a fox"
    assert (joined.content.digests()[:4] == both.content.digests()).all()
    with pytest.raises(DataError, match=r"same parts; got 4 items of image and text, 4 texts$"):
        Items.concat([both, both.part("text")])


def test_parts_show_themselves_pictures_first(both):
    shown = both._repr_html_()

    assert shown.count("<img") == shown.count("square</div>") == 4
    assert shown.index("<img") < shown.index("a red square")


def test_an_unreadable_picture_is_told_with_item_and_part():
    items = Items.from_arrays({"text": ["a", "b"], "image": [PICTURES[0], b"no picture"]})

    with pytest.raises(DataError) as caught:
        items[[1]].content[0]
    assert str(caught.value) == (
        "part 'image' of the item in row 1: image of 10 bytes must be a picture that pillow can "
        "read (of no known format); repair or remove it"
    )


def test_unreadable_files_of_a_part_are_found_at_the_door_or_skipped(tmp_path):
    frame = pd.DataFrame({"image": files(tmp_path), "text": CAPTIONS})
    (tmp_path / "green.png").write_bytes(b"broken")

    with pytest.raises(DataError, match=r"1 of 4 are not: .*green\.png"):
        Items.from_frame(frame, content=["image", "text"], label=None)
    with pytest.warns(SimlabWarning, match="they are skipped"):
        items = Items.from_frame(frame, content=["image", "text"], label=None, unreadable="skip")
    assert items.content[1]["text"] == "a blue square"


def test_a_file_that_has_gone_is_told_with_its_part(tmp_path):
    items = Items.from_arrays({"image": files(tmp_path), "text": CAPTIONS})
    (tmp_path / "red.png").unlink()

    with pytest.raises(DataError, match=r"^part 'image': image '.*red.png' must be a readable"):
        items.content.digests()


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (
            [{"a": "x", "b": "y"}, {"a": "x"}],
            DataError,
            "all items must have the same parts; the first has ['a', 'b'], the one in row 1 ['a']",
        ),
        ([{"a": "x"}, "y"], DataError, "the first has ['a'], the one in row 1 str; fill them"),
        ({"a": ["x", None]}, DataError, "part 'a': every item of a text column must be a str; got"),
        ({"a": ["x", "y"], "b": ["z"]}, ShapeError, "one entry per item: got 2 of 'a', 1 of 'b'"),
        ({}, DataError, "content needs parts with names (str); got []"),
        ({"a": [np.zeros(1), np.zeros(2)]}, ShapeError, "part 'a': arrays must have one shape"),
    ],
)
def test_what_is_wrong_with_a_part_is_told(content, kind, said):
    with pytest.raises(kind) as caught:
        Items.from_arrays(content)

    assert said in str(caught.value)


def test_the_content_of_other_items_is_shared(both):
    words = Items.from_arrays({"word": both.part("text")[[2, 0]].content, "size": [1, 2]})

    assert words.content[0]["word"] == "a blue square"
    assert words.content.parts["word"].stored is both.content.parts["text"].stored


def test_a_missing_column_is_named():
    with pytest.raises(ChoiceError, match=r"got 'txt'\. Did you mean 'text'"):
        Items.from_frame(pd.DataFrame({"image": [1], "text": ["a"]}), content=["image", "txt"])
