"""Hard negatives: the nearest strangers, never a friend, and no nearer than margins allow."""

import warnings

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simlab.errors import ChoiceError, DataError, ShapeError, SimlabWarning
from simlab.items import Items
from simlab.space import Embeddings, _mine, mine

RNG = np.random.default_rng


def space(items, *, dim=4, seed=0):
    return Embeddings(RNG(seed).normal(size=(len(items), dim)), items)


def labeled(n=40, n_labels=5, *, seed=0, **columns):
    codes = RNG(seed).integers(n_labels, size=n)
    items = Items.from_arrays([f"text {row}" for row in range(n)], labels=codes, ids=list(range(n)))
    for name, values in columns.items():
        items = items.with_column(name, values)
    return space(items, seed=seed)


def quietly(*args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SimlabWarning)
        return mine(*args, **options)


def told(mined):
    """List what each anchor got: positives and negatives, by id."""
    found = {}
    for row in mined.links.pairs.to_pylist():
        found.setdefault(row["first"], ([], []))[row["score"] == 0].append(row["second"])
    return found


def by_loop(emb, *, num=3, first=0, end=None, most=None, least=None, margin=None, share=None):
    """Find the negatives of each anchor, given that all of its friends are positives."""
    end = first + 10 * num if end is None else end
    unit, labels, found = emb.unit, emb.items.labels, {}
    for a in range(len(emb)):
        near = [float(unit[a] @ unit[b]) for b in range(len(emb))]
        friends = [b for b in range(len(emb)) if b != a and labels[b] == labels[a]]
        strangers = [b for b in range(len(emb)) if labels[b] != labels[a]]
        strangers = sorted(strangers, key=lambda b: -near[b])[first:end]
        if not friends:
            continue
        lowest = min(near[b] for b in friends)
        kept = [
            b
            for b in strangers
            if (most is None or near[b] <= most)
            and (least is None or near[b] >= least)
            and (margin is None or near[b] <= lowest - margin)
            and (share is None or near[b] <= lowest - abs(lowest) * share)
        ][:num]
        if kept:
            found[a] = (sorted(friends), kept)
    return found


RULES = [
    ({}, {}),
    ({"range_min": 4}, {"first": 4}),
    ({"range_min": 2, "range_max": 9}, {"first": 2, "end": 9}),
    ({"max_score": 0.5}, {"most": 0.5}),
    ({"min_score": 0.2}, {"least": 0.2}),
    ({"absolute_margin": 0.0}, {"margin": 0.0}),
    ({"absolute_margin": 0.3, "range_max": 40}, {"margin": 0.3, "end": 40}),
    ({"relative_margin": 0.05, "range_max": 40}, {"share": 0.05, "end": 40}),
    ({"range_min": 1, "max_score": 0.9, "min_score": -0.5, "relative_margin": 0.1, "range_max": 30},
     {"first": 1, "most": 0.9, "least": -0.5, "share": 0.1, "end": 30}),
]  # fmt: skip


@pytest.mark.parametrize("cells", [2**22, 100])
@pytest.mark.parametrize(("options", "loop"), RULES)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_as_a_plain_loop(options, loop, seed, cells, monkeypatch):
    monkeypatch.setattr(_mine, "_CELLS", cells)
    emb = labeled(seed=seed)
    found = told(quietly(emb, num_positives=40, **options))

    expected = by_loop(emb, **loop)
    assert {a: (sorted(near), far) for a, (near, far) in found.items()} == expected
    assert expected


@pytest.mark.parametrize("strategy", ["top", "random"])
@given(
    codes=st.lists(st.sampled_from([None, 0, 1, 2]), min_size=6, max_size=25),
    seed=st.integers(0, 99),
)
def test_a_negative_is_a_known_stranger_and_a_positive_a_known_friend(strategy, codes, seed):
    n = len(codes) + 3
    items = Items.from_arrays(
        [f"text {row}" for row in range(n)], labels=[0, 0, 1, *codes], ids=list(range(n))
    )
    mined = mine(space(items, seed=seed), sampling_strategy=strategy, seed=seed)
    label = dict(zip(items.ids.tolist(), items.labels.tolist(), strict=True))

    for anchor, (near, far) in told(mined).items():
        assert label[anchor] is not None
        assert anchor not in near
        assert {label[one] for one in near} == {label[anchor]}
        assert not {label[one] for one in far} & {label[anchor], None}


def test_friends_nobody_knows_of_are_no_negatives():
    pairs = [("a0", "a1"), ("b0", "b1"), ("c0", "c1"), ("d0", "d1")]
    items = Items.from_pairs(
        *zip(*pairs, strict=True), scores=[0.9, 0.8, 0.5, 0.3], groups=[0, 0, 1, 1]
    )
    content = np.array(items.content[:])
    found = mine(space(items), num_negatives=8, range_max=8)
    text = dict(zip(items.ids.tolist(), content.tolist(), strict=True))
    named = {
        text[a]: ({text[b] for b in near}, {text[b] for b in far})
        for a, (near, far) in told(found).items()
    }

    others = {"a": set("cd"), "b": set("cd"), "c": set("ab")}
    assert set(named) == {"a0", "a1", "b0", "b1", "c0", "c1"}  # 0.3 is no friend
    for anchor, (near, far) in named.items():
        assert near == {anchor[0] + "10"[int(anchor[1])]}
        assert far == {one + end for one in others[anchor[0]] for end in "01"}


