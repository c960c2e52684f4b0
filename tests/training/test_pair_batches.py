"""Every pair in an epoch: all of a label, and those of a group in different batches."""

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simlab.encoders import embed
from simlab.errors import ChoiceError, DataError
from simlab.items import Items
from simlab.training import SimilarityData
from simlab.training._form_batches import batches_of
from simlab.training._pair_batches import DealtPairs, friends_of


@given(st.lists(st.integers(-1, 5), max_size=30))
def test_friends_are_all_pairs_of_a_label(codes):
    codes = np.array(codes, dtype=int)
    expected = {(a, b) for a, b in combinations(range(len(codes)), 2) if codes[a] == codes[b] >= 0}

    assert {tuple(sorted(pair)) for pair in friends_of(codes).tolist()} == expected
    assert len(friends_of(codes)) == len(expected)


@given(st.lists(st.integers(-1, 6), min_size=1, max_size=60), st.integers(0, 9))
def test_no_batch_holds_two_pairs_of_a_group(groups, seed):
    apart = np.array(groups)
    pairs = np.arange(2 * len(apart)).reshape(-1, 2)
    batches = DealtPairs(pairs, apart=apart, batch_size=8, seed=seed)
    seen = [[row // 2 for row in batch[::2]] for batch in batches]

    assert len(seen) == len(batches)
    assert sorted(chain(*seen)) == list(range(len(apart)))
    for batch in seen:
        known = apart[batch][apart[batch] >= 0]
        assert len(set(known.tolist())) == len(known)


def test_an_epoch_is_drawn_anew_and_the_same_again():
    batches = DealtPairs(
        np.arange(80).reshape(-1, 2), apart=np.arange(40) % 4, batch_size=8, seed=0
    )
    first = list(batches)
    batches.set_epoch(1)
    second = list(batches)
    batches.set_epoch(0)

    assert list(batches) == first != second


def test_all_pairs_of_labels_come_once_in_an_epoch(blobs):
    items = blobs(6, 5)
    batches = batches_of(items, batch_size=12, per_class=2, seed=0, told="all-pairs")
    codes = items.label_codes
    seen = [
        tuple(pair)
        for batch in batches
        for pair in combinations(batch, 2)
        if codes[pair[0]] == codes[pair[1]]
    ]

    assert len(batches) == 10  # 60 pairs, 6 in a batch
    assert {*seen} == {tuple(sorted(pair)) for pair in friends_of(codes).tolist()}
    assert len({codes[row] for row in next(iter(batches))}) > 3


def test_fit_learns_from_all_pairs(blobs, learn):
    how = {"epochs": 2, "batch_size": 16, "patience": 9, "refit": False}
    run = learn(blobs(8, 6), batches="all-pairs", **how)

    assert run.config.batches == "all-pairs"
    assert run.history["loss"].notna().sum() == 2
    assert run.fingerprint != learn(blobs(8, 6), **how).fingerprint


def test_the_largest_groups_decide_how_small_batches_are(blobs):
    values = blobs(2, 40).content[:]
    groups = [0] * 20 + [1] * 20
    items = Items.from_pairs(values[:40], values[40:], scores=[1] * 40, groups=groups)
    batches = batches_of(items, batch_size=16, per_class=2, seed=0, told="apart")

    assert len(batches) == 20
    assert {len(batch) for batch in batches} == {4}


@pytest.fixture
def grouped(blobs):
    """Pairs of which ten each mean the same."""
    values = np.stack(blobs(8, 20, spread=0.3).content[:])
    rows = np.arange(160).reshape(8, 20)
    one, other = values[rows[:, :10].ravel()], values[rows[:, 10:].ravel()]
    return Items.from_pairs(one, other, scores=[1] * 80, groups=np.repeat(np.arange(8), 10))


def test_ranking_of_pairs_takes_no_friend_for_a_stranger(grouped, learn, monkeypatch):
    from simlab.training import _form_losses

    seen = []
    real = _form_losses.OfPairs.forward

    def watched(self, embeddings, relevance):
        seen.append(relevance)
        return real(self, embeddings, relevance)

    monkeypatch.setattr(_form_losses.OfPairs, "forward", watched)
    run = learn(grouped, loss="ranking-of-pairs", batch_size=16, val=0)

    assert run.config.batches == "apart"
    for relevance in seen:  # each item: itself, its partner, and strangers
        assert ((relevance > 0) | relevance.isnan()).sum(dim=1).max() <= 2


def test_other_losses_of_pairs_keep_what_hangs_together(grouped, learn):
    assert learn(grouped, loss="cosent", val=0).config.batches == "auto"


def test_hierarchies_may_be_ignored(blobs):
    items = blobs(6, 5)
    leveled = Items.from_arrays(
        items.content[:], labels=[f"{label[-1] in '024'}/{label}" for label in items.labels]
    )
    how = {"batch_size": 10, "per_class": 2, "seed": 0}

    assert type(batches_of(leveled, **how)).__name__ == "Alternating"
    assert type(batches_of(leveled, **how, told="balanced")).__name__ == "BalancedBatches"


def test_all_pairs_of_two_sets_stay_within_a_set(blobs):
    both = Items.concat({"one": blobs(4, 4), "two": blobs(4, 4, seed=5)})
    source = both.column("source")
    batches = batches_of(both, batch_size=8, per_class=2, seed=0, told="all-pairs")

    assert {len({*source[batch]}) for batch in batches} == {1}


def test_unknown_batches_are_told(blobs, learn):
    with pytest.raises(ChoiceError, match=r"batches must be one of .*; got 'pairs'"):
        learn(blobs(), batches="pairs")


def test_batches_of_pairs_need_pairs(blobs, learn):
    with pytest.raises(DataError, match="these items have no pairs"):
        learn(blobs(), batches="apart")


@pytest.mark.parametrize("told", ["balanced", "all-pairs"])
def test_batches_of_labels_need_labels(grouped, learn, told):
    with pytest.raises(DataError, match=f"batches='{told}' needs items with one label each"):
        learn(grouped, batches=told)


def test_an_epoch_of_hours_is_refused():
    with pytest.raises(DataError, match="would make epochs of 49,995,000 pairs"):
        friends_of(np.zeros(10_000, dtype=int))


def test_data_for_a_plain_trainer_takes_the_same_word(blobs, pixels):
    space = embed(blobs(6, 5), pixels, cache=False, progress=False)

    assert len(SimilarityData(space, batch_size=12, batches="all-pairs").batches) == 10
