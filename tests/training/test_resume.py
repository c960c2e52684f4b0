"""An interrupted training goes on as if it had not been; seeds, precision, loggers, clipping."""

from pickle import UnpicklingError

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch

from simlab.encoders import embed
from simlab.errors import DataError
from simlab.training import SimilarityData, SimilarityModule
from simlab.training.heads import make_head
from simlab.training.large import Memory
from simlab.training.losses import make_loss

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers",
    "ignore:.*log_every_n_steps",
    "ignore:.*LeafSpec",
    "ignore:.*across ranks is zero",
    "ignore:Be aware that when using `ckpt_path`",
)
QUIET = {"enable_progress_bar": False, "enable_model_summary": False}
HOW = {"epochs": 6, "batch_size": 24, "per_class": 3, "lr": 1e-2, "dropout": 0.3, "patience": 6}


class Interrupted(pl.Callback):
    """Press the stop button at a batch of an epoch."""

    def __init__(self, epoch, batch=1):
        self.at = epoch, batch

    def on_train_batch_start(self, trainer, _, __, batch):
        if (trainer.current_epoch, batch) == self.at:
            raise KeyboardInterrupt


def curve(run):
    return run.history.drop(columns="seconds")


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    monkeypatch.setattr("simlab.training._checkpoint._SECONDS", 0)


@pytest.mark.parametrize("trainer", [None, {}], ids=["steps together", "step by step"])
@pytest.mark.parametrize(
    "options",
    [{}, {"loss": "arcface"}, {"memory": 50}, {"warmup": 4, "schedule": "linear"}, {"val": 0}],
    ids=str,
)
def test_a_resumed_fit_is_that_of_one_that_was_never_interrupted(
    blobs, learn, tmp_path, trainer, options
):
    how = {**HOW, **options, "trainer": trainer}
    whole = learn(blobs(), **how)
    stopped = learn(
        blobs(), **how | {"trainer": {"callbacks": [Interrupted(3)]}}, checkpoint=tmp_path / "state"
    )
    resumed = learn(blobs(), **how, checkpoint=tmp_path / "state")

    assert not stopped.finished
    assert len(stopped.history) == 4
    # a mean over steps taken together may round otherwise than over single ones
    rounding = 1e-6 if trainer is None else 0
    pd.testing.assert_frame_equal(curve(resumed), curve(whole), rtol=rounding, atol=0)
    assert resumed.fingerprint == whole.fingerprint
    assert resumed.loss_state.keys() == whole.loss_state.keys()


