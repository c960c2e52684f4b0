"""Rates rise in the warm-up and fall as the schedule says."""

import math

import pytest
import pytorch_lightning as pl
import torch

from simlab.errors import ChoiceError, DataError
from simlab.training import SimilarityData, SimilarityModule
from simlab.training._schedules import SCHEDULES, factor_by_step


class Rates(pl.Callback):
    """Note the rate of every step."""

    def __init__(self):
        self.seen = []

    def on_train_batch_start(self, trainer, *_):
        self.seen.append(trainer.optimizers[0].param_groups[0]["lr"])


@pytest.fixture
def rates_of(learn, blobs):
    """Return the rates of ten steps of fit."""

    def rates(**options):
        seen = Rates()
        how = {"val": 0, "batch_size": 18, "per_class": 3, "lr": 0.5, "epochs": 2}
        learn(blobs(10, 9), trainer={"callbacks": [seen]}, **how, **options)
        return seen.seen

    return rates


def test_the_default_is_half_a_cosine(rates_of):
    assert rates_of() == pytest.approx(
        [0.25 * (1 + math.cos(math.pi * step / 10)) for step in range(10)]
    )


def test_linear_falls_evenly(rates_of):
    assert rates_of(schedule="linear") == pytest.approx([0.5 - 0.05 * step for step in range(10)])


def test_constant_stays(rates_of):
    assert rates_of(schedule="constant") == [0.5] * 10


def test_a_function_of_the_share_done_is_a_schedule(rates_of):
    assert rates_of(schedule=lambda done: 1.0 if done < 0.5 else 0.1) == [0.5] * 5 + [0.05] * 5


@pytest.mark.parametrize("warmup", [4, 0.4])
def test_a_warmup_rises_from_nothing_before_the_schedule(rates_of, warmup):
    rates = rates_of(warmup=warmup, schedule="linear")

    assert rates[:5] == pytest.approx([0, 0.125, 0.25, 0.375, 0.5])
    assert rates[5:] == pytest.approx([0.5 - 0.5 * step / 6 for step in range(1, 6)])


def test_the_trainer_of_fit_takes_the_same_rates(learn, blobs):
    how = {"epochs": 2, "schedule": "linear", "warmup": 3, "val": 0}
    ours = learn(blobs(10, 9), **how)

    assert ours.fingerprint == learn(blobs(10, 9), trainer={}, **how).fingerprint
    assert ours.fingerprint != learn(blobs(10, 9), **(how | {"warmup": 0})).fingerprint


@pytest.mark.parametrize("name", SCHEDULES)
def test_without_a_last_step_nothing_falls(name):
    factor = factor_by_step(SCHEDULES[name], warmup=0.1, steps=math.inf)

    assert [factor(step) for step in (0, 10, 10_000)] == [1, 1, 1]


def test_an_unknown_schedule_is_told(learn, blobs):
    with pytest.raises(ChoiceError, match=r"schedule must be one of .*; got 'cosin'"):
        learn(blobs(), schedule="cosin")


def test_a_schedule_is_a_name_or_a_function(learn, blobs):
    with pytest.raises(DataError, match="or a function of the share done; got 3"):
        learn(blobs(), schedule=3)


@pytest.mark.parametrize("warmup", [-1, 1.5, math.inf])
def test_a_warmup_that_makes_no_sense_is_told(learn, blobs, warmup):
    with pytest.raises(DataError, match=f"warmup must be a share .*; got {warmup}"):
        learn(blobs(), warmup=warmup)


@pytest.mark.filterwarnings(
    "ignore:.*does not have many workers",
    "ignore:.*LeafSpec",
    "ignore:.*across ranks is zero",
    "ignore:Be aware that when using `ckpt_path`",  # the finder's own
)
def test_the_finder_of_lightning_finds_a_rate(blobs, pixels, tmp_path):
    from pytorch_lightning.tuner import Tuner

    from simlab.encoders import embed
    from simlab.training.heads import make_head
    from simlab.training.losses import supcon

    space = embed(blobs(20, 10), pixels, cache=False, progress=False)
    module = SimilarityModule(make_head("skip", torch.tensor(space.vectors)), supcon, lr=1e-9)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = pl.Trainer(max_epochs=40, default_root_dir=tmp_path, **quiet)
    data = SimilarityData(space, batch_size=40)
    found = Tuner(trainer).lr_find(module, datamodule=data, num_training=60)

    assert module.lr == found.suggestion() > 1e-8
