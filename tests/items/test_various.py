"""Sets in which some items are pictures and others texts."""

import numpy as np
import pytest
from PIL import Image

from simlab.items import Items

COLORS = ["red", "green", "blue"]
PICTURES = [Image.new("RGB", (4, 4), color) for color in COLORS]
MIXTURE = ["red", PICTURES[1], "blue", PICTURES[0]]


@pytest.fixture
def various():
    return Items.from_arrays(MIXTURE, labels=["red", "green", "blue", "red"])


def test_pictures_and_texts_of_one_list_are_told_apart(various):
    assert repr(various) == "Items: 2 images and 2 texts, 3 labels"
    assert various.modality == "various"
    assert various.column("modality").tolist() == ["text", "image", "text", "image"]
    assert various.content[1:3][1] == "blue"
    assert various.content[3].getpixel((0, 0)) == (255, 0, 0)


def test_those_of_one_kind_are_items_of_this_kind(various):
    assert various.where(modality="text").content[:] == ["red", "blue"]
    assert various[[1, 3]].modality == "image"


def test_each_item_is_what_it_is_in_a_set_of_its_kind(various):
    texts, pictures = Items.from_arrays(["red", "blue"]), Items.from_arrays([PICTURES[1]])

    np.testing.assert_array_equal(various.content.digests()[[0, 2]], texts.content.digests())
    np.testing.assert_array_equal(various.content.digests()[[1]], pictures.content.digests())


def test_sets_of_two_kinds_are_put_together(various):
    pictures = Items.from_arrays(PICTURES, labels=COLORS, ids=["p1", "p2", "p3"])
    words = Items.from_arrays(COLORS, labels=COLORS, ids=["w1", "w2", "w3"])
    both = Items.concat({"pictures": pictures, "words": words}, shared_labels=True)
    more = Items.concat([words, various, pictures])

    assert repr(both) == "Items: 3 images and 3 texts, 3 labels"
    assert both.similarity.relevance([0], [3, 4]).tolist() == [[1, 0]]
    assert more.content[:5][:1] + more.content[3:4] == ["red", "red"]
    assert more.content[4].getpixel((0, 0)) == (0, 128, 0)
    assert more.content[9].getpixel((0, 0)) == (0, 0, 255)
    assert more.column("modality").tolist()[:5] == ["text", "text", "text", "text", "image"]


def test_a_column_of_this_name_stays(various):
    told = various.with_column("modality", list("abcd"))

    assert Items.concat([told, told]).column("modality").tolist() == list("abcdabcd")


def test_they_show_themselves(various):
    shown = various._repr_html_()

    assert shown.count("<img") == 2
    assert "blue</div>" in shown
