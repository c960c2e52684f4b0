"""How items show themselves: golden texts, and HTML that cannot be broken into."""

import numpy as np
import pytest
from PIL import Image

from simlab.items import Items


@pytest.mark.parametrize(
    ("items", "text"),
    [
        (Items.from_arrays(["a"]), "Items: 1 text"),
        (Items.from_arrays(["a", "b"], labels=[1, 1]), "Items: 2 texts, 1 label"),
        (Items.from_arrays(["a", "b"], labels=[None, None]), "Items: 2 texts, 0 labels"),
        (Items.from_arrays([Image.new("L", (2, 2))] * 2), "Items: 2 images"),
        (Items.from_arrays(np.zeros((1, 3, 4))), "Items: 1 array of shape (3, 4)"),
        (
            Items.from_arrays(np.zeros((1234, 2)), labels=range(1234)),
            "Items: 1,234 arrays of shape (2,), 1,234 labels",
        ),
        (
            Items.from_arrays(list("abcd"), labels=[0, 0, 1, 1]).split(by="item"),
            "Items: 4 texts, 2 labels (2 test, 2 train)",
        ),
        (Items.from_arrays(["a"])[[]], "Items: 0 texts"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_repr_says_how_many_of_what(items, text):
    assert repr(items) == text


EVIL = "<script>alert('&')</script>"


def test_html_escapes_texts_labels_and_names_of_columns():
    items = Items.from_arrays([EVIL], labels=[EVIL]).with_column(EVIL, [1])

    assert "<script" not in items._repr_html_()


def test_html_escapes_the_names_of_parts():
    assert "<script" not in Items.from_arrays(["a"]).with_column("split", [EVIL])._repr_html_()


def test_html_shows_eight_items_spread_over_the_set():
    html = Items.from_arrays([f"<{row}>" for row in range(100)])._repr_html_()

    assert [row for row in range(100) if f"&lt;{row}&gt;" in html] == [
        0, 14, 28, 42, 56, 70, 84, 99,
    ]  # fmt: skip


def test_html_shows_pictures_as_images(photos):
    assert Items.from_folder(photos)._repr_html_().count("<img") == 6


@pytest.mark.parametrize(
    ("shape", "n_pictures"),
    [((8, 8), 1), ((8, 8, 3), 1), ((8, 8, 1), 1), ((3, 8, 8), 0), ((5,), 0), ((2, 2, 2, 2), 0)],
)
def test_html_shows_only_picture_like_arrays_as_images(shape, n_pictures):
    assert Items.from_arrays(np.ones((1, *shape)))._repr_html_().count("<img") == n_pictures


def test_html_of_no_items_says_so():
    assert "no items" in Items.from_arrays(["a"])[[]]._repr_html_()


def test_html_of_long_texts_stays_small():
    assert len(Items.from_arrays(["word " * 100_000] * 8)._repr_html_()) < 10_000


def test_html_runs_no_script(items):
    assert "<script" not in items._repr_html_()


# -- balance and parts ------------------------------------------------------------------------


def test_html_tells_the_balance_of_labels():
    items = Items.from_arrays(list("abcdefgh"), labels=["x"] * 4 + ["y"] * 2 + ["z", None])

    assert (
        "items per label: most 4 (x), median 2, least 1 (z); 1 without a label"
        in items._repr_html_()
    )


def test_html_of_even_labels_says_so():
    html = Items.from_arrays(list("abcd"), labels=[0, 0, 1, 1])._repr_html_()

    assert "2 items of each label" in html


def test_html_draws_one_bar_per_label_and_at_most_48():
    def n_bars(n_labels):
        labels = [0, *range(n_labels)]
        html = Items.from_arrays(np.eye(n_labels + 1), labels=labels)._repr_html_()
        return html.count("<i style")

    assert (n_bars(5), n_bars(300)) == (5, 48)


def test_html_tabulates_the_parts():
    html = Items.from_arrays(list("abcdef"), labels=[0, 0, 1, 1, 2, 2]).split(test=0.34)
    cells = [cell.split("<")[0] for cell in html._repr_html_().replace('"number"', "").split("<td")]

    assert [cell.split(">")[1] for cell in cells[1:]] == [
        "train",
        "4",
        "2",
        "0",
        "test",
        "2",
        "1",
        "1",
    ]


def test_html_escapes_names_of_labels_in_the_balance():
    assert (
        "<script" not in Items.from_arrays(["a", "b", "c"], labels=[EVIL, EVIL, "x"])._repr_html_()
    )
