"""Word vectors: reading them, the mean of known words, and what is told of unknown ones."""

import gzip

import numpy as np
import pytest

from simlab.encoders import WordVectors, embed, encoder
from simlab.errors import ChoiceError, DataError, ShapeError, SimlabWarning

WORDS = ["red", "fox", "car", "Fox"]
TABLE = WordVectors(WORDS, np.eye(4))


def test_a_text_is_the_mean_of_its_words():
    assert TABLE.encode(["red fox fox"]).tolist() == [pytest.approx([1 / 3, 2 / 3, 0, 0], abs=1e-6)]


def test_words_are_looked_up_as_they_stand_and_then_in_lower_case():
    assert TABLE.encode(["Fox", "FOX", "RED"]).argmax(axis=1).tolist() == [3, 1, 0]


def test_marks_between_words_are_no_words():
    assert (TABLE.encode(["(red), fox!"]) == TABLE.encode(["red fox"])).all()


def test_texts_without_known_words_are_counted_and_become_zeros():
    with pytest.warns(SimlabWarning) as told:
        vectors = TABLE.encode(["red", "wolf", ""])

    assert str(told[0].message) == (
        "2 of 3 texts hold no word that word-vectors knows; their vectors are zero: leave them "
        "out, or give subwords= or a larger table"
    )
    assert vectors.any(axis=1).tolist() == [True, False, False]


def test_weights_decide_how_much_a_word_counts():
    weighed = WordVectors(WORDS, np.eye(4), weights={"red": 3.0, "car": 0.0})

    assert weighed.encode(["red fox car"]).tolist() == [[0.75, 0.25, 0, 0]]


def test_words_that_count_nothing_leave_zeros():
    assert not WordVectors(WORDS, np.eye(4), weights={"red": 0}).encode(["red"]).any()


def test_unknown_words_are_made_of_their_parts():
    parts = WordVectors(["<wo", "olf"], np.eye(2), subwords=(3, 3))

    assert parts.encode(["wolf", "wool", "golf"]).tolist() == [[0.5, 0.5], [1, 0], [0, 1]]


def test_poolings_stand_side_by_side():
    table = WordVectors(["a", "b"], [[0.0, 4], [2, 0]], pooling=("min", "mean", "max"))

    assert table.encode(["a b"]).tolist() == [[0, 0, 1, 2, 2, 4]]
    assert table.dim == 6


def test_an_own_tokenizer_is_used_and_counts():
    table = WordVectors(WORDS, np.eye(4), tokenize=lambda text: text.split("|"))

    assert table.encode(["red|car"]).tolist() == [[0.5, 0, 0.5, 0]]
    assert table.fingerprint != TABLE.fingerprint


@pytest.mark.parametrize("header", ["", "3 2\n"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_file_of_vectors_is_read(header, packed, tmp_path):
    text = f"{header}red 1 0\nfox 0.5 -1e-1\nNew\u00a0York 0 0 \n"
    path = tmp_path / ("wiki.vec.gz" if packed else "wiki.vec")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    table = encoder(path)

    assert (table.name, len(table), table.dim) == ("wiki", 3, 2)
    assert table.encode(["fox"])[0].tolist() == pytest.approx([0.5, -0.1])


def test_a_file_may_be_read_in_part_and_its_first_of_equal_words_counts(tmp_path):
    (tmp_path / "few.vec").write_text("a 1\nb 2\na 3\nc 4\n", encoding="utf-8")  # no header

    assert len(WordVectors.read(tmp_path / "few.vec", limit=2)) == 2
    assert WordVectors.read(tmp_path / "few.vec").encode(["a"]).tolist() == [[1]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("red 1 2\nfox 1\n", r"^line 2 of '.*bad.vec' must hold a word and 2 numbers, with"),
        ("red 1 2\nfox 1 x\n", r"^line 2 of '.*bad.vec' must hold a word and 2 numbers, with"),
        ("red\n", r"^line 1 of '.*bad.vec' must hold a word and 1 number, with spaces"),
        ("", r"must hold a word and its numbers in each line; got none$"),
    ],
)
def test_a_broken_file_names_the_line(text, told, tmp_path):
    (tmp_path / "bad.vec").write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match=told):
        encoder(str(tmp_path / "bad.vec"))


@pytest.mark.parametrize(
    ("words", "vectors", "error", "told"),
    [
        (["a", "a"], np.eye(2), DataError, "got 'a' more than once"),
        (["a"], np.eye(2), ShapeError, r"got shape \(2, 2\) for 1 words"),
        ([], np.empty((0, 2)), ShapeError, "for 0 words"),
        (["a", "b"], [[1.0], [np.nan]], DataError, "got NaN or infinity in row 1"),
    ],
)
def test_a_table_that_does_not_fit_is_told(words, vectors, error, told):
    with pytest.raises(error, match=told):
        WordVectors(words, vectors)


def test_unknown_poolings_name_the_known_ones():
    with pytest.raises(ChoiceError, match=r"^pooling must be one of 'max', 'mean', 'min'; got 'm"):
        WordVectors(WORDS, np.eye(4), pooling=["mean", "median"])


@pytest.mark.parametrize(
    "change",
    [{"weights": {"red": 2.0}}, {"subwords": (3, 6)}, {"pooling": "max"}],
    ids=["weights", "subwords", "pooling"],
)
def test_another_setting_is_another_fingerprint(change):
    assert WordVectors(WORDS, np.eye(4), **change).fingerprint != TABLE.fingerprint
    assert WordVectors(WORDS, np.eye(4)).fingerprint == TABLE.fingerprint


def test_a_table_is_a_value():
    given = np.eye(4)
    table = WordVectors(WORDS, given)
    given[0] = 9

    assert table.encode(["red"]).tolist() == [[1, 0, 0, 0]]


@pytest.mark.filterwarnings("ignore:.*hold no word:simlab.errors.SimlabWarning")
def test_texts_are_embedded(texts):
    assert embed(texts, TABLE, progress=False).dim == 4
