"""Cuts in models of transformers, and cuts that count the layers above them."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from simlab.encoders import embed, encoder, layers_of
from simlab.errors import DataError, SimlabWarning
from simlab.items import Items, load
from simlab.training import Run, fit
from simlab.training._trained import trained_layers

TEXTS = ["a red fox", "the fox runs", "car", "a blue car stops the red fox"]
KINDS = ["bert", "vit"]
CUTS = ["layer.0", "layer.1", "embeddings", "last:1", "last:2", "last:all"]


def photos(n=4):
    values = np.random.default_rng(0).integers(0, 255, (n, 16, 16, 3), dtype=np.uint8)
    return [Image.fromarray(one) for one in values]


@pytest.fixture
def read(tiny):
    """Make the encoder and the content of a kind of model."""

    def made(kind, **options):
        if kind == "vit":
            return encoder(tiny.vit(), processor=tiny.image_processor(), **options), photos()
        return encoder(tiny.bert(), processor=tiny.tokenizer(), **options), TEXTS

    return made


@pytest.mark.parametrize("pooling", [None, "cls", "last", "pooler"])
@pytest.mark.parametrize("cut", CUTS)
def test_texts_keep_their_vectors_whatever_is_cut_and_pooled(cut, pooling, read):
    whole, content = read("bert", pooling=pooling)
    ready, _ = read("bert", pooling=pooling, cut=cut)

    np.testing.assert_allclose(ready.encode(content), whole.encode(content), atol=1e-5)


@pytest.mark.parametrize("pooling", [None, "pooler"])
@pytest.mark.parametrize("cut", ["layers.0", "embeddings", "last:1", "last:all"])
def test_pictures_keep_their_vectors(cut, pooling, read):
    whole, content = read("vit", pooling=pooling)
    ready, _ = read("vit", pooling=pooling, cut=cut)

    np.testing.assert_allclose(ready.encode(content), whole.encode(content), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_activations_depend_on_what_is_below_alone(kind, tiny):
    model = tiny.vit() if kind == "vit" else tiny.bert()
    layers = model.layers if kind == "vit" else model.encoder.layer
    processor = tiny.image_processor() if kind == "vit" else tiny.tokenizer()
    told = []
    for part in (None, layers[1], layers[0]):
        if part is not None:
            with torch.no_grad():
                next(part.parameters()).add_(1)
        told.append(encoder(model, processor=processor, cut="last:1").base.fingerprint)

    assert (told[0] == told[1], told[1] == told[2]) == (True, False)


def test_what_a_network_reads_does_not_depend_on_its_weights(tiny):
    one, other = (
        encoder(tiny.bert(seed), processor=tiny.tokenizer(), cut="last:all").base.fingerprint
        for seed in (0, 1)
    )

    assert one == other


def test_texts_that_are_too_long_are_shortened_with_a_warning(tiny):
    processor = tiny.tokenizer(ends=False)
    long, short = " ".join(["fox"] * 20), " ".join(["fox"] * 8)
    whole = encoder(tiny.bert(), processor=processor)
    ready = encoder(tiny.bert(), processor=processor, cut="last:1", max_tokens=8)

    with pytest.warns(SimlabWarning, match="texts of more than 8 tokens are shortened"):
        vectors = ready.encode([long])
    np.testing.assert_allclose(vectors, whole.encode([short]), atol=1e-5)


def test_two_towers_are_not_cut(tiny):
    model, processor = tiny.clip()

    with pytest.raises(DataError, match="must have one tower"):
        encoder(model, processor=processor.tokenizer, cut="last:1")


def test_a_model_without_a_stack_is_told(tiny):
    from transformers import ResNetConfig, ResNetModel

    small = {"embedding_size": 4, "hidden_sizes": [4, 4], "depths": [1, 1], "layer_type": "basic"}
    model = ResNetModel(ResNetConfig(**small))

    with pytest.raises(DataError, match="must have embeddings, a stack of layers and pooling"):
        encoder(model, processor=tiny.image_processor(), cut="last:1")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("train", ["last:1", "all", "lora"])
def test_models_of_transformers_learn(kind, train, read, tmp_path):
    whole, content = read(kind)
    content = content * 2 if kind == "bert" else photos(8)
    items = Items.from_arrays(content, labels=["a", "b"] * 4)
    before = whole.fingerprint
    how = {"val": 0, "epochs": 2, "batch_size": 4, "per_class": 2, "progress": False}
    run = fit(items, whole, train=train, **how)
    run.save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run", read(kind)[0])

    assert whole.fingerprint == before
    assert loaded.encode(content).tobytes() == run.encode(content).tobytes()
    np.testing.assert_allclose(
        embed(items, run, progress=False).vectors, run.encode(content), atol=1e-5
    )
    assert np.abs(run.head.top(rows_of(run, content)).numpy() - whole.encode(content)).max() > 1e-5


def rows_of(run, content):
    return torch.from_numpy(run.base.encode(content))


# -- layers ----------------------------------------------------------------------------------


def test_layers_are_the_members_of_stacks_and_what_stands_beside_them(tiny):
    layers = ["embeddings", "encoder.layer.0", "encoder.layer.1", "pooler"]

    assert layers_of(tiny.bert()) == layers


def test_targets_in_the_last_layers_leave_the_layers_below_remembered(read):
    targets = ["layer.1.attention.self.query", "layers.1.attention.q_proj"]
    found = [trained_layers(("lora", {"targets": targets}), read(kind)[0]) for kind in KINDS]

    assert [one.cut.recipe["cut"] for one in found] == ["last:1", "last:1"]
    assert [len(one.adapters.names) for one in found] == [1, 1]


def test_layers_are_counted_as_they_run_and_what_never_runs_is_none():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.idle, self.first = nn.Linear(3, 2), nn.Linear(9, 9), nn.Linear(4, 3)

        def forward(self, x):
            return self.last(torch.relu(self.first(x)))

    top = encoder(Backwards(), cut="last:1").top

    assert [name for name, _ in top.named_parameters()] == [
        "body.module.last.weight",
        "body.module.last.bias",
    ]


@pytest.mark.real
@pytest.mark.parametrize(
    ("n", "above"),
    [(1, ["_conv_head"]), (3, ["_blocks.14", "_blocks.15", "_conv_head"])],
)
def test_the_layers_of_efficientnet_are_its_blocks(n, above):
    content = list(load("emoji-styles")[:3].content)
    ready = encoder("efficientnet-lite0", size=32, cut=f"last:{n}")

    assert layers_of(ready.top) == [f"body.module.network.{name}" for name in above]
    np.testing.assert_allclose(
        ready.encode(content), encoder("efficientnet-lite0", size=32).encode(content), atol=1e-4
    )


@pytest.mark.real
def test_counted_and_named_cuts_share_what_is_remembered():
    named, counted = (encoder("minilm", cut=cut) for cut in ("layer.3", "last:2"))

    assert counted.base.fingerprint == named.base.fingerprint
    assert len(layers_of(counted.top)) == 2


@pytest.mark.real
@pytest.mark.parametrize("cut", ["last:6", "last:all"])
def test_all_layers_of_a_sentence_model_can_be_above(cut):
    content = list(load("wordnet-glosses")[:5].content)

    np.testing.assert_allclose(
        encoder("minilm", cut=cut).encode(content), encoder("minilm").encode(content), atol=1e-5
    )


@pytest.mark.real
def test_token_numbers_take_little_room_and_no_text_is_shortened():
    long = "a fox and " * 30
    ready = encoder("minilm", cut="last:all")

    assert ready.base.encode([long]).nbytes < 4000
    np.testing.assert_allclose(ready.encode([long]), encoder("minilm").encode([long]), atol=1e-5)
