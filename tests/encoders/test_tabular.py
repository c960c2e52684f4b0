"""Rows of tables: numbers by their deviation, categories by their place, learned in training."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from simlab.encoders import Tabular, embed
from simlab.errors import ChoiceError, DataError
from simlab.items import Items

FRAME = pd.DataFrame({"price": [1.0, 3.0, 5.0], "color": ["red", "blue", None], "new": [True] * 3})
ROWS = FRAME.astype(object).where(FRAME.notna(), None).to_dict("records")


def test_numbers_are_standardized_by_the_training_rows():
    vectors = Tabular(FRAME, columns=["price"]).encode(
        [{"price": 3.0}, {"price": 5.0}, {"price": 9}]
    )

    assert vectors.ravel().tolist() == pytest.approx([0, 2 / np.sqrt(8 / 3), 6 / np.sqrt(8 / 3)])


def test_categories_have_a_place_each_and_unknown_ones_none():
    table = Tabular(FRAME, columns=["color", "new"])

    assert table.features == ("color=blue", "color=red", "new=True")
    assert table.encode(
        [{"color": "red", "new": True}, {"color": "pink", "new": False}]
    ).tolist() == [[0, 1, 1], [0, 0, 0]]


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT], ids=str)
def test_a_missing_value_is_the_mean_or_no_category(missing):
    table = Tabular(FRAME, columns=["price", "color"])

    assert table.encode([{"price": missing, "color": missing}]).tolist() == [[0, 0, 0]]


def test_numbers_may_be_taken_as_categories():
    table = Tabular([{"size": 38}, {"size": 40}], categories=["size"])

    assert table.encode([{"size": 40}, {"size": 39}]).tolist() == [[0, 1], [0, 0]]


def test_a_column_without_spread_is_zero():
    assert Tabular([{"x": 2}, {"x": 2}]).encode([{"x": 2}]).tolist() == [[0]]


@pytest.mark.parametrize("kind", ["pandas", "polars", "rows"])
def test_rows_come_from_frames_of_all_kinds(kind):
    training = {"pandas": FRAME, "polars": pl.from_dicts(ROWS), "rows": ROWS}[kind]

    assert Tabular(training).fingerprint == Tabular(FRAME).fingerprint


def test_rows_of_a_frame_are_read_as_they_come():
    table = Tabular(FRAME)

    assert (table.encode([row for _, row in FRAME.iterrows()]) == table.encode(ROWS)).all()


def test_arrays_are_rows_whose_columns_are_numbered():
    numbers = np.random.default_rng(0).normal(3, 2, size=(50, 3))
    rows = Items.from_arrays(numbers)
    vectors = embed(rows, Tabular(rows), progress=False).vectors

    assert np.allclose(vectors, (numbers - numbers.mean(axis=0)) / numbers.std(axis=0), atol=1e-5)


def test_categories_among_arrays_are_told_by_their_number():
    table = Tabular(np.array([[1.0, 0], [2, 1]]), categories=[1])

    assert table.features == ("0", "1=0.0", "1=1.0")


def test_a_row_without_a_column_is_told():
    with pytest.raises(DataError, match=r"^every row must have the column 'color'; 1 of 1 have no"):
        Tabular(FRAME).encode([{"price": 1.0}])


def test_a_text_in_a_column_of_numbers_is_told():
    with pytest.raises(DataError, match=r"^column 'price' held numbers in training; got 'cheap'"):
        Tabular(FRAME, columns=["price"]).encode([{"price": 1.0}, {"price": "cheap"}])


def test_an_unknown_column_names_the_known_ones():
    with pytest.raises(ChoiceError, match=r"^column must be one of 'color', 'new', 'price'; got "):
        Tabular(FRAME, columns=["prize"])


def test_a_column_without_values_is_told():
    with pytest.raises(DataError, match=r"^column 'x' has no value in training; leave it out"):
        Tabular([{"x": None}])


def test_no_rows_are_too_few():
    with pytest.raises(DataError, match=r"^Tabular needs at least one training row; got none$"):
        Tabular([])


def test_what_was_learned_makes_the_fingerprint():
    other = FRAME.assign(price=[1.0, 3.0, 6.0])

    assert Tabular(other).fingerprint != Tabular(FRAME).fingerprint
    assert Tabular(FRAME, columns=["price"]).fingerprint != Tabular(FRAME).fingerprint


def test_a_run_on_a_table_is_saved_and_loaded(tmp_path):
    from simlab.training import Run, fit

    numbers = np.random.default_rng(0).normal(size=(24, 3)) + np.repeat([0, 4], 12)[:, None]
    rows = Items.from_arrays(numbers, labels=["low"] * 12 + ["high"] * 12)
    run = fit(rows, Tabular(rows), epochs=1, progress=False)
    run.save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run", encoder=Tabular(rows))

    assert (loaded.encode(rows.content[:2]) == run.encode(rows.content[:2])).all()
