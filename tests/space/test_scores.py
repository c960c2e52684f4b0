"""score: what is asked, what is left out, and which classes are told apart."""

import warnings

import numpy as np
import pandas as pd
import pytest

from simlab.errors import DataError, SimlabWarning
from simlab.items import Items
from simlab.space import Embeddings, score

METRICS = ["recall@1", "recall@5", "recall@10", "map@r", "r-precision"]


def placed(vectors, labels, ids=None, source=None):
    vectors = np.asarray(vectors, dtype=float)
    return Embeddings(vectors, Items.from_arrays(vectors, labels=labels, ids=ids), source)


def clusters(n_labels=6, each=5, noise=0.0, seed=0, **known):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(n_labels), each)
    vectors = np.eye(n_labels)[labels] + noise * rng.normal(size=(len(labels), n_labels))
    return placed(vectors, labels, **known)


# -- laws -----------------------------------------------------------------------------------


def test_a_perfect_space_scores_one_everywhere():
    assert set(score(clusters()).frame["value"]) == {1.0}


def test_a_random_space_scores_chance():
    rng = np.random.default_rng(1)
    labels = np.arange(2000) % 10
    found = score(placed(rng.normal(size=(2000, 16)), labels), k=(1, 5))
    chance = 199 / 1999

    assert found.value("recall@1") == pytest.approx(chance, abs=0.02)
    assert found.value("recall@5") == pytest.approx(1 - (1 - chance) ** 5, abs=0.03)
    assert found.value("r-precision") == pytest.approx(chance, abs=0.01)


def test_a_collapsed_space_scores_no_better_than_chance():
    assert score(placed(np.ones((100, 3)), np.arange(100) % 10)).value("recall@1") <= 0.1


def test_the_order_of_items_does_not_matter():
    emb = clusters(noise=0.5)
    order = np.random.default_rng(1).permutation(len(emb))

    assert score(emb).frame["value"].tolist() == pytest.approx(
        score(emb[order]).frame["value"].tolist()
    )


def test_rotating_and_stretching_the_space_does_not_matter():
    emb = clusters(noise=0.5)
    rotation, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(6, 6)))
    again = placed(7 * emb.vectors @ rotation, emb.items.labels)

    assert score(again).frame["value"].tolist() == pytest.approx(score(emb).frame["value"].tolist())


def test_renaming_the_labels_does_not_matter():
    emb = clusters(noise=0.5)
    again = placed(emb.vectors, [f"label {label}" for label in emb.items.labels])

    assert score(again).frame["value"].equals(score(emb).frame["value"])


# -- itself ---------------------------------------------------------------------------------


def test_an_item_never_finds_itself():
    apart = placed(np.eye(4), labels=[0, 0, 1, 1])

    assert score(apart, k=[1]).value("recall@1") < 1


def test_in_a_gallery_that_holds_the_queries_they_are_left_out_by_id():
    emb = clusters(noise=0.7, ids=[f"item {row}" for row in range(30)])
    shuffled = emb[np.random.default_rng(3).permutation(30)]

    assert score(emb, gallery=shuffled).per_query.equals(score(emb).per_query)


def test_scoring_some_against_all_rates_them_as_scoring_all():
    emb = clusters(noise=0.7)

    some = score(emb[10:20], gallery=emb).per_query.reset_index(drop=True)

    assert some.equals(score(emb).per_query[10:20].reset_index(drop=True))


def test_a_copy_under_another_id_is_a_fair_find():
    gallery = placed([[1, 0], [0, 1]], labels=["x", "y"], ids=["copy", "other"])
    query = placed([[1, 0]], labels=["x"], ids=["original"])

    assert score(query, gallery=gallery, k=[1]).value("map@r") == 1


def test_sets_with_default_ids_do_not_leave_each_other_out():
    gallery = placed([[1, 0], [0, 1], [0, 2]], labels=["x", "y", "y"])
    queries = placed([[1, 0], [0, 3], [0, 2]], labels=["x", "y", "y"])

    assert score(queries, gallery=gallery, k=[1]).value("recall@1") == 1


def test_a_query_asked_twice_is_left_out_twice():
    emb = clusters(noise=0.7, ids=range(30))

    once, twice = (score(emb[rows], gallery=emb).per_query for rows in ([4], [4, 4]))

    assert twice.equals(pd.concat([once, once], ignore_index=True))


