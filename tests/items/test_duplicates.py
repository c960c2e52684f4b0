"""Duplicates: equal content is found, leaks are told, and one line removes them."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simlab.errors import DataError, SimlabWarning
from simlab.items import Items, duplicates

PARTS = ["train", "val", "test"]
WITH_PARTS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(PARTS)), min_size=1)


def said(texts, parts=None):
    items = Items.from_arrays(list(texts), ids=[f"{text}{row}" for row, text in enumerate(texts)])
    return items if parts is None else items.with_column("split", parts)


@given(st.lists(st.sampled_from("abcd"), min_size=1))
def test_without_duplicates_every_content_is_there_once(texts):
    items = said(texts)

    left = items.without(duplicates(items).ids)

    assert left.content[:] == list(dict.fromkeys(texts))


@pytest.mark.filterwarnings("ignore::simlab.errors.SimlabWarning")
@given(WITH_PARTS)
def test_without_leaks_no_two_parts_share_content(pairs):
    texts, parts = zip(*pairs, strict=True)
    items = said(texts, parts)

    left = items.without(duplicates(items).leaks.ids)

    owners = set(zip(left.content[:], left.column("split"), strict=True))
    assert len(owners) == len(set(texts))


@pytest.mark.filterwarnings("ignore::simlab.errors.SimlabWarning")
@given(WITH_PARTS)
def test_leaks_leave_the_test_as_it_was(pairs):
    texts, parts = zip(*pairs, strict=True)
    items = said(texts, parts)
    gone = duplicates(items).leaks.ids

    assert "test" not in [
        part for name, part in zip(items.ids, parts, strict=True) if name in set(gone)
    ]


def test_copies_of_pictures_and_arrays_are_found(photos):
    (photos / "red" / "copy.png").write_bytes((photos / "blue" / "1.png").read_bytes())

    found = duplicates(Items.from_folder(photos)).frame

    assert found[["id", "other"]].to_numpy().tolist() == [
        ["photos/red/copy.png", "photos/blue/1.png"]
    ]
    assert found["other label"].tolist() == ["blue"]


def test_ten_thousand_copies_are_ten_thousand_pairs():
    assert len(duplicates(said("a" * 10_000))) == 9_999


def test_a_leak_is_told_with_its_pairs():
    items = said("aabbcd", ["train", "test", "val", "train", "test", "train"])

    with pytest.warns(SimlabWarning) as told:
        found = duplicates(items)

    assert str(told[0].message) == (
        "2 pairs of equal or nearly equal items across parts of the split, so that what is tested "
        "was trained on: 'a0' (train) and 'a1' (test); 'b3' (train) and 'b2' (val). Look at "
        "found.leaks; leave them out with items.without(found.leaks.ids)"
    )
    assert told[0].filename == __file__
    assert repr(found) == "Duplicates: 2 pairs in 6 items, 2 across parts of the split"


def test_a_copy_within_a_part_is_no_leak():
    found = duplicates(said("aab", ["train", "train", "test"]))

    assert (len(found), len(found.leaks)) == (1, 0)


def test_leaks_need_a_split():
    with pytest.raises(DataError) as caught:
        _ = duplicates(said("ab")).leaks

    assert str(caught.value) == "leaks need a split of the items; split them first: items.split()"


@pytest.mark.filterwarnings("ignore::simlab.errors.SimlabWarning")
def test_duplicates_show_both_with_their_parts_and_escape():
    evil = "<script>"
    items = Items.from_arrays([evil, evil], labels=[evil, evil], ids=["x", evil])

    html = duplicates(items.with_column("split", [evil, "test"]))._repr_html_()

    assert html.count("<figure") == 2
    assert "<script" not in html


def test_no_duplicates_are_shown_as_none():
    assert "0 pairs in 2 items" in duplicates(said("ab"))._repr_html_()


# -- without ----------------------------------------------------------------------------------


def test_without_takes_ids_of_any_kind():
    items = Items.from_arrays(np.eye(4), ids=[10, 11, 12, 13])

    assert items.without(np.array([11, 13])).ids.tolist() == [10, 12]
    assert items.without(10).ids.tolist() == [11, 12, 13]
    assert len(items.without([])) == 4


def test_without_takes_one_text_as_one_id():
    assert said("ab").without("a0").ids.tolist() == ["b1"]


def test_without_ids_of_another_type_is_told():
    with pytest.raises(DataError, match=r"^ids must be of the items' own type, int64; "):
        Items.from_arrays(np.eye(2), ids=[1, 2]).without(["one"])
