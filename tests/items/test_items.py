"""Items as a value: selecting, adding columns, and what does not work."""

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simlab.errors import ChoiceError, DataError, ShapeError
from simlab.items import Items, as_positions

MANY = Items.from_arrays(
    [f"text {row}" for row in range(20)],
    labels=[None if row % 7 == 0 else row % 3 for row in range(20)],
    ids=range(20),
)


# -- selecting ------------------------------------------------------------------------------


@given(st.lists(st.integers(-20, 19), max_size=30))
def test_positions_select_content_ids_and_labels_together(positions):
    chosen = MANY[positions]

    assert list(chosen.content) == [f"text {row % 20}" for row in positions]
    assert chosen.ids.tolist() == [row % 20 for row in positions]
    assert chosen.column("label").tolist() == [
        None if row % 20 % 7 == 0 else row % 20 % 3 for row in positions
    ]


def test_codes_of_a_selection_count_its_own_labels():
    assert MANY[[2, 5, 1]].label_codes.tolist() == [1, 1, 0]


@given(st.slices(20))
def test_a_slice_selects_as_it_does_for_a_list(key):
    assert MANY[key].ids.tolist() == list(range(20))[key]


@given(st.lists(st.booleans(), min_size=20, max_size=20))
def test_a_mask_selects_where_it_is_true(mask):
    assert MANY[np.array(mask)].ids.tolist() == [row for row in range(20) if mask[row]]


@given(st.slices(20), st.data())
def test_selecting_twice_is_selecting_once_from_the_selection(key, data):
    rows = list(range(20))[key]
    again = data.draw(st.slices(len(rows)))

    assert MANY[key][again].ids.tolist() == rows[again]


def test_one_position_gives_one_item():
    assert MANY[3].ids.tolist() == [3]


def test_selecting_reads_no_content(photos):
    items = Items.from_folder(photos)
    for file in photos.glob("*/*.png"):
        file.unlink()

    assert len(items.where(label="red")[1:]) == 2


@pytest.mark.parametrize(
    ("key", "kind", "text"),
    [
        ([True, False], ShapeError, "a mask needs one entry per item: got 2 for 20 items"),
        (20, IndexError, "positions must be below 20 (the number of items); got 20"),
        ([0, -21], IndexError, "positions must be below 20 (the number of items); got [0, -21]"),
        ("label", DataError, "items are selected by position, slice or mask; got 'label'"),
        ([0.5], DataError, "items are selected by position, slice or mask; got [0.5]"),
        ([[0, 1]], ShapeError, "a selection needs one dimension; got an array of shape (1, 2)"),
    ],
)
def test_a_wrong_selection_is_told_in_full(key, kind, text):
    with pytest.raises(kind) as caught:
        MANY[key]

    assert str(caught.value) == text


def test_positions_of_nothing_are_nothing():
    assert as_positions([], 5).tolist() == []


# -- where ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "n"),
    [
        ("ash", 4),
        (["ash", "elm"], 8),
        ({"oak"}, 4),
        (("ash", "no such"), 4),
        (np.array(["ash", "oak"]), 8),
    ],
)
def test_where_selects_by_one_value_or_several(items, wanted, n):
    assert len(items.where(label=wanted)) == n


def test_where_selects_by_all_columns_at_once(items):
    even = items.with_column("even", np.arange(12) % 2 == 0)

    assert even.where(label="elm", even=True).ids.tolist() == ["tree-4", "tree-6"]


def test_where_finds_what_is_missing():
    assert MANY.where(label=None).ids.tolist() == [0, 7, 14]


def test_where_without_any_match_says_what_there_is(items):
    with pytest.raises(DataError) as caught:
        items.where(label="fir")

    assert str(caught.value) == (
        "some item must have label='fir'; none of 12 has; label is one of ash, elm, oak"
    )


def test_where_with_an_unknown_column_says_which_there_are(items):
    with pytest.raises(ChoiceError) as caught:
        items.where(lable="ash")

    assert str(caught.value) == (
        "column must be one of 'id', 'label'; got 'lable'. Did you mean 'label'?"
    )


