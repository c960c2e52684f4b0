"""Views: each item seen in several ways, each way remembered."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from simlab.encoders import embed, encoder
from simlab.encoders._views import view_keys
from simlab.errors import ChoiceError, DataError, ShapeError
from simlab.items import Items
from simlab.space import Embeddings


def quiet(items, model, **options):
    return embed(items, model, progress=False, **options)


def reseed(number):
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002
    torch.manual_seed(number)


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002, S311


def noisy(array):
    return array + np.random.normal(size=array.shape).astype("f4")  # noqa: NPY002


def shifted(array):
    return array + random.random()  # noqa: S311


def by_torch(array):
    return array + torch.rand(array.shape).numpy()


@pytest.fixture(params=[noisy, shifted, by_torch])
def augment(request):
    return request.param


def test_views_differ_from_each_other_and_from_the_item_as_it_is(items, counting, augment):
    emb = quiet(items, encoder(counting, augment=augment), views=3)

    assert emb.views.shape == (12, 3, 4)
    shown = np.concatenate([emb.vectors[:, None], emb.views], axis=1)
    assert len(np.unique(shown.reshape(-1, 4), axis=0)) == 12 * 4


def test_each_view_is_remembered(items, counting, augment):
    first = quiet(items, encoder(counting, augment=augment), views=3)
    assert counting.n_encoded == 12 * 4

    again = quiet(items[::-1], encoder(counting, augment=augment), views=3)
    fewer = quiet(items, encoder(counting, augment=augment), views=2)

    assert counting.n_encoded == 12 * 4
    assert (again.views[::-1] == first.views).all()
    assert (fewer.views == first.views[:, :2]).all()


def test_more_views_cost_only_the_new_ones(items, counting, augment):
    quiet(items, encoder(counting, augment=augment), views=2)
    quiet(items, encoder(counting, augment=augment), views=5)

    assert counting.n_encoded == 12 * (1 + 5)


def test_a_view_depends_on_item_and_number_alone(items, counting, augment):
    """Not on the order, the batch, the other items, or what was drawn before."""
    model = encoder(counting, augment=augment)
    whole = quiet(items, model, views=3, cache=False)
    reseed(5)
    part = quiet(items[[7, 2]], model, views=3, cache=False, batch_size=1)

    assert (part.views == whole.views[[7, 2]]).all()


def test_global_chance_is_left_as_it_was(items, counting, augment):
    reseed(1)
    expected = draw()
    reseed(1)
    quiet(items, encoder(counting, augment=augment), views=2)

    assert draw() == expected


def test_the_items_as_they_are_share_the_cache_of_the_plain_encoder(items, counting):
    plain = quiet(items, counting)
    emb = quiet(items, encoder(counting, augment=noisy))

    assert counting.n_encoded == 12
    assert emb.views is None
    assert (emb.vectors == plain.vectors).all()


def test_another_augmentation_has_other_views(items, counting):
    one = quiet(items, encoder(counting, augment=noisy), views=2)
    two = quiet(items, encoder(counting, augment=shifted), views=2)

    assert counting.n_encoded == 12 * (1 + 2 + 2)
    assert not (one.views == two.views).any(axis=2).any()


def test_an_edited_augmentation_has_other_views(items, counting):
    for scale in (1.0, 2.0):
        quiet(items, encoder(counting, augment=lambda array, s=scale: array * s), views=2)

    assert counting.n_encoded == 12 * (1 + 2 + 2)


@given(st.integers(1, 300), st.integers(1, 300))
def test_view_keys_never_meet(one, other):
    keys = np.random.default_rng(0).integers(256, size=(50, 16), dtype=np.uint8)
    found = np.concatenate([keys, view_keys(keys, one), view_keys(keys, other)])

    assert len(np.unique(found, axis=0)) == 50 * (2 + (one != other))


def test_views_follow_the_items(items, counting):
    emb = quiet(items, encoder(counting, augment=noisy), views=2)

    assert (emb[3:5].views == emb.views[3:5]).all()
    assert len(emb.where(label="elm").views) == 4


def test_views_of_another_shape_are_refused():
    items = Items.from_arrays(np.eye(3))
    with pytest.raises(ShapeError, match=r"views must have the shape \(items, views, dim\)"):
        Embeddings(np.eye(3), items, views=np.zeros((3, 2, 5), "f4"))


def test_views_go_through_the_head_of_a_run(items, counting):
    class Doubled:
        name, modalities, fingerprint = "doubled", counting.modalities, "doubled"
        base = encoder(counting, augment=noisy)

        def transform(self, vectors):
            return vectors * 2

        def encode(self, content):
            return self.transform(self.base.encode(content))

    above, below = quiet(items, Doubled(), views=2), quiet(items, Doubled.base, views=2)

    assert (above.views == below.views * 2).all()


def test_progress_names_the_view(items, counting, capsys):
    embed(items, encoder(counting, augment=noisy), views=2)

    assert "view 2 of 2" in capsys.readouterr().err


@pytest.mark.parametrize("views", [0, -1, 1.5, "two"])
def test_a_number_of_views_that_makes_no_sense_is_refused(items, counting, views):
    with pytest.raises(DataError, match="views must be a whole number, at least 1; got"):
        quiet(items, counting, views=views)


# -- encoders whose own preprocessing is random ------------------------------------------------


def module(collate):
    return encoder(nn.Flatten(), collate=collate)


def stacked(batch):
    return torch.from_numpy(np.stack(batch))


def global_numpy(batch):
    return stacked(batch) + float(np.random.rand())  # noqa: NPY002


def global_torch(batch):
    values = stacked(batch)
    return values + torch.rand(values.shape)


def own_generator(batch):
    values = stacked(batch)
    return values + torch.from_numpy(np.random.default_rng().normal(size=values.shape)).float()


def helped(batch):
    return own_generator(batch)


class Held:
    def __init__(self):
        self.chance = random.Random(3)  # noqa: S311

    def __call__(self, batch):
        return stacked(batch) * self.chance.random()


class Coin(nn.Module):
    def forward(self, batch):
        return nn.functional.dropout(batch.flatten(1), 0.5, training=True)


class Encoding:
    name, modalities, fingerprint = "random", frozenset({"array"}), "random-1"

    def encode(self, content):
        rng = np.random.default_rng()
        return np.stack([value.ravel() for value in content]) + rng.normal(size=(len(content), 1))


RANDOM = {
    "numpy": lambda: module(global_numpy),
    "torch": lambda: module(global_torch),
    "generator of its own": lambda: module(own_generator),
    "in a helper": lambda: module(helped),
    "held": lambda: module(Held()),
    "dropout that stays on": lambda: encoder(Coin()),
    "any encoder": Encoding,
}


@pytest.fixture(params=RANDOM.values(), ids=RANDOM)
def chancy(request):
    return request.param()


def test_one_vector_of_a_random_encoder_is_refused(items, chancy, cache_root):
    with pytest.raises(DataError, match=r"different vectors for the same items.*views=k"):
        quiet(items, chancy)

    assert not list(cache_root.rglob("*.safetensors"))


def test_views_of_a_random_encoder_are_remembered_draws(items, chancy):
    first = quiet(items, chancy, views=3)
    again = quiet(items[::-1], chancy, views=3)

    assert first.views.shape == (12, 3, 4)
    assert (again.views[::-1] == first.views).all()
    assert not (first.views[:, 0] == first.views[:, 1]).all(axis=1).any()
    np.testing.assert_allclose(first.vectors, first.views.mean(axis=1))


def seeded(batch):
    return stacked(batch) + torch.from_numpy(np.random.default_rng(0).normal(size=(2, 2))).float()


def unused(batch):
    torch.rand(3)
    return stacked(batch)


@pytest.mark.parametrize("collate", [seeded, unused])
def test_chance_that_changes_nothing_is_no_reason_to_refuse(items, collate):
    assert quiet(items, module(collate)).vectors.shape == (12, 4)


def test_views_that_would_all_be_the_same_are_refused(items, counting):
    with pytest.raises(DataError, match=r"views=2 needs an encoder that sees items in different"):
        quiet(items, counting, views=2)


def test_an_encoder_beyond_suspicion_encodes_every_item_once(items, counting):
    quiet(items, counting, batch_size=5)

    assert counting.batches == [5, 5, 2]


# -- views by dropout -------------------------------------------------------------------------


def dropping_network():
    torch.manual_seed(0)
    layers = (nn.Linear(4, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 3))
    return nn.Sequential(*layers)


def test_views_by_dropout_differ_and_items_keep_their_vectors():
    network = dropping_network()
    items = Items.from_arrays(np.random.default_rng(0).normal(size=(12, 4)).astype("f4"))
    plain = quiet(items, encoder(network)).vectors
    emb = quiet(items, encoder(network, augment="dropout"), views=3)

    assert np.array_equal(emb.vectors, plain)
    shown = np.concatenate([emb.vectors[:, None], emb.views], axis=1)
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 12 * 4


def test_views_by_dropout_are_remembered_and_leave_the_network_as_it_was(tmp_path):
    network = dropping_network().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    items = Items.from_arrays(np.eye(4, dtype="f4"))
    first = quiet(items, encoder(network, augment="dropout"), views=2, cache=tmp_path)
    reseed(7)
    chance = draw()
    reseed(7)
    again = quiet(items[:], encoder(network, augment="dropout"), views=2, cache=tmp_path)

    assert np.array_equal(first.views, again.views)
    assert draw() == chance
    assert network.training
    torch.testing.assert_close(network.state_dict(), before)


def test_statistics_of_normalization_stay_while_units_are_dropped():
    network = dropping_network()
    items = Items.from_arrays(np.random.default_rng(0).normal(size=(400, 4)).astype("f4"))
    with torch.no_grad():
        network[1].running_mean -= 3
    emb = quiet(items, encoder(network, augment="dropout"), views=2)

    # by the statistics of the batch the shift would vanish
    assert np.abs(emb.views.mean(axis=(0, 1)) - emb.vectors.mean(axis=0)).max() < 0.2


def test_a_network_without_dropout_has_no_such_views():
    items = Items.from_arrays(np.eye(4, dtype="f4"))

    with pytest.raises(DataError, match="augment='dropout' needs a network that drops units"):
        quiet(items, encoder(nn.Linear(4, 2), augment="dropout"), views=2)


def test_an_unknown_word_for_views_is_told():
    with pytest.raises(ChoiceError, match="augment must be one of 'dropout'; got 'crop'"):
        encoder("pixels", augment="crop")


@pytest.mark.real
def test_texts_are_learned_from_two_passes_with_dropout():
    """Two views of a text come nearer, measured on texts that were not learned from."""
    from simlab import fit, load

    glosses = load("wordnet-glosses")[:400]
    bare = Items.from_arrays(glosses.content[:])
    model = encoder("minilm", augment="dropout")
    run = fit(bare[:300], model, views=4, loss="nt-xent", epochs=10, progress=False)
    held = quiet(bare[300:], model, views=4).views

    def nearer(one, two):
        unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (one, two)]
        similarity = unit[0] @ unit[1].T
        own = similarity.diagonal()
        return (
            own - np.sort(similarity - 9 * np.eye(len(own)), axis=1)[:, -5:].mean(axis=1)
        ).mean()

    before = nearer(held[:, 0], held[:, 1])
    after = nearer(run.transform(held[:, 0]), run.transform(held[:, 1]))
    assert after > before + 0.02
