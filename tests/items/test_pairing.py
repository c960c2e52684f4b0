"""Natural pairs: two parts of an item belong together, each is compared with the other side."""

import numpy as np
import pytest
from PIL import Image

from simlab.errors import ChoiceError, DataError
from simlab.items import Items

PICTURES = [Image.new("RGB", (4, 4), color) for color in ("red", "darkred", "blue")]
CAPTIONS = ["red", "red", "blue"]


@pytest.fixture
def both():
    content = {"image": PICTURES, "text": CAPTIONS}
    return Items.from_arrays(content, labels=["r", "r", "b"], ids=list("xyz"))


def test_a_picture_and_its_caption_are_friends_and_other_captions_strangers(both):
    pairs = both.as_pairs()

    assert repr(pairs) == "Items: 3 images and 2 texts, 2 labels"
    assert pairs.ids.tolist() == ["x/image", "y/image", "z/image", "x/text", "z/text"]
    assert pairs.labels.tolist() == [0, 0, 1, 0, 1]
    assert pairs.column("class").tolist() == ["r", "r", "b", "r", "b"]
    assert pairs.similarity.relevance([0, 1], [3, 4]).tolist() == [[1, 0], [1, 0]]


def test_of_two_items_of_one_side_nothing_is_known(both):
    known = both.as_pairs().similarity

    assert np.isnan(known.relevance([0, 1, 2], [0, 1, 2])).all()
    assert np.isnan(known.relevance([3, 4], [3, 4])).all()


def test_a_question_that_is_an_answer_too_is_two_items():
    said = {"question": ["why?", "how?"], "answer": ["because", "why?"]}
    pairs = Items.from_arrays(said).as_pairs("question", "answer")

    assert pairs.content[:] == ["why?", "how?", "because", "why?"]
    assert pairs.labels.tolist() == [0, 1, 0, 1]


def test_a_pair_is_never_cut_in_two(both):
    parts = both.as_pairs().split(by="item", test=0.5)
    sides = parts.where(split="test").column("role")

    assert set(sides) == {"image", "text"}


def test_a_split_of_the_items_is_that_of_their_pairs(both):
    pairs = both.with_column("split", ["train", "train", "test"]).as_pairs()

    assert pairs.where(split="test").ids.tolist() == ["z/image", "z/text"]


def test_a_split_that_shares_a_caption_is_refused(both):
    with pytest.raises(DataError) as caught:
        both.with_column("split", ["train", "test", "test"]).as_pairs()

    assert str(caught.value) == (
        "a pair must lie in one part of the split; 'y' (test) shares content with 'x' (train); "
        "make the pairs first, then split them: items.as_pairs().split()"
    )


def test_two_parts_must_be_named_and_there(both):
    three = Items.from_arrays({"a": ["x"], "b": ["y"], "c": ["z"]})

    assert three.as_pairs("c", "a").column("role").tolist() == ["c", "a"]
    with pytest.raises(DataError, match=r"two parts of each item; got \['a', 'b', 'c'\] of"):
        three.as_pairs()
    with pytest.raises(DataError, match=r"got \[\] of \[\]"):
        Items.from_arrays(["a"]).as_pairs()
    with pytest.raises(ChoiceError, match=r"^part must be one of"):
        both.as_pairs("image", "txt")


def test_anchors_and_positives_may_be_of_two_modalities():
    pairs = Items.from_pairs(PICTURES, CAPTIONS)

    assert pairs.column("role").tolist() == ["anchor"] * 3 + ["positive"] * 2
    assert np.isnan(pairs.similarity.relevance([0], [1])).all()
    assert pairs.similarity.relevance([0], [3, 4]).tolist() == [[1, 0]]


def test_scores_of_a_picture_and_a_caption_are_kept():
    pairs = Items.from_pairs(PICTURES, CAPTIONS, scores=[1, 0.5, 1])

    assert pairs.similarity.relevance([1], [3]).tolist() == [[0.5]]


def test_texts_are_compared_with_each_other_as_ever():
    assert Items.from_pairs(["a", "b"], ["c", "d"]).similarity.relevance([0], [1])[0, 0] == 0


def test_pairs_put_together_with_other_items_keep_their_sides(both):
    pairs = both.as_pairs()
    known = Items.concat({"pairs": pairs, "words": Items.from_arrays(["p", "q"], labels=[1, 2])})

    assert np.isnan(known.similarity.relevance([0], [1])[0, 0])
    assert known.similarity.relevance([5], [6])[0, 0] == 0
