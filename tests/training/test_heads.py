"""Heads start where the encoder ends, and measure the training vectors once."""

import inspect
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from simlab.training import heads
from simlab.training._records import plain
from simlab.training.heads import HEADS, LinearHead, SkipMlpHead, make_head

SKIPPING = [name for name in HEADS if name.startswith("skip")]
OWN_PARAMETERS = {"factor", "groups", "hidden", "layers", "out", "size", "sizes", "activation"}


@pytest.fixture
def vectors():
    generator = torch.Generator().manual_seed(0)
    return 3 + 2 * torch.randn(40, 6, generator=generator)


def order_of_neighbors(vectors):
    unit = normalize(vectors, dim=1)
    return (unit @ unit.T).argsort(dim=1, descending=True)


@pytest.mark.parametrize("name", SKIPPING)
def test_a_skip_head_starts_with_the_neighbors_of_the_centered_space(vectors, name):
    head = make_head(name, vectors).eval()

    assert (
        order_of_neighbors(head(vectors)) == order_of_neighbors(vectors - vectors.mean(0))
    ).all()


def test_a_skip_head_of_two_layers_bends_the_space(vectors):
    head = make_head("skip-mlp", vectors).eval()
    with torch.no_grad():
        head.narrow.weight.fill_(0.1)
    one, other = vectors[:1], vectors[1:2]
    moved, moved_other, moved_middle = (
        head(place) - head.enter(place) for place in (one, other, (one + other) / 2)
    )

    assert not torch.allclose(moved_middle, (moved + moved_other) / 2, atol=1e-3)


@pytest.mark.parametrize(("dim", "hidden"), [(6, 12), (300, 512)])
def test_the_hidden_layer_is_twice_as_wide_up_to_a_limit(dim, hidden):
    assert SkipMlpHead(dim).widen.out_features == hidden


def test_a_skip_head_adds_a_linear_correction(vectors):
    head = make_head("skip", vectors).eval()
    start = head(vectors)
    with torch.no_grad():
        head.correction.weight.copy_(2 * torch.eye(6))

    torch.testing.assert_close(head(vectors), 3 * start)


def test_a_linear_head_is_one_linear_map_of_the_centered_vectors(vectors):
    head = make_head("linear", vectors).eval()
    entered = head.enter(vectors)

    torch.testing.assert_close(head(vectors), entered @ head.map.weight.T + head.map.bias)


DIMS = {
    "linear": 256, "mlp": 256, "stacked": 256, "softmax-groups": 256,
    **dict.fromkeys(["gated", "gated-skip", "identity", "skip", "skip-mlp", "widening"], 6),
}  # fmt: skip


@pytest.mark.parametrize(("name", "out"), [(name, DIMS[name]) for name in HEADS])
def test_the_dimension_of_the_new_space(vectors, name, out):
    assert make_head(name, vectors)(vectors).shape == (40, out)


def test_a_linear_head_maps_to_the_dimension_asked():
    assert LinearHead(8, out=3)(torch.ones(2, 8)).shape == (2, 3)


@pytest.mark.parametrize("name", HEADS)
def test_dropout_acts_in_training(vectors, name):
    head = make_head(name, vectors, dropout=0.5).train()
    for weight in head.parameters():  # corrections start at zero
        torch.nn.init.normal_(weight)

    assert not torch.equal(head(vectors), head(vectors))


@pytest.mark.parametrize("name", HEADS)
def test_dropout_rests_outside_training(vectors, name):
    dropping = make_head(name, vectors, dropout=0.5).eval()
    for weight in dropping.parameters():
        torch.nn.init.normal_(weight)
    plain = make_head(name, vectors)
    plain.load_state_dict(dropping.state_dict())

    torch.testing.assert_close(dropping(vectors), plain(vectors))


@pytest.mark.parametrize("name", SKIPPING)
def test_dropout_leaves_the_way_past_the_correction_alone(vectors, name):
    head = make_head(name, vectors, dropout=0.9).train()

    torch.testing.assert_close(head(vectors), head.enter(vectors))