# -- counting -------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "left"), [(1, 17), (5, 17), (6, 12), (7, 0)])
def test_labels_that_are_too_rare_go_and_so_do_unlabeled_items(count, left):
    assert len(MANY.with_min_count(count)) == left


def test_dropping_rare_labels_of_unlabeled_items_leaves_nothing():
    assert len(Items.from_arrays(["a", "b"]).with_min_count(1)) == 0


# -- columns --------------------------------------------------------------------------------


def test_a_new_column_is_read_back(items):
    assert items.with_column("year", range(12)).column("year").tolist() == list(range(12))


def test_a_column_can_be_replaced(items):
    again = items.with_column("label", ["x", "y"] * 6)

    assert (again.columns, again.label_names) == (("id", "label"), ("x", "y"))


def test_missing_entries_of_a_column_are_none(items):
    assert items.with_column("year", [None, *range(11)]).column("year")[0] is None


def test_the_frame_has_a_row_per_item_and_a_column_per_fact(items):
    assert items.frame.shape == (12, 2)


def test_an_unknown_column_says_which_there_are(items):
    with pytest.raises(ChoiceError, match=r"^column must be one of 'id', 'label'; got 'style'$"):
        items.column("style")


def test_a_column_needs_one_value_per_item(items):
    with pytest.raises(ShapeError) as caught:
        items.with_column("year", [1, 2])

    assert str(caught.value) == "column 'year' needs one value per item: got 2 for 12"


def test_a_column_needs_values_of_one_type(items):
    with pytest.raises(DataError, match=r"^column 'year' must be of one simple type"):
        items.with_column("year", [1, "x"] * 6)


def test_ids_stay_unique(items):
    with pytest.raises(DataError, match=r"^ids must be unique; got 'a' more than once$"):
        items.with_column("id", ["a"] * 12)


# -- a value --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "use",
    [
        lambda items: items.split(),
        lambda items: items.with_column("x", range(12)),
        lambda items: items.with_min_count(2),
        lambda items: items.where(label="ash"),
        lambda items: items[::2],
    ],
)
def test_nothing_changes_the_items_themselves(items, use):
    before, digests = items.table, items.content.digests()

    use(items)

    assert items.table.equals(before)
    assert (items.content.digests() == digests).all()


def test_items_cannot_be_assigned_to(items):
    with pytest.raises(dataclasses.FrozenInstanceError):
        items.content = ()


@pytest.mark.parametrize("name", ["ids", "labels"])
def test_ids_and_labels_cannot_be_written_to(items, name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(items, name)[0] = "other"


def test_items_survive_pickling(items):
    again = pickle.loads(pickle.dumps(items))  # noqa: S301 (its own)

    assert (repr(again), again.ids.tolist()) == (repr(items), items.ids.tolist())


# -- content --------------------------------------------------------------------------------


def test_digests_of_equal_content_are_equal_and_of_others_are_not():
    digests = Items.from_arrays(["a", "b", "a"]).content.digests()

    assert (digests[0] == digests[2]).all()
    assert (digests[0] != digests[1]).any()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.zeros((1, 2, 3)), np.zeros((1, 3, 2))),
        (np.zeros((1, 2), "f4"), np.zeros((1, 1), "f8")),
        (np.zeros((1, 1), "i4"), np.zeros((1, 1), "f4")),
        (["abc"], [b"abc"]),
    ],
    ids=["shape", "width", "type", "kind"],
)
def test_equal_bytes_of_different_meaning_have_different_digests(one, other):
    first, second = (Items.from_arrays(content).content.digests() for content in (one, other))

    assert first.tobytes() != second.tobytes()


def test_a_slice_of_the_content_is_a_list(items):
    assert len(items.content[3:5]) == 2


def test_content_is_taken_without_changing_the_rest(items):
    assert (items.content.take(np.array([5, 2]))[1] == items.content[2]).all()
