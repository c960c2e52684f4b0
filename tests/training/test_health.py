"""Health: trainings that go wrong are told how and what to do; healthy ones are left alone."""

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch.nn.functional import normalize

from simlab.encoders import embed
from simlab.errors import SimlabWarning
from simlab.items import Items
from simlab.space import effective_rank, score
from simlab.training import Run
from simlab.training.losses import supcon

MEASURES = [
    "spread", "effective_rank", "alignment", "uniformity", "hubness", "active", "gradient_norm",
]  # fmt: skip


def names(run):
    return [one.name for one in run.health.advice]


def all_alike(vectors, _):
    """Be least when all vectors point the same way."""
    unit = normalize(vectors, dim=1)
    return 1 - (unit @ unit.T).mean()


# -- what is measured -----------------------------------------------------------------------


def test_every_epoch_is_measured(run):
    measured = run.history[[*MEASURES, "gap_map@r"]]

    assert measured.iloc[1:].notna().all(axis=None)
    assert measured.iloc[0].isna().sum() == 2  # before the first step there are no gradients


def test_what_is_measured_is_in_the_range_of_its_formula(run):
    measured = run.history.iloc[1:]

    assert measured["spread"].between(0, 1).all()
    assert measured["effective_rank"].between(1, 8).all()
    assert measured["alignment"].between(0, 4).all()
    assert measured["uniformity"].between(-8, 0).all()
    assert measured["active"].between(0, 1).all()
    assert (measured["gradient_norm"] > 0).all()


def test_the_space_that_is_measured_is_that_of_the_held_out_items(blobs, learn):
    parts = np.tile(["train"] * 5 + ["val"] * 3, 10)
    items = blobs().with_column("split", parts)
    run = learn(items, epochs=1, refit=False)
    held = embed(items.where(split="val"), run, cache=False, progress=False)
    told = run.history.set_index("epoch").loc[run.best_epoch, "effective_rank"]

    assert told == pytest.approx(effective_rank(held.vectors), rel=1e-3)


def test_the_gap_is_that_of_training_and_held_out_items_rated_alike(blobs, learn):
    parts = np.tile(["train"] * 4 + ["val"] * 4, 10)
    items = blobs().with_column("split", parts)
    run = learn(items, epochs=3, refit=False, lr=1e-2)
    rates = [
        score(embed(items.where(split=part), run, cache=False, progress=False)).value("map@r")
        for part in ("train", "val")
    ]
    told = run.history.set_index("epoch").loc[run.best_epoch, "gap_map@r"]

    assert told == pytest.approx(rates[0] - rates[1], abs=1e-5)


def test_items_whose_hinge_is_satisfied_are_not_active(blobs, learn):
    def hinge(vectors, labels):
        first = labels == labels[0]
        return torch.relu(vectors[first].sum(dim=1) + 1e3).mean()

    run = learn(blobs(10, 5), loss=hinge, epochs=1, per_class=5, batch_size=50, val=0)

    assert run.history["active"].iloc[1] == pytest.approx(5 / 50)


def test_without_held_out_items_training_items_are_measured(blobs, learn):
    history = learn(blobs(), val=0, epochs=1).history

    assert history[MEASURES].iloc[1].notna().all()
    assert not [name for name in history if name.startswith("gap_")]


@pytest.mark.parametrize("metric", ["recall@1", "r-precision"])
def test_the_gap_is_of_the_metric_that_decides(blobs, learn, metric):
    assert learn(blobs(), epochs=1, monitor=metric).health.metric == metric


def test_pairs_and_triplets_are_measured_too(learn):
    rng = np.random.default_rng(0)
    anchors, friends, strangers = (list(rng.normal(size=(40, 6)).astype("f4")) for _ in range(3))
    run = learn(Items.from_triplets(anchors, friends, strangers), epochs=2)

    assert run.health.metric == "triplet-accuracy"
    assert run.history[["spread", "active", "gap_triplet-accuracy"]].iloc[-1].notna().all()


def test_a_trainer_that_steps_by_itself_is_measured_alike(blobs, learn):
    ours, own = (learn(blobs(), epochs=2, trainer=one).history for one in (None, {}))

    assert own[MEASURES].to_numpy() == pytest.approx(ours[MEASURES].to_numpy(), 1e-5, nan_ok=True)


