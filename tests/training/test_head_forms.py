"""`fit(head=...)`: every form a head may have, what is kept of it, and what is refused."""

import json
from dataclasses import asdict, replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from simlab.encoders import encoder
from simlab.errors import ChoiceError, DataError, ShapeError
from simlab.training import Run, fit
from simlab.training._records import plain, restored
from simlab.training._top import TopHead, weight_groups
from simlab.training.heads import HEADS, SkipHead, check_head, choose_head, make_head

VECTORS = 3 + torch.randn(20, 8, generator=torch.Generator().manual_seed(0))


class Own(nn.Module):
    """A head of the user's."""

    def __init__(self, dim=8):
        super().__init__()
        self.map = nn.Linear(dim, 3)

    def forward(self, vectors):
        return self.map(vectors).tanh()


def narrow(dim):
    return nn.Sequential(nn.Linear(dim, 4), nn.ReLU(), nn.Linear(4, 2))


@pytest.fixture(scope="module")
def items(blobs):
    return blobs(5, 6)


# -- forms --------------------------------------------------------------------------------

FORMS = [
    (("linear", {"out": 5}), 5, "linear(out=5)"),
    (["linear", {"out": 5}], 5, "linear(out=5)"),
    (("mlp", {"hidden": [6], "out": 5}), 5, "mlp(hidden=[6], out=5)"),
    (("stacked", {"sizes": [6, 5], "activation": "tanh"}), 5, None),
    (("widening", {"factor": 0.5}), 8, "widening(factor=0.5)"),
    (("softmax-groups", {"groups": 3, "size": 2}), 6, "softmax-groups(groups=3, size=2)"),
    (("gated-skip", {"layers": 2, "skip_dropout": 0.1}), 8, None),
    (Own(), 3, "Own"),
    (narrow(8), 2, "Sequential"),
    (nn.Sequential(nn.LazyLinear(4), nn.BatchNorm1d(4)), 4, "Sequential"),
    (narrow, 2, "narrow"),
    (Own, 3, "Own"),
    (SkipHead, 8, "SkipHead"),
]


@pytest.mark.filterwarnings("ignore:Lazy modules:UserWarning")
@pytest.mark.parametrize(("told", "dim", "title"), FORMS, ids=[str(one[2]) for one in FORMS])
def test_fit_takes_every_form(learn, items, told, dim, title):
    run = learn(items, head=told, val=0)

    assert run.encode(list(items.content[:3])).shape == (3, dim)
    assert title is None or f", {title} head, " in repr(run)


@pytest.mark.parametrize("told", [FORMS[0][0], Own(), narrow], ids=["pair", "module", "function"])
def test_the_record_repeats_the_run(learn, items, pixels, told):
    run = learn(items, head=told, val=0)
    again = fit(items, pixels, **asdict(run.config), cache=False, progress=False)

    assert again.fingerprint == run.fingerprint


def test_a_module_is_copied(learn, items):
    own = Own()
    before = own.map.weight.clone()
    run = learn(items, head=own, val=0)

    torch.testing.assert_close(own.map.weight, before, rtol=0, atol=0)
    assert not torch.equal(run.head.map.weight, before)
    assert run.config.head is own


def test_a_module_sees_the_vectors_as_they_are():
    own = Own()

    torch.testing.assert_close(make_head(own, VECTORS)(VECTORS), own(VECTORS))


def test_a_module_stays_in_its_mode_and_its_statistics_are_not_touched():
    norm = nn.BatchNorm1d(8)
    made = make_head(norm, VECTORS)

    assert made.training
    torch.testing.assert_close(made.running_mean, torch.zeros(8))


def test_a_head_of_simlab_that_is_made_here_measures_the_vectors():
    made, given = make_head(SkipHead, VECTORS), make_head(SkipHead(8), VECTORS)

    torch.testing.assert_close(made.enter.center, VECTORS.mean(0))
    torch.testing.assert_close(given.enter.center, torch.zeros(8))


@pytest.mark.parametrize("told", [("skip", {}), ["skip", {}], Own()], ids=str)
def test_a_head_that_is_told_is_taken(told):
    assert choose_head(told, is_seen=True) is told


def test_auto_may_be_written_as_a_pair():
    assert choose_head(("auto", {}), is_seen=True) == "skip-mlp"


# -- dropout ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HEADS)
def test_the_dropout_of_fit_is_of_the_correction_where_there_is_a_way_past_it(name):
    head = make_head(name, VECTORS, dropout=0.3)

    assert (head.dropout, getattr(head, "skip_dropout", None)) == (
        (0.0, 0.3) if "skip" in name else (0.3, None)
    )


def test_dropout_that_a_head_names_comes_first():
    assert make_head(("linear", {"dropout": 0.1}), VECTORS, dropout=0.3).dropout == 0.1
    assert make_head(("skip", {"skip_dropout": 0.1}), VECTORS, dropout=0.3).skip_dropout == 0.1


