"""A loss is asked for by a name, with parameters, as a sum, or given as an object."""

import inspect
import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from pytorch_metric_learning import losses as theirs
from torch import nn

import simlab.training.losses as room
from simlab.errors import ChoiceError, DataError, MissingExtraError
from simlab.training._records import plain, restored
from simlab.training.losses import (
    ADAPTED,
    LOSSES,
    check_loss,
    make_loss,
    supcon,
    table,
    title_of,
    triplet_all,
)
from simlab.training.losses._foreign import COVERED
from simlab.training.losses._registry import OF_OTHERS
from simlab.training.losses._table import page

# pytorch-metric-learning is behind numpy and torch in places
pytestmark = [
    pytest.mark.filterwarnings("ignore:Using a non-tuple sequence:UserWarning"),
    pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning"),
]
LABELS = torch.arange(4).repeat_interleave(4)
VECTORS = torch.randn(16, 8, generator=torch.Generator().manual_seed(0))
STRUCTURE = {  # what holds or helps losses, and is none
    "BaseLossWrapper", "BaseMetricLossFunction", "CrossBatchMemory", "EmbeddingRegularizerMixin",
    "GenericPairLoss", "MultipleLosses", "SelfSupervisedLoss", "WeightRegularizerMixin",
}  # fmt: skip


def value(told, **options):
    return make_loss(told, VECTORS, LABELS, **options)(VECTORS, LABELS).item()


def mean_length(vectors, _):
    return vectors.norm(dim=1).mean()


