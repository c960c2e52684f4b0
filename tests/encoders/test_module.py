"""A torch module as an encoder: it is left as it was, and every change of it is seen."""

import copy
import functools
import subprocess
import sys
import types
from importlib import metadata

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from simlab.encoders import embed, encoder
from simlab.errors import ShapeError


class Net(nn.Module):
    """A plain net with a setting that shows in no repr and no weight."""

    def __init__(self, scale=1.0, pool="mean"):
        super().__init__()
        self.scale, self.pool, self.shape = scale, pool, (4, 3)
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))

    def forward(self, x):
        return self.scale * self.body(x)


def net(**settings):
    torch.manual_seed(0)
    return Net(**settings)


# -- encoding -------------------------------------------------------------------------------


def test_arrays_become_one_float_tensor():
    seen = []

    class Look(nn.Module):
        def forward(self, x):
            seen.append((x.dtype, tuple(x.shape)))
            return x.flatten(1)

    encoder(Look()).encode([np.zeros((2, 3), dtype=np.int64)] * 4)

    assert seen == [(torch.float32, (4, 2, 3))]


def test_collate_makes_what_the_module_takes():
    class Words(nn.Module):
        def forward(self, batch):
            return torch.tensor([[len(text)] for text in batch["texts"]])

    words = encoder(Words(), collate=lambda texts: {"texts": texts})

    assert words.encode(["a", "bcd"]).tolist() == [[1], [3]]
    assert "text" in words.modalities


@pytest.mark.parametrize("training", [True, False])
def test_modes_are_put_back_part_by_part(training):
    module = net().train(training)
    module.body[2].eval()
    before = [part.training for part in module.modules()]

    encoder(module).encode([np.ones(4)])

    assert [part.training for part in module.modules()] == before


def test_modes_are_put_back_after_an_error():
    module = net().train()

    with pytest.raises(RuntimeError):
        encoder(module).encode([np.ones(5)])

    assert module.training


def test_encoding_is_done_in_eval_mode_and_learns_nothing():
    module = net().train()
    before = copy.deepcopy(module.state_dict())
    first, second = (encoder(module).encode([np.ones(4)]) for _ in range(2))

    assert (first == second).all()
    assert all((before[name] == value).all() for name, value in module.state_dict().items())


def test_the_other_items_of_a_batch_do_not_change_a_vector():
    ready = encoder(net().train())
    content = list(np.random.default_rng(0).normal(size=(6, 4)))

    alone = np.concatenate([ready.encode([one]) for one in content])

    assert np.allclose(ready.encode(content), alone, atol=1e-6)


def test_half_precision_comes_out_as_float32():
    assert encoder(nn.Flatten().half()).encode([np.ones(3)]).dtype == np.float32


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        (lambda x: x, "(2, 3, 3)"),
        (lambda x: x[:1].flatten(1), "(1, 9)"),
        (lambda x: x.sum(), "()"),
        (lambda x: (x, x), "tuple"),
    ],
)
def test_an_output_of_a_wrong_shape_is_told_in_full(answer, got):
    class Wrong(nn.Module):
        def forward(self, x):
            return answer(x)

    with pytest.raises(ShapeError) as caught:
        encoder(Wrong()).encode([np.zeros((3, 3))] * 2)

    assert str(caught.value) == (
        f"Wrong must return a tensor of shape (2, dim) for 2 items; got {got}; end it with a "
        "pooling or nn.Flatten()"
    )


def test_the_name_is_that_of_the_class_unless_told():
    assert encoder(net()).name == "Net"
    assert encoder(net(), name="mine").name == "mine"


# -- the fingerprint: what is the same ------------------------------------------------------


@pytest.mark.parametrize(
    "same",
    [
        net,
        lambda: copy.deepcopy(net()),
        lambda: net().train(),
        lambda: net().eval(),
        lambda: net().requires_grad_(False),
    ],
    ids=["fresh", "copy", "train", "eval", "frozen"],
)
def test_equal_modules_have_one_fingerprint(same):
    assert encoder(same()).fingerprint == encoder(net()).fingerprint


def test_the_layout_of_weights_in_memory_does_not_matter():
    one, other = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
    other.load_state_dict(one.state_dict())
    other.to(memory_format=torch.channels_last)

    assert encoder(one).fingerprint == encoder(other).fingerprint


def test_encoding_does_not_change_the_fingerprint():
    ready = encoder(net())
    before = ready.fingerprint
    ready.encode([np.ones(4)])

    assert ready.fingerprint == before


