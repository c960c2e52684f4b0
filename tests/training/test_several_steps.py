"""Several optimizer steps in one step of Lightning: the weights of a bare loop, true counts."""

import math
from copy import deepcopy
from itertools import chain
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch

from simlab.encoders import embed
from simlab.training import SimilarityData, SimilarityModule
from simlab.training._learn import _parts
from simlab.training._several_steps import SeveralSteps
from simlab.training.heads import make_head
from simlab.training.losses import make_loss, supcon

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers",
    "ignore:.*log_every_n_steps",
    "ignore:.*LeafSpec",
    "ignore:.*across ranks is zero",
)
SILENT = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}
EPOCHS, LR, DECAY = 3, 1e-2, 0.1
PACE = {"lr": LR, "weight_decay": DECAY}


@pytest.fixture(scope="module")
def space(blobs, pixels):
    """Embeddings of ten labels with nine items each: five batches of 18, and a rest."""
    return embed(blobs(10, 9), pixels, cache=False, progress=False)


@pytest.fixture(params=["supcon", "arcface"])
def parts(request, space):
    """Return a head and a loss, without and with parameters of its own."""
    vectors = torch.tensor(space.vectors)
    head = make_head("linear", vectors)
    start = head(vectors).detach()
    return head, make_loss(request.param, start, torch.from_numpy(space.items.label_codes))


def data_of(space, at_once=None):
    return SimilarityData(space, batch_size=18, per_class=3, at_once=at_once)


def several(space, head, loss, at_once):
    """Train on groups of batches; return the trainer."""
    data = data_of(space, at_once)
    module = SeveralSteps(head, loss, **PACE, n_steps=EPOCHS * len(data.batches))
    trainer = pl.Trainer(max_epochs=EPOCHS, **SILENT)
    trainer.fit(module, datamodule=data)
    return trainer


def bare(space, head, loss):
    """Train by hand; return the mean loss over the items of the last epoch."""
    vectors, labels = torch.tensor(space.vectors), torch.from_numpy(space.items.label_codes)
    batches = data_of(space).batches
    groups = [{"params": list(head.parameters()), "weight_decay": DECAY, "lr": LR}]
    if isinstance(loss, torch.nn.Module):
        groups.append({"params": list(loss.parameters()), "weight_decay": 0, "lr": 3 * LR})
    first = [group["lr"] for group in groups]
    optimizer = torch.optim.AdamW(groups, fused=True)
    n_steps, step = EPOCHS * len(batches), 0
    for epoch in range(EPOCHS):
        batches.set_epoch(epoch)
        total = n_items = 0
        for rows in batches:
            for group, lr in zip(optimizer.param_groups, first, strict=True):
                group["lr"] = lr * 0.5 * (1 + math.cos(math.pi * step / n_steps))
            value = loss(head(vectors[rows]), labels[rows])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            step += 1
            total, n_items = total + value.item() * len(rows), n_items + len(rows)
    return total / n_items


@pytest.mark.parametrize("at_once", [1, 2, 99])
def test_the_weights_are_those_of_a_bare_loop(space, parts, at_once):
    head, loss = parts
    by_hand = deepcopy(parts)
    several(space, head, loss, at_once)
    bare(space, *by_hand)

    for ours, theirs in zip(parts, by_hand, strict=True):
        if isinstance(ours, torch.nn.Module):
            torch.testing.assert_close(ours.state_dict(), theirs.state_dict(), rtol=0, atol=0)


def test_the_weights_are_those_of_one_batch_at_a_time(space, parts):
    head, loss = parts
    one, its_loss = deepcopy(parts)
    several(space, head, loss, 2)
    module = SimilarityModule(one, its_loss, **PACE)
    pl.Trainer(max_epochs=EPOCHS, **SILENT).fit(module, datamodule=data_of(space))

    torch.testing.assert_close(head.state_dict(), one.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("at_once", [1, 2, 99])
def test_the_trainer_counts_optimizer_steps(space, parts, at_once):
    trainer = several(space, *parts, at_once)

    assert trainer.global_step == EPOCHS * len(data_of(space).batches)
    assert trainer.lr_scheduler_configs[0].scheduler.last_epoch == trainer.global_step


def test_the_learning_rate_falls_to_nothing(space, parts):
    [optimizer] = several(space, *parts, 2).optimizers

    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx(
        [0] * len(optimizer.param_groups), abs=1e-9
    )


@pytest.mark.parametrize("at_once", [1, 2, 99])
def test_the_loss_is_the_mean_over_the_items_of_the_epoch(space, parts, at_once):
    by_hand = deepcopy(parts)
    trainer = several(space, *parts, at_once)

    assert float(trainer.callback_metrics["loss"]) == pytest.approx(bare(space, *by_hand))


def test_several_batches_hold_what_single_ones_hold(space):
    single = list(data_of(space).train_dataloader())
    groups = list(data_of(space, 2).train_dataloader())

    assert [len(group) for group in groups] == [2, 2, 1]
    for ours, theirs in zip(chain(*groups), single, strict=True):
        assert torch.equal(ours[0], theirs[0])
        assert torch.equal(ours[1], theirs[1])


# -- a trainer of one's own -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"max_steps": 3, "max_epochs": 9}, 3),
        ({"max_epochs": 2, "limit_train_batches": 3}, 6),
        ({"max_epochs": 2, "accumulate_grad_batches": 2}, 6),
        ({"max_epochs": 2, "gradient_clip_val": 0.1}, 10),
    ],
)
def test_what_a_trainer_counts_in_batches_keeps_its_meaning(blobs, learn, options, steps):
    trainer = pl.Trainer(**options, **SILENT)
    learn(blobs(10, 9), batch_size=18, per_class=3, val=0, trainer=trainer)

    assert trainer.global_step == steps


def test_callbacks_of_ones_own_see_every_batch(blobs, learn):
    seen = []

    class Listener(pl.Callback):
        def on_train_batch_end(self, trainer, *_):
            seen.append(trainer.global_step)

    trainer = pl.Trainer(max_epochs=1, callbacks=[Listener()], **SILENT)
    learn(blobs(10, 9), batch_size=18, per_class=3, val=0, trainer=trainer)

    assert seen == [1, 2, 3, 4, 5]


def test_only_our_own_trainer_takes_several_steps(space, run):
    assert [type(_parts(run.config, space, None, is_ours=ours)[0]) for ours in (True, False)] == [
        SeveralSteps,
        SimilarityModule,
    ]


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_gradients_that_lightning_clips_in_mixed_precision_have_no_fused_optimizer(
    space, precision
):
    module = SimilarityModule(make_head("skip", torch.tensor(space.vectors)), supcon)
    module._trainer = SimpleNamespace(precision=precision)
    optimizer, _ = module.optimizer_and_schedule(1)

    assert optimizer.defaults["fused"] == (precision == "32-true")
