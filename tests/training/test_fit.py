"""fit: better spaces from the same items, the same run from the same seed, nothing else touched."""

import random
import signal
from dataclasses import FrozenInstanceError, asdict, fields, replace
from inspect import Parameter, signature

import numpy as np
import pytest
import torch
from torch import nn

from simlab.encoders import embed, encoder
from simlab.space import Embeddings, score
from simlab.training import FitConfig, fit, losses
from simlab.training.heads import HEADS
from simlab.training.losses._registry import OF_LABELS

QUIET = {"cache": False, "progress": False}


def weights_of(run):
    return {name: tensor.numpy() for name, tensor in run.head.state_dict().items()}


def same_weights(one, other):
    one, other = weights_of(one), weights_of(other)
    return all(np.array_equal(one[name], other[name]) for name in one)


NEED_MANY_CLASSES = {"proxy-anchor", "softmax"}
"""With five classes to learn from, classifying without a margin is too easy a task."""


def in_place_of_supcon(monkeypatch, loss):
    monkeypatch.setitem(OF_LABELS, "supcon", replace(OF_LABELS["supcon"], make=loss))


def held_out_value(run, items, metric="map@r"):
    val = items.where(split="val")
    return score(embed(val, run, **QUIET)).value(metric)


@pytest.fixture(scope="module")
def parts(blobs):
    """Ten labels whose items are cut into train and val by hand."""
    return blobs().with_column("split", np.tile(["train"] * 5 + ["val"] * 3, 10))


# -- learning -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def frozen(digits, pixels):
    return score(embed(digits, pixels, **QUIET).where(split="test")).value("map@r")


@pytest.mark.parametrize("loss", sorted({*losses.LOSSES} - NEED_MANY_CLASSES))
def test_every_loss_improves_unseen_digits(digits, learn, frozen, loss):
    run = learn(digits, loss=loss, epochs=10)
    trained = score(embed(digits.where(split="test"), run, **QUIET)).value("map@r")

    assert trained > frozen + 0.02


@pytest.mark.parametrize("head", ["linear", "skip", "skip-mlp"])
def test_heads_learn_seen_digits(digits, learn, pixels, head):
    by_item = digits.split(by="item")
    run = learn(by_item, head=head, epochs=10)
    before, after = (
        score(embed(by_item.where(split="test"), each, **QUIET)).value("map@r")
        for each in (pixels, run)
    )

    assert after > before + 0.1


@pytest.mark.parametrize(
    ("by", "chosen"),
    [("item", "skip-mlp"), ("label", "skip"), (None, "skip")],
)
def test_the_head_is_chosen_by_what_is_known_of_the_test_classes(blobs, learn, by, chosen):
    items = blobs(10, 20) if by is None else blobs(10, 20).split(by=by)

    assert learn(items, epochs=1).config.head == chosen


@pytest.mark.parametrize("by", ["item", "label"])
def test_a_head_that_is_named_is_taken(blobs, learn, by):
    assert learn(blobs(10, 20).split(by=by), epochs=1, head="linear").config.head == "linear"


def test_a_run_names_its_loss_and_its_encoder(run):
    assert run.name == "supcon on pixels"


# -- chance ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "head"),
    [*((loss, "skip-mlp") for loss in losses.LOSSES), *(("supcon", head) for head in HEADS)],
)
def test_the_same_seed_gives_the_same_weights_bit_by_bit(blobs, learn, loss, head):
    one, again = (learn(blobs(4, 6), val=0, seed=3, loss=loss, head=head) for _ in range(2))

    assert same_weights(one, again)


def test_another_seed_gives_other_weights(blobs, learn):
    one, other = (learn(blobs(4, 6), val=0, seed=seed) for seed in (0, 1))

    assert not same_weights(one, other)


def test_what_was_drawn_before_does_not_matter(blobs, learn):
    one = learn(blobs(4, 6), val=0, head="linear")
    torch.rand(5)
    np.random.rand(5)  # noqa: NPY002 (libraries draw from it)

    assert same_weights(one, learn(blobs(4, 6), val=0, head="linear"))


def test_the_chance_of_others_is_left_alone(blobs, learn):
    def state():
        shared = np.random.get_state()  # noqa: NPY002 (libraries draw from it)
        return torch.get_rng_state().tolist(), shared[1].tolist(), shared[2], random.getstate()

    before = state()
    learn(blobs(4, 6), val=0)

    assert state() == before


