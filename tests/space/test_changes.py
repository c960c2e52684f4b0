"""changes: what was fixed and what was broken between two spaces."""

import numpy as np
import pytest
from scipy.stats import binomtest

from simlab.errors import DataError
from simlab.items import Items
from simlab.space import BETTER, NOT_SEEN, WORSE, Embeddings, Index, changes, score
from simlab.views import gallery

RNG = np.random.default_rng(0)
CODES = np.repeat(np.arange(8), 10)
ITEMS = Items.from_arrays([f"text {row}" for row in range(80)], labels=CODES)
CENTERS = RNG.normal(size=(8, 6))
NOISE = RNG.normal(size=(80, 6))


def space(noise, items=ITEMS, seed=None):
    away = NOISE if seed is None else np.random.default_rng(seed).normal(size=NOISE.shape)
    return Embeddings(CENTERS[CODES] + noise * away, items)


NOISY, CLEAN = space(1.2), space(0.7, seed=1)


@pytest.fixture(scope="module")
def found():
    return changes(NOISY, CLEAN, k=4)


def lists(embeddings, k=4):
    """Search slowly: the ids of the k nearest of every item."""
    unit = embeddings.unit.astype(float)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    return np.argsort(-similarity, axis=1)[:, :k]


def test_counts_equal_a_slow_reference(found):
    words = np.array([["wrong", "fixed"], ["broken", "right"]])
    before, after, ids = lists(NOISY), lists(CLEAN), ITEMS.ids
    for row, one in enumerate(found.frame.itertuples()):
        gained, lost = set(after[row]) - set(before[row]), set(before[row]) - set(after[row])
        new, gone = (sum(CODES[at] == CODES[row] for at in some) for some in (gained, lost))
        was, became = (CODES[near[row, 0]] == CODES[row] for near in (before, after))

        assert (one.gained_right, one.gained_wrong) == (
            new,
            len(gained) - new,
        )
        assert (one.lost_right, one.lost_wrong) == (gone, len(lost) - gone)
        assert (set(one.gained), set(one.lost)) == (set(ids[[*gained]]), set(ids[[*lost]]))
        assert one.nearest == words[int(was), int(became)]


def test_a_broken_neighbor_is_found():
    vectors = np.repeat(np.eye(4), 3, axis=0)
    items = Items.from_arrays([f"text {row}" for row in range(12)], labels=np.repeat(range(4), 3))
    moved = vectors.copy()
    moved[5] = [1, 0, 0, 0]
    found = changes(Embeddings(vectors, items), Embeddings(moved, items), k=2)

    assert found.broken.before.queries.items.content[0] == "text 5"
    assert (len(found.broken), len(found.fixed)) == (1, 0)
    assert found.frame.loc[5, ["lost_right", "gained_wrong"]].tolist() == [2, 2]


def test_the_test_is_mcnemars(found):
    tested = found.tested.iloc[0]
    n_fixed, n_broken = len(found.fixed), len(found.broken)
    exact = binomtest(n_fixed, n_fixed + n_broken).pvalue

    assert (tested["fixed"], tested["broken"]) == (n_fixed, n_broken)
    assert tested["difference"] == pytest.approx((n_fixed - n_broken) / 80)
    assert tested["p"] == pytest.approx(exact, abs=0.01)


def test_better_and_worse_are_said_only_where_the_test_says_so(found):
    same = changes(NOISY, space(1.2, seed=2))

    assert found.tested["verdict"].tolist() == [BETTER]
    assert changes(CLEAN, NOISY).tested["verdict"].tolist() == [WORSE]
    assert same.tested["verdict"].tolist() == [NOT_SEEN]
    assert len(same.fixed) != len(same.broken)


def test_the_difference_is_that_of_recall_at_1(found):
    gain = score(CLEAN).value("recall@1") - score(NOISY).value("recall@1")

    assert found.tested["difference"].iloc[0] == pytest.approx(gain)