class Scale(nn.Module):
    """A loss with a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, vectors, labels):
        return self.scale * supcon(vectors, labels)


# -- forms --------------------------------------------------------------------------------


def test_parameters_are_taken():
    told = ("arcface", {"margin": 0.3, "scale": 30.0})

    assert (make_loss(told, VECTORS, LABELS).margin, value(told)) != (0.5, value("arcface"))


def test_a_list_read_from_a_file_is_a_name_with_parameters():
    assert value(["supcon", {"temperature": 0.2}]) == value(("supcon", {"temperature": 0.2}))


def test_a_sum_is_weighted():
    told = [(2, "supcon"), (0.5, ("triplet-all", {"margin": 0.3})), "softmax"]
    by_hand = 2 * value("supcon") + 0.5 * value(told[1][1]) + value("softmax")

    assert value(told) == pytest.approx(by_hand)


def test_a_sum_of_one_is_that_one():
    assert value([(1, "supcon")]) == value("supcon")


def test_the_parameters_of_all_parts_of_a_sum_are_its_own():
    names = [
        name for name, _ in make_loss(["softmax", (1, Scale())], VECTORS, LABELS).named_parameters()
    ]

    assert names == ["parts.0.loss.centers", "parts.1.loss.scale"]


@pytest.mark.parametrize(
    "given", [mean_length, partial(supcon, temperature=0.2), Scale(), theirs.SupConLoss()], ids=str
)
def test_anything_that_can_be_called_is_a_loss(given):
    assert value(given) == pytest.approx(float(given(VECTORS, LABELS).detach()))


def test_a_module_is_copied():
    given = Scale()
    made = make_loss(given, VECTORS, LABELS)

    assert made is not given
    assert made.scale is not given.scale


def test_matryoshka_takes_any_loss_and_its_own_sizes():
    told = ("matryoshka", {"loss": ("softmax", {"temperature": 0.1}), "dims": [2, 8]})
    loss = make_loss(told, VECTORS, LABELS)

    assert [tuple(one.shape) for one in loss.parameters()] == [(4, 2), (4, 8)]


def test_the_weights_of_matryoshka_are_taken():
    sizes = [("matryoshka", {"dims": [size]}) for size in (2, 8)]
    both = ("matryoshka", {"dims": [2, 8], "weights": [0.5, 2]})

    assert value(both) == pytest.approx(0.5 * value(sizes[0]) + 2 * value(sizes[1]))


@pytest.mark.parametrize("name", ["angular", "signal-to-noise-ratio-contrastive"])
def test_a_loss_of_pytorch_metric_learning_is_theirs(name):
    their = getattr(theirs, ADAPTED[name].make)()

    assert value(name) == their(VECTORS, LABELS).item()


def test_distance_and_reducer_are_given_by_name():
    from pytorch_metric_learning import distances, reducers

    told = ("triplet-margin", {"distance": "cosine-similarity", "reducer": "mean", "margin": 0.2})
    their = theirs.TripletMarginLoss(
        margin=0.2, distance=distances.CosineSimilarity(), reducer=reducers.MeanReducer()
    )

    assert value(told) == their(VECTORS, LABELS).item()


def test_a_distance_may_have_parameters():
    told = ("triplet-margin", {"distance": ("lp-distance", {"p": 1})})

    assert value(told) != value("triplet-margin")


# -- everything has a name -----------------------------------------------------------------


def test_every_loss_of_pytorch_metric_learning_has_a_name():
    known = {one.make for one in ADAPTED.values()} | set(COVERED) | STRUCTURE

    assert {name for name, one in vars(theirs).items() if inspect.isclass(one)} == known


def test_no_two_losses_have_one_name():
    assert len({*LOSSES, *ADAPTED, *OF_OTHERS}) == len(LOSSES) + len(ADAPTED) + len(OF_OTHERS)


@pytest.mark.parametrize("name", [*LOSSES, *ADAPTED])
def test_every_loss_learns(name):
    vectors = VECTORS.clone().requires_grad_()
    loss = make_loss(name, VECTORS, LABELS)
    loss(vectors, LABELS).backward()
    of_loss = [one.grad for one in getattr(loss, "parameters", list)()]

    assert all(
        bool(torch.isfinite(one).all() and one.abs().sum() > 0) for one in [vectors.grad, *of_loss]
    )


@pytest.mark.parametrize("name", [*LOSSES, *ADAPTED])
def test_what_the_table_says_of_centers_is_so(name):
    loss = make_loss(name, VECTORS, LABELS)
    n_learned = len([*loss.parameters()]) if isinstance(loss, nn.Module) else 0

    assert (n_learned > 0) == ("centers" in table().loc[name, "needs"])


def test_the_table_tells_of_every_loss():
    told = table()

    assert set(told.index) == {*LOSSES, *ADAPTED, *OF_OTHERS}
    assert not (told[["needs", "when", "paper"]] == "").any(axis=None)


def test_the_page_of_the_room_is_up_to_date():
    kept = (Path(room.__file__).parent / "README.md").read_text(encoding="utf8")

    assert kept == page(), "write it anew: python -m simlab.training.losses > .../README.md"


# -- titles and records --------------------------------------------------------------------

FORMS = [
    ("supcon", "supcon"),
    (("arcface", {"margin": 0.3}), "arcface(margin=0.3)"),
    ([(1, "softmax"), (0.1, "center")], "softmax + 0.1 center"),
    ([(1, "softmax"), (0.1, ("center", {}))], "softmax + 0.1 center"),
    (("matryoshka", {"loss": "triplet", "dims": [2, 8]}), "matryoshka(loss=triplet, dims=[2, 8])"),
]


@pytest.mark.parametrize(("told", "title"), FORMS)
def test_a_loss_has_a_short_title(told, title):
    assert title_of(told) == title


@pytest.mark.parametrize(("told", "_"), FORMS)
def test_names_come_back_from_a_record_as_they_were(told, _):
    assert restored(json.loads(json.dumps(plain(told)))) == told


@pytest.mark.parametrize(
    ("given", "title", "said"),
    [
        (mean_length, "mean_length", "mean_length"),
        (Scale(), "Scale", "Scale()"),
        (theirs.SupConLoss(), "SupConLoss", "SupConLoss("),
    ],
)
def test_an_object_is_described_and_cannot_be_made_again(given, title, said):
    record = plain(given)

    assert (title_of(given), set(record)) == (title, {"object"})
    with pytest.raises(DataError, match=f"{re.escape(said)}.*; pass the object itself"):
        check_loss(restored(record))


# -- errors --------------------------------------------------------------------------------


def complaint(kind, told):
    with pytest.raises(kind) as caught:
        check_loss(told)
    return str(caught.value)


def test_an_unknown_name_is_told_with_all_there_are():
    error = complaint(ChoiceError, "tripplet")

    assert error.endswith("; got 'tripplet'. Did you mean 'triplet'?")
    assert all(repr(name) in error for name in (*LOSSES, *ADAPTED))


def test_an_unknown_name_in_a_sum_or_a_matryoshka_is_found():
    assert "got 'x'" in complaint(ChoiceError, ["supcon", (1, "x")])
    assert "got 'x'" in complaint(ChoiceError, ("matryoshka", {"loss": "x"}))


@pytest.mark.parametrize("name", OF_OTHERS)
def test_a_loss_of_something_else_than_labels_says_so(name):
    error = complaint(ChoiceError, name)

    assert error == f"loss {name!r} learns from {OF_OTHERS[name].needs}, not from labels"


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (
            ("arcface", {"margn": 0.3}),
            "loss 'arcface' takes 'margin', 'scale'; got 'margn'. Did you mean 'margin'?",
        ),
        (("center", {"margin": 1}), "loss 'center' takes no parameters; got 'margin'"),
        (
            ("supcon", {"mined": None}),
            "loss 'supcon' takes 'temperature'; got 'mined'",
        ),
        (
            ("matryoshka", {"sizes": [2]}),
            "loss 'matryoshka' takes 'dims', 'loss', 'weights'; got 'sizes'",
        ),
    ],
)
def test_unknown_parameters(told, text):
    assert complaint(TypeError, told) == text


def test_unknown_parameters_of_pytorch_metric_learning():
    error = complaint(TypeError, ("angular", {"alfa": 1}))

    assert "'alpha'" in error
    assert error.endswith("got 'alfa'. Did you mean 'alpha'?")


@pytest.mark.parametrize("told", [3, None, {"name": "supcon"}, lambda vectors: vectors.sum()])
def test_what_is_no_loss(told):
    assert complaint(TypeError, told).startswith(
        "loss must be a name, (name, parameters), a list of (weight, loss), or callable"
    )


def test_an_empty_sum():
    assert complaint(DataError, []) == "a sum of losses needs at least one; got an empty list"


def test_sizes_that_do_not_fit_the_head():
    with pytest.raises(DataError, match=r"dims of 1 to 8, that of the head; got \[2, 16\]"):
        make_loss(("matryoshka", {"dims": [2, 16]}), VECTORS, LABELS)


def test_an_unknown_distance():
    with pytest.raises(ChoiceError, match=r"distance must be one of .*'cosine-similarity'"):
        make_loss(("triplet-margin", {"distance": "cosine"}), VECTORS, LABELS)


def test_without_pytorch_metric_learning_the_install_line_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning", None)

    assert complaint(MissingExtraError, "angular") == (
        "loss 'angular' needs pytorch_metric_learning; "
        'install it with: pip install "simlab[losses]"'
    )


def test_own_losses_need_no_pytorch_metric_learning():
    code = (
        "import sys, torch; sys.modules['pytorch_metric_learning'] = None\n"
        "from simlab.training.losses import LOSSES, make_loss, table\n"
        "from simlab.training.miners import OWN, make_miner\n"
        "x, y = torch.randn(8, 8), torch.arange(4).repeat(2)\n"
        "[make_loss(name, x, y)(x, y) for name in LOSSES], table()\n"
        "[make_miner(name)(x, y) for name in OWN]"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_all_triplets_are_looked_at_in_parts(monkeypatch):
    whole = value("triplet-all")
    monkeypatch.setattr("simlab.training.losses._triplet._AT_ONCE", 20)

    assert triplet_all(VECTORS, LABELS).item() == pytest.approx(whole)