# -- arguments ------------------------------------------------------------------------------


def test_the_module_of_an_encoder_stays_as_it_is(blobs, learn):
    module = nn.Sequential(nn.Linear(8, 5), nn.Dropout(0.5), nn.BatchNorm1d(5)).train()
    module[2].eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    learn(blobs(4, 6), encoder(module), val=0)

    assert [part.training for part in module.modules()] == [True, True, True, False]
    assert all(torch.equal(module.state_dict()[name], before[name]) for name in before)
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_the_items_stay_as_they_are(blobs, learn):
    items = blobs(4, 6)
    before = items.table, items.content.digests().tolist()
    learn(items, val=0)

    assert (items.table.equals(before[0]), items.content.digests().tolist()) == (True, before[1])


def test_a_run_can_be_learned_on(run, learn, blobs):
    assert learn(blobs(), run, epochs=1).name == "supcon on supcon on pixels"


def test_an_encoder_of_double_numbers_can_be_learned_on(blobs, learn):
    class Double:
        name, modalities, fingerprint = "double", frozenset({"array"}), "double"

        def encode(self, content):
            return np.stack(content).astype(np.float64)

    items = blobs(4, 6)

    assert learn(items, Double(), val=0).encode(items.content[:2]).dtype == np.float32


# -- history and the kept epoch -------------------------------------------------------------


def test_the_history_has_a_row_per_epoch_and_one_for_the_start(run):
    assert run.history["epoch"].tolist() == [0, 1, 2, 3, 4, 5]


def test_the_columns_of_the_history(run):
    assert run.history.columns.tolist() == [
        "epoch",
        "loss",
        "val_recall@1",
        "val_map@r",
        "val_r-precision",
        "spread",
        "effective_rank",
        "alignment",
        "uniformity",
        "hubness",
        "gap_map@r",
        "active",
        "gradient_norm",
        "seconds",
    ]


def test_the_start_has_no_loss_and_every_epoch_has_one(run):
    assert run.history["loss"].isna().tolist() == [True, False, False, False, False, False]


def test_time_goes_on_in_the_history(run):
    assert run.history["seconds"].is_monotonic_increasing
    assert run.history["seconds"].iloc[-1] <= run.seconds


def test_the_history_starts_with_the_centered_space_of_the_encoder(parts, learn, pixels):
    run = learn(parts, epochs=1)
    space = embed(parts, pixels, **QUIET)
    center = space.where(split="train").vectors.mean(axis=0)
    val = space.where(split="val")
    centered = score(Embeddings(val.vectors - center, val.items)).value("map@r")

    assert run.history["val_map@r"].iloc[0] == pytest.approx(centered, abs=1e-6)


@pytest.mark.parametrize("monitor", ["map@r", "r-precision", "recall@1"])
def test_the_kept_weights_are_those_of_the_best_epoch(parts, learn, monitor):
    run = learn(parts, monitor=monitor, epochs=6, lr=3e-3)
    values = run.history[f"val_{monitor}"]

    assert run.best_epoch == values.idxmax()
    assert held_out_value(run, parts, monitor) == pytest.approx(values.max(), abs=1e-6)


def test_the_scores_of_a_run_are_those_of_its_best_epoch(run):
    best = run.history["val_map@r"].max()

    assert run.scores.value("map@r") == pytest.approx(best, abs=1e-6)


def test_training_that_ruins_the_space_keeps_the_start(parts, learn, monkeypatch):
    in_place_of_supcon(monkeypatch, lambda vectors, labels: -losses.supcon(vectors, labels))
    run = learn(parts, epochs=4, lr=0.1)
    start, *later = run.history["val_map@r"]

    assert max(later) < start
    assert run.best_epoch == 0
    assert held_out_value(run, parts) == pytest.approx(start, abs=1e-6)


def test_patience_ends_training_that_no_longer_improves(blobs, learn):
    items = blobs(spread=0.01).with_column("split", np.tile(["train"] * 5 + ["val"] * 3, 10))
    run = learn(items, epochs=9, patience=3)

    assert run.history["epoch"].tolist() == [0, 1, 2, 3]
    assert run.finished


