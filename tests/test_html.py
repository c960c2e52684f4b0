"""Static HTML: escaped, aligned, and never in need of a script."""

import numpy as np
import pytest
from PIL import Image

from simlab._html import block, face, figure, table

EVIL = "<img src=x onerror=alert(1)>&\"'"


@pytest.mark.parametrize(
    "html",
    [
        block(EVIL, note=EVIL),
        table([EVIL], [[EVIL]]),
        face(EVIL),
        figure("text", mark=EVIL, lines=[EVIL]),
    ],
    ids=["block", "table", "face", "figure"],
)
def test_nothing_said_by_the_user_becomes_markup(html):
    assert "<img src=x" not in html


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.5, '<td class="number">0.500</td>'),
        (np.float32(0.5), '<td class="number">0.500</td>'),
        (1234, '<td class="number">1,234</td>'),
        (np.int64(1234), '<td class="number">1,234</td>'),
        (True, "<td>True</td>"),
        ("x", "<td>x</td>"),
        (None, "<td>None</td>"),
    ],
)
def test_numbers_stand_right_and_all_else_left(value, shown):
    assert shown in table(["head"], [[value]])


def test_a_column_with_one_word_is_no_column_of_numbers():
    assert 'class="number"' not in table(["head"], [[1], ["x"]])


def test_a_table_without_rows_has_its_head():
    assert "<th>a</th><th>b</th>" in table(["a", "b"], [])


def test_pictures_are_inside_the_page():
    assert 'src="data:image/' in face(Image.new("RGB", (4, 4)))


def test_of_other_arrays_the_first_numbers_are_shown():
    assert face(np.arange(9) / 2) == '<div class="face">0, 0.5, 1, 1.5, 2, 2.5 …</div>'


def test_a_short_array_is_shown_whole():
    assert face(np.array([1.0])) == '<div class="face">1</div>'


def test_right_and_wrong_are_told_by_class_and_by_word():
    html = figure("text", kind="no", mark="other")

    assert 'class="no wide"' in html
    assert '<span class="mark">other</span>' in html
