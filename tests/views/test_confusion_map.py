"""confusion_map: the labels of nearest neighbors as a heat map."""

import numpy as np
import pytest

from simlab.errors import DataError
from simlab.items import Items
from simlab.reports._page import Figure, external_urls, page
from simlab.space import Embeddings, Index, confusions, diagnose
from simlab.views import confusion_map


def space(n_labels, size=20, noise=0.5):
    """Labels beside each other in twos: 0 and n/2, 1 and n/2 + 1, ..."""
    rng = np.random.default_rng(0)
    half = n_labels // 2
    centers = np.tile(rng.normal(size=(half, 24)), (2, 1)) + 0.3 * rng.normal(size=(n_labels, 24))
    codes = np.repeat(np.arange(n_labels), size)
    vectors = centers[codes] + noise * rng.normal(size=(len(codes), 24))
    labels = [f"label {code:03d}" for code in codes]
    return Embeddings(vectors, Items.from_arrays([str(row) for row in range(len(codes))], labels))


def confused(embeddings):
    return confusions(Index(embeddings).search(embeddings, 1, exclude_self=True))


@pytest.fixture(scope="module")
def few():
    return confused(space(10))


@pytest.fixture(scope="module")
def many():
    return confused(space(200))


def drawn(figure):
    """Read the shares of both traces in one matrix, and the labels of the rows."""
    right, wrong = (np.array(trace.z, dtype=float) for trace in figure.data)
    return np.where(np.isnan(right), wrong, right), list(figure.layout.yaxis.ticktext)


def test_cells_are_shares_of_their_row(few):
    shares, names = drawn(confusion_map(few))
    told = few.matrix(names).to_numpy() / 20

    assert np.nan_to_num(shares) == pytest.approx(told)


def test_the_diagonal_is_right_and_all_else_is_wrong(few):
    right, wrong = confusion_map(few).data
    diagonal = np.eye(10, dtype=bool)

    assert np.isnan(np.array(right.z, dtype=float)[~diagonal]).all()
    assert np.isnan(np.array(wrong.z, dtype=float)[diagonal]).all()
    assert (right.name, wrong.name) == ("right", "wrong")


def test_labels_that_are_confused_stand_side_by_side(few):
    _, names = drawn(confusion_map(few))
    place = {name: at for at, name in enumerate(names)}
    first = few.pairs.head(3)
    apart = first["label"].map(place) - first["neighbor"].map(place)

    assert apart.abs().tolist() == [1, 1, 1]


def test_pairs_that_the_test_calls_confused_are_framed(few):
    figure = confusion_map(few)
    _, names = drawn(figure)
    framed = {
        (names[int(shape.y0 + 0.5)], names[int(shape.x0 + 0.5)]) for shape in figure.layout.shapes
    }
    pairs = few.pairs[few.pairs["is_confused"]]

    assert framed == set(zip(pairs["label"], pairs["neighbor"], strict=True)) != set()


def test_few_labels_have_numbers_in_their_cells_many_have_not(few, many):
    assert confusion_map(few).data[0].texttemplate == "%{text}"
    assert confusion_map(many).data[0].texttemplate is None


def test_pointing_at_a_cell_tells_counts_and_test(few):
    figure = confusion_map(few)
    _, names = drawn(figure)
    one = few.pairs.iloc[0]
    told = figure.data[1].hovertext[names.index(one["label"])][names.index(one["neighbor"])]

    assert told.startswith(f"{one['label']} → {one['neighbor']}<br>{one['n']} of 20")
    assert "<br>confused (p " in told


def test_of_many_labels_the_most_confused_are_drawn(many):
    figure = confusion_map(many)
    _, names = drawn(figure)
    best = many.pairs.head(5)

    assert len(figure.data[0].z) == len(names) == 40
    assert {*best["label"], *best["neighbor"]} <= set(names)
    assert "40 of 200 labels, the most confused" in figure.layout.title.text


def test_all_of_many_labels_fit_on_a_screen_and_some_are_named(many):
    figure = confusion_map(many, max_labels=200)

    assert len(figure.data[0].z) == 200
    assert figure.layout.height < 1300
    assert len(figure.layout.yaxis.ticktext) <= 60


def test_a_report_holds_the_map_with_nothing_from_elsewhere(few):
    assert external_urls(page([Figure(confusion_map(few))], title="Confusions")) == []


def test_labels_that_are_no_text_can_be_drawn():
    codes = np.repeat([3, 1], 4)
    items = Items.from_arrays([str(row) for row in range(8)], labels=codes)
    found = diagnose(Embeddings(np.eye(4)[codes], items))

    assert drawn(confusion_map(found))[1] == ["1", "3"]


def test_unfit_input(few):
    silent = diagnose(Embeddings(np.eye(3), Items.from_arrays(list("abc"))))

    with pytest.raises(DataError, match="confusion_map needs confusions; there are none: the item"):
        confusion_map(silent)
    with pytest.raises(DataError, match="max_labels must be at least 2; got 1"):
        confusion_map(few, max_labels=1)
