"""Training above a cut: remembered activations give the loss curve of running the whole network."""

import copy
import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from simlab.encoders import embed, encoder
from simlab.errors import DataError
from simlab.items import Items, load
from simlab.training import Run, fit
from simlab.training._batches import BalancedBatches
from simlab.training._top import TOP_PACE, TopHead
from simlab.training._trained import choose_trained
from simlab.training.heads import make_head
from simlab.training.losses import make_loss

EPOCHS, LR, DECAY, BATCH, PER_CLASS = 3, 1e-2, 0.5, 12, 3
HOW = {"epochs": EPOCHS, "lr": LR, "weight_decay": DECAY, "batch_size": BATCH}
HOW |= {"per_class": PER_CLASS, "val": 0, "progress": False, "loss": "supcon", "head": "skip"}


class Net(nn.Module):
    """A residual net with normalization and dropout, pooled at two depths."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.middle, self.late = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.dropout, self.last = nn.Dropout(0.5), nn.Linear(8, 6)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x.unsqueeze(1))))
        y = x + self.dropout(torch.relu(self.late(self.middle(x))))
        return self.last(torch.cat([x.mean(dim=(2, 3)), y.amax(dim=(2, 3))], dim=1))


def net():
    torch.manual_seed(0)
    module = Net()
    module.norm.running_mean.uniform_()
    module.late.running_var.uniform_(0.5, 2)
    return module


@pytest.fixture(scope="module")
def pictures():
    """Eight labels with six small pictures each: a pattern under noise."""
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(8), 6)
    values = rng.normal(size=(8, 6, 5))[codes] + rng.normal(size=(48, 6, 5))
    return Items.from_arrays(values.astype(np.float32), labels=[f"label {one}" for one in codes])


def learn(items, ready, **options):
    return fit(items, ready, **{**HOW, **options})


def some(demo, n_labels, n):
    """Take the first items of the first labels of a demo set."""
    items = load(demo)
    return items[
        np.concatenate([np.flatnonzero(items.label_codes == one)[:n] for one in range(n_labels)])
    ]


# -- the same as without any cache ----------------------------------------------------------


def uncached_losses(items, forward, learned, *, share, lr=LR):
    """Train by a bare loop that runs the whole network on the content of every batch.

    `forward` maps rows of items to vectors with gradients; `learned` are the weights above.
    """
    torch.manual_seed(0)
    codes = torch.from_numpy(items.label_codes)
    with torch.no_grad():
        start = forward(range(len(items)))
    head = make_head("skip", start, dropout=share)
    loss = make_loss("supcon", head.eval()(start), codes)
    head.train()
    batches = BalancedBatches(codes.numpy(), batch_size=BATCH, per_class=PER_CLASS, seed=0)
    groups = [
        {"params": list(head.parameters()), "weight_decay": DECAY},
        {"params": learned, "lr": TOP_PACE * lr},
    ]
    optimizer = torch.optim.AdamW(groups, lr=lr, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / (EPOCHS * len(batches))))
    )
    curve = []
    for epoch in range(EPOCHS):
        batches.set_epoch(epoch)
        total = n_items = 0
        for rows in batches:
            value = loss(head(forward(rows)), codes[rows])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            schedule.step()
            total, n_items = total + value.item() * len(rows), n_items + len(rows)
        curve.append(total / n_items)
    return curve


def above(module, names):
    """Freeze a module up to a cut; return what is above, by the beginnings of names."""
    module.eval().requires_grad_(False)
    chosen = [one for name, one in module.named_parameters() if name.startswith(names)]
    return [parameter.requires_grad_(True) for parameter in chosen]


def uncached_pictures(items, share):
    module = net()
    content = torch.from_numpy(np.stack(list(items.content)))
    weights = above(module, ("middle", "late", "last"))
    return uncached_losses(items, lambda rows: module(content[list(rows)]), weights, share=share)


@pytest.fixture
def own_chance(monkeypatch):
    """Give dropout a source of chance of its own (loaders draw too); returns how to reset it."""
    source = torch.Generator()

    def dropped(values, share, training):
        if not training:
            return values
        return values * (torch.rand(values.shape, generator=source) >= share) / (1 - share)

    monkeypatch.setattr("simlab.training.heads._base.dropout", dropped)
    return lambda: source.manual_seed(0)


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_the_loss_curve_is_that_of_training_without_a_cache(pictures, share, own_chance):
    own_chance()
    expected = uncached_pictures(pictures, share)
    own_chance()

    run = learn(pictures, encoder(net(), cut="norm"), dropout=share)

    np.testing.assert_allclose(run.history["loss"][1:], expected, rtol=1e-5)
    assert expected[0] - expected[-1] > 0.05


def test_remembered_activations_give_the_same_curve_again(pictures):
    expected = uncached_pictures(pictures, 0.0)
    learn(pictures, encoder(net(), cut="norm"), epochs=1)

    again = learn(pictures, encoder(net(), cut="norm"), dropout=0.0)

    np.testing.assert_allclose(again.history["loss"][1:], expected, rtol=1e-5)


def test_training_the_top_is_not_training_the_head(pictures):
    ready = encoder(net(), cut="norm")
    alone, both = (learn(pictures, ready, train=train) for train in ("head", "top"))

    assert abs(alone.history["loss"].iloc[-1] - both.history["loss"].iloc[-1]) > 1e-3


@pytest.mark.real
def test_the_loss_curve_of_a_real_network_is_that_of_training_without_a_cache():
    items = some("emoji-styles", 8, 5)
    whole = encoder("efficientnet-lite0", size=64)
    network = whole._network

    def forward(rows):
        # the network as its package runs it, pooled as simlab pools it: no line of the cut
        x = (pixels[list(rows)] - 127) / 128
        x = network._swish(network._bn0(network._conv_stem(x)))
        pooled = []
        for place, block in enumerate(network._blocks):
            x = block(x)
            if place in (2, 4, 9, 14):
                pooled += [x.mean(dim=(2, 3)), x.std(dim=(2, 3), correction=0)]
        x = network._swish(network._bn1(network._conv_head(x)))
        return torch.cat([x.mean(dim=(2, 3)), *pooled], dim=1)

    pixels = torch.from_numpy(np.stack([whole_pixels(one) for one in items.content]))
    weights = above(network, ("_blocks.13", "_blocks.14", "_blocks.15", "_conv_head", "_bn1"))
    expected = uncached_losses(items, forward, weights, share=0.0, lr=1e-3)

    ready = encoder("efficientnet-lite0", size=64, cut="_blocks.12")
    run = learn(items, ready, dropout=0.0, lr=1e-3)

    np.testing.assert_allclose(run.history["loss"][1:], expected, rtol=1e-5)


def whole_pixels(picture):
    from PIL import Image

    from simlab._pictures import on_white

    small = on_white(picture).resize((64, 64), Image.Resampling.BICUBIC)
    return np.asarray(small, dtype=np.float32).transpose(2, 0, 1)


@pytest.mark.real
def test_the_loss_curve_of_texts_is_that_of_training_without_a_cache():
    items = some("wordnet-glosses", 6, 5)
    model = encoder("minilm")._model
    texts = list(items.content)

    def forward(rows):
        chosen = [texts[row] for row in rows]
        return model(model.preprocess(chosen))["sentence_embedding"]

    layers = model[0].auto_model.encoder.layer
    name = next(name for name, part in model.named_modules() if part is layers)
    weights = above(model, (f"{name}.4", f"{name}.5"))
    expected = uncached_losses(items, forward, weights, share=0.0, lr=1e-3)

    run = learn(items, encoder("minilm", cut="layer.3"), dropout=0.0, lr=1e-3)

    np.testing.assert_allclose(run.history["loss"][1:], expected, rtol=1e-5)


# -- what runs and what stays ---------------------------------------------------------------


def test_a_second_fit_runs_nothing_below_the_cut(pictures):
    module, runs = net(), []
    module.stem.register_forward_hook(lambda *_: runs.append(1))
    learn(pictures, encoder(module, cut="norm"), epochs=1)
    n_runs = len(runs)
    run = learn(pictures, encoder(module, cut="norm"), epochs=2)
    embed(pictures, run, progress=False)

    assert len(runs) == n_runs > 0


def test_the_module_given_stays_as_it_was(pictures):
    module = net().train()
    module.last.requires_grad_(requires_grad=False)
    before = copy.deepcopy(module.state_dict())
    learned = [one.requires_grad for one in module.parameters()]

    run = learn(pictures, encoder(module, cut="norm"))

    assert all((before[name] == value).all() for name, value in module.state_dict().items())
    assert [one.requires_grad for one in module.parameters()] == learned
    assert all(part.training for part in module.modules())
    moved = dict(run.head.top.named_parameters())
    assert all(
        not torch.equal(one, before[name.removeprefix("body.module.")])
        for name, one in moved.items()
    )


def test_normalization_and_dropout_stay_as_in_encoding():
    head = TopHead(encoder(net(), cut="norm").top, nn.Dropout(0.5)).train()

    assert head.head.training
    assert not any(part.training for part in head.top.modules())


def test_weights_that_serve_below_too_stay_frozen():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.tied, self.cut = nn.Linear(30, 30), nn.Tanh()
            self.last = nn.Linear(30, 4)

        def forward(self, x):
            return self.last(self.tied(self.cut(self.tied(x.flatten(1)))))

    top = TopHead(encoder(Twice(), cut="cut").top, nn.Identity()).top

    assert sorted(name for name, one in top.named_parameters() if not one.requires_grad) == [
        "body.module.tied.bias",
        "body.module.tied.weight",
    ]


def test_wide_activations_are_taken_in_smaller_steps(pictures, monkeypatch):
    ready = encoder(net(), cut="norm")
    whole = learn(pictures, ready)
    monkeypatch.setattr("simlab.training._learn._AT_ONCE_BYTES", 1)
    monkeypatch.setattr("simlab.training._run._CHUNK_NUMBERS", 1)
    narrow = learn(pictures, ready)

    assert narrow.fingerprint == whole.fingerprint
    vectors = embed(pictures, ready.base, progress=False).vectors
    np.testing.assert_allclose(
        narrow.transform(vectors[:3]), whole.transform(vectors)[:3], rtol=1e-5
    )


# -- the run --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(pictures):
    return fit(pictures, encoder(net(), cut="norm"), **HOW, cache=False)


def test_a_run_encodes_as_it_embeds(run, pictures):
    embedded = embed(pictures, run, progress=False).vectors

    assert run.config.train == "top"
    np.testing.assert_allclose(run.encode(list(pictures.content)), embedded, atol=1e-5)


def test_a_trained_top_can_be_explained(run, pictures):
    from simlab.explanations import explain
    from simlab.space import Index

    embedded = embed(pictures, run, progress=False)
    told = explain(Index(embedded).search(embedded[:1], k=2)[0], run)

    assert told is not None


def test_held_out_items_are_scored_in_the_new_space(pictures):
    parts = np.tile(["train"] * 4 + ["val"] * 2, 8)
    items = pictures.with_column("split", parts)

    run = learn(items, encoder(net(), cut="norm"))

    assert run.history["val_map@r"].notna().all()
    assert run.scores is not None


def test_a_run_comes_back_with_the_encoder_given(run, pictures, tmp_path):
    run.save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run", encoder(net(), cut="norm"))
    content = list(pictures.content[:4])

    assert loaded.encode(content).tobytes() == run.encode(content).tobytes()
    assert loaded.fingerprint == run.fingerprint
    assert loaded.config == run.config


def test_the_weights_above_the_cut_come_from_the_run(run, tmp_path):
    other = net()
    with torch.no_grad():
        other.last.weight.add_(1)
    run.save(tmp_path / "run")

    assert Run.load(tmp_path / "run", encoder(other, cut="norm")).fingerprint == run.fingerprint


class Bent(Net):
    """The same weights, and another code above the cut."""

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x.unsqueeze(1))))
        y = x - self.dropout(torch.relu(self.late(self.middle(x))))
        return self.last(torch.cat([x.mean(dim=(2, 3)), y.amax(dim=(2, 3))], dim=1))


def bent():
    module = Bent()
    module.load_state_dict(net().state_dict())
    return module


@pytest.mark.parametrize(
    "other",
    [
        lambda: encoder(net()),
        lambda: encoder(net(), cut="stem"),
        lambda: encoder(net(), cut="norm").base,
        lambda: encoder(bent(), cut="norm"),
    ],
    ids=["no cut", "another cut", "below alone", "another top"],
)
def test_another_encoder_is_refused(run, tmp_path, other):
    run.save(tmp_path / "run")

    with pytest.raises(DataError, match="pass the same encoder with encoder="):
        Run.load(tmp_path / "run", other())


def test_weights_of_the_top_that_are_missing_are_told(run, tmp_path):
    from safetensors.torch import load_file, save_file

    run.save(tmp_path / "run")
    path = tmp_path / "run" / "head.safetensors"
    save_file({k: v for k, v in load_file(path).items() if k.startswith("head.")}, path)

    with pytest.raises(DataError, match=r"must be a folder written by run\.save"):
        Run.load(tmp_path / "run", encoder(net(), cut="norm"))


@pytest.mark.real
@pytest.mark.parametrize(
    ("demo", "model", "options"),
    [
        ("emoji-styles", "efficientnet-lite0", {"size": 32, "cut": "_blocks.14"}),
        ("wordnet-glosses", "minilm", {"cut": "layer.4", "max_tokens": 48}),
    ],
)
@pytest.mark.parametrize("train", ["top", "head"])
def test_a_ready_encoder_is_cut_again_when_its_run_is_loaded(demo, model, options, train, tmp_path):
    items = some(demo, 5, 4)
    run = learn(items, encoder(model, **options), epochs=1, train=train)
    run.save(tmp_path / "run")
    content = list(items.content[:2])

    loaded = Run.load(tmp_path / "run")

    assert loaded.fingerprint == run.fingerprint
    assert loaded.encode(content).tobytes() == run.encode(content).tobytes()


def test_runs_written_before_there_were_cuts_can_be_read(learn, blobs, tmp_path):
    learn(blobs(4, 6), val=0).save(tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    record = json.loads(path.read_text())
    del record["config"]["train"], record["encoder"]["top"]
    path.write_text(json.dumps(record))

    assert Run.load(tmp_path / "run").base.name == "pixels"


# -- what to train --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "cut", "expected"),
    [
        ("auto", "norm", "top"),
        ("auto", "last", "head"),  # nothing above it
        ("head", "norm", "head"),
        ("top", "norm", "top"),
    ],
)
def test_the_layers_above_a_cut_learn_where_there_are_any(name, cut, expected):
    assert choose_trained(name, encoder(net(), cut=cut)) == expected


def test_without_a_cut_the_head_learns(pixels):
    assert choose_trained("auto", pixels) == "head"


def test_a_top_without_a_cut_is_told(pictures, pixels):
    with pytest.raises(DataError) as caught:
        fit(pictures, pixels, train="top")

    assert str(caught.value) == (
        "train='top' needs an encoder with layers to train above a cut; got 'pixels' without cut; "
        "make it with encoder(..., cut='the last frozen layer'), or use train='head'"
    )


def test_a_cut_with_nothing_to_learn_above_is_told(pictures):
    with pytest.raises(DataError, match="got 'Net' without weights above its cut"):
        fit(pictures, encoder(net(), cut="last"), train="top")


def test_the_head_alone_learns_on_the_vectors_of_a_cut_encoder(pictures):
    ready = encoder(net(), cut="norm")
    run = learn(pictures, ready, train="head")

    assert run.base is ready
    assert run.encode(list(pictures.content[:2])).shape == (2, 6)


def brighter(array):
    return array + np.random.normal()  # noqa: NPY002 (views seed the global generator)


def test_the_top_learns_from_views_too(pictures):
    ready = encoder(net(), cut="norm", augment=brighter)
    run, plain = (learn(pictures, ready, views=views) for views in (2, 1))

    assert run.config.train == "top"
    assert run.fingerprint != plain.fingerprint
    assert embed(pictures, run, views=2, progress=False).views.shape == (48, 2, 6)


def test_a_trainer_of_ones_own_trains_the_top_too(pictures):
    import pytorch_lightning as pl

    silent = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = pl.Trainer(max_epochs=EPOCHS, enable_model_summary=False, **silent)
    own = learn(pictures, encoder(net(), cut="norm"), trainer=trainer)
    ours = learn(pictures, encoder(net(), cut="norm"))

    np.testing.assert_allclose(own.history["loss"][1:], ours.history["loss"][1:], rtol=1e-5)