class Counter(nn.Flatten):
    """Keeps count in every way there is: none of them is a setting."""

    n_of_all = 0

    def __init__(self):
        super().__init__()
        self.n, self.seen, self.last = 0, [], None

    def forward(self, x):
        self.n += 1
        Counter.n_of_all += 1
        self.seen.append(len(x))
        self.last = x
        self.late = len(self.seen)
        return super().forward(x)


def test_a_module_that_counts_its_calls_still_hits_the_cache(items):
    module = Counter()
    for _ in range(3):
        embed(items, encoder(module), batch_size=5, progress=False)

    assert module.n == 3  # three batches, once


def test_a_collate_that_counts_its_calls_still_hits_the_cache(items):
    seen = []

    def collate(batch):
        seen.append(len(batch))
        return torch.from_numpy(np.stack(batch))

    module = nn.Flatten()
    for _ in range(3):
        embed(items, encoder(module, collate=collate), batch_size=12, progress=False)

    assert seen == [12]


SCRIPT = """
import numpy as np, torch
from torch import nn
from simlab.encoders import encoder
class Net(nn.Module):
    modes = ("a", "b")
    def __init__(self):
        super().__init__()
        self.layers, self.act, self.names = {"x": 1, "y": [2]}, torch.relu, {"p", "q", "r", "s"}
        self.weight = nn.Parameter(torch.ones(3))
    def forward(self, x):
        return x if self.act in {"p", "q", "r", "s", "t"} else self.act(x)
size = 3
print(encoder(Net(), collate=lambda items: size).fingerprint)
"""


def test_the_fingerprint_is_the_same_in_another_process():
    prints = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
        ).stdout
        for seed in ("1", "2")
    }

    assert len(prints) == 1


# -- the fingerprint: what is another -------------------------------------------------------


def changed_weight():
    module = net()
    with torch.no_grad():
        module.body[1].weight[0, 0] += 1e-6
    return module


def changed_buffer():
    module = net()
    module.body[2].running_mean += 1
    return module


def changed_forward():
    module = net()
    module.forward = types.MethodType(lambda self, x: -self.body(x), module)
    return module


def with_tensor(value):
    module = net()
    module.table = torch.full((2,), value)  # neither parameter nor buffer
    return module


@pytest.mark.parametrize(
    "other",
    [
        changed_weight,
        changed_buffer,
        changed_forward,
        lambda: net(scale=2.0),
        lambda: net(pool="max"),
        lambda: net().double(),
        lambda: with_tensor(0.0),
    ],
    ids=["weight", "buffer", "forward", "number", "word", "dtype", "tensor"],
)
def test_any_change_of_a_module_is_another_fingerprint(other):
    assert encoder(other()).fingerprint != encoder(net()).fingerprint


def test_the_values_of_a_plain_tensor_count():
    assert encoder(with_tensor(0.0)).fingerprint != encoder(with_tensor(1.0)).fingerprint


def test_settings_of_torch_that_no_repr_shows_count():
    one, other = nn.MultiheadAttention(4, 1), nn.MultiheadAttention(4, 2)
    other.load_state_dict(one.state_dict())

    assert encoder(one).fingerprint != encoder(other).fingerprint


def test_a_setting_changed_after_encoding_counts():
    module = net()
    ready = encoder(module)
    before = ready.fingerprint
    ready.encode([np.ones(4)])
    module.scale = 5.0

    assert ready.fingerprint != before


def test_training_the_module_misses_the_cache(items):
    module = net()
    before = embed(items, encoder(module), progress=False)
    with torch.no_grad():
        module.body[1].bias += 1
    after = embed(items, encoder(module), progress=False)

    assert np.allclose(after.vectors - before.vectors, 1 / np.sqrt(1 + 1e-5), atol=1e-5)


def written(code):
    """Run a cell of a notebook: classes and functions without any source file."""
    space = {"nn": nn, "torch": torch, "__name__": "__main__"}
    exec(code, space)  # noqa: S102
    return space


