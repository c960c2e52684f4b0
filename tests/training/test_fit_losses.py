"""`fit` with every form of a loss and a miner; what a loss learns is kept."""

from dataclasses import asdict

import pytest
import torch
from pytorch_metric_learning import losses as theirs, miners as their_miners
from torch import nn

from simlab.errors import ChoiceError, DataError
from simlab.training import Run, SimilarityModule, fit
from simlab.training._callbacks import state_of
from simlab.training.losses import make_loss, supcon


class Scaled(nn.Module):
    """A loss with a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, vectors, labels):
        return self.scale * supcon(vectors, labels) + (self.scale - 2) ** 2


@pytest.fixture(scope="module")
def items(blobs):
    return blobs(6, 6)


@pytest.fixture(scope="module")
def arcface(learn, items):
    return learn(items, loss=("arcface", {"margin": 0.3}), val=0)


FORMS = [
    ({"loss": ("arcface", {"margin": 0.3})}, "arcface(margin=0.3) on pixels"),
    ({"loss": [(1, "softmax"), (0.1, "center")]}, "softmax + 0.1 center on pixels"),
    ({"loss": "angular"}, "angular on pixels"),
    ({"loss": theirs.CircleLoss()}, "CircleLoss on pixels"),
    ({"loss": supcon}, "supcon on pixels"),
    ({"loss": ("matryoshka", {"dims": [4, 8]})}, "matryoshka(dims=[4, 8]) on pixels"),
    ({"loss": "triplet-all", "miner": "batch-hard"}, "triplet-all, batch-hard miner, on pixels"),
    (
        {"loss": "triplet-margin", "miner": ("semi-hard", {"margin": 0.3})},
        "triplet-margin, semi-hard(margin=0.3) miner, on pixels",
    ),
    (
        {"loss": "multi-similarity", "miner": their_miners.MultiSimilarityMiner()},
        "multi-similarity, MultiSimilarityMiner miner, on pixels",
    ),
]


@pytest.mark.parametrize(("told", "name"), FORMS, ids=[name for _, name in FORMS])
def test_fit_takes_every_form(learn, items, told, name):
    run = learn(items, val=0, epochs=1, **told)

    assert run.name == name
    assert run.history["loss"].iloc[-1] > 0


@pytest.mark.parametrize(("told", "name"), FORMS, ids=[name for _, name in FORMS])
def test_the_record_repeats_the_run(learn, items, pixels, told, name):
    one = learn(items, val=0, epochs=1, **told)
    again = fit(items, pixels, **asdict(one.config), cache=False, progress=False)

    assert name == again.name
    assert all(
        torch.equal(weight, again.head.state_dict()[key])
        for key, weight in one.head.state_dict().items()
    )


@pytest.mark.parametrize(("told", "_"), [FORMS[0], FORMS[1], FORMS[5], FORMS[7]])
def test_a_record_on_disk_repeats_the_run(learn, items, tmp_path, told, _):
    one = learn(items, val=0, epochs=1, **told)
    one.save(tmp_path / "run")
    config = Run.load(tmp_path / "run").config

    assert config == one.config


def test_of_an_object_only_a_description_is_saved(learn, items, pixels, tmp_path):
    learn(items, val=0, epochs=1, loss=Scaled()).save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run")

    assert loaded.name == "Scaled on pixels"
    with pytest.raises(DataError, match="which cannot be made again from a record"):
        fit(items, pixels, **asdict(loaded.config))


# -- parameters of losses ----------------------------------------------------------------------


def test_what_a_loss_learned_is_kept_and_comes_back_from_disk(arcface, tmp_path):
    arcface.save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run").loss_state

    assert {name: tuple(one.shape) for name, one in arcface.loss_state.items()} == {
        "centers": (6, 8)
    }
    assert torch.equal(loaded["centers"], arcface.loss_state["centers"])


def test_the_centers_lie_among_their_items(arcface, items):
    vectors = torch.nn.functional.normalize(torch.from_numpy(arcface.encode(items.content)), dim=1)
    centers = torch.nn.functional.normalize(arcface.loss_state["centers"], dim=1)
    nearest = (vectors @ centers.T).argmax(dim=1)

    assert (nearest == torch.from_numpy(items.label_codes)).float().mean() > 0.8


def test_most_losses_learn_nothing(learn, items, tmp_path):
    run = learn(items, val=0, epochs=1)
    run.save(tmp_path / "run")

    assert run.loss_state == {}
    assert not (tmp_path / "run" / "loss.safetensors").exists()
    assert Run.load(tmp_path / "run").loss_state == {}


def test_what_is_kept_of_a_loss_is_of_the_best_epoch(learn, blobs, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "simlab.training._callbacks.state_of", lambda loss: seen.append(state_of(loss)) or seen[-1]
    )
    run = learn(blobs(10, 8), loss="softmax", epochs=3, refit=False)

    assert torch.equal(run.loss_state["centers"], seen[-1]["centers"])


def test_parameters_of_an_object_are_learned_and_the_object_stays(learn, items):
    loss = Scaled()
    run = learn(items, loss=loss, val=0, loss_lr=0.1)

    assert run.loss_state["scale"].item() != 1
    assert loss.scale.item() == 1


@pytest.mark.parametrize("loss", ["arcface", "proxy-nca", [(1, "supcon"), (1, "center")]])
def test_centers_have_a_learning_rate_of_their_own(learn, items, loss):
    def moved(loss_lr):
        centers = learn(items, loss=loss, val=0, epochs=1, loss_lr=loss_lr).loss_state
        [one] = centers.values()
        return one

    still, slow, fast = (moved(lr) for lr in (1e-12, 1e-3, 1e-1))

    assert (slow - still).norm() > 0
    assert (fast - still).norm() > 5 * (slow - still).norm()


def test_the_centers_of_a_mined_loss_are_learned(learn, items):
    told = {"loss": ["triplet-all", "softmax"], "miner": "batch-hard"}
    still, fast = (
        learn(items, val=0, epochs=1, loss_lr=lr, **told).loss_state for lr in (1e-12, 0.1)
    )
    [name] = still

    assert not torch.allclose(still[name], fast[name])


def test_a_module_without_parameters_adds_none_to_the_optimizer():
    module = SimilarityModule(nn.Linear(4, 2), theirs.SupConLoss())
    module.trainer = type("", (), {"precision": "32-true"})()
    optimizer, _ = module.optimizer_and_schedule(1)

    assert len(optimizer.param_groups) == 1


# -- errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "kind", "text"),
    [
        ({"loss": "tripplet"}, ChoiceError, "Did you mean 'triplet'?"),
        ({"loss": "cosent"}, ChoiceError, "learns from pairs, scores, not from labels"),
        ({"loss": ("arcface", {"m": 1})}, TypeError, "loss 'arcface' takes 'margin', 'scale'"),
        ({"miner": "hardest"}, ChoiceError, "miner must be one of"),
        ({"loss": "softmax", "miner": "batch-hard"}, DataError, "loss 'softmax' takes no miner"),
        ({"loss_lr": 0}, DataError, "loss_lr must be above 0 and finite; got 0"),
    ],
)
def test_what_cannot_be_learned_is_told_before_anything_is_encoded(
    counting, blobs, told, kind, text
):
    with pytest.raises(kind, match=text.replace("(", r"\(")):
        fit(blobs(4, 6), counting, **told)

    assert counting.n_encoded == 0


def test_the_centers_of_a_loss_start_where_their_items_are():
    vectors = torch.eye(2)

    assert torch.equal(make_loss("softmax", vectors, torch.tensor([0, 1])).centers, vectors)