def test_without_validation_the_last_weights_are_kept(blobs, learn):
    run = learn(blobs(), val=0, epochs=3)

    assert (run.best_epoch, run.scores) == (3, None)
    assert not [name for name in run.history if name.startswith(("val_", "gap_"))]


def test_every_epoch_has_batches_of_its_own(blobs, learn, monkeypatch):
    seen = []

    def watched(vectors, labels):
        seen.append(labels.tolist())
        return losses.supcon(vectors, labels)

    in_place_of_supcon(monkeypatch, watched)
    learn(blobs(8, 4), val=0, epochs=2, batch_size=64, per_class=4)

    assert (len(seen), seen[0] == seen[1]) == (2, False)


def test_the_seen_labels_are_those_of_training_and_validation(blobs, learn):
    items = blobs().split(by="label", test=0.3, val=0.3)
    run = learn(items, epochs=1)

    assert run.seen_labels == set(items.where(split=["train", "val"]).label_names)


def test_the_labels_of_a_val_part_that_is_not_used_are_not_seen(blobs, learn):
    items = blobs().split(by="label", test=0.3, val=0.1)
    with pytest.warns(UserWarning, match="too few for validation"):
        run = learn(items, epochs=1)

    assert run.seen_labels == set(items.where(split="train").label_names)


def test_rounding_is_no_progress(learn, blobs, monkeypatch):
    in_place_of_supcon(monkeypatch, lambda vectors, labels: 0 * losses.supcon(vectors, labels))
    parts = np.tile(["train"] * 5 + ["val"] * 3, 10)
    run = learn(blobs().with_column("split", parts), weight_decay=0.0)

    assert len(set(run.history["val_map@r"])) == 1
    assert run.best_epoch == 0


# -- refit ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def refitted(digits, learn):
    return learn(digits, epochs=3)


@pytest.fixture(scope="module")
def unrefitted(digits, learn):
    return learn(digits, epochs=3, refit=False)


def test_a_refit_learns_from_all_training_items(refitted, digits, learn):
    assert refitted.best_epoch == 3  # so that both walk through all epochs
    assert same_weights(refitted, learn(digits, epochs=3, val=0))


def test_a_refit_ends_after_the_best_epoch_of_as_many_as_asked(blobs, learn, monkeypatch):
    run = learn(blobs(), epochs=9, lr=1e-2)
    interrupted_after(monkeypatch, run.best_epoch)

    assert 0 < run.best_epoch < 9
    assert same_weights(run, learn(blobs(), epochs=9, lr=1e-2, val=0))


def test_without_a_refit_the_best_weights_are_kept(unrefitted, digits):
    train = digits.where(split="train")
    held = set(unrefitted.scores.per_query["id"])
    val = train[np.isin(train.ids, list(held))]
    value = score(embed(val, unrefitted, **QUIET)).value("map@r")

    assert value == pytest.approx(unrefitted.history["val_map@r"].max(), abs=1e-6)
    assert not unrefitted.refitted


def test_a_refit_changes_the_weights_and_nothing_of_the_record(refitted, unrefitted):
    assert not same_weights(refitted, unrefitted)
    assert refitted.history.drop(columns="seconds").equals(
        unrefitted.history.drop(columns="seconds")
    )
    assert refitted.scores.frame.equals(unrefitted.scores.frame)


def test_a_run_says_that_it_was_refitted(refitted):
    assert refitted.refitted
    assert repr(refitted).endswith("s, refitted on all items")


def test_a_val_part_is_never_learned_from(parts, learn):
    run = learn(parts, epochs=5, lr=1e-2, batch_size=32)

    assert (run.best_epoch > 0, run.refitted) == (True, False)


def test_nothing_is_refitted_when_the_start_was_best(blobs, learn, monkeypatch):
    in_place_of_supcon(monkeypatch, lambda vectors, labels: -losses.supcon(vectors, labels))
    run = learn(blobs(), lr=0.1)

    assert (run.best_epoch, run.refitted) == (0, False)


def test_an_interrupted_refit_keeps_the_first_training(digits, learn, unrefitted, monkeypatch):
    n_batches = 3 * len(counted(digits, learn, monkeypatch))
    interrupted_after(monkeypatch, n_batches)
    run = learn(digits, epochs=3)

    assert (run.finished, run.refitted) == (False, False)
    assert same_weights(run, unrefitted)