def test_a_gallery_with_one_item_is_enough():
    query, gallery = placed([[1, 0]], ["x"], ids=["q"]), placed([[1, 0]], ["x"], ids=["g"])

    assert score(query, gallery=gallery).value("recall@10") == 1


# -- what is left out -----------------------------------------------------------------------


def test_queries_without_anything_to_find_are_left_out_with_a_warning():
    emb = placed(np.eye(5), labels=[0, 0, 1, 1, 2])

    with pytest.warns(SimlabWarning) as caught:
        found = score(emb)

    assert str(caught[0].message) == (
        "1 of 5 queries have no other item of their label in the gallery; they are left out"
    )
    assert found.per_query["label"].tolist() == [0, 0, 1, 1]


def test_the_warning_points_at_the_line_that_asked():
    with pytest.warns(SimlabWarning) as caught:
        score(placed(np.eye(3), labels=[0, 0, 1]))

    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("ignore:1 of 5 queries")
def test_items_without_a_label_ask_nothing_but_can_be_in_the_way():
    vectors = [[1, 0], [0.9, 0.1], [1, 0.01], [0, 1], [0.1, 0.9]]
    found = score(placed(vectors, labels=["x", "x", None, "y", "y"]), k=[1]).per_query

    assert found["label"].tolist() == ["x", "x", "y", "y"]
    assert found["recall@1"].tolist() == [0, 0, 1, 1]


def test_all_queries_with_something_to_find_raise_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert len(score(clusters()).per_query) == 30


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (
            lambda: score(placed(np.eye(2), None)),
            "score needs labels on queries and gallery; give labels= to the items",
        ),
        (
            lambda: score(clusters(), gallery=placed(np.eye(6), None)),
            "score needs labels on queries and gallery; give labels= to the items",
        ),
        (
            lambda: score(clusters(ids=range(30))[[3, 9, 9]]),
            (
                "a gallery must hold each id once, so that queries find others and not "
                "themselves; got 9 more than once; select each item once"
            ),
        ),
        (
            lambda: score(clusters()[:0]),
            "score needs at least one query and one gallery item; got none",
        ),
        (
            lambda: score(placed(np.eye(3), [0, 1, 2])),
            (
                "score needs queries with another item of their label in the gallery; none of 3 "
                "has one; give the gallery items of the same labels"
            ),
        ),
        (
            lambda: score(placed(np.eye(3), [None, None, None])),
            (
                "score needs queries with another item of their label in the gallery; none of 3 "
                "has one; give the gallery items of the same labels"
            ),
        ),
        (
            lambda: score(clusters(), k=()),
            "score needs at least one depth k, each from 1; got ()",
        ),
        (
            lambda: score(clusters(), k=(1, 0)),
            "score needs at least one depth k, each from 1; got (1, 0)",
        ),
        (
            lambda: score(clusters()).value("recall@3"),
            (
                "scores have ['map@r', 'r-precision', 'recall@1', 'recall@10', 'recall@5'] of "
                "['all'] classes; got 'recall@3', None"
            ),
        ),
    ],
)
def test_what_cannot_be_scored_is_told_in_full(ask, text):
    with pytest.raises(DataError) as caught:
        ask()

    assert str(caught.value) == text


# -- seen and unseen ------------------------------------------------------------------------


class Trained:
    name = fingerprint = "trained"
    seen_labels = frozenset({0, 1})


def test_without_knowledge_of_training_all_classes_are_one_group():
    frame = score(clusters()).frame

    assert set(zip(frame["classes"], frame["unit"], strict=True)) == {("all", "queries")}


def test_a_split_tells_seen_from_unseen_classes():
    emb = clusters(noise=0.5)
    items = emb.items.split(by="label", test=0.5)
    frame = score(Embeddings(emb.vectors, items)).frame

    assert frame.groupby("classes")["n"].first().to_dict() == {"seen": 15, "unseen": 15}


def test_what_the_run_saw_counts_more_than_the_split():
    emb = clusters(noise=0.5, source=Trained())
    items = emb.items.with_column("seen", [False] * 30)
    found = score(Embeddings(emb.vectors, items, Trained())).per_query

    assert (found["classes"] == np.where(found["label"] < 2, "seen", "unseen")).all()