CELL = """
SCALE = 2
def helper(x):
    return x + 1
class Above(nn.Module):
    def forward(self, x):
        return helper(x) * SCALE
class Net(Above):
    pool = "mean"
def collate(items):
    return torch.tensor(items) * SCALE
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x + 1", "x + 2"),
        ("SCALE = 2", "SCALE = 3"),
        ("* SCALE\nclass", "- SCALE\nclass"),
        ('"mean"', '"max"'),
    ],
    ids=["helper", "global", "inherited", "class attribute"],
)
def test_editing_the_cell_of_a_module_is_another_fingerprint(old, new):
    before, after = (encoder(written(code)["Net"]()) for code in (CELL, CELL.replace(old, new)))

    assert before.fingerprint != after.fingerprint


def test_running_the_same_cell_again_is_the_same_fingerprint():
    first, second = (encoder(written(CELL)["Net"]()) for _ in range(2))

    assert first.fingerprint == second.fingerprint


# -- the fingerprint of collate -------------------------------------------------------------


class Resize:
    def __init__(self, size):
        self.size = size

    def __call__(self, items):
        return items

    def call(self, items):
        return items


class Chain:
    def __init__(self, *steps):
        self.steps = list(steps)

    def __call__(self, items):
        return items


def cut(items, size, *, fill=0):
    return [*items[:size], fill]


def closed_over(size):
    return lambda items: items[:size]


def with_default(size):
    def collate(items, size=size):
        return items[:size]

    return collate


COLLATES = {
    "closure": closed_over,
    "default": with_default,
    "partial": lambda size: functools.partial(cut, size=size),
    "keyword": lambda size: functools.partial(cut, size=1, fill=size),
    "object": Resize,
    "method": lambda size: Resize(size).call,
    "nested": lambda size: Chain(Resize(1), Chain(Resize(size))),
    "array": lambda size: Resize(np.full(3, size)),
    "dict": lambda size: Resize({"size": [size]}),
    "cell": lambda size: written(CELL.replace("SCALE = 2", f"SCALE = {size}"))["collate"],
}


@pytest.mark.parametrize("make", COLLATES.values(), ids=COLLATES)
def test_a_collate_with_other_settings_is_another_fingerprint(make):
    module = nn.Flatten()
    one, same, other = (encoder(module, collate=make(size)).fingerprint for size in (16, 16, 32))

    assert one == same != other


def test_a_collate_of_other_code_is_another_fingerprint():
    module = nn.Flatten()

    assert (
        encoder(module, collate=lambda items: items[0]).fingerprint
        != encoder(module, collate=lambda items: items[1]).fingerprint
        != encoder(module).fingerprint
    )


def test_what_a_collate_remembers_to_save_time_is_no_setting():
    class Words:
        def __init__(self):
            self.cache = {}

        def __call__(self, texts):
            return torch.tensor([[self.cache.setdefault(text, len(text))] for text in texts])

    ready = encoder(nn.Flatten(), collate=Words())
    before = ready.fingerprint
    for text in ("a", "bc"):
        ready.encode([text])

    assert ready.fingerprint == before == encoder(nn.Flatten(), collate=Words()).fingerprint


def test_settings_that_point_at_each_other_come_to_an_end():
    one, other = Resize(1), Resize(2)
    one.partner, other.partner = other, one

    assert len(encoder(nn.Flatten(), collate=one).fingerprint) == 32


# -- versions of libraries ----------------------------------------------------------------------


def with_picture(batch):
    sides = [Image.fromarray(np.uint8(np.abs(one))).size for one in batch]
    return torch.tensor(sides).float()


def test_another_version_of_a_library_misses_the_cache(items, monkeypatch, cache_root):
    model = encoder(nn.Flatten())
    identity = model.identity
    embed(items, model, progress=False)
    monkeypatch.setattr(torch, "__version__", "99.0")
    embed(items, model, progress=False)

    assert len(list(cache_root.rglob("*.safetensors"))) == 2
    assert model.identity == identity


def test_another_build_of_the_same_version_hits(monkeypatch):
    model = encoder(nn.Flatten())
    before = model.fingerprint
    monkeypatch.setattr(torch, "__version__", torch.__version__.partition("+")[0] + "+cu999")

    assert model.fingerprint == before


def test_the_libraries_that_a_collate_names_count():
    assert encoder(nn.Flatten()).libraries == {"torch"}
    assert encoder(nn.Flatten(), collate=with_picture).libraries >= {"PIL", "numpy", "torch"}


@pytest.mark.real
@pytest.mark.parametrize("name", ["efficientnet-lite0", "minilm", "wordllama", "pixels"])
def test_ready_encoders_name_libraries_that_are_installed(name):
    libraries = encoder(name).libraries
    assert libraries
    assert all(
        isinstance(metadata.version("pillow" if one == "PIL" else one), str) for one in libraries
    )