def test_what_is_not_known_at_the_start_is_left_empty(run):
    assert "nan" not in run.health._repr_html_()


def test_measuring_changes_nothing_of_the_weights(blobs, learn, monkeypatch):
    watched = learn(blobs(), epochs=3)
    for name in ("measure", "listen"):
        monkeypatch.setattr(f"simlab.training._watch.Watch.{name}", lambda *_: {})

    assert learn(blobs(), epochs=3).fingerprint == watched.fingerprint


def test_the_head_of_a_run_is_listened_to_no_longer(run):
    assert not run.head._forward_hooks


def test_a_logger_of_lightning_hears_of_health(blobs, learn, tmp_path):
    from pytorch_lightning.loggers import CSVLogger

    logger = CSVLogger(tmp_path)
    quiet = {"enable_checkpointing": False, "enable_progress_bar": False}
    quiet |= {"enable_model_summary": False, "accelerator": "cpu"}
    run = learn(blobs(), trainer=pl.Trainer(max_epochs=2, logger=logger, **quiet))
    [file] = tmp_path.rglob("metrics.csv")
    written = np.genfromtxt(file, delimiter=",", names=True, deletechars="")

    assert {*MEASURES, "gap_map@r"} <= set(written.dtype.names)
    told = written["effective_rank"][~np.isnan(written["effective_rank"])]
    assert told == pytest.approx(run.history["effective_rank"].iloc[1:].to_numpy(), rel=1e-4)


# -- healthy trainings ----------------------------------------------------------------------


@pytest.mark.parametrize("by", ["label", "item"])
@pytest.mark.parametrize("loss", ["supcon", "triplet", "contrastive", "arcface"])
def test_a_healthy_training_gets_no_advice(digits, learn, loss, by):
    items = digits.split(by=by)

    assert names(learn(items, loss=loss, epochs=15)) == []


@pytest.mark.real
def test_a_healthy_training_on_real_pictures_gets_no_advice():
    from simlab import encoder, fit, load

    emoji = load("emoji-styles").split(by="label", test=0.3, seed=1)
    run = fit(emoji, encoder("efficientnet-lite0"), epochs=10, progress=False)

    assert names(run) == []


def test_a_run_without_advice_says_so(run):
    assert repr(run.health) == "Health: nothing seems wrong"
    assert "<li>" not in run._repr_html_()


# -- trainings that go wrong ----------------------------------------------------------------


@pytest.fixture(scope="module")
def collapsed(digits, learn):
    with pytest.warns(SimlabWarning, match="The space has collapsed"):
        return learn(digits, loss=all_alike, lr=1e-2, epochs=20, head="linear", val=0)


def test_a_space_that_collapses_is_told_and_warned_of(collapsed):
    assert "collapsed" in names(collapsed)


def test_a_collapse_after_the_kept_epoch_is_told_without_a_warning(digits, learn):
    how = {"head": "linear", "weight_decay": 0.0, "epochs": 40, "patience": 40}
    items = digits.where(split="train").split(by="item", test=0.2)
    run = learn(items, loss=all_alike, lr=2e-3, **how)  # a warning would be an error here

    spread = run.history.set_index("epoch")["spread"]
    assert spread.iloc[-1] < 0.05 < spread[run.best_epoch]
    kept = f"The weights of epoch {run.best_epoch}, before that, are kept"
    assert kept in str(run.health.advice[0])


def test_a_space_of_few_dimensions_has_collapsed_too(digits, learn):
    def one_direction(vectors, _):
        centered = vectors - vectors.mean(dim=0)
        spread = centered.T @ centered
        return -spread.norm() / spread.diagonal().sum()

    how = {"head": "linear", "weight_decay": 0.0, "val": 0, "epochs": 30}
    with pytest.warns(SimlabWarning, match="dimensions in place of"):
        run = learn(digits.split(by="item"), loss=one_direction, lr=3e-2, **how)

    assert names(run)[0] == "collapsed"