@pytest.mark.parametrize("name", HEADS)
def test_training_vectors_enter_centered_and_with_numbers_of_size_one(vectors, name):
    entered = make_head(name, vectors).enter(vectors)

    torch.testing.assert_close(entered.mean(0), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(entered.norm(dim=1).mean(), torch.tensor(6**0.5))


@pytest.mark.parametrize("name", HEADS)
def test_the_statistics_are_part_of_the_weights_but_not_learned(vectors, name):
    head = make_head(name, vectors)

    assert {"enter.center", "enter.scale"} <= set(head.state_dict())
    assert not {"enter.center", "enter.scale"} & {name for name, _ in head.named_parameters()}


def test_vectors_that_all_coincide_make_a_head_of_finite_numbers():
    head = make_head("skip", torch.full((5, 3), 0.1))

    assert all(torch.isfinite(tensor).all() for tensor in head.state_dict().values())


@pytest.mark.parametrize("name", SKIPPING)
def test_a_skip_head_without_statistics_changes_nothing(vectors, name):
    torch.testing.assert_close(HEADS[name](6)(vectors), vectors)


# -- formulas, in plain numpy ---------------------------------------------------------------


def dense(layer, values):
    return values @ layer.weight.numpy().T + layer.bias.numpy()


def relu(values):
    return np.maximum(values, 0)


def gelu(values):
    return values * (1 + np.vectorize(math.erf)(values / 2**0.5)) / 2


def by_hand_stack(head, x, bend):
    for layer in head.maps[:-1]:
        x = bend(dense(layer, x))
    return dense(head.maps[-1], x)


def by_hand_gated_skip(head, x):
    for layer, gates in zip(head.maps, head.gates.numpy(), strict=True):
        x = dense(layer, x) / (1 + np.exp(-gates)) + x
    return x


def by_hand_softmax(head, x):
    shares = []
    for group in np.split(dense(head.map, x), 3, axis=1):
        powers = np.exp(group)
        shares.append(powers / powers.sum(axis=1, keepdims=True))
    return np.concatenate(shares, axis=1)


BY_HAND = [
    ("identity", {}, lambda _, x: x),
    ("gated", {}, lambda head, x: x * np.tanh(head.gates.numpy())),
    ("linear", {"out": 3}, lambda head, x: dense(head.map, x)),
    ("mlp", {"hidden": [5, 4], "out": 3}, lambda head, x: by_hand_stack(head, x, gelu)),
    ("mlp", {"hidden": [5], "activation": "tanh"}, lambda head, x: by_hand_stack(head, x, np.tanh)),
    ("stacked", {"sizes": [5, 4, 2]}, lambda head, x: by_hand_stack(head, x, relu)),
    ("stacked", {"sizes": [2]}, lambda head, x: by_hand_stack(head, x, relu)),
    ("widening", {"factor": 2.5}, lambda head, x: by_hand_stack(head, x, relu)),
    ("skip", {}, lambda head, x: x + x @ head.correction.weight.numpy().T),
    (
        "skip-mlp",
        {},
        lambda head, x: x + gelu(dense(head.widen, x)) @ head.narrow.weight.numpy().T,
    ),
    ("gated-skip", {"layers": 3}, by_hand_gated_skip),
    ("softmax-groups", {"groups": 3, "size": 4}, by_hand_softmax),
]


@pytest.mark.parametrize(("name", "parameters", "by_hand"), BY_HAND)
def test_the_formula_of_every_head(vectors, name, parameters, by_hand):
    head = make_head((name, parameters), vectors).eval().requires_grad_(requires_grad=False)
    for weights in head.parameters():  # also those that start at zero
        torch.nn.init.normal_(weights)
    numbers = vectors.numpy().astype(np.float64)
    centered = numbers - numbers.mean(0)
    entered = centered * 6**0.5 / np.linalg.norm(centered, axis=1).mean()

    np.testing.assert_allclose(head(vectors), by_hand(head, entered), rtol=1e-4, atol=1e-4)


def test_every_head_has_a_formula_here():
    assert {name for name, _, _ in BY_HAND} == set(HEADS)


# -- the start ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["identity", *SKIPPING])
def test_a_start_at_the_identity_is_exact(vectors, name):
    assert torch.equal(HEADS[name](6).eval()(vectors), vectors)


def test_gates_start_open_and_skipping_gates_start_closed():
    gated, skipping = HEADS["gated"](6), HEADS["gated-skip"](6, layers=2)

    assert gated.gates.tolist() == [2.0] * 6
    assert skipping.gates.tolist() == [[-4.0] * 6] * 2


@pytest.mark.parametrize(("name", "far"), [("gated", 0.04), ("gated-skip", 0.05)])
def test_gates_start_near_the_space_of_the_encoder(vectors, name, far):
    head = make_head(name, vectors).eval()
    entered = head.enter(vectors)

    assert ((head(vectors) - entered).norm() / entered.norm()).item() < far


def test_widening_widens_four_times():
    assert [one.out_features for one in HEADS["widening"](6).maps] == [24, 6]


# -- confidence -----------------------------------------------------------------------------


def test_confidence_is_the_mean_of_the_largest_shares(vectors):
    head = make_head(("softmax-groups", {"groups": 3, "size": 4}), vectors).eval()
    shares = head(vectors).detach().numpy().reshape(40, 3, 4)

    np.testing.assert_allclose(
        head.confidence(vectors).detach(), shares.max(axis=2).mean(axis=1), rtol=1e-6
    )


def test_confidence_goes_from_one_in_size_to_one(vectors):
    head = make_head(("softmax-groups", {"groups": 3, "size": 4}), vectors).eval()
    with torch.no_grad():
        head.map.weight.zero_()
        head.map.bias.zero_()
        unsure = head.confidence(vectors)
        head.map.bias[::4] = 100
        sure = head.confidence(vectors)

    torch.testing.assert_close((unsure, sure), (torch.full((40,), 0.25), torch.ones(40)))


# -- the page -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HEADS)
def test_the_page_of_the_room_tells_of_every_head_and_its_parameters(name):
    lines = (Path(heads.__file__).parent / "README.md").read_text(encoding="utf8").splitlines()
    [row] = [line for line in lines if line.startswith(f"| `{name}` |")]
    makers = inspect.signature(HEADS[name]).parameters.values()
    told = [f"`{one.name}={plain(one.default)}`" for one in makers if one.name in OWN_PARAMETERS]

    assert [one for one in told if one not in row] == []