def counted(items, learn, monkeypatch):
    """List the sizes of the batches of one epoch."""
    sizes = []

    def watched(vectors, labels):
        sizes.append(len(labels))
        return losses.supcon(vectors, labels)

    in_place_of_supcon(monkeypatch, watched)
    learn(items, epochs=1, refit=False)
    return sizes


# -- interruption ---------------------------------------------------------------------------


def interrupted_after(monkeypatch, n_batches):
    """Send the signal of the stop button in the middle of training."""
    calls = []

    def stopped(vectors, labels):
        calls.append(len(labels))
        if len(calls) > n_batches:
            signal.raise_signal(signal.SIGINT)
        return losses.supcon(vectors, labels)

    in_place_of_supcon(monkeypatch, stopped)


def test_an_interrupted_fit_gives_the_run_so_far(parts, learn, monkeypatch):
    interrupted_after(monkeypatch, 2)
    run = learn(parts, batch_size=50, epochs=9, lr=3e-3)

    assert (run.finished, run.history["epoch"].tolist()) == (False, [0, 1, 2])
    assert held_out_value(run, parts) == pytest.approx(run.history["val_map@r"].max(), abs=1e-6)


def test_an_interrupted_run_says_so(parts, learn, monkeypatch):
    interrupted_after(monkeypatch, 1)
    run = learn(parts, batch_size=50, epochs=9)

    assert repr(run).endswith("s, interrupted")
    assert "; interrupted" in run._repr_html_()


def test_a_notebook_stays_interruptible_after_an_interruption(parts, learn, monkeypatch):
    before = signal.getsignal(signal.SIGINT)
    interrupted_after(monkeypatch, 1)
    learn(parts)

    assert signal.getsignal(signal.SIGINT) is before


def test_an_interruption_in_the_first_epoch_keeps_the_start(parts, learn, monkeypatch):
    interrupted_after(monkeypatch, 0)
    run = learn(parts)

    assert (run.finished, run.best_epoch) == (False, 0)


def test_an_interruption_before_training_is_passed_on(blobs, learn):
    class Stopped:
        name, modalities, fingerprint = "stopped", frozenset({"array"}), "stopped"

        def encode(self, _):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(blobs(), Stopped())


def test_an_error_in_the_middle_is_passed_on(parts, learn, monkeypatch):
    def broken(*_):
        raise ArithmeticError("no such number")

    before = signal.getsignal(signal.SIGINT)
    in_place_of_supcon(monkeypatch, broken)

    with pytest.raises(ArithmeticError, match="no such number"):
        learn(parts)
    assert signal.getsignal(signal.SIGINT) is before


# -- the record -----------------------------------------------------------------------------


def test_the_fields_of_the_record_are_the_keywords_of_fit():
    keywords = {
        name: parameter.default
        for name, parameter in signature(fit).parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY
    }
    recorded = {field.name: field.default for field in fields(FitConfig)}

    assert recorded == {
        name: default
        for name, default in keywords.items()
        if name not in {"trainer", "checkpoint", "cache", "progress"}
    }


def test_the_record_repeats_a_run(blobs, pixels, learn):
    run = learn(
        blobs(), loss="triplet", head="linear", epochs=3, batch_size=32, per_class=4, lr=2e-3,
        weight_decay=0.1, dropout=0.1, val=0.3, patience=2, monitor="recall@1", seed=5,
    )  # fmt: skip
    again = fit(blobs(), pixels, **asdict(run.config), **QUIET)

    assert again.fingerprint == run.fingerprint


def test_the_record_cannot_be_changed(run):
    with pytest.raises(FrozenInstanceError):
        run.config.epochs = 2


@pytest.mark.parametrize(
    "change",
    [
        {"lr": 5e-3},
        {"weight_decay": 10.0},
        {"dropout": 0.7},
        {"batch_size": 16},
        {"per_class": 2, "batch_size": 16},
        {"loss": "triplet"},
        {"epochs": 3},
    ],
)
def test_every_setting_makes_a_difference(blobs, learn, change):
    plain = {"batch_size": 32, **({"batch_size": 16} if "per_class" in change else {})}

    assert not same_weights(
        learn(blobs(), val=0, **plain), learn(blobs(), val=0, **{**plain, **change})
    )
