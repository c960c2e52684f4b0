"""gallery: rows of neighbors, right and wrong told apart by border, sign and word."""

import numpy as np
import pytest

from simlab.errors import ChoiceError, DataError
from simlab.items import Items
from simlab.space import Embeddings, Neighbors
from simlab.views import gallery


@pytest.fixture
def answered():
    """Five queries: of their three neighbors 3, 1, 0, 2 and 0 have the label of the query."""
    labels = ["a", "b", "c", "d", "e"]
    queries = Items.from_arrays([f"query {name}" for name in labels], labels=labels)
    found = Items.from_arrays(
        [f"item {row}" for row in range(15)],
        labels=[*"aaa", *"bxx", *"xxx", *"ddx", *"xxx"],
    )
    return Neighbors(
        Embeddings(np.eye(5), queries),
        Embeddings(np.ones((15, 5)), found),
        np.arange(15).reshape(5, 3),
        np.tile([0.9, 0.5, -0.25], (5, 1)),
    )


def without_labels(neighbors):
    table = neighbors.queries.items.table.drop_columns(["label"])
    items = Items(neighbors.queries.items.content, table)
    return Neighbors(
        Embeddings(neighbors.queries.vectors, items),
        neighbors.gallery,
        neighbors.positions,
        neighbors.similarities,
    )


def queries_of(shown):
    return [text.removeprefix("query ") for text in shown.neighbors.queries.items.content]


def test_queries_keep_their_order(answered):
    assert queries_of(gallery(answered)) == ["a", "b", "c", "d", "e"]


def test_the_worst_queries_come_first_on_request(answered):
    assert queries_of(gallery(answered, order="worst")) == ["c", "e", "b", "d", "a"]


def test_only_so_many_queries_are_shown(answered):
    shown = gallery(answered, order="worst", max_queries=2)

    assert queries_of(shown) == ["c", "e"]
    assert "3 more queries are not shown (max_queries)" in shown._repr_html_()


def test_nothing_is_said_to_be_left_out_when_all_is_shown(answered):
    assert "max_queries" not in gallery(answered, max_queries=5)._repr_html_()


def test_right_and_wrong_are_marked_by_sign_and_word(answered):
    html = gallery(answered)._repr_html_()

    assert (html.count("✓ same"), html.count("✗ other")) == (6, 9)


def test_right_and_wrong_have_borders_of_their_own(answered):
    html = gallery(answered)._repr_html_()

    assert (html.count('<figure class="yes'), html.count('<figure class="no')) == (6, 9)


def test_a_row_shows_the_query_first_and_then_its_neighbors(answered):
    html = gallery(answered[3])._repr_html_()
    order = [html.index(text) for text in ("query d", "item 9", "item 10", "item 11")]

    assert order == sorted(order)


def test_similarities_and_labels_are_written_below(answered):
    html = gallery(answered[0])._repr_html_()

    assert "0.90<br>a" in html
    assert "-0.25<br>a" in html


def test_the_share_of_right_neighbors_is_said(answered):
    assert "; 40% share the label of their query" in gallery(answered)._repr_html_()


def test_without_labels_nothing_is_right_or_wrong(answered):
    html = gallery(without_labels(answered))._repr_html_()

    assert not any(word in html for word in ("✓", "✗", "share the label"))


def test_a_gallery_of_no_queries_can_be_shown(answered):
    assert "share" not in gallery(answered[[]])._repr_html_()


def test_markup_in_items_is_text():
    items = Items.from_arrays(["<script>alert(1)</script>"], labels=["<b>"])
    evil = Embeddings(np.ones((1, 5)), items)
    html = gallery(Neighbors(evil, evil, np.array([[0]]), np.ones((1, 1))))._repr_html_()

    assert not any(tag in html for tag in ("<script", "<b>"))


def test_the_repr_says_what_is_shown(answered):
    shown = repr(gallery(answered, max_queries=2))

    assert shown == "Gallery: Neighbors: 3 of each of 2 queries"


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        (
            {"order": "best"},
            ChoiceError,
            "order must be one of 'given', 'worst'; got 'best'",
        ),
        ({"max_queries": 0}, DataError, "max_queries must be at least 1; got 0"),
    ],
)
def test_unfit_options(answered, options, kind, text):
    with pytest.raises(kind) as caught:
        gallery(answered, **options)

    assert str(caught.value).startswith(text)


def test_the_worst_cannot_be_told_without_labels(answered):
    with pytest.raises(DataError) as caught:
        gallery(without_labels(answered), order="worst")

    assert str(caught.value) == (
        "order 'worst' needs labels on queries and gallery; give labels= to the items"
    )