def test_a_huge_learning_rate_makes_gradients_vanish(digits, learn):
    run = learn(digits, lr=10.0, weight_decay=0.0, epochs=10)

    assert "vanishing gradients" in names(run)


def test_a_loss_of_lengths_makes_gradients_explode(digits, learn):
    def longer(vectors, _):
        return -vectors.pow(4).sum()

    run = learn(digits, loss=longer, lr=0.1, weight_decay=0.0, head="linear", epochs=10)

    assert "exploding gradients" in names(run)


def test_a_margin_that_is_met_leaves_few_items_active(blobs, learn):
    run = learn(blobs(spread=0.05), loss=("triplet", {"margin": 0.01}), val=0, epochs=3)

    assert "too few active" in names(run)
    assert "larger margin" in repr(run.health)


def test_a_tiny_learning_rate_learns_nothing(digits, learn):
    run = learn(digits, lr=1e-9, epochs=5)

    assert names(run) == ["no learning"]


def test_labels_without_meaning_are_learned_by_heart(digits, learn):
    items = digits[:300]
    shuffled = np.random.default_rng(0).permutation(items.column("label"))
    items = items.with_column("label", shuffled).split(by="item")
    run = learn(items, epochs=40, head="mlp", dropout=0.0, weight_decay=0.0, patience=40)

    assert "overfitting" in names(run)


def test_a_loss_that_pulls_all_towards_a_few_makes_hubs(digits, learn):
    def star(vectors, labels):
        unit = normalize(vectors, dim=1)
        is_center = labels == labels.min()
        center, rest = unit[is_center].mean(dim=0), unit[~is_center]
        return -(rest @ center).mean() + 2 * (rest @ rest.T).pow(2).mean()

    how = {"head": "linear", "weight_decay": 0.0, "epochs": 15, "patience": 15}
    run = learn(digits.split(by="item"), loss=star, lr=1e-2, **how)

    assert "hubs" in names(run)


def test_a_loss_that_is_no_number_ends_training_with_the_weights_before(blobs, learn):
    calls = []

    def broken(vectors, _):
        calls.append(1)
        value = normalize(vectors, dim=1).var(dim=0).sum()
        return value * float("nan") if len(calls) > 9 else -value

    with pytest.warns(SimlabWarning, match="no number since epoch"):
        run = learn(blobs(), loss=broken, epochs=30, batch_size=16, val=0)

    assert run.finished
    assert run.best_epoch == run.history["epoch"].iloc[-1] - 1
    assert all(weights.isfinite().all() for weights in run.head.state_dict().values())


def test_a_loss_that_is_no_number_from_the_first_keeps_the_start(digits, learn):
    with pytest.warns(SimlabWarning, match="weights of epoch 0 are kept"):
        run = learn(digits, loss=lambda vectors, _: vectors.sum() * float("nan"), epochs=5)

    assert (run.best_epoch, names(run), len(run.history)) == (0, ["no number"], 2)


def test_a_refit_that_meets_what_is_no_number_keeps_the_first_training(digits, learn):
    steps = []

    def counted(vectors, labels):
        steps.append(len(labels))
        return supcon(vectors, labels)

    def broken(vectors, labels):
        return counted(vectors, labels) * (float("nan") if len(steps) > n_first + 3 else 1)

    first = learn(digits, loss=counted, refit=False)
    n_first = len(steps)
    steps.clear()
    with pytest.warns(SimlabWarning, match="refit"):
        run = learn(digits, loss=broken)

    assert (run.refitted, run.finished) == (False, True)
    assert np.array_equal(
        run.head.state_dict()["correction.weight"], first.head.state_dict()["correction.weight"]
    )


# -- how it is shown ------------------------------------------------------------------------


def test_advice_stands_under_the_curves_of_a_run(collapsed):
    assert "<li>The space has collapsed" in collapsed._repr_html_()


def test_health_shows_itself(collapsed):
    shown = collapsed.health._repr_html_()

    assert "effective_rank" in shown
    assert "The space has collapsed" in shown


def test_health_comes_back_from_disk(collapsed, tmp_path):
    collapsed.save(tmp_path / "run")

    assert repr(Run.load(tmp_path / "run").health) == repr(collapsed.health)
