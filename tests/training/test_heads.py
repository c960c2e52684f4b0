"""Heads start where the encoder ends, and measure the training vectors once."""

import pytest
import torch
from torch.nn.functional import normalize

from simlab.training._heads import HEADS, LinearHead, SkipMlpHead, make_head

SKIPPING = [name for name in HEADS if name.startswith("skip")]


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


@pytest.mark.parametrize(("name", "out"), [("linear", 256), ("skip", 6), ("skip-mlp", 6)])
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