@pytest.mark.parametrize("name", ["skip", "skip-mlp", "gated-skip"])
def test_both_ways_of_a_skip_head_may_lose_numbers(name):
    head = make_head((name, {"dropout": 0.5}), VECTORS).train()
    with torch.no_grad():
        for weights in head.parameters():
            weights.zero_()
    torch.manual_seed(0)
    dropped = head(VECTORS) == 0

    assert 0.3 < dropped.float().mean() < 0.7


# -- learning -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in HEADS if name != "identity"])
def test_every_head_learns(learn, items, name):
    run = learn(items, head=name, val=0, epochs=5, lr=1e-2, weight_decay=0, dropout=0)
    loss = run.history["loss"]

    assert loss.iloc[-1] < loss.iloc[1]


def test_the_identity_has_nothing_to_learn_and_is_a_run_all_the_same(learn, items):
    items = items.with_column("split", ["train", "train", "train", "train", "val", "val"] * 5)
    run = learn(items, head="identity", dropout=0)
    content = np.stack(list(items.content))
    center, scale = run.head.enter.center.numpy(), run.head.enter.scale.item()

    assert run.best_epoch == 0
    np.testing.assert_allclose(run.encode(list(items.content)), (content - center) * scale, 1e-5)


@pytest.mark.parametrize("seed", [0, 1])
def test_what_stays_as_it_is_makes_no_progress(learn, digits, seed):
    run = learn(digits.split(by="item").where(split="train"), head="identity", seed=seed)

    assert (run.best_epoch, run.refitted) == (0, False)


def test_below_the_identity_the_top_learns():
    top = nn.Linear(8, 8)
    head = make_head("identity", VECTORS).train()
    head(top(VECTORS)).sum().backward()

    assert top.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["gated", "gated-skip"])
def test_gates_never_decay(name):
    head = make_head(name, VECTORS)
    decaying, others = weight_groups(head, 1e-3, 0.5)

    assert [one is head.gates for one in others["params"]] == [True]
    assert ("weight_decay" in others, decaying["weight_decay"]) == (False, 0.5)
    assert len(decaying["params"]) == len([*head.parameters()]) - 1


def cut_encoder():
    torch.manual_seed(0)
    return encoder(nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 5)), cut="1")


@pytest.mark.parametrize(
    ("told", "n_weights"),
    [(Own(5), [2, 2]), ("gated", [0, 1, 2]), ("identity", [0, 2])],
    ids=["module", "gated", "identity"],
)
def test_any_head_is_trained_with_the_top(told, n_weights):
    cut = cut_encoder()
    head = TopHead(cut.top, make_head(told, torch.ones(4, 5)))

    assert [len(one["params"]) for one in weight_groups(head, 1e-3, 0.5)] == n_weights


@pytest.mark.parametrize("told", [Own(5), "identity"], ids=["module", "identity"])
def test_any_head_comes_back_with_its_top(learn, items, tmp_path, told):
    run = learn(items, cut_encoder(), head=told, val=0, train="top")
    run.save(tmp_path / "run")
    given = {} if isinstance(told, str) else {"head": Own(5)}
    loaded = Run.load(tmp_path / "run", cut_encoder(), **given)

    assert loaded.fingerprint == run.fingerprint
    start = cut_encoder().top.state_dict()
    assert any(
        not torch.equal(weights, start[name]) for name, weights in run.head.top.state_dict().items()
    )


# -- on disk ------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [form[0] for form in FORMS[:7]], ids=lambda one: one[0])
def test_names_and_parameters_come_back(learn, items, tmp_path, told):
    run = learn(items, head=told, val=0)
    run.save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run")

    assert loaded.config.head == tuple(told)
    assert loaded.fingerprint == run.fingerprint
    assert restored(json.loads(json.dumps(plain(told)))) == tuple(told)


def test_a_class_defined_in_a_cell_can_be_saved_and_loaded(learn, items, tmp_path):
    class Cell(nn.Module):
        def __init__(self, out):
            super().__init__()
            self.map, self.out = nn.Linear(8, out), nn.Linear(out, out)

        def forward(self, vectors):
            return self.out(self.map(vectors).relu())

    run = learn(items, head=Cell(4), val=0)
    run.save(tmp_path / "run")
    given = Cell(4)
    loaded = Run.load(tmp_path / "run", head=given)
    content = list(items.content)

    assert loaded.encode(content).tobytes() == run.encode(content).tobytes()
    assert loaded.fingerprint == run.fingerprint
    assert loaded.config.head is given
    assert not any(one.requires_grad for one in loaded.head.parameters())
    assert not torch.equal(given.map.weight, loaded.head.map.weight)  # a copy was loaded


