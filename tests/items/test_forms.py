"""Similarity in every form: one or several labels, levels, pairs, triplets, several sets."""

import datetime as dt
import enum

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simlab.errors import DataError, ShapeError
from simlab.items import Items

NAN = np.nan


def relevance(items, a=None, b=None):
    rows = np.arange(len(items))
    return items.similarity.relevance(rows if a is None else a, rows if b is None else b)


def same(found, expected):
    np.testing.assert_array_equal(found, np.array(expected, dtype=np.float32))


# -- labels -------------------------------------------------------------------------------------


def test_one_label_is_equal_or_not():
    items = Items.from_arrays(list("abcd"), labels=["x", "y", "x", None])

    same(relevance(items), [[1, 0, 1, NAN], [0, 1, 0, NAN], [1, 0, 1, NAN], [NAN] * 4])
    assert items.similarity.is_plain


class Color(enum.Enum):
    RED, BLUE = range(2)


@pytest.mark.parametrize(
    "labels",
    [
        [True, False, True],
        [Color.RED, Color.BLUE, Color.RED],
        [dt.date(2026, 1, 1), dt.date(2026, 1, 2), dt.date(2026, 1, 1)],
        [1.5, 2.5, 1.5],
        [frozenset("ab"), frozenset("c"), frozenset("ab")],
        np.array([7, 8, 7]),
        np.array(["p", "q", "p"], dtype=object),
    ],
    ids=lambda labels: type(labels[0]).__name__,
)
def test_labels_may_be_of_any_hashable_kind(labels):
    items = Items.from_arrays(list("abc"), labels=labels)

    assert len(items.label_names) == 2
    same(relevance(items)[0], [1, 0, 1])


def test_labels_whose_names_are_the_same_are_refused():
    class Twin:
        def __str__(self):
            return "twin"

    with pytest.raises(DataError, match=r"told apart by their names; two .* 'twin' \(one at row 1"):
        Items.from_arrays(list("ab"), labels=[Twin(), Twin()])


def test_a_label_that_is_not_hashable_is_refused():
    with pytest.raises(DataError, match=r"labels must be hashable.*got dict at row 0"):
        Items.from_arrays(list("ab"), labels=[{}, {}])


# -- several labels -----------------------------------------------------------------------------


@pytest.fixture
def tagged():
    tags = [["red", "car"], {"car"}, ["red", "fox"], ["blue"], None, []]
    return Items.from_arrays(list("abcdef"), labels=tags, ids=list("ABCDEF"))


def test_several_labels_are_as_similar_as_the_share_they_have_in_common(tagged):
    same(relevance(tagged, [0])[0], np.float32([1, 1 / 2, 1 / 3, 0, NAN, NAN]))
    assert not tagged.similarity.is_plain


def test_several_labels_are_read_as_tuples(tagged):
    assert tagged.labels.tolist() == [
        ("car", "red"),
        ("car",),
        ("fox", "red"),
        ("blue",),
        None,
        None,
    ]
    assert tagged.label_names == (("blue",), ("car",), ("car", "red"), ("fox", "red"))
    assert tagged.label_codes.tolist() == [2, 1, 3, 0, -1, -1]


def test_items_that_have_a_label_among_several_are_selected(tagged):
    assert tagged.where(label="car").ids.tolist() == ["A", "B"]
    assert tagged.where(label=["blue", "fox"]).ids.tolist() == ["C", "D"]


sets = st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=2, max_size=8)


@given(sets)
def test_several_labels_follow_the_formula_of_jaccard(labels):
    items = Items.from_arrays([str(row) for row in range(len(labels))], labels=labels)
    expected = [[len(a & b) / len(a | b) for b in labels] for a in labels]

    np.testing.assert_allclose(relevance(items), expected, rtol=1e-6)


# -- levels -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        ["animal/dog", "animal/cat", "car/van"],
        [("animal", "dog"), ("animal", "cat"), ("car", "van")],
    ],
)
def test_levels_are_as_similar_as_the_levels_they_share(labels):
    items = Items.from_arrays(list("abc"), labels=labels)

    same(relevance(items), [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]])
    assert items.label_names == ("animal/cat", "animal/dog", "car/van")


def test_a_level_of_one_name_below_two_others_is_not_the_same():
    items = Items.from_arrays(list("ab"), labels=["cats/small", "cars/small"])

    assert relevance(items)[0, 1] == 0


@pytest.mark.parametrize("labels", [["TCP/IP", "UDP"], ["a/b", "a/b/c"]])
def test_slashes_that_are_no_levels_are_left_alone(labels):
    assert Items.from_arrays(list("ab"), labels=labels).similarity.is_plain