def test_a_refit_that_was_interrupted_goes_on(blobs, learn, tmp_path, monkeypatch):
    whole = learn(blobs(), **HOW)
    from simlab.training import _fit

    real, calls = _fit.learn, []

    def interrupted_in_the_refit(*args, **options):
        calls.append(options.get("until"))
        if len(calls) == 2:
            options["trainer"] = {"callbacks": [Interrupted(1)]}
        return real(*args, **options)

    monkeypatch.setattr(_fit, "learn", interrupted_in_the_refit)
    stopped = learn(blobs(), **HOW, checkpoint=tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    resumed = learn(blobs(), **HOW, checkpoint=tmp_path)

    assert whole.refitted
    assert (stopped.finished, stopped.refitted) == (False, False)
    assert len(left) == 2
    assert resumed.fingerprint == whole.fingerprint
    assert list(tmp_path.iterdir()) == []


def test_seconds_go_on_where_they_were(blobs, learn, tmp_path):
    learn(blobs(), **HOW, trainer={"callbacks": [Interrupted(3)]}, checkpoint=tmp_path)

    assert learn(blobs(), **HOW, checkpoint=tmp_path).history["seconds"].is_monotonic_increasing


@pytest.mark.parametrize("changed", ["settings", "items", "encoder"])
def test_another_training_begins_by_itself(blobs, learn, tmp_path, changed):
    learn(blobs(), **HOW, trainer={"callbacks": [Interrupted(3)]}, checkpoint=tmp_path)
    items = blobs(seed=1) if changed == "items" else blobs()
    how = HOW | ({"lr": 0.02} if changed == "settings" else {})
    if changed == "encoder":
        how["encoder"] = Halving()
    whole = learn(items, **how)

    assert learn(items, **how, checkpoint=tmp_path).fingerprint == whole.fingerprint
    assert len(list(tmp_path.iterdir())) == 1  # that of the first


class Halving:
    name = fingerprint = "halving"
    modalities = frozenset({"array"})

    def encode(self, content):
        return np.stack(content) / 2


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\3\4"])
def test_a_file_that_is_no_state_is_refused(blobs, learn, tmp_path, content):
    learn(blobs(), **HOW, trainer={"callbacks": [Interrupted(3)]}, checkpoint=tmp_path)
    [path] = tmp_path.iterdir()
    path.write_bytes(content)

    with pytest.raises(DataError, match=rf"{path.name}' must be the state of a training; delete"):
        learn(blobs(), **HOW, checkpoint=tmp_path)


def test_code_in_a_state_is_not_run(blobs, learn, tmp_path):
    learn(blobs(), **HOW, trainer={"callbacks": [Interrupted(3)]}, checkpoint=tmp_path)
    [path] = tmp_path.iterdir()
    torch.save(print, path)

    with pytest.raises(UnpicklingError, match="Weights only load failed"):
        learn(blobs(), **HOW, checkpoint=tmp_path)


# -- Lightning's own ways ---------------------------------------------------------------------


@pytest.fixture
def space(blobs, pixels):
    return embed(blobs(10, 9), pixels, cache=False, progress=False)


def parts(space, seed=0):
    """Return a module with dropout, centers and a memory, and its data."""
    pl.seed_everything(seed, verbose=False)
    head = make_head("skip-mlp", torch.tensor(space.vectors), dropout=0.5)
    codes = torch.from_numpy(space.items.label_codes)
    loss = make_loss("arcface", head(torch.tensor(space.vectors)).detach(), codes)
    module = SimilarityModule(head, loss, lr=1e-2, memory=Memory(30, 8), warmup=3)
    return module, SimilarityData(space, space, batch_size=18, per_class=3, seed=seed)


def trained(space, folder, seed=0, ckpt_path=None, **options):
    module, data = parts(space, seed)
    options = {"logger": False, "enable_checkpointing": False, "max_epochs": 5, **options}
    trainer = pl.Trainer(default_root_dir=folder, **QUIET, **options)
    trainer.fit(module, datamodule=data, ckpt_path=ckpt_path, weights_only=True)
    return trainer, module


def test_a_plain_trainer_resumes_from_a_checkpoint_exactly(space, tmp_path):
    _, whole = trained(space, tmp_path)
    keeper = pl.callbacks.ModelCheckpoint(tmp_path, filename="{epoch}", save_top_k=-1)
    trained(space, tmp_path, callbacks=[keeper], enable_checkpointing=True)
    _, resumed = trained(space, tmp_path, ckpt_path=tmp_path / "epoch=2.ckpt")

    torch.testing.assert_close(resumed.state_dict(), whole.state_dict(), rtol=0, atol=0)


def test_the_memory_of_past_batches_is_in_the_checkpoint(space, tmp_path):
    trainer, module = trained(space, tmp_path, max_epochs=2)
    trainer.save_checkpoint(tmp_path / "two.ckpt")
    state = torch.load(tmp_path / "two.ckpt", weights_only=True)["state_dict"]

    assert state["memory.n_seen"] == 2 * 90
    assert torch.equal(state["memory.vectors"], module.memory.vectors)


def test_the_same_seed_gives_the_same_weights(space, tmp_path):
    one, same, other = (trained(space, tmp_path, seed)[1].state_dict() for seed in (1, 1, 2))

    torch.testing.assert_close(one, same, rtol=0, atol=0)
    assert not torch.equal(one["head.widen.weight"], other["head.widen.weight"])


def test_the_same_seed_of_fit_gives_the_same_weights_whatever_was_drawn_before(blobs, learn):
    one = learn(blobs(), **HOW)
    torch.rand(7)

    assert learn(blobs(), **HOW).fingerprint == one.fingerprint
    assert learn(blobs(), **HOW, seed=1).fingerprint != one.fingerprint


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_options_make_a_trainer(blobs, learn, precision):
    class Norms(pl.Callback):
        largest = 0.0

        def on_train_batch_end(self, _, module, *__):
            norms = [one.grad.norm() for one in module.parameters() if one.grad is not None]
            self.largest = max(self.largest, float(torch.stack(norms).norm()))

    free, clipped = Norms(), Norms()
    learn(blobs(), trainer={"callbacks": [free]})
    options = {"gradient_clip_val": 1e-3, "precision": precision}
    run = learn(blobs(), lr=1e-2, trainer={"callbacks": [clipped], **options})

    assert free.largest > 1e-2
    assert clipped.largest == pytest.approx(1e-3, rel=1e-3)
    assert run.refitted


def test_gradients_of_several_batches_are_accumulated(blobs, learn):
    class Steps(pl.Callback):
        def on_train_end(self, trainer, _):
            self.n = trainer.global_step

    steps = Steps()
    how = {"batch_size": 18, "per_class": 3, "val": 0, "epochs": 2}
    learn(blobs(10, 9), **how, trainer={"callbacks": [steps], "accumulate_grad_batches": 5})

    assert steps.n == 2


@pytest.mark.parametrize("loss", ["supcon", "triplet", "arcface", "multi-similarity"])
def test_mixed_precision_trains_nearly_the_same(blobs, learn, loss):
    how = HOW | {"loss": loss, "dropout": 0, "refit": False}
    half = learn(blobs(), **how, trainer={"precision": "bf16-mixed"})
    whole = learn(blobs(), **how)

    assert curve(half)["loss"][1] == pytest.approx(curve(whole)["loss"][1], rel=0.02)
    assert half.fingerprint != whole.fingerprint


@pytest.mark.parametrize("logger", ["CSVLogger", "TensorBoardLogger"])
def test_loggers_get_loss_and_validation_of_every_epoch(blobs, learn, tmp_path, logger):
    if logger == "TensorBoardLogger":
        pytest.importorskip("tensorboard")
    made = getattr(pl.loggers, logger)(tmp_path)
    run = learn(blobs(), **HOW, refit=False, trainer={"logger": made})

    if logger == "CSVLogger":
        told = pd.read_csv(next(tmp_path.rglob("metrics.csv")))
        logged = {name: told[name].dropna().tolist() for name in ("loss", "val_map@r")}
    else:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        told = EventAccumulator(made.log_dir)
        told.Reload()
        logged = {name: [one.value for one in told.Scalars(name)] for name in ("loss", "val_map@r")}
    for name, values in logged.items():
        assert values == pytest.approx(run.history[name][1:].tolist(), rel=1e-5)


def test_epochs_are_given_to_fit(blobs, learn):
    with pytest.raises(DataError) as caught:
        learn(blobs(), trainer={"max_epochs": 3})

    assert str(caught.value) == "options for the trainer take no max_epochs; give epochs= to fit"
