"""The Lightning parts: quiet and unseen in fit, whole and open for power users."""

import json
import logging
import subprocess
import sys

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from simlab import training
from simlab.encoders import embed
from simlab.errors import DataError
from simlab.items import Items
from simlab.space import Embeddings, score
from simlab.training import SimilarityData, SimilarityModule
from simlab.training.heads import make_head
from simlab.training.losses import make_loss, supcon

SILENT = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}
FRESH = """
import json, sys
import simlab.training
early = sorted({"pytorch_lightning", "lightning"} & set(sys.modules))
import numpy as np
from simlab import Items, encoder
items = Items.from_arrays(np.eye(12, dtype="f4"), labels=[0, 1] * 6)
run = simlab.training.fit(
    items, encoder("pixels"), epochs=1, val=0, cache=False, progress=False
)
names = [simlab.training.SimilarityModule.__name__, simlab.training.SimilarityData.__name__]
sys.__stdout__.write(json.dumps([early, names, run.seconds]))
"""


@pytest.fixture(scope="module")
def fresh():
    """Import and fit in a process of its own, where every warning is an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", FRESH], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def told(fresh):
    return json.loads(fresh.stdout)


@pytest.fixture
def space(blobs, pixels):
    """Embeddings of eight labels with eight items each."""
    return embed(blobs(8, 8), pixels, cache=False, progress=False)


@pytest.fixture
def module(space):
    vectors = torch.tensor(space.vectors)
    return SimilarityModule(make_head("skip", vectors), supcon, lr=1e-2)


# -- fit ------------------------------------------------------------------------------------


def test_lightning_is_not_imported_before_it_is_used(told):
    assert told[0] == []


def test_the_parts_of_lightning_are_opened_by_name(told):
    assert told[1] == ["SimilarityModule", "SimilarityData"]


def test_the_first_fit_of_a_process_says_nothing(fresh):
    assert fresh.stderr == ""
    assert fresh.stdout.startswith("[[]")


def test_the_time_of_training_is_without_the_import_of_lightning(told):
    assert told[2] < 1


def test_the_room_has_no_other_names():
    with pytest.raises(AttributeError, match=r"simlab\.training has no 'Trainer'"):
        _ = training.Trainer


def test_a_quiet_fit_prints_nothing(blobs, learn, capfd):
    learn(blobs())

    assert capfd.readouterr() == ("", "")


def test_a_fit_with_progress_shows_one_bar_and_removes_it(blobs, learn, capfd):
    learn(blobs(), progress=True)

    assert "fit: supcon" in capfd.readouterr().err


def test_a_fit_leaves_no_files(blobs, learn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    learn(blobs())

    assert list(tmp_path.iterdir()) == []


def test_the_loggers_of_lightning_keep_their_levels(blobs, learn):
    logger = logging.getLogger("pytorch_lightning")
    before = logger.level
    learn(blobs())

    assert logger.level == before


# -- a trainer of one's own -----------------------------------------------------------------


def test_a_trainer_of_ones_own_decides_the_epochs(blobs, learn):
    run = learn(blobs(), epochs=9, trainer=pl.Trainer(max_epochs=3, **SILENT))

    assert run.history["epoch"].tolist() == [0, 1, 2, 3]


def test_a_trainer_of_ones_own_trains_the_same_head(blobs, learn):
    own = learn(blobs(), epochs=3, trainer=pl.Trainer(max_epochs=3, **SILENT))

    assert own.fingerprint == learn(blobs(), epochs=3, refit=False).fingerprint


def test_a_trainer_of_ones_own_keeps_its_callbacks(blobs, learn):
    heard = []

    class Listener(pl.Callback):
        def on_train_epoch_end(self, trainer, _):
            heard.append(trainer.current_epoch)

    trainer = pl.Trainer(max_epochs=2, callbacks=[Listener()], **SILENT)
    before = list(trainer.callbacks)
    learn(blobs(), trainer=trainer)

    assert (heard, trainer.callbacks) == ([0, 1], before)


def test_a_trainer_of_ones_own_trains_once(blobs, learn):
    run = learn(blobs(), lr=1e-2, trainer=pl.Trainer(max_epochs=5, **SILENT))

    assert (run.best_epoch > 0, run.refitted) == (True, False)


def test_a_trainer_that_ends_by_the_clock_is_welcome(blobs, learn):
    run = learn(blobs(), patience=2, trainer=pl.Trainer(max_time="00:00:00:05", **SILENT))

    assert len(run.history) > 2


def test_without_validation_in_the_trainer_the_last_weights_are_kept(blobs, learn):
    trainer = pl.Trainer(max_epochs=2, limit_val_batches=0, **SILENT)

    assert learn(blobs(), trainer=trainer).best_epoch == 2


def test_a_trainer_is_used_once(blobs, learn):
    trainer = pl.Trainer(max_epochs=2, **SILENT)
    learn(blobs(), trainer=trainer)

    with pytest.raises(DataError) as caught:
        learn(blobs(), trainer=trainer)
    assert str(caught.value) == (
        "trainer must be new; got one that has trained 2 epochs; make another pl.Trainer"
    )


def test_a_trainer_that_trains_nothing_is_refused(blobs, learn):
    with pytest.raises(DataError) as caught:
        learn(blobs(), trainer=pl.Trainer(max_epochs=0, **SILENT))

    assert str(caught.value) == "trainer must train at least one batch; got one that trained none"


# -- module and data ------------------------------------------------------------------------


@pytest.mark.filterwarnings(
    "ignore:.*does not have many workers", "ignore:.*log_every_n_steps", "ignore:.*LeafSpec"
)
def test_module_and_data_work_with_a_plain_trainer(module, space):
    trainer = pl.Trainer(max_epochs=1, logger=False, enable_checkpointing=False)
    before = module.head.correction.weight.clone()
    trainer.fit(module, datamodule=SimilarityData(space[::2], space[1::2], batch_size=16))

    assert set(trainer.callback_metrics) == {
        "loss",
        "val_map@r",
        "val_r-precision",
        "val_recall@1",
    }
    assert not torch.equal(module.head.correction.weight, before)


@pytest.mark.filterwarnings(
    "ignore:.*does not have many workers", "ignore:.*log_every_n_steps", "ignore:.*LeafSpec"
)
def test_the_centers_of_a_loss_are_trained_at_their_own_pace(space):
    vectors = torch.tensor(space.vectors)
    head = make_head("skip", vectors)
    loss = make_loss("arcface", head(vectors).detach(), torch.from_numpy(space.items.label_codes))
    before = loss.centers.detach().clone()
    trainer = pl.Trainer(max_epochs=1, **SILENT)
    module = SimilarityModule(head, loss, lr=1e-2, weight_decay=0.1)
    trainer.fit(module, datamodule=SimilarityData(space, space))
    groups = trainer.optimizers[0].param_groups

    assert not torch.equal(loss.centers, before)
    assert [(group["initial_lr"], group["weight_decay"]) for group in groups] == [
        (0.01, 0.1),
        (0.03, 0.0),
    ]


@pytest.mark.filterwarnings(
    "ignore:.*does not have many workers", "ignore:.*log_every_n_steps", "ignore:.*LeafSpec"
)
def test_the_learning_rate_falls_to_nothing(module, space):
    trainer = pl.Trainer(max_epochs=2, **SILENT)
    trainer.fit(module, datamodule=SimilarityData(space, space))

    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(0, abs=1e-9)


def test_the_rates_of_a_module_are_those_of_score(module, space):
    rates = module.eval().rate(
        torch.tensor(space.vectors), torch.from_numpy(space.items.label_codes)
    )
    with torch.no_grad():
        moved = module(torch.tensor(space.vectors)).numpy()
    scores = score(Embeddings(moved, space.items), k=[1])

    assert rates == {
        f"val_{metric}": pytest.approx(scores.value(metric))
        for metric in ("recall@1", "map@r", "r-precision")
    }


def test_a_batch_holds_vectors_and_the_codes_of_their_labels(space):
    vectors, codes = next(iter(SimilarityData(space, batch_size=16).train_dataloader()))
    rows = [np.flatnonzero((space.vectors == one.numpy()).all(axis=1))[0] for one in vectors]

    assert codes.tolist() == space.items.label_codes[rows].tolist()


def test_validation_is_one_batch_of_all_items_in_order(space):
    [(vectors, codes)] = list(SimilarityData(space, space[:10]).val_dataloader())

    assert vectors.numpy().tolist() == space.vectors[:10].tolist()
    assert codes.tolist() == space[:10].items.label_codes.tolist()


def test_without_validation_items_there_is_nothing_to_validate(space):
    assert SimilarityData(space).val_dataloader() == []


def test_data_without_friends_and_strangers_is_refused(space):
    with pytest.raises(DataError) as caught:
        SimilarityData(space[:8])

    assert str(caught.value) == (
        "training needs at least two labels with two items each; got 1 among 8 items; similarity "
        "is learned from what differs"
    )


def test_data_without_labels_is_refused(pixels):
    items = Items.from_arrays(np.eye(4))

    with pytest.raises(DataError, match="got 0 among 4 items"):
        SimilarityData(embed(items, pixels, cache=False))