def test_a_loaded_run_of_a_module_can_be_saved_again(learn, items, tmp_path):
    run = learn(items, head=Own(), val=0)
    run.save(tmp_path / "one")
    Run.load(tmp_path / "one", head=Own()).save(tmp_path / "two")

    assert Run.load(tmp_path / "two", head=Own()).fingerprint == run.fingerprint


def test_a_head_that_a_function_made_is_loaded_into_such_a_module(learn, items, tmp_path):
    run = learn(items, head=narrow, val=0)
    run.save(tmp_path / "run")

    assert Run.load(tmp_path / "run", head=narrow(8)).fingerprint == run.fingerprint


def test_weights_that_are_tied_can_be_saved(learn, items, tmp_path):
    def tied():
        one, other = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False)
        other.weight = one.weight
        return nn.Sequential(one, nn.Tanh(), other)

    run = learn(items, head=tied(), val=0)
    run.save(tmp_path / "run")

    assert Run.load(tmp_path / "run", head=tied()).fingerprint == run.fingerprint


def test_a_module_of_other_code_has_another_fingerprint(learn, items):
    class Other(Own):
        def forward(self, vectors):
            return self.map(vectors).sigmoid()

    run = learn(items, head=Own(), val=0)
    other = Other()
    other.load_state_dict(run.head.state_dict())

    assert replace(run, head=other.eval()).fingerprint != run.fingerprint


def refusal(kind, *args, **options):
    with pytest.raises(kind) as caught:
        Run.load(*args, **options)
    return str(caught.value)


def test_a_run_with_a_module_needs_one_like_it(learn, items, tmp_path):
    learn(items, head=Own(), val=0).save(tmp_path / "run")
    start = "the run was trained with the head Own( (map): Linear("

    missing = refusal(DataError, tmp_path / "run")
    assert missing.startswith(start)
    assert missing.endswith("which is no ready head; pass a module like it with head=")
    assert refusal(TypeError, tmp_path / "run", head=Own).startswith(start)
    assert refusal(DataError, tmp_path / "run", head=Own(9)).startswith(
        "head must be a module like the one of the run; the Own given has other weights ("
    )


def test_a_run_with_a_ready_head_needs_no_module(run, tmp_path):
    run.save(tmp_path / "run")

    assert refusal(DataError, tmp_path / "run", head=Own()) == (
        "the run was trained with the head 'skip', which is made by its name; leave out head="
    )


# -- errors -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "told", "text"),
    [
        (
            TypeError,
            ("linear", {"ouput": 64}),
            "head 'linear' takes 'dropout', 'out'; got 'ouput'. Did you mean 'out'?",
        ),
        (TypeError, ("auto", {"out": 64}), "head 'auto' takes no parameters; got 'out'"),
        (
            TypeError,
            ("mlp", {"sizes": [2]}),
            "head 'mlp' takes 'activation', 'dropout', 'hidden', ",
        ),
        (ChoiceError, ("liner", {}), "head must be one of "),
        (ChoiceError, ("mlp", {"activation": "softmax"}), "activation must be one of 'elu', "),
        (
            DataError,
            ("mlp", {"hidden": 512, "out": 0.5}),
            (
                "hidden of head 'mlp' must be a list of whole numbers, at least 1; got 512; "
                "out of head 'mlp' must be a whole number, at least 1; got 0.5"
            ),
        ),
        (DataError, ("stacked", {"sizes": []}), "sizes of head 'stacked' must be a list of whole"),
        (DataError, ("widening", {"factor": 0}), "factor of head 'widening' must be above 0"),
        (DataError, ("skip", {"dropout": 1}), "dropout of head 'skip' must be a share in [0, 1)"),
        (TypeError, 3, "head must be a name, (name, parameters), a torch module, or callable "),
        (TypeError, ["skip", "linear"], "head must be a name, (name, parameters), a torch module"),
        (DataError, {"object": "Own()"}, "head was the object Own(), which cannot be made again"),
    ],
)
def test_what_is_no_head(kind, told, text):
    with pytest.raises(kind) as caught:
        check_head(told)

    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("kind", "told", "text"),
    [
        (ShapeError, Own(9), "head Own must map vectors (n, 8) to vectors (n, out); got an error:"),
        (ShapeError, nn.Flatten(0), "got shape (16,) for 2 vectors"),
        (ShapeError, nn.LSTM(8, 2), "got tuple for 2 vectors"),
        (TypeError, partial(int), "head must make a torch module for a dimension; it made 8"),
        (DataError, nn.ReLU(), "head must have weights that learn; ReLU has none; "),
        (DataError, Own().requires_grad_(requires_grad=False), "head.requires_grad_() lets frozen"),
    ],
)
def test_modules_that_do_not_fit(learn, items, kind, told, text):
    with pytest.raises(kind) as caught:
        learn(items, head=told, val=0)

    assert text in str(caught.value)
