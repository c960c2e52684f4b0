"""diagnose: one value with everything about a space."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from simlab.errors import ChoiceError, DataError
from simlab.items import Items
from simlab.space import (
    Embeddings,
    Index,
    alignment,
    diagnose,
    effective_rank,
    hubness,
    score,
    suspects,
    uniformity,
    variances,
)
from simlab.space.diagnosis._hardest import margins
from simlab.space.diagnosis._measures import pair_interval
from simlab.views import gallery

RNG = np.random.default_rng(0)
CODES = np.repeat(np.arange(6), 15)
VECTORS = RNG.normal(size=(6, 8))[CODES] + 0.6 * RNG.normal(size=(90, 8))


def space(vectors=VECTORS, labels=CODES):
    return Embeddings(
        vectors, Items.from_arrays([f"text {row}" for row in range(len(vectors))], labels=labels)
    )


@pytest.fixture(scope="module")
def found():
    return diagnose(space(), k=5)


# -- measures ---------------------------------------------------------------------------------


def test_the_measures_are_those_of_the_functions(found):
    vectors = space().vectors
    told = {
        "spread": variances(vectors).sum() * 90 / 89,  # of different items
        "uniformity": uniformity(vectors),
        "alignment": alignment(vectors, CODES),
        "effective_rank": effective_rank(vectors),
        "hubness": hubness(vectors, k=5),
    }

    assert {name: found.value(name) for name in told} == pytest.approx(told, rel=1e-4)


def test_anti_hubs_are_items_that_nobody_finds(found):
    never = set(range(90)) - set(found.neighbors.positions.ravel().tolist())

    assert found.value("anti_hubs") == len(never) / 90


def test_intervals_hold_the_value_and_only_the_rank_has_none(found):
    told = found.measures.set_index("measure")

    assert told.index[told["low"].isna()].tolist() == ["effective_rank"]
    assert (told["low"].dropna() <= told["value"].drop("effective_rank")).all()
    assert (told["high"].dropna() >= told["value"].drop("effective_rank")).all()


def test_intervals_of_pairs_cover_the_truth_as_often_as_they_say():
    def pairs(seed, n):
        vectors = np.random.default_rng(seed).normal(loc=[1, 0, 0, 0], size=(n, 4))
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit @ unit.T, ~np.eye(n, dtype=bool)

    similarity, others = pairs(0, 4000)
    truth = similarity[others].mean()
    ends = [pair_interval(*pairs(100 + seed, 60), resamples=300)[1:] for seed in range(200)]
    covered = np.mean([low <= truth <= high for low, high in ends])

    assert 0.9 <= covered <= 0.99


def test_an_item_drawn_twice_is_no_pair_with_itself():
    values = np.ones((6, 6)) + 100 * np.eye(6)

    assert pair_interval(values, ~np.eye(6, dtype=bool)).tolist() == [1, 1, 1]


def test_measures_of_large_sets_are_of_a_sample(monkeypatch):
    monkeypatch.setattr("simlab.space.diagnosis._measures.SAMPLE", 40)
    told = diagnose(space(), k=5).measures.set_index("measure")

    assert told["n"].to_dict() == {
        **dict.fromkeys(["spread", "uniformity", "alignment"], 40),
        **dict.fromkeys(["effective_rank", "hubness", "anti_hubs"], 90),
    }
    assert told.loc["uniformity", "value"] == pytest.approx(uniformity(VECTORS), abs=0.3)


# -- hardest queries --------------------------------------------------------------------------


def test_the_hardest_queries_score_least_and_ties_are_ordered_by_margin(found):
    frame, per_query = found.hardest.frame, score(space()).per_query
    own = per_query.set_index("id")["map@r"]

    assert frame["map@r"].tolist() == sorted(own)[:24]
    assert (own[frame["id"]].to_numpy() == frame["map@r"]).all()
    ordered = frame.sort_values(["map@r", "margin"], kind="stable")
    pd.testing.assert_frame_equal(frame, ordered)


def test_ties_are_ordered_by_margin():
    found = diagnose(space(), metric="recall@1", most=5).hardest.frame
    wrong = score(space()).per_query.query("`recall@1` == 0")["id"]
    rows = np.array([int(np.flatnonzero(space().items.ids == name)[0]) for name in wrong])
    near = Index(space()).search(space(), 1, exclude_self=True)

    assert found["margin"].tolist() == pytest.approx(sorted(margins(near, rows))[:5])
    assert found["margin"].max() < 0


def test_the_margin_equals_a_slow_reference(found):
    unit = space().unit
    similarity = unit @ unit.T
    told = []
    for row in range(90):
        others = np.arange(90) != row
        friends = similarity[row][others & (CODES[row] == CODES)].max()
        told.append(friends - similarity[row][CODES[row] != CODES].max())

    assert margins(found.neighbors, np.arange(90)) == pytest.approx(told, abs=1e-6)


def test_rows_and_neighbors_of_findings_belong_together(found):
    for part in (found.hardest, found.hubs):
        assert part.frame["id"].tolist() == part.neighbors.queries.items.ids.tolist()
        assert len(gallery(part.neighbors, max_queries=2).neighbors) == 2


# -- hubs -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def star():
    """Forty items apart, and one in their midst that is near to all."""
    vectors = np.ones((41, 40))
    vectors[:40] = np.eye(40) + 0.01 * RNG.normal(size=(40, 40))
    return diagnose(space(vectors, ["a"] * 30 + ["b"] * 11), k=3)


def test_a_planted_hub_is_found_with_those_that_chose_it(star):
    first = star.hubs.frame.iloc[0]

    assert (first["id"], first["n"]) == (star.neighbors.gallery.items.ids[40], 40)
    assert first["n_wrong"] == 30  # of label a, while the hub is a b
    assert star.value("hubness") > 4


def test_neighbors_of_a_hub_are_queries_that_found_it(star):
    chose = star.hubs.neighbors[0]
    hub = int(np.flatnonzero(star.neighbors.gallery.items.ids == star.hubs.frame["id"][0])[0])

    assert chose.k == 3
    assert (star.neighbors.positions[chose.positions[0]] == hub).any(axis=1).all()
    assert (np.diff(chose.similarities[0]) <= 0).all()


def test_occurrences_of_all_hubs_equal_a_slow_count(found):
    positions = found.neighbors.positions
    row_of = {name: row for row, name in enumerate(space().items.ids)}
    for one in found.hubs.frame.itertuples():
        asked = np.flatnonzero((positions == row_of[one.id]).any(axis=1))

        assert one.n == len(asked)
        assert one.n_wrong == (CODES[asked] != CODES[row_of[one.id]]).sum()


def test_hubs_beyond_those_kept_are_counted(found):
    kept = diagnose(space(), k=5, most=1).hubs

    assert repr(kept) == f"the largest of {len(found.hubs)} hubs: 1"


def test_a_space_without_hubs_has_none():
    ring = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    found = diagnose(space(np.stack([np.cos(ring), np.sin(ring)], 1), [0] * 30), k=2)

    assert (len(found.hubs), len(found.hubs.neighbors)) == (0, 0)
    assert found.value("hubness") == 0


# -- what is defined when ---------------------------------------------------------------------


def test_suspects_are_those_of_the_function(found):
    pd.testing.assert_frame_equal(found.suspects.frame, suspects(space()).frame)


def test_without_labels_the_rest_is_told():
    found = diagnose(space(labels=None))

    assert (found.confusions, found.hardest) == (None, None)
    assert found.undefined == {
        "confusions": "the items have no labels",
        "hardest": "score needs labels on queries and gallery; give labels= to the items",
    }
    assert np.isnan(found.value("alignment"))
    assert "no confusions: the items have no labels" in found._repr_html_()


def test_where_no_two_items_are_alike_no_query_is_hard():
    found = diagnose(space(VECTORS[:9], range(9)), k=3)

    assert found.hardest is None
    assert "none of 9 has one" in found.undefined["hardest"]


def test_with_several_labels_there_are_hard_queries_and_no_confusions():
    labels = [["x", "y"] if code % 2 else ["x"] for code in CODES]
    found = diagnose(space(labels=labels))

    assert list(found.undefined) == ["confusions"]
    assert len(found.hardest) == 24
    assert not np.isnan(found.value("alignment"))


def test_labels_of_several_levels_are_confused_as_a_whole():
    found = diagnose(space(labels=[f"{'odd' if code % 2 else 'even'}/{code}" for code in CODES]))

    assert found.undefined == {}
    assert found.confusions.labels[0] == "even/0"


def test_sets_put_together_have_no_confusions_between_them():
    one, other = (Items.from_arrays(list(names), labels=[0, 0, 1]) for names in ("abc", "def"))
    both = Items.concat({"one": one, "other": other})
    found = diagnose(Embeddings(np.random.default_rng(0).normal(size=(6, 3)), both), k=2)

    assert "it is not known whether they are alike" in found.undefined["confusions"]


def test_a_gallery_of_other_items_is_searched():
    queries, others = space()[::2], space()[1::2]
    found = diagnose(queries, gallery=others, k=4)

    assert (len(found.neighbors), len(found.neighbors.gallery)) == (45, 45)
    assert found.confusions.cells["n"].sum() == 45
    assert set(found.hubs.frame["id"]) <= set(others.items.ids)
    assert "suspects(gallery)" in found.undefined["suspects"]
    least = score(queries, gallery=others).per_query["map@r"].min()
    assert found.hardest.frame["map@r"].min() == least


def test_pictures_and_texts_show_themselves(found):
    pictures = [Image.new("RGB", (8, 8), (int(code) * 40, 9, 9)) for code in CODES]
    seen = diagnose(Embeddings(VECTORS, Items.from_arrays(pictures, labels=CODES)))

    assert seen._repr_html_().count("<img") > 10
    for part in ("effective_rank", "hardest queries, by map@r", "hubs", "Suspects", "95% interval"):
        assert part in found._repr_html_()


def test_a_measure_that_is_none_is_named(found):
    with pytest.raises(ChoiceError, match=r"measure must be one of .* Did you mean 'hubness'"):
        found.value("hubnes")


def test_fewer_items_than_neighbors_are_enough():
    assert diagnose(space(np.eye(3), [0, 0, 1]), k=10).neighbors.k == 2


@pytest.mark.parametrize(
    ("given", "options", "kind", "text"),
    [
        (space()[:1], {}, DataError, "diagnose needs at least two items; got 1"),
        (space(), {"k": 0}, DataError, "k and most must be at least 1; got k=0, most=24"),
        (space(), {"most": 0}, DataError, "k and most must be at least 1; got k=10, most=0"),
        (space(), {"metric": "map@s"}, ChoiceError, "got 'map@s'. Did you mean 'map@r'"),
        (space(), {"metric": "auc"}, ChoiceError, "one that each query has of its own; got 'auc'"),
    ],
)
def test_unfit_input(given, options, kind, text):
    with pytest.raises(kind, match=text):
        diagnose(given, **options)