# -- pairs --------------------------------------------------------------------------------------


def test_pairs_connect_classes():
    items = Items.from_pairs(["hi", "hello", "car"], ["hello", "hey", "auto"])

    assert list(items.content) == ["hi", "hello", "car", "hey", "auto"]
    assert items.labels.tolist() == [0, 0, 1, 0, 1]
    assert items.column("role").tolist() == ["anchor", "anchor", "anchor", "positive", "positive"]


def test_items_of_other_groups_are_strangers_and_nothing_is_known_within():
    items = Items.from_pairs(list("abc"), list("xyz"), groups=[1, 1, 2])

    same(relevance(items, [0])[0], [1, NAN, 0, 1, NAN, 0])


def test_of_scored_pairs_only_the_scores_are_known():
    items = Items.from_pairs(["a", "b"], ["c", "a"], scores=[0.25, 0])

    same(relevance(items), [[NAN, 0, 0.25], [0, NAN, NAN], [0.25, NAN, NAN]])
    assert items.labels is None


def test_scored_pairs_of_other_groups_are_strangers():
    items = Items.from_pairs(["a", "b"], ["c", "d"], scores=[0.5, 1], groups=["g", "h"])

    same(relevance(items, [0])[0], [NAN, 0, 0.5, 0])


def test_scores_follow_their_items_through_selections():
    items = Items.from_pairs(list("abc"), list("xyz"), scores=[0.1, 0.2, 0.3])
    some = items[[5, 2, 0]]

    same(relevance(some), [[NAN, 0.3, NAN], [0.3, NAN, NAN], [NAN] * 3])
    assert some.similarity.pairs.tolist() == [[1, 0]]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 8)), min_size=1))
def test_the_last_score_of_a_pair_counts_in_both_directions(said):
    first, second, scores = zip(*said, strict=True)
    items = Items.from_pairs(
        [f"t{one}" for one in first], [f"t{one}" for one in second], scores=np.array(scores) / 8
    )
    place = {text: row for row, text in enumerate(items.content)}
    expected = np.full((len(items), len(items)), np.nan, np.float32)
    for one, other, score in said:
        a, b = place[f"t{one}"], place[f"t{other}"]
        expected[a, b] = expected[b, a] = score / 8

    same(relevance(items), expected)


@pytest.mark.parametrize("score", [1.01, -0.1, NAN])
def test_scores_outside_of_their_range_are_refused(score):
    with pytest.raises(DataError, match=r"scores of pairs must lie in \[0, 1\]; got .* at row 1"):
        Items.from_pairs(["a", "b"], ["c", "d"], scores=[0.5, score])


def test_pairs_of_different_numbers_are_refused():
    with pytest.raises(ShapeError, match="as many of each: got 2 anchors, 1 positives"):
        Items.from_pairs(["a", "b"], ["c"])


def test_an_item_in_two_groups_is_refused():
    with pytest.raises(DataError, match="must be of one group; the pair at row 0, of group 1"):
        Items.from_pairs(["a", "a"], ["c", "d"], groups=[1, 2])


def test_pairs_of_arrays():
    items = Items.from_pairs(np.eye(3), np.eye(3)[[1, 2, 2]] * [[1], [1], [5]])

    assert len(items) == 4
    assert items.labels.tolist() == [0, 0, 0, 0]


# -- triplets -----------------------------------------------------------------------------------


def test_triplets_know_near_and_far_and_nothing_else():
    items = Items.from_triplets(["a", "b"], ["p", "q"], ["n", "a"])

    assert items.column("role").tolist() == ["anchor", "anchor", "positive", "positive", "negative"]
    same(
        relevance(items),
        [
            [NAN, 0, 1, NAN, 0],
            [0, NAN, NAN, 1, NAN],
            [1, NAN, NAN, NAN, NAN],
            [NAN, 1, NAN, NAN, NAN],
            [0, NAN, NAN, NAN, NAN],
        ],
    )


def test_tuples_may_have_several_positives_and_negatives():
    items = Items.from_triplets(["a", "b"], [["p", "q"], "r"], ["n", ["m", "n"]])

    found = dict(zip(items.content, relevance(items, [0])[0], strict=True))
    assert {text: score for text, score in found.items() if not np.isnan(score)} == {
        "p": 1,
        "q": 1,
        "n": 0,
    }
    found = dict(zip(items.content, relevance(items, [1])[0], strict=True))
    assert {text: score for text, score in found.items() if not np.isnan(score)} == {
        "r": 1,
        "m": 0,
        "n": 0,
    }


# -- several sets -------------------------------------------------------------------------------


