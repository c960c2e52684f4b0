"""fit in every form of similarity: sampler, loss and metric know it."""

import numpy as np
import pytest
import torch

from simlab.encoders import embed, encoder
from simlab.errors import ChoiceError, DataError
from simlab.items import Items
from simlab.space import score
from simlab.training import Run, SimilarityData, fit
from simlab.training._form_batches import batches_of
from simlab.training._pair_batches import PairBatches

QUIET = {"cache": False, "progress": False}
RNG = np.random.default_rng


def centers(n, *, dim=8, seed=0):
    """Scatter centers in the first half of the dimensions; the rest is to be ignored."""
    return 3 * RNG(seed).normal(size=(n, dim)) * (np.arange(dim) < dim // 2)


def around(center, *, seed):
    noise = RNG(seed).normal(size=center.shape) * np.where(np.arange(center.shape[1]) < 4, 0.7, 3)
    return (center + noise).astype("f4")


def better(items, metric, classes=None, **options):
    """Fit on the training part and compare the test part before and after."""
    pixels = encoder("pixels")
    run = fit(items, pixels, **{"epochs": 12, "lr": 5e-3, "batch_size": 48, **QUIET, **options})
    test = items.where(split="test")
    before, after = (
        score(embed(test, one, **QUIET)).value(metric, classes) for one in (pixels, run)
    )
    return before, after, run


# -- several labels -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tagged():
    """240 items with one or two of eight tags; an item lies between the centers of its tags."""
    rng, place = RNG(1), centers(8)
    tags = [set(rng.choice(8, size=rng.integers(1, 3), replace=False).tolist()) for _ in range(240)]
    values = around(np.stack([place[list(one)].mean(axis=0) for one in tags]), seed=2)
    return Items.from_arrays(values, labels=tags).split(by="item", test=0.4)


@pytest.mark.filterwarnings("ignore:.*have no other item")
@pytest.mark.parametrize("loss", ["supcon", "triplet-all", "contrastive", "multi-similarity"])
def test_items_with_several_labels_are_learned(tagged, loss):
    before, after, run = better(tagged, "map@r", loss=loss)

    assert after > before + 0.02
    assert run.history["val_map@r"].notna().all()


def test_a_run_on_several_labels_is_saved_and_loaded(tagged, tmp_path):
    run = fit(tagged, encoder("pixels"), epochs=1, **QUIET)
    run.save(tmp_path / "run")

    assert Run.load(tmp_path / "run").seen_labels == run.seen_labels


def test_batches_of_several_labels_hold_items_that_share_one(tagged):
    emb = embed(tagged, encoder("pixels"), **QUIET)
    vectors, numbers = next(iter(SimilarityData(emb, batch_size=40).train_dataloader()))
    known = torch.from_numpy(tagged.similarity.relevance(numbers.numpy(), numbers.numpy()))

    assert known.shape == (len(vectors), len(vectors))
    off = known.clone().fill_diagonal_(0)
    assert (off.nan_to_num() > 0).any(dim=1).all()


# -- levels -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def leveled():
    tops, lows = centers(4), 0.3 * centers(16, seed=3)
    codes = np.repeat(np.arange(16), 12)
    values = around(tops[codes // 4] + lows[codes], seed=4)
    labels = [f"top{code // 4}/low{code % 4}" for code in codes]
    return Items.from_arrays(values, labels=labels).split(by="item", test=0.4)


@pytest.mark.parametrize("loss", ["supcon", "arcface"])
def test_items_with_levels_are_learned(leveled, loss):
    before, after, _ = better(leveled, "map@r", loss=loss, val=0.4)  # enough of each label

    assert after > before + 0.01


def test_every_other_epoch_holds_strangers_of_one_top_label(leveled):
    batches = batches_of(leveled, batch_size=24, per_class=4, seed=0)
    top = leveled.similarity.levels[:, 0]

    def n_tops(epoch):
        batches.set_epoch(epoch)
        return {len(set(top[batch])) for batch in batches}

    assert n_tops(1) == {1}
    assert max(n_tops(0)) > 1
    batches.set_epoch(1)
    assert all(len(set(leveled.label_codes[batch])) > 1 for batch in batches)


# -- pairs and triplets -------------------------------------------------------------------------


def pairs_of(n, *, seed=0):
    """Pairs whose score is the cosine of what counts, brought to [0, 1]."""
    meaning = RNG(seed).normal(size=(2 * n, 8)) * (np.arange(8) < 4)
    values = meaning + RNG(seed + 1).normal(size=meaning.shape) * np.where(np.arange(8) < 4, 0.2, 2)
    unit = meaning / np.linalg.norm(meaning, axis=1, keepdims=True)
    scores = (1 + (unit[:n] * unit[n:]).sum(axis=1)) / 2
    return values.astype("f4"), scores


@pytest.mark.parametrize("loss", ["cosent", "cosine", ("cosent", {"scale": 10})])
def test_scored_pairs_are_learned(loss):
    values, scores = pairs_of(300)
    items = Items.from_pairs(values[:300], values[300:], scores=scores).split(test=0.3)
    before, after, run = better(items, "spearman", loss=loss, weight_decay=0.01)

    assert after > before + 0.05
    assert run.history["val_spearman"].notna().all()


@pytest.mark.parametrize("loss", [("triplet-all", {"margin": 0.5}), "contrastive"])
def test_triplets_are_learned(loss):
    values, _ = pairs_of(450)
    anchors, positives, negatives = values[:300], values[300:600].copy(), values[600:]
    positives[:, :4] = anchors[:, :4] + 0.2 * RNG(9).normal(size=(300, 4))
    items = Items.from_triplets(anchors, positives, negatives).split(test=0.3)
    before, after, run = better(items, "triplet-accuracy", loss=loss, weight_decay=0.01)

    assert after > before + 0.02
    assert "val_triplet-accuracy" in run.history


def test_pairs_with_groups_take_items_of_other_groups_as_strangers():
    values, _ = pairs_of(100)
    positives = values[:100] + 0.1 * RNG(3).normal(size=(100, 8)).astype("f4")
    items = Items.from_pairs(values[:100], positives, groups=np.arange(100) % 20)
    emb = embed(items, encoder("pixels"), **QUIET)
    _, numbers = next(iter(SimilarityData(emb, batch_size=32, per_class=2).train_dataloader()))
    known = items.similarity.relevance(numbers.numpy(), numbers.numpy())

    assert np.isnan(known).any()
    assert (known == 0).any()
    assert fit(items, encoder("pixels"), epochs=2, **QUIET).history["loss"].notna().sum() == 2


def test_every_pair_is_in_one_batch_and_bundles_stay_together():
    pairs = np.array([[row // 3, 100 + row] for row in range(90)])
    batches = PairBatches(pairs, batch_size=24, seed=0)
    seen = [set(batch) for batch in batches]

    assert len(seen) == len(batches) == 8
    assert all(sum({a, b} <= one for one in seen) == 1 for a, b in pairs)


def test_a_loss_of_pairs_asks_for_pairs(blobs):
    with pytest.raises(ChoiceError, match="learns from pairs, scores, not from labels"):
        fit(blobs(), encoder("pixels"), loss="cosent", **QUIET)


def test_a_loss_that_needs_labels_says_which_do_not():
    values, scores = pairs_of(40)
    items = Items.from_pairs(values[:40], values[40:], scores=scores)
    with pytest.raises(DataError, match=r"takes no miner|needs"):
        fit(items, encoder("pixels"), loss="arcface", **QUIET)


def test_a_miner_is_refused_where_pairs_are_given():
    values, scores = pairs_of(40)
    items = Items.from_pairs(values[:40], values[40:], scores=scores)
    with pytest.raises(DataError, match="leave miner= out"):
        fit(items, encoder("pixels"), loss="contrastive", miner="batch-hard", **QUIET)


# -- several sets -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_sets(blobs):
    return Items.concat({"one": blobs(10, 8), "two": blobs(12, 8, seed=5)})


def test_no_batch_holds_items_of_two_sets(two_sets):
    batches = batches_of(two_sets, batch_size=20, per_class=4, seed=0)
    source = two_sets.column("source")
    seen = [{*source[batch]} for batch in batches]

    assert len(seen) == len(batches)
    assert {len(one) for one in seen} == {1}
    assert {"one"} in seen
    assert {"two"} in seen
    assert sorted({row for batch in batches for row in batch}) == list(range(len(two_sets)))


def test_two_sets_are_learned_together_and_scored_apart(two_sets):
    items = two_sets.split(by="label", test=0.4)
    run = fit(items, encoder("pixels"), epochs=15, lr=5e-3, batch_size=20, **QUIET)
    test = items.where(split="test")
    frame = score(embed(test, run, **QUIET)).frame.query("metric == 'map@r'").set_index("classes")
    before = score(embed(test, encoder("pixels"), **QUIET)).value("map@r")

    assert {"unseen", "unseen, one", "unseen, two"} <= set(frame.index)
    assert frame.loc["unseen", "value"] > before + 0.02


def test_validation_compares_items_of_one_set_only(two_sets):
    items = two_sets.split(by="label", test=0.2, val=0.3)
    run = fit(items, encoder("pixels"), epochs=4, lr=5e-3, batch_size=20, refit=False, **QUIET)
    held = score(embed(items.where(split="val"), run, **QUIET)).frame

    value = held.query("metric == 'map@r' and not classes.str.contains(',')")["value"].iloc[0]
    assert run.history["val_map@r"].max() == pytest.approx(value, abs=1e-5)


def test_a_loss_with_centers_of_all_sets_is_refused(two_sets):
    with pytest.raises(DataError, match=r"compares an item with the classes of all sets"):
        fit(two_sets, encoder("pixels"), loss="arcface", **QUIET)


def test_sets_with_shared_labels_are_one_set(blobs):
    half = blobs(6, 8)
    items = Items.concat(
        [half, half.with_column("id", [f"x{one}" for one in half.ids])], shared_labels=True
    )

    assert items.similarity.is_plain
    assert torch.isfinite(
        torch.tensor(fit(items, encoder("pixels"), epochs=1, **QUIET).history["loss"].iloc[-1])
    )
