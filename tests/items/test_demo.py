"""The demo sets: what the documentation says of them is so."""

import numpy as np
import pytest

from simlab.errors import ChoiceError
from simlab.items import load


def test_the_list_names_the_demo_sets():
    assert load() == ("emoji-styles", "striped-digits", "wordnet-glosses")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("emoji-styles", "Items: 2,000 images, 400 labels"),
        ("striped-digits", "Items: 1,797 arrays of shape (8, 8), 10 labels"),
        ("wordnet-glosses", "Items: 3,840 texts, 24 labels"),
    ],
)
def test_a_demo_set_has_what_its_documentation_says(name, text):
    assert repr(load(name)) == text


@pytest.mark.parametrize(("name", "each"), [("emoji-styles", 5), ("wordnet-glosses", 160)])
def test_every_label_has_the_same_number_of_items(name, each):
    assert set(np.bincount(load(name).label_codes)) == {each}


@pytest.mark.parametrize("name", load())
def test_loading_twice_gives_the_same_items(name):
    first, second = load(name), load(name)

    assert (first.content.digests() == second.content.digests()).all()
    assert first.table.equals(second.table)


def test_ids_of_different_demo_sets_share_nothing():
    ids = [set(load(name).ids) for name in load()]

    assert len(set.union(*ids)) == sum(map(len, ids))


def test_emoji_have_style_and_category():
    assert {"style", "category", "subcategory", "licence"} < set(load("emoji-styles").columns)


def test_an_emoji_is_a_picture_of_96_pixels():
    picture = load("emoji-styles").content[7]

    assert (picture.size, picture.mode) == ((96, 96), "RGB")


def test_every_digit_is_crossed_by_a_bright_row_and_a_bright_column():
    digits = np.stack(list(load("striped-digits").content))
    full = digits == 16

    assert full.all(axis=2).any(axis=1).all()
    assert full.all(axis=1).any(axis=1).all()


def test_the_stripes_mean_nothing():
    digits = load("striped-digits")
    rows = (np.stack(list(digits.content)) == 16).all(axis=2).argmax(axis=1)
    share = np.stack(
        [np.bincount(rows[digits.labels == label], minlength=8) for label in range(10)]
    )

    assert (share / share.sum(axis=1, keepdims=True)).max() < 0.25


def test_an_unknown_demo_set_names_those_there_are():
    with pytest.raises(ChoiceError) as caught:
        load("emoji-style")

    assert str(caught.value) == (
        "demo set must be one of 'emoji-styles', 'striped-digits', 'wordnet-glosses'; got "
        "'emoji-style'. Did you mean 'emoji-styles'?"
    )