@pytest.fixture
def sets_of_two():
    cars = Items.from_arrays(["mini", "van", "bus"], labels=["small", "large", "large"])
    dogs = Items.from_arrays(["poodle", "dane"], labels=["small", "large"])
    return {"cars": cars, "dogs": dogs}


def test_labels_of_two_sets_are_kept_apart(sets_of_two):
    both = Items.concat(sets_of_two)

    assert list(both.content) == ["mini", "van", "bus", "poodle", "dane"]
    assert both.column("source").tolist() == ["cars"] * 3 + ["dogs"] * 2
    assert both.label_names == ("cars: large", "cars: small", "dogs: large", "dogs: small")
    same(relevance(both)[1], [0, 1, 1, NAN, NAN])


def test_labels_that_mean_the_same_may_be_shared(sets_of_two):
    both = Items.concat(sets_of_two, shared_labels=True)

    assert both.label_names == ("large", "small")
    same(relevance(both)[1], [0, 1, 1, 0, 1])


def test_equal_ids_of_two_sets_are_told_apart(sets_of_two):
    alike = {
        name: items.with_column("id", [f"i{row}" for row in range(len(items))])
        for name, items in sets_of_two.items()
    }

    assert Items.concat(alike).ids.tolist() == [
        "cars/i0",
        "cars/i1",
        "cars/i2",
        "dogs/i0",
        "dogs/i1",
    ]
    assert Items.concat(sets_of_two).ids.tolist()[:3] == sets_of_two["cars"].ids.tolist()


def test_selected_items_of_several_kinds_of_text_are_put_together():
    frame = Items.from_arrays(["b", "a", "c"])[[1, 2]]
    both = Items.concat([frame, Items.from_pairs(["x"], ["y"], scores=[0.5])])

    assert list(both.content) == ["a", "c", "x", "y"]
    assert both.similarity.scores.tolist() == [0.5]
    assert both.column("source").tolist() == ["0", "0", "1", "1"]


def test_arrays_and_pictures_are_put_together(photos):
    arrays = Items.concat(
        {"a": Items.from_arrays(np.eye(2)), "b": Items.from_arrays(np.eye(2) * 2)}
    )
    pictures = Items.from_folder(photos)
    both = Items.concat({"a": pictures, "b": pictures[:2]})

    np.testing.assert_array_equal(arrays.content[:], np.concatenate([np.eye(2), np.eye(2) * 2]))
    assert (both.content.digests()[6:] == pictures.content.digests()[:2]).all()
    assert len(set(both.ids)) == 8


def test_columns_that_one_set_has_not_are_missing():
    one = Items.from_arrays(["a"], labels=["x"]).with_column("year", [2020])
    both = Items.concat({"one": one, "two": Items.from_arrays(["b"])})

    assert both.column("year").tolist() == [2020, None]
    assert both.labels.tolist() == ["one: x", None]


def test_arrays_of_different_shapes_are_refused():
    with pytest.raises(
        DataError, match=r"got 3 arrays of shape \(3,\) of double, 2 arrays of shape \(2,\)"
    ):
        Items.concat({"a": Items.from_arrays(np.eye(3)), "b": Items.from_arrays(np.eye(2))})


def test_no_sets_are_refused():
    with pytest.raises(DataError, match="at least one set of items; got none"):
        Items.concat({})


def test_a_data_set_may_give_several_classes_per_item():
    from datasets import ClassLabel, Dataset, Features, Sequence, Value

    features = Features({"text": Value("string"), "label": Sequence(ClassLabel(names=["x", "y"]))})
    rows = Dataset.from_dict({"text": ["a", "b", "c"], "label": [[0, 1], [1], []]}, features)

    assert Items.from_dataset(rows, "text").labels.tolist() == [("x", "y"), ("y",), None]


def test_a_set_without_groups_keeps_its_strangers_beside_one_with_groups():
    pairs = Items.from_pairs(["a", "b"], ["c", "d"], groups=["g", "g"])
    plain = Items.from_arrays(["x", "y", "z"], labels=["1", "1", "2"])
    both = Items.concat({"pairs": pairs, "plain": plain})

    same(relevance(both, [4])[0], [NAN, NAN, NAN, NAN, 1, 1, 0])
    same(relevance(both, [0])[0], [1, NAN, 1, NAN, NAN, NAN, NAN])


def test_columns_of_two_types_are_refused():
    one = Items.from_arrays(["a"], labels=[1])
    with pytest.raises(DataError, match=r"one type in all sets to concatenate .*label.*convert it"):
        Items.concat([one, Items.from_arrays(["b"], labels=["x"])], shared_labels=True)
