"""What learns, word by word: the last layers, everything, adapters; who waits, and how fast."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from simlab.encoders import Cache, embed, encoder
from simlab.errors import ChoiceError, DataError, MissingExtraError, SimlabWarning
from simlab.items import Items, load
from simlab.training import Run, fit
from simlab.training._pacing import Pace
from simlab.training._top import TopHead, weight_groups
from simlab.training._trained import trained_layers

HOW = {"epochs": 3, "lr": 1e-2, "weight_decay": 0.5, "batch_size": 12, "per_class": 3, "val": 0}
HOW |= {"progress": False, "head": "skip", "dropout": 0.0}
LORA = ("lora", {"rank": 2, "alpha": 4})
WORDS = ["last:1", "last:2", "all", LORA]


class Block(nn.Module):
    """A residual block with normalization and dropout."""

    def __init__(self):
        super().__init__()
        self.inner, self.norm = nn.Linear(8, 8), nn.BatchNorm1d(8)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        return x + self.dropout(torch.relu(self.norm(self.inner(x))))


class Net(nn.Module):
    """A stack of blocks between two linear layers; one more layer never runs."""

    def __init__(self):
        super().__init__()
        self.idle, self.first = nn.Linear(3, 3), nn.Linear(30, 8)
        self.blocks, self.last = nn.ModuleList([Block(), Block()]), nn.Linear(8, 6)

    def forward(self, x):
        x = self.first(x.flatten(1))
        for block in self.blocks:
            x = block(x)
        return self.last(x)


def net():
    torch.manual_seed(0)
    module = Net()
    for block in module.blocks:
        block.norm.running_mean.uniform_()
    return module


@pytest.fixture(scope="module")
def pictures():
    """Eight labels with six small arrays each: a pattern under noise."""
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(8), 6)
    values = rng.normal(size=(8, 6, 5))[codes] + rng.normal(size=(48, 6, 5))
    return Items.from_arrays(values.astype(np.float32), labels=[f"label {one}" for one in codes])


def learn(items, ready, **options):
    return fit(items, ready, **{**HOW, **options})


def weights_of(run):
    """Weights of the network in a run by their names in the network."""
    return {
        name.replace("top.body.", "").replace("module.", "").replace(".base_layer", ""): value
        for name, value in run.head.state_dict().items()
        if name.startswith("top.")
    }


# -- what learns and what stays --------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "learned"),
    [
        ("last:1", ("last",)),
        ("last:2", ("blocks.1", "last")),
        ("last:4", ("first", "blocks", "last")),
        ("all", ("first", "blocks", "last")),
        (LORA, ()),
    ],
)
def test_the_last_layers_learn_and_all_else_stays_to_the_last_bit(train, learned, pictures):
    module = net().train()
    before = copy.deepcopy(module.state_dict())
    run = learn(pictures, encoder(module), train=train)
    after = weights_of(run)
    moved = {
        name for name, value in after.items() if not torch.equal(value, before.get(name, value))
    }

    assert moved == {
        name for name, value in module.named_parameters() if name.startswith(learned or "none")
    }
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(part.training for part in module.modules())
    assert not any(part.training for part in run.head.top.modules())


@pytest.mark.parametrize("train", WORDS, ids=str)
def test_training_brings_the_loss_down(train, pictures):
    loss = learn(pictures, encoder(net()), train=train, epochs=6).history["loss"]

    assert loss.iloc[-1] < loss.iloc[1] - 0.05


def test_the_last_layers_are_those_above_a_cut_by_hand(pictures):
    by_word = learn(pictures, encoder(net()), train="last:2")
    by_hand = learn(pictures, encoder(net(), cut="blocks.0"), train="top")

    np.testing.assert_allclose(by_word.history["loss"][1:], by_hand.history["loss"][1:], rtol=1e-5)


def test_everything_learns_as_in_a_bare_loop(pictures):
    whole = learn(pictures, encoder(net()), train="all")
    last = learn(pictures, encoder(net()), train="last:4")

    np.testing.assert_allclose(whole.history["loss"][1:], last.history["loss"][1:], rtol=1e-5)


def test_a_second_fit_runs_nothing_below_the_layers_that_learn(pictures):
    module, runs = net(), []
    module.blocks[0].register_forward_hook(lambda *_: runs.append(1))
    learn(pictures, encoder(module), train="last:2", epochs=1)
    n_runs = len(runs)
    learn(pictures, encoder(module), train=("lora", {"targets": ["last", "1.inner"]}), epochs=1)

    assert len(runs) == n_runs > 0


# -- the run ---------------------------------------------------------------------------------


@pytest.mark.parametrize("train", WORDS, ids=str)
def test_a_run_encodes_embeds_and_comes_back(train, pictures, tmp_path):
    run = learn(pictures, encoder(net()), train=train)
    content = list(pictures.content[:5])
    run.save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run", encoder(net()))

    assert run.dim == run.encode(content).shape[1] == 6
    np.testing.assert_allclose(
        embed(pictures, run, progress=False).vectors[:5], run.encode(content), atol=1e-5
    )
    assert loaded.encode(content).tobytes() == run.encode(content).tobytes()
    assert loaded.fingerprint == run.fingerprint
    assert loaded.config == run.config
    assert run.fingerprint != learn(pictures, encoder(net()), train=train, seed=1).fingerprint


def test_of_adapters_only_they_and_the_head_are_written(pictures, tmp_path):
    from safetensors.torch import load_file

    learn(pictures, encoder(net()), train=LORA).save(tmp_path / "run")
    names = load_file(tmp_path / "run" / "head.safetensors")
    files = {path.name for path in (tmp_path / "run").iterdir()}

    assert all("lora_" in name or name.startswith("head.") for name in names)
    assert sum("lora_A" in name for name in names) == 4  # of the five, one never runs
    assert files == {"head.safetensors", "run.json"}


def test_adapters_are_refused_on_other_weights(pictures, tmp_path):
    other = net()
    with torch.no_grad():
        other.last.weight.add_(1)
    learn(pictures, encoder(net()), train=LORA).save(tmp_path / "run")

    with pytest.raises(DataError, match="pass the same encoder with encoder="):
        Run.load(tmp_path / "run", encoder(other))


def test_adapters_that_are_missing_are_told(pictures, tmp_path):
    from safetensors.torch import load_file, save_file

    learn(pictures, encoder(net()), train=LORA).save(tmp_path / "run")
    path = tmp_path / "run" / "head.safetensors"
    weights = load_file(path)
    save_file({name: one for name, one in weights.items() if "last.lora_B" not in name}, path)

    with pytest.raises(DataError, match=r"must be a folder written by run.save .* is missing"):
        Run.load(tmp_path / "run", encoder(net()))


def test_the_refit_and_validation_see_all_that_learns(pictures):
    run = learn(pictures, encoder(net()), train="all", val=0.25, epochs=4)

    assert run.history["val_map@r"].notna().all()
    assert run.scores is not None
    assert run.refitted == (run.best_epoch > 0)


@pytest.mark.parametrize("train", ["last:1", "all", LORA], ids=str)
def test_views_are_learned_from(train, pictures):
    ready = encoder(net(), augment=lambda array: array + np.random.normal())  # noqa: NPY002
    run, plain = (learn(pictures, ready, train=train, views=views) for views in (2, 1))

    assert run.fingerprint != plain.fingerprint


def test_a_trainer_of_ones_own_trains_everything_too(pictures):
    import pytorch_lightning as pl

    silent = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = pl.Trainer(max_epochs=3, enable_model_summary=False, **silent)
    own = learn(pictures, encoder(net()), train="all", freeze=1, trainer=trainer)
    ours = learn(pictures, encoder(net()), train="all", freeze=1)

    np.testing.assert_allclose(own.history["loss"][1:], ours.history["loss"][1:], rtol=1e-5)


@pytest.mark.parametrize("train", ["last:2", LORA], ids=str)
def test_an_interrupted_training_goes_on_where_layers_wait(train, pictures, tmp_path, monkeypatch):
    from simlab.training._callbacks import KeepBest

    how = {"train": train, "freeze": 2, "epochs": 4, "checkpoint": tmp_path}
    whole = learn(pictures, encoder(net()), **how | {"checkpoint": None})
    monkeypatch.setattr("simlab.training._checkpoint._SECONDS", 0)
    note = KeepBest._note

    def interrupt(self, module, rates, **options):
        note(self, module, rates, **options)
        if rates["epoch"] == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(KeepBest, "_note", interrupt)
        stopped = learn(pictures, encoder(net()), **how)
    went_on = learn(pictures, encoder(net()), **how)

    assert not stopped.finished
    assert len(went_on.history) == 5
    assert went_on.fingerprint == whole.fingerprint
    assert not list(tmp_path.iterdir())


# -- inputs that do not fit ------------------------------------------------------------------


def test_inputs_that_do_not_fit_are_read_batch_by_batch_with_the_same_result(pictures, monkeypatch):
    items = pictures.with_column("split", ["train"] * 36 + ["val"] * 12)
    kept = learn(items, encoder(net()), train="all")
    sizes = []

    def collate(content):
        sizes.append(len(content))
        return torch.from_numpy(np.stack(content))

    monkeypatch.setattr("simlab.training._inputs._MOST_BYTES", 1000)
    monkeypatch.setattr("simlab.training._inputs._AT_ONCE", 10)
    monkeypatch.setattr("simlab.encoders.cuts._cut._AT_ONCE", 10)
    ready = encoder(net(), collate=collate)
    with pytest.warns(SimlabWarning, match="inputs of 48 items take .* batch by batch"):
        read = learn(items, ready, train="all", cache=False)

    np.testing.assert_allclose(read.history["loss"], kept.history["loss"], rtol=1e-5)
    np.testing.assert_allclose(read.history["val_map@r"], kept.history["val_map@r"])
    assert read.scores.frame.equals(kept.scores.frame)
    assert max(sizes) <= 12  # a batch


def test_inputs_are_read_chunk_by_chunk_where_batches_are(pictures, monkeypatch):
    plain = learn(pictures, encoder(net()), train="all")
    monkeypatch.setattr("simlab.training._inputs._MOST_BYTES", 1000)
    with pytest.warns(SimlabWarning, match="batch by batch"):
        chunked = learn(pictures, encoder(net()), train="all", grad_cache=5, recompute=True)

    np.testing.assert_allclose(chunked.history["loss"], plain.history["loss"], rtol=1e-4)


def test_views_of_inputs_that_do_not_fit_are_refused(pictures, monkeypatch):
    monkeypatch.setattr("simlab.training._inputs._MOST_BYTES", 1000)
    ready = encoder(net(), augment=lambda array: array + np.random.normal())  # noqa: NPY002

    with pytest.raises(DataError, match="learn from them without views=, or freeze layers"):
        learn(pictures, ready, train="all", views=2)


def test_a_run_of_everything_is_remembered_by_its_vectors_not_by_its_inputs(pictures, tmp_path):
    run = learn(pictures, encoder(net()), train="all", cache=False)
    embed(pictures, run, cache=tmp_path, progress=False)

    assert list(Cache.at(tmp_path).frame["dim"]) == [6]


# -- adapters --------------------------------------------------------------------------------


def test_adapters_start_as_if_they_were_not_there(pictures):
    whole = encoder(net())
    trained = trained_layers(LORA, whole)
    head = TopHead(trained.cut.top, nn.Identity(), adapters=trained.adapters)
    rows = torch.from_numpy(trained.cut.base.encode(list(pictures.content)))

    np.testing.assert_allclose(head(rows).detach(), whole.encode(list(pictures.content)), atol=1e-6)
    assert {name for name, one in head.named_parameters() if one.requires_grad} == {
        name for name, _ in head.named_parameters() if "lora_" in name
    }


@pytest.mark.parametrize(
    ("parameters", "cut", "n_adapters"),
    [
        ({}, "last:all", 5),
        ({"last": 1}, "last:1", 1),
        ({"last": 3, "targets": "inner"}, "last:3", 2),
        ({"targets": ["last"]}, "last:1", 1),
        ({"targets": ["1.inner"]}, "last:2", 1),
        ({"targets": ["first", "last"]}, "last:4", 2),
    ],
    ids=str,
)
def test_the_cut_lies_right_below_the_first_adapter(parameters, cut, n_adapters):
    trained = trained_layers(("lora", parameters), encoder(net()))

    assert trained.cut.recipe["cut"] == cut
    assert len(trained.adapters.names) == n_adapters


def test_adapters_go_above_a_cut_made_by_hand(pictures):
    run = learn(pictures, encoder(net(), cut="blocks.0"), train=LORA)

    assert sum("lora_A" in name for name in run.head.state_dict()) == 2


def test_layers_of_torch_that_fuse_their_weights_use_their_adapters(pictures):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(5, 1, 8, batch_first=True)
    run = learn(pictures, encoder(nn.Sequential(layer, nn.Flatten())), train=LORA)
    rows = torch.from_numpy(run.base.encode(list(pictures.content[:4])))

    with_gradients = run.head(rows).detach().numpy()
    np.testing.assert_allclose(run.encode(list(pictures.content[:4])), with_gradients, atol=1e-5)
    assert any("lora_B" in name and value.any() for name, value in run.head.state_dict().items())


def test_a_network_without_a_linear_layer_that_runs_is_told(pictures):
    with pytest.raises(DataError, match="'lora' needs linear layers that run in encoding"):
        learn(pictures, encoder(net()), train=("lora", {"targets": "idle"}))
    with pytest.raises(DataError, match=r"targets=\['query'\] names none; .* 'body.last'"):
        learn(pictures, encoder(net()), train=("lora", {"targets": ["query"]}))


def test_without_peft_the_install_line_is_told(pictures, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "peft", None)

    with pytest.raises(MissingExtraError, match=r'pip install "simlab\[lora\]"'):
        learn(pictures, encoder(net()), train="lora")


# -- who waits, and how fast -----------------------------------------------------------------


def test_the_head_learns_alone_while_the_top_waits(pictures):
    alone = learn(pictures, encoder(net(), cut="blocks.0"), train="head", epochs=4)
    waiting = learn(pictures, encoder(net()), train="last:2", epochs=4, freeze=2)
    at_once = learn(pictures, encoder(net()), train="last:2", epochs=4)
    curves = [run.history["loss"].to_numpy() for run in (alone, waiting, at_once)]

    np.testing.assert_allclose(curves[1][1:3], curves[0][1:3], rtol=1e-4)
    assert abs(curves[1][4] - curves[0][4]) > 1e-3
    assert abs(curves[2][2] - curves[0][2]) > 1e-3


def test_what_waits_stays_to_the_last_bit(pictures):
    module = net()
    until = learn(pictures, encoder(module), train="last:1", freeze={"head": 2})
    head = until.head.head.state_dict()

    assert not torch.equal(weights_of(until)["last.weight"], module.last.weight)
    assert any(value.any() for name, value in head.items() if "enter" not in name)


def test_patience_begins_when_all_learn(pictures):
    run = learn(pictures, encoder(net()), train="last:1", val=0.25, epochs=9, patience=1, freeze=5)

    assert len(run.history) - 1 >= 6


def test_each_part_has_its_rate(pictures):
    head = TopHead(encoder(net(), cut="last:2").top, nn.Linear(6, 2), pace=Pace(0.5))

    assert [group.get("lr") for group in weight_groups(head, 0.1, 1.0)] == [None, 0.5]
    one, other = (
        learn(pictures, encoder(net()), train="last:2", lr=lr)
        for lr in (1e-2, {"head": 1e-2, "top": 0.3e-2})
    )
    assert one.fingerprint == other.fingerprint


def test_each_layer_is_slower_than_the_one_above_it():
    head = TopHead(encoder(net(), cut="last:all").top, nn.Linear(6, 2), pace=Pace(1.0, 0.5))
    rates = {
        id(weights): group["lr"]
        for group in weight_groups(head, 0.1, 1.0)[1:]
        for weights in group["params"]
    }
    found = {name: rates[id(one)] for name, one in head.top.named_parameters()}

    assert found["body.last.bias"] == 1.0
    assert found["body.blocks.1.norm.weight"] == found["body.blocks.1.inner.weight"] == 0.5
    assert found["body.blocks.0.inner.bias"] == 0.25
    assert found["body.first.weight"] == 0.125


@pytest.mark.parametrize("train", ["last:2", "all", LORA], ids=str)
def test_recomputing_leaves_the_gradients_as_they_are(train, pictures):
    trained = trained_layers(train, encoder(net()))
    rows = torch.from_numpy(trained.cut.base.encode(list(pictures.content[:12])))
    found = []
    for recompute in (False, True):
        torch.manual_seed(0)
        how = {"adapters": trained.adapters, "recompute": recompute}
        head = TopHead(trained.cut.top, nn.Identity(), **how)
        for name, one in head.named_parameters():
            if "lora_B" in name:
                nn.init.ones_(one)
        (head(rows) ** 2).sum().backward()
        found.append([one.grad for one in head.parameters() if one.grad is not None])

    assert len(found[0]) == len(found[1]) > 0
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_recomputing_runs_the_layers_again_for_their_gradients(pictures):
    runs = []
    for recompute in (False, True):
        module = net()
        trained = trained_layers("last:2", encoder(module))
        head = TopHead(trained.cut.top, nn.Identity(), recompute=recompute)
        counted = []
        block = next(part for part in head.top.modules() if isinstance(part, Block))
        block.inner.register_forward_hook(lambda *_, counted=counted: counted.append(1))
        rows = torch.from_numpy(trained.cut.base.encode(list(pictures.content[:4])))
        head(rows).sum().backward()
        runs.append(len(counted))

    assert runs == [1, 2]


# -- what cannot be --------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["last:0", "last:all", "last", "rola", ("all", {"rank": 2})])
def test_an_unknown_word_is_told(word, pictures):
    with pytest.raises(ChoiceError, match="train must be one of 'all', 'auto', 'head', 'last:n'"):
        learn(pictures, encoder(net()), train=word)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"train": "last:5"}, "'last:5' needs a network with at least 5 layers; Net has 4"),
        ({"train": ("lora", {"rank": 0})}, "rank of 'lora' must be a whole number, at least 1"),
        ({"train": ("lora", {"alpha": 0})}, "alpha of 'lora' must be above 0"),
        ({"train": "last:1", "freeze": 3}, "freeze must leave epochs in which all learn; got 3"),
        ({"train": "last:1", "freeze": -1}, "freeze must be a whole number of epochs"),
        ({"train": "last:1", "freeze": {"tail": 1}}, "freeze must be for 'head', 'top' or both"),
        ({"train": "last:1", "freeze": {"head": 1, "top": 2}}, "freeze must leave a part that"),
        ({"train": "last:1", "lr": {"top": 0.0}}, "lr must be above 0 and finite"),
        ({"train": "last:1", "lr": {"body": 0.1}}, "lr must be for 'head', 'top' or both"),
        ({"train": "last:1", "layer_decay": 1.5}, "layer_decay must be above 0 and at most 1"),
        ({"freeze": 1}, "freeze is for layers that learn below the head; none do"),
        ({"recompute": True}, "recompute is for layers that learn below the head"),
        ({"lr": {"top": 0.1}}, "lr of 'top' is for layers that learn below the head"),
    ],
)
def test_settings_that_cannot_be_are_told(options, text, pictures):
    with pytest.raises(DataError, match=text):
        learn(pictures, encoder(net()), **options)


def test_a_parameter_that_adapters_do_not_have_is_told(pictures):
    with pytest.raises(TypeError, match="train 'lora' takes 'alpha', 'last', 'rank', 'targets'"):
        learn(pictures, encoder(net()), train=("lora", {"ranks": 2}))


@pytest.mark.parametrize("train", ["last:1", "all", "lora"])
def test_an_encoder_without_layers_is_told(train, pictures, pixels):
    with pytest.raises(TypeError, match="cut needs an encoder with layers"):
        learn(pictures, pixels, train=train)


@pytest.mark.parametrize("train", ["last:1", "all"])
def test_a_cut_of_ones_own_is_not_moved(train, pictures):
    with pytest.raises(DataError, match="which has a cut; use train='top'"):
        learn(pictures, encoder(net(), cut="blocks.0"), train=train)


# -- real networks ---------------------------------------------------------------------------


def some(demo, n_labels, n):
    """Take the first items of the first labels of a demo set."""
    items = load(demo)
    rows = [np.flatnonzero(items.label_codes == one)[:n] for one in range(n_labels)]
    return items[np.concatenate(rows)]


@pytest.mark.real
@pytest.mark.parametrize(
    ("demo", "model", "train"),
    [
        ("emoji-styles", ("efficientnet-lite0", {"size": 32}), "last:2"),
        ("emoji-styles", ("efficientnet-lite0", {"size": 32}), "all"),
        ("wordnet-glosses", ("minilm", {}), "last:1"),
        ("wordnet-glosses", ("minilm", {}), "all"),
        ("wordnet-glosses", ("minilm", {}), ("lora", {"last": 2, "targets": ["query", "value"]})),
    ],
    ids=str,
)
def test_a_ready_encoder_learns_and_is_made_again_by_its_name(demo, model, train, tmp_path):
    items, ready = some(demo, 4, 4), encoder(model[0], **model[1])
    before = ready.fingerprint
    run = learn(items, ready, train=train, epochs=1, batch_size=8, per_class=2, lr=1e-4)
    run.save(tmp_path / "run")
    loaded, content = Run.load(tmp_path / "run"), list(items.content[:2])

    assert loaded.encode(content).tobytes() == run.encode(content).tobytes()
    assert loaded.fingerprint == run.fingerprint
    assert ready.fingerprint == before
    assert run.dim == run.encode(content).shape[1]


@pytest.mark.real
def test_adapters_of_efficientnet_are_refused_as_its_linear_layer_never_runs():
    with pytest.raises(DataError, match="'lora' needs linear layers that run in encoding"):
        learn(some("emoji-styles", 3, 4), encoder("efficientnet-lite0", size=32), train="lora")


# -- how long vectors are --------------------------------------------------------------------


@pytest.mark.parametrize("head", ["skip", ("linear", {"out": 3}), nn.Linear(6, 4)], ids=str)
def test_a_run_knows_how_long_its_vectors_are(head, pictures):
    ready = encoder(net())
    ready.encode(list(pictures.content[:1]))  # so that the encoder knows it
    run = learn(pictures, ready, head=head, epochs=1)

    assert run.dim == run.encode(list(pictures.content[:2])).shape[1]


def test_a_run_does_not_guess_what_only_items_tell(pictures):
    run = learn(pictures, encoder(net()), head=nn.Linear(6, 4), train="last:1", epochs=1)

    assert run.dim is None
