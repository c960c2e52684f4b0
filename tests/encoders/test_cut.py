"""The cut: the vectors stay, the activations below it are remembered for what they depend on."""

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from simlab.encoders import CutEncoder, Encoder, embed, encoder
from simlab.encoders.cuts._packing import pack, unpack
from simlab.encoders.cuts._trace import split_module
from simlab.errors import ChoiceError, DataError, ShapeError, SimlabWarning
from simlab.items import load


class Block(nn.Module):
    """A residual block with normalization and dropout; counts how often it runs."""

    def __init__(self, width):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)
        self.dropout, self.n_runs = nn.Dropout(0.5), 0

    def forward(self, x):
        self.n_runs += 1
        return x + self.dropout(torch.relu(self.norm(self.conv(x))))


class Net(nn.Module):
    """Pictures of one channel, pooled behind every block."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = scale
        self.stem = nn.Conv2d(1, 4, 3)
        self.blocks = nn.ModuleList([Block(4), Block(4), Block(4)])
        self.last = nn.Linear(12, 5)
        self.bias = nn.Parameter(torch.ones(5))

    def forward(self, x, mask=None):
        if mask is not None:
            x = x * mask
        x = self.scale * self.stem(x.unsqueeze(1))
        pooled = []
        for block in self.blocks:
            x = block(x)
            pooled.append(x.mean(dim=(2, 3)))
        return self.last(torch.cat(pooled, dim=1)) + self.bias


def net(**settings):
    torch.manual_seed(0)
    made = Net(**settings)
    for block in made.blocks:
        block.norm.running_mean.uniform_()
    return made


@pytest.fixture
def content():
    return list(np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32))


# -- the same vectors -----------------------------------------------------------------------


@pytest.mark.parametrize("cut", ["stem", "blocks.0", "blocks.1", "blocks.1.norm", "2", "last"])
def test_a_cut_leaves_the_vectors_as_they_were(content, cut):
    ready = encoder(net(), cut=cut)

    assert isinstance(ready, CutEncoder)
    assert isinstance(ready, Encoder)
    np.testing.assert_allclose(ready.encode(content), encoder(net()).encode(content), atol=1e-5)


def test_all_that_crosses_the_cut_is_kept(content):
    ready = encoder(net(), cut="blocks.1")
    picture, pooled = 4 * 4 * 5, 4

    numbers = ready.base.encode(content).shape[1] - (picture + pooled)

    assert 0 < numbers < 20  # what says types and shapes
    assert [type(part) for part in ready.top.modules()].count(Block) == 1


def test_embed_remembers_the_activations_and_gives_the_vectors(items):
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    runs = []
    module[1].register_forward_hook(lambda *_: runs.append("below"))
    module[3].register_forward_hook(lambda *_: runs.append("above"))
    ready = encoder(module, cut="2")
    first = embed(items, ready, progress=False)
    n_runs = len(runs)
    again = embed(items, ready, progress=False)

    assert (runs[0], runs[n_runs:]) == ("below", ["above"])
    np.testing.assert_array_equal(first.vectors, again.vectors)
    np.testing.assert_allclose(
        first.vectors, encoder(module).encode(list(items.content)), atol=1e-6
    )


def test_another_session_needs_no_content_to_unpack(content):
    rows = encoder(net(), cut="blocks.0").base.encode(content)

    fresh = encoder(net(), cut="blocks.0").transform(rows)

    np.testing.assert_allclose(fresh, encoder(net()).encode(content), atol=1e-5)


def test_activations_kept_as_float16_can_be_unpacked(items):
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 2500), nn.Linear(2500, 2))
    ready = encoder(module, cut="1")

    half = embed(items, ready, dtype="float16", progress=False)

    exact = encoder(module).encode(list(items.content))
    np.testing.assert_allclose(half.vectors, exact, atol=1e-2)


def test_one_of_several_outputs_is_taken_below_the_cut(content):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.read, self.out = nn.LSTM(7, 3, batch_first=True), nn.Linear(3, 2)

        def forward(self, x):
            states, _ = self.read(x)
            return self.out(states[:, -1])

    torch.manual_seed(0)
    module = Last()
    ready = encoder(module, cut="read")

    np.testing.assert_allclose(ready.encode(content), encoder(module).encode(content), atol=1e-6)
    assert ready.base.encode(content).shape[1] < 3 * 6  # the last state alone


def test_collate_is_kept(texts):
    def lengths(said):
        return torch.tensor([[float(len(text))] for text in said])

    module = nn.Sequential(nn.Linear(1, 3), nn.Linear(3, 2))
    whole = encoder(module, collate=lengths)
    ready = encoder(module, collate=lengths, cut="0")
    content = list(texts.content)

    np.testing.assert_allclose(ready.encode(content), whole.encode(content), atol=1e-6)
    assert ready.modalities == whole.modalities


@pytest.mark.parametrize("training", [True, False])
def test_the_module_stays_as_it_was(content, training):
    module = net().train(training)
    module.blocks[1].eval()
    modes = [part.training for part in module.modules()]
    before = copy.deepcopy(module.state_dict())

    encoder(module, cut="blocks.1").encode(content)

    assert [part.training for part in module.modules()] == modes
    assert all((before[name] == value).all() for name, value in module.state_dict().items())


def test_views_are_made_of_what_enters_the_layers_below(items):
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))

    def brighter(array):
        return array + np.random.normal()  # noqa: NPY002 (views seed the global generator)

    ready = encoder(module, cut="1", augment=brighter)
    seen = embed(items, ready, views=3, progress=False)
    plain = embed(items, encoder(module, cut="1"), progress=False)
    same = embed(items, encoder(module, augment=brighter), views=3, progress=False)

    np.testing.assert_array_equal(seen.vectors, plain.vectors)
    np.testing.assert_allclose(seen.views, same.views, atol=1e-5)


# -- what the remembered activations depend on ----------------------------------------------


def print_below(module, cut="blocks.1", **options):
    return encoder(module, cut=cut, **options).base.fingerprint


def changed(change):
    module = net()
    with torch.no_grad():
        change(module)
    return module


def test_the_layers_above_are_no_part_of_the_fingerprint_below():
    other = changed(lambda module: (module.last.weight.add_(1), module.blocks[2].norm.bias.add_(1)))

    assert print_below(other) == print_below(net())
    assert encoder(other, cut="1").fingerprint != encoder(net(), cut="1").fingerprint


def test_other_layers_above_find_the_same_activations():
    other = net()
    other.last = nn.Sequential(nn.Linear(12, 7), nn.Tanh(), nn.Linear(7, 2))

    assert print_below(other) == print_below(net())


@pytest.mark.parametrize(
    "change",
    [
        lambda module: module.stem.weight.add_(1e-6),
        lambda module: module.blocks[1].norm.running_mean.add_(1),
        lambda module: setattr(module, "scale", 2.0),
        lambda module: setattr(module.blocks[0], "dropout", nn.Dropout(0.1)),
    ],
    ids=["weight", "buffer", "number", "module"],
)
def test_any_change_below_is_another_fingerprint(change):
    assert print_below(changed(change)) != print_below(net())


def test_another_cut_or_preprocessing_is_another_fingerprint():
    def doubled(arrays):
        return 2 * torch.from_numpy(np.stack(arrays))

    prints = {
        print_below(net()),
        print_below(net(), cut="blocks.0"),
        print_below(net(), collate=doubled),
    }

    assert len(prints) == 3


def test_use_does_not_change_a_fingerprint(content):
    ready = encoder(net(), cut="blocks.1")
    before = ready.base.fingerprint, ready.fingerprint
    ready.encode(content)

    assert (ready.base.fingerprint, ready.fingerprint) == before


SCRIPT = """
import torch
from torch import nn
from simlab.encoders import encoder
torch.manual_seed(0)
ready = encoder(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)), cut="0")
print(ready.base.fingerprint, ready.fingerprint)
"""


def test_fingerprints_are_the_same_in_another_process():
    prints = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }

    assert len(prints) == 1


# -- what cannot be cut ---------------------------------------------------------------------


def test_an_unknown_module_is_told_with_those_there_are():
    with pytest.raises(ChoiceError, match="cut must name one of the 15 modules of Net") as caught:
        encoder(net(), cut="block.1")

    assert "'blocks.1'" in str(caught.value)
    assert "blocks.1" in caught.value.choices


def test_the_end_of_several_names_is_ambiguous():
    with pytest.raises(ChoiceError) as caught:
        encoder(net(), cut="norm")

    assert str(caught.value) == (
        "cut must name one module of Net; got 'norm', the end of 3 names: 'blocks.0.norm', "
        "'blocks.1.norm', 'blocks.2.norm'; give more of the name"
    )


@pytest.mark.parametrize("model", ["pixels", "wordllama"])
def test_what_has_no_layers_cannot_be_cut(model):
    with pytest.raises(TypeError, match="cut needs an encoder with layers"):
        encoder(model, cut="x")


def test_an_encoder_that_is_cut_is_not_cut_again():
    with pytest.raises(TypeError, match="cut needs an encoder with layers"):
        encoder(encoder(net(), cut="stem"), cut="blocks.0")


def test_an_option_of_another_model_is_refused():
    with pytest.raises(TypeError, match="max_tokens"):
        encoder(net(), cut="stem", max_tokens=3)


@pytest.mark.parametrize("augment", [None, np.flip])
def test_less_precision_is_refused(augment):
    with pytest.raises(DataError, match="must run in float32; got precision='bfloat16'"):
        encoder(net(), cut="stem", precision="bfloat16", augment=augment)


def test_a_forward_that_branches_on_values_is_told():
    class Branch(nn.Sequential):
        def forward(self, x):
            return super().forward(x) if x.sum() > 0 else x

    with pytest.raises(DataError, match=r"torch\.fx can trace; Branch .*cut nn\.Sequential"):
        encoder(Branch(nn.Flatten(), nn.Linear(2, 2)), cut="0")


@pytest.mark.parametrize(("times", "layers"), [(0, "xx"), (2, "ss")])
def test_a_part_that_does_not_run_once_is_told(times, layers):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.s, self.x = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            for name in layers:
                x = getattr(self, name)(x)
            return x

    with pytest.raises(DataError, match=f"the cut must run once in forward; 's' runs {times}"):
        encoder(Odd(), cut="s")


def test_a_number_that_crosses_the_cut_is_told():
    class Sized(nn.Module):
        def __init__(self):
            super().__init__()
            self.s = nn.Linear(2, 2)

        def forward(self, x):
            n = x.size(0)
            return self.s(x).view(n, -1)

    with pytest.raises(DataError, match="must be tensors with one row per item; got int 1"):
        encoder(Sized(), cut="s").encode([np.ones(2)])


def test_vectors_that_are_no_activations_are_refused():
    ready = encoder(net(), cut="stem")

    with pytest.raises(ShapeError, match=r"got vectors of shape \(3, 9\); encode with \.base"):
        ready.transform(np.ones((3, 9), dtype=np.float32))


def test_rows_of_several_shapes_are_refused():
    rows = torch.cat([pack([torch.ones(1, 2, 3)]), pack([torch.ones(1, 3, 2)])])

    with pytest.raises(ShapeError, match="activations of one shape"):
        unpack(rows, 1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64, torch.bool, torch.int64])
def test_types_come_back(dtype):
    part = torch.tensor([[[1, 0, 1]], [[0, 0, 1]]], dtype=dtype)
    other = torch.ones(2)

    first, second = unpack(pack([part, other]), 2)

    assert (first.dtype, first.shape, second.shape) == (dtype, (2, 1, 3), (2,))
    assert (first == part).all()


def test_weights_used_on_both_sides_are_known():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.a(torch.tanh(self.b(self.a(x))) @ self.a.weight)

    top = encoder(Tied(), cut="b").top

    assert {name.rpartition(".")[2] for name in top.shared} >= {"weight", "bias"}
    assert not top.can_learn


def test_the_halves_are_of_the_same_weights():
    module = net()
    below, above = split_module(module, "blocks.0")

    assert {id(one) for half in (below, above) for one in half.parameters()} == {
        id(one) for one in module.parameters()
    }


# -- real encoders --------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize("cut", ["_blocks.12", "_blocks.3", "_blocks.15._bn2", "_conv_head"])
def test_pictures_keep_their_vectors(cut):
    content = list(load("emoji-styles")[:9].content)
    whole, ready = (encoder("efficientnet-lite0", size=64, **one) for one in ({}, {"cut": cut}))

    np.testing.assert_allclose(ready.encode(content), whole.encode(content), atol=1e-5)


@pytest.mark.real
def test_activations_of_pictures_depend_on_their_size_but_not_on_the_top():
    one, other = (encoder("efficientnet-lite0", size=size, cut="_blocks.1") for size in (64, 96))
    before = one.base.fingerprint
    with torch.no_grad():
        next(one.top.parameters()).add_(1)

    assert one.base.fingerprint == before
    assert other.base.fingerprint != before


@pytest.mark.real
@pytest.mark.parametrize("cut", ["layer.0", "0.model.encoder.layer.3", "encoder.layer.5"])
def test_texts_keep_their_vectors(cut):
    content = list(load("wordnet-glosses")[:9].content)
    whole = encoder("minilm")
    cut = cut.replace(
        "0.model", next(n for n, m in named(whole) if m is whole._model[0].auto_model)
    )

    ready = encoder("minilm", cut=cut)

    np.testing.assert_allclose(ready.encode(content), whole.encode(content), atol=1e-5)


def named(whole):
    return whole._model.named_modules()


@pytest.mark.real
def test_activations_of_texts_depend_on_what_is_below():
    model = encoder("minilm")._model
    ready = encoder(model, cut="layer.3")
    before, layers = ready.base.fingerprint, model[0].auto_model.encoder.layer
    with torch.no_grad():
        layers[4].output.dense.weight.add_(1)
        model[0].auto_model.pooler.dense.weight.add_(1)
    above = ready.base.fingerprint
    with torch.no_grad():
        layers[3].output.dense.weight.add_(1)

    assert (above == before, ready.base.fingerprint == before) == (True, False)
    assert encoder(model, cut="layer.3", max_tokens=32).base.fingerprint != ready.base.fingerprint


@pytest.mark.real
def test_texts_that_are_too_long_are_shortened_with_a_warning():
    long = "a fox and " * 30
    ready = encoder("minilm", cut="layer.4", max_tokens=24)

    with pytest.warns(SimlabWarning, match="texts of more than 24 tokens .* got one of 92"):
        rows = ready.base.encode([long, "a fox"])
    ready.base.encode([long])  # tells it no second time, which would be an error here
    shortened = encoder("minilm").encode(["a fox and " * 7 + "a"])  # 22 words and two marks

    np.testing.assert_allclose(ready.transform(rows)[:1], shortened, atol=1e-5)
    assert ready.base._stack.network.max_seq_length == encoder("minilm")._model.max_seq_length


@pytest.mark.real
def test_padding_below_does_not_depend_on_the_batch():
    content = list(load("wordnet-glosses")[:6].content)
    base = encoder("minilm", cut="layer.2").base
    alone = np.concatenate([base.encode([one]) for one in content])

    np.testing.assert_allclose(base.encode(content), alone, atol=1e-4)


@pytest.mark.real
def test_too_few_tokens_are_refused():
    with pytest.raises(DataError, match="max_tokens must be at least 8; got 7"):
        encoder("minilm", cut="layer.2", max_tokens=7)


BERT = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 3}
BERT |= {"intermediate_size": 32}
SMALL = {
    "DistilBert": {"dim": 16, "n_heads": 2, "n_layers": 3, "hidden_dim": 32},
    "MPNet": BERT,
    "Roberta": BERT,
}


@pytest.mark.real
@pytest.mark.parametrize("kind", SMALL)
def test_other_transformers_of_sentences_can_be_cut(kind, tmp_path):
    import sentence_transformers
    import transformers

    small = {"vocab_size": 30522, "max_position_embeddings": 300, "pad_token_id": 0} | SMALL[kind]
    torch.manual_seed(0)
    transformer = getattr(transformers, f"{kind}Model")(
        getattr(transformers, f"{kind}Config")(**small)
    )
    transformer.save_pretrained(tmp_path)
    encoder("minilm")._model.tokenizer.save_pretrained(tmp_path)
    model = sentence_transformers.SentenceTransformer(str(tmp_path))
    content = ["a fox", "a fox and some more words that the first text has to be padded for"]

    ready = encoder(model, cut="layer.1")

    np.testing.assert_allclose(ready.encode(content), encoder(model).encode(content), atol=1e-5)
    assert bool(ready.top.shared) == (kind == "MPNet")  # its position biases serve all layers