def test_unseen_classes_are_drawn_as_classes_and_seen_ones_as_queries():
    frame = score(clusters(source=Trained())).frame

    assert frame.groupby("classes")["unit"].first().to_dict() == {
        "seen": "queries",
        "unseen": "classes",
    }


def test_each_group_is_the_mean_of_its_own_queries():
    found = score(clusters(noise=0.8, source=Trained()))
    means = found.per_query.groupby("classes")[METRICS].mean()

    assert all(
        found.value(metric, group) == pytest.approx(means.loc[group, metric])
        for group in ("seen", "unseen")
        for metric in METRICS
    )


def test_a_value_without_group_is_that_of_the_larger_group():
    found = score(clusters(noise=0.8, source=Trained()))

    assert found.value("map@r") == found.value("map@r", "unseen")


# -- the table ------------------------------------------------------------------------------


def test_the_table_has_a_row_per_metric_with_an_interval_around_the_value():
    frame = score(clusters(noise=0.6)).frame

    assert list(frame.columns) == ["classes", "metric", "value", "low", "high", "n", "unit"]
    assert frame["metric"].tolist() == METRICS
    assert ((frame["low"] <= frame["value"]) & (frame["value"] <= frame["high"])).all()


def test_scoring_twice_gives_the_same_table():
    emb = clusters(noise=0.6)

    pd.testing.assert_frame_equal(score(emb).frame, score(emb).frame)


def test_per_query_has_a_row_per_query_with_its_id():
    found = score(clusters(ids=range(30))).per_query

    assert list(found.columns) == ["id", "label", "classes", *METRICS]
    assert found["id"].tolist() == list(range(30))


def test_more_queries_than_a_chunk_are_rated_the_same(monkeypatch):
    emb = clusters(noise=0.8)
    whole = score(emb).per_query
    monkeypatch.setattr("simlab.space.scores._retrieval._CHUNK", 7)

    assert score(emb).per_query.equals(whole)


GOLDEN = """\
Scores of trained: 30 queries
  seen recall@1     1.000  [1.000, 1.000]
  seen map@r        1.000  [1.000, 1.000]
  seen r-precision  1.000  [1.000, 1.000]
unseen recall@1     1.000  [1.000, 1.000]
unseen map@r        1.000  [1.000, 1.000]
unseen r-precision  1.000  [1.000, 1.000]"""


def test_the_repr_is_a_table_with_intervals():
    assert repr(score(clusters(source=Trained()), k=[1])) == GOLDEN


def test_html_shows_the_interval_and_what_was_drawn():
    html = score(clusters(source=Trained()), k=[1])._repr_html_()

    assert "1.000 to 1.000" in html
    assert "bootstrap over classes and queries" in html


def test_html_escapes_the_name(counting):
    counting.name = "<script>"

    assert "<script" not in score(clusters(source=counting))._repr_html_()


# -- class by class -------------------------------------------------------------------------


def test_each_class_has_a_row_per_metric_with_the_mean_of_its_queries():
    found = score(clusters(noise=0.8), k=[1])
    frame = found.per_class
    means = found.per_query.groupby("label")["map@r"].mean()
    told = frame[frame["metric"] == "map@r"].set_index("label")

    assert list(frame.columns) == ["label", "classes", "metric", "value", "low", "high", "n"]
    assert len(frame) == 6 * 3
    assert told["value"].to_dict() == pytest.approx(means.to_dict())
    assert ((told["low"] <= told["value"]) & (told["value"] <= told["high"])).all()
    assert set(told["n"]) == {5}


def test_a_query_of_several_labels_counts_for_each():
    emb = placed(np.eye(2)[[0, 0, 1, 1]], [["a"], ["a"], ["b", "c"], ["b", "c"]])
    frame = score(emb, k=[1]).per_class

    assert frame.groupby("label")["n"].first().to_dict() == {"a": 2, "b": 2, "c": 2}


def test_pairs_have_no_classes():
    items = Items.from_pairs(["a", "b"], ["c", "d"], scores=[1, 0])
    with pytest.raises(DataError, match="scores of pairs have no classes"):
        _ = score(Embeddings(np.eye(4), items)).per_class