def test_seen_and_unseen_classes_are_tested_apart_the_latter_by_class():
    items = ITEMS.with_column("seen", CODES < 4)
    tested = changes(space(1.2, items), space(0.7, items, seed=1)).tested.set_index("classes")

    assert tested["unit"].to_dict() == {"seen": "queries", "unseen": "classes"}
    assert tested["n_units"].to_dict() == {"seen": 40, "unseen": 4}
    assert tested["fixed"].sum() == len(changes(NOISY, CLEAN).fixed)


def test_equal_spaces_have_no_changes():
    same = changes(NOISY, NOISY)

    assert len(same.fixed) + len(same.broken) == 0
    assert not same.frame[["gained_right", "gained_wrong", "lost_right", "lost_wrong"]].any(
        axis=None
    )
    assert "no query has another number of right neighbors in after" in same._repr_html_()


def test_a_gallery_of_other_items_is_compared_too():
    near = [Index(one[::2]).search(one[1::2], 5) for one in (NOISY, CLEAN)]
    found = changes(*near, k=3)

    assert (len(found), found.before.k) == (40, 3)
    assert len(found.fixed) == (~near[0].matches[:, 0] & near[1].matches[:, 0]).sum()


def test_the_queries_that_changed_most_are_gains_then_losses(found):
    most = found.most(6)
    gain = most.gain

    assert (np.diff(gain) <= 0).all()
    assert gain[0] == found.gain.max()
    assert gain[-1] == found.gain.min() < 0


def test_a_selection_does_not_claim_what_was_tested_of_all(found):
    assert "better" in repr(found)
    assert "better" not in repr(found.fixed)
    assert found.fixed.tested is found.tested


def test_the_gallery_shows_both_answers_with_right_and_wrong_marked(found):
    shown = gallery(found.broken, max_queries=1)
    html = shown._repr_html_()
    one = found.broken[0]
    n_right = sum(int(near.matches.sum()) for near in (one.before, one.after))

    assert html.index("before") < html.index("after")
    assert (html.count("✓ same"), html.count("✗ other")) == (n_right, 8 - n_right)
    assert html.count('<figure class="query') == 2
    assert f"{len(found.broken) - 1} more queries are not shown" in html


def test_the_worst_after_come_first_on_request(found):
    right = gallery(found, order="worst").neighbors.after.matches.sum(axis=1)

    assert (np.diff(right) >= 0).all()


def test_items_with_several_labels_are_judged_by_what_they_share():
    labels = [["a", "b"], ["a"], ["c"], ["c", "d", "e"]]
    items = Items.from_arrays(list("wxyz"), labels=labels)
    before = Embeddings(np.eye(2)[[0, 1, 0, 1]], items)
    after = Embeddings(np.eye(2)[[0, 0, 1, 1]], items)
    found = changes(before, after, k=1)

    assert found.nearest.tolist() == ["fixed", "fixed", "wrong", "wrong"]


@pytest.mark.parametrize(
    ("before", "after", "options", "text"),
    [
        (NOISY, CLEAN[:40], {}, "the same queries in both spaces; the ids of the 80 before and"),
        (NOISY, CLEAN, {"names": ("a", "a")}, "names must tell the two spaces apart; got"),
        (NOISY, CLEAN, {"k": 80}, "k must be from 1 to 79"),
        (NOISY, Index(CLEAN).search(CLEAN, 2), {"k": 3}, "k must be from 1 to 2, the neighbors"),
    ],
)
def test_unfit_input(before, after, options, text):
    with pytest.raises(DataError, match=text):
        changes(before, after, **options)


def test_no_changes_at_all_cannot_be_asked_for(found):
    with pytest.raises(DataError, match="max_queries must be at least 1; got 0"):
        found.most(0)


def test_without_labels_nothing_is_right():
    silent = Embeddings(NOISY.vectors, Items.from_arrays([f"text {row}" for row in range(80)]))

    with pytest.raises(DataError, match="changes needs labels"):
        changes(silent, silent)
