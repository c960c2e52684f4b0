import numpy as np
import pytest

from simlab.errors import DataError
from simlab.explanations import Evidence
from simlab.items import Items
from simlab.space import Embeddings, Neighbors


def neighbors_of(labels, similarities, own=None, ids=None):
    """One query labeled `own`, and a gallery with these labels in this order of nearness."""
    n = len(similarities)
    gallery = Embeddings(np.eye(n), Items.from_arrays(np.eye(n), labels=labels, ids=ids))
    labels_of_query = None if own is None else [own]
    query = Items.from_arrays(np.ones((1, n)), labels=labels_of_query, ids=["query"])
    positions = np.arange(n)[None]
    return Neighbors(
        Embeddings(np.ones((1, n)), query), gallery, positions, np.array([similarities])
    )


@pytest.fixture
def four():
    similarities = [0.9, 0.8, 0.5, 0.25]
    return Evidence.of(neighbors_of(["heart", "heart", "spade", "club"], similarities, own="spade"))


def test_votes_are_counted_per_label_the_most_first(four):
    assert list(four.votes.items()) == [("heart", 2), ("spade", 1), ("club", 1)]


def test_the_majority_is_predicted(four):
    assert four.predicted == "heart"


def test_the_share_is_that_of_the_majority(four):
    assert four.share == 0.5


def test_the_nearest_similarity_is_the_first(four):
    assert four.nearest == 0.9


def test_the_nearest_unlike_neighbor_is_the_first_of_another_label(four):
    assert (four.nearest_unlike, four.unlike_label) == (0.5, "spade")


def test_the_margin_is_the_difference_of_both(four):
    assert four.margin == pytest.approx(0.4)


def test_a_prediction_that_is_not_the_label_is_not_right(four):
    assert four.is_right is False


def test_a_prediction_that_is_the_label_is_right():
    evidence = Evidence.of(neighbors_of([3, 3], [0.9, 0.8], own=3))

    assert evidence.is_right is True


def test_equal_votes_go_to_the_nearer_label():
    evidence = Evidence.of(neighbors_of(["b", "a", "a", "b"], [0.9, 0.8, 0.7, 0.6]))

    assert evidence.predicted == "b"


def test_the_margin_is_negative_when_the_nearest_is_of_another_label():
    evidence = Evidence.of(neighbors_of(["b", "a", "a"], [0.75, 0.5, 0.25]))

    assert evidence.margin == -0.25


def test_without_another_label_there_is_no_margin():
    evidence = Evidence.of(neighbors_of(["a", "a"], [0.9, 0.8]))

    assert (evidence.nearest_unlike, evidence.margin) == (None, None)


def test_a_gallery_without_labels_casts_no_votes():
    evidence = Evidence.of(neighbors_of(None, [0.9, 0.8]))

    assert (evidence.votes, evidence.predicted, evidence.share) == ({}, None, None)


def test_a_neighbor_without_a_label_does_not_vote():
    evidence = Evidence.of(neighbors_of(["a", None, None], [0.9, 0.8, 0.7]))

    assert (evidence.votes, evidence.share) == ({"a": 1}, 1.0)


def test_whether_it_is_right_is_open_for_a_query_without_a_label():
    evidence = Evidence.of(neighbors_of(["a", "b"], [0.9, 0.8]))

    assert evidence.is_right is None


def test_the_query_itself_does_not_vote():
    found = neighbors_of(["self", "a", "a"], [1.0, 0.9, 0.8], own="self", ids=["query", "x", "y"])

    assert Evidence.of(found).votes == {"a": 2}


def test_the_query_itself_is_not_its_nearest_neighbor():
    found = neighbors_of(["self", "a", "a"], [1.0, 0.9, 0.8], own="self", ids=["query", "x", "y"])

    assert Evidence.of(found).nearest == 0.9


def test_labels_become_plain_python_values():
    evidence = Evidence.of(neighbors_of(np.array([1, 1, 2]), [0.9, 0.8, 0.7]))

    assert {type(label) for label in evidence.votes} == {int}


def test_two_queries_are_refused_and_the_way_out_is_named():
    one = neighbors_of(["a", "b"], [0.9, 0.8])
    two = one[[0, 0]]

    with pytest.raises(DataError, match=r"one query; got 2 queries; .* neighbors\[0\]"):
        Evidence.of(two)


def test_a_list_that_holds_only_the_query_is_refused():
    with pytest.raises(DataError, match="besides the query itself"):
        Evidence.of(neighbors_of(["a"], [1.0], ids=["query"]))


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (
            ["heart", "heart", "spade"],
            (
                "2 of 3 neighbors are 'heart'; the nearest has similarity 0.90, and the nearest "
                "of another label, 'spade', is 0.20 less similar"
            ),
        ),
        (
            ["spade", "heart", "heart"],
            "2 of 3 neighbors are 'heart'; but a nearer one, at 0.90, is 'spade'",
        ),
        (
            ["heart", "heart", "heart"],
            (
                "all 3 neighbors are 'heart'; the nearest has similarity 0.90, and no other "
                "label is among them"
            ),
        ),
        (
            ["heart", "spade", None],
            (
                "1 of 2 neighbors with a label is 'heart'; the nearest has similarity 0.90, and "
                "the nearest of another label, 'spade', is 0.10 less similar"
            ),
        ),
        (
            ["heart", None, None],
            "the only neighbor with a label is 'heart'; the nearest has similarity 0.90",
        ),
        (None, "3 neighbors without a label; the nearest has similarity 0.90"),
    ],
)
def test_the_evidence_says_itself_in_words(labels, sentence):
    assert Evidence.of(neighbors_of(labels, [0.9, 0.8, 0.7])).sentence == sentence