def test_nothing_is_mined_between_sources():
    one, two = labeled(20).items, labeled(20, seed=1).items
    both = Items.concat({"one": one, "two": two})
    pairs = mine(space(both)).links.pairs

    source = dict(zip(both.ids.tolist(), both.column("source").tolist(), strict=True))
    first, second = pairs["first"].to_pylist(), pairs["second"].to_pylist()
    assert all(source[a] == source[b] for a, b in zip(first, second, strict=True))


def test_each_part_of_a_split_is_mined_by_itself():
    part = np.array(["train", "val", "test", "train"] * 10)
    emb = labeled(split=part)
    found = told(mine(emb))

    assert {part[a] for a in found} == {"train", "val", "test"}
    assert all({part[b] for b in (*near, *far)} == {part[a]} for a, (near, far) in found.items())


def test_anchors_and_candidates_may_be_chosen():
    emb = labeled()
    found = told(mine(emb, anchors=[3, 5], candidates=np.arange(40) >= 20))

    assert set(found) == {3, 5}
    assert all(min(far) >= 20 for _, far in found.values())
    assert set(told(mine(emb, anchors=3))) == {3}
    with pytest.raises(ShapeError, match="a mask needs one entry per item"):
        mine(emb, anchors=np.ones(3, dtype=bool))


def test_positives_are_at_most_as_many_as_asked_for_and_the_margin_is_theirs():
    emb = labeled()
    for anchor, (near, far) in told(quietly(emb, num_positives=1, absolute_margin=0.1)).items():
        assert len(near) == 1
        score = emb.unit[[*near, *far]] @ emb.unit[anchor]
        assert (score[1:] <= score[0] - 0.1 + 1e-6).all()


def test_random_negatives_are_drawn_from_the_range_and_the_seed_repeats_them():
    emb = labeled()
    how = {"sampling_strategy": "random", "num_negatives": 2, "range_min": 2, "range_max": 10}
    drawn, again, other = (told(mine(emb, **how, seed=seed)) for seed in (0, 0, 1))
    wide = told(mine(emb, num_negatives=8, range_min=2, range_max=10))

    assert drawn == again != other
    assert all(len(far) == 2 and set(far) <= set(wide[a][1]) for a, (_, far) in drawn.items())
    assert any(far != wide[a][1][:2] for a, (_, far) in drawn.items())


def test_mined_items_share_content_and_know_nothing_but_the_pairs():
    emb = labeled(note=[f"note {row}" for row in range(40)])
    mined = mine(emb, anchors=[0, 1])
    known = mined.similarity.relevance(np.arange(len(mined)), np.arange(len(mined)))

    assert mined.content.stored is emb.items.content.stored
    assert mined.columns == ("id", "note", "role")
    assert mined.labels is None
    assert set(mined.column("role")) == {"anchor", "positive", "negative"}
    assert mined.where(role="anchor").ids.tolist() == [0, 1]
    assert np.nansum(np.triu(known)) == sum(len(near) for near, _ in told(mined).values())
    assert np.isnan(known).sum() > len(mined)
    assert len(emb.items.label_names) == 5  # as they were


def test_triplets_can_be_mined_again():
    items = Items.from_triplets(["a", "b"], ["a2", "b2"], [["c", "d"], ["d"]])
    found = told(mine(space(items)))

    assert sorted(len(far) for _, far in found.values()) == [1, 2]


# -- what cannot be ---------------------------------------------------------------------------


def test_anchors_without_a_negative_are_counted():
    emb = labeled()
    with pytest.warns(SimlabWarning, match=r"\d+ of 40 anchors are left out"):
        mine(emb, absolute_margin=0.1, num_positives=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_negatives": 0}, "num_negatives must be a whole number, at least 1; got 0"),
        ({"num_negatives": 1.5}, "num_negatives must be a whole number"),
        ({"num_positives": 0}, "num_positives must be a whole number, at least 1; got 0"),
        ({"range_min": -1}, "range_min must be a whole number, at least 0; got -1"),
        ({"range_min": 5, "range_max": 6}, "leave 3 negatives after range_min=5; got 6; 8 is"),
        ({"max_score": 1.5}, r"max_score must be a cosine similarity in \[-1, 1\]; got 1.5"),
        ({"min_score": np.nan}, "min_score must be a cosine similarity"),
        ({"absolute_margin": -0.1}, r"absolute_margin must be a number in \[0, 2\); got -0.1"),
        ({"relative_margin": "5%"}, "relative_margin must be a number"),
        ({"max_score": -1.0}, "ranges, scores and margins left none to 40 anchors"),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    with pytest.raises(DataError, match=message):
        mine(labeled(), **options)


def test_an_unknown_strategy_is_refused():
    with pytest.raises(ChoiceError, match="sampling_strategy must be one of 'random', 'top'"):
        mine(labeled(), sampling_strategy="tpo")


def test_items_without_strangers_or_friends_are_refused():
    with pytest.raises(DataError, match="no item has both, as far as labels and pairs tell"):
        mine(labeled(n_labels=1))
    with pytest.raises(DataError, match="no item has both"):
        mine(space(Items.from_arrays(list("abc"))))


def test_items_that_are_there_twice_are_refused():
    with pytest.raises(DataError, match="each item once"):
        mine(labeled()[[0, 0, 1]])
