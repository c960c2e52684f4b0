"""Miners: those of the literature, with every loss that takes one."""

import inspect
import sys
from itertools import product

import pytest
import torch
from pytorch_metric_learning import distances, losses as theirs, miners as their_miners

from simlab.errors import ChoiceError, DataError, MissingExtraError
from simlab.training import losses
from simlab.training.losses import ADAPTED, LOSSES, make_loss, table
from simlab.training.miners import (
    ADAPTED as FOREIGN,
    MINERS,
    OWN,
    batch_hard,
    check_miner,
    make_miner,
)

COSINE = distances.CosineSimilarity()
LABELS = torch.tensor([0, 0, 0, 1, 1, 2, 3, 3, 3, 3])
TAKE_MINERS = [name for name in LOSSES if table().loc[name, "miner"]]


def vectors_of(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(10, 4, generator=generator, dtype=torch.float64)


REFERENCES = {
    "batch-hard": their_miners.BatchHardMiner(distance=COSINE),
    "multi-similarity": their_miners.MultiSimilarityMiner(),
    "semi-hard": their_miners.TripletMarginMiner(0.2, type_of_triplets="semihard", distance=COSINE),
}


def lists(mined):
    """Read pairs or triplets as a set of rows each."""
    parts = [mined] if len(mined) == 3 else [mined[:2], mined[2:]]
    return [sorted(zip(*(one.tolist() for one in part), strict=True)) for part in parts]


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("seed", range(4))
def test_own_miners_choose_as_those_of_pytorch_metric_learning(name, seed):
    vectors = vectors_of(seed)

    assert lists(make_miner(name)(vectors, LABELS)) == lists(REFERENCES[name](vectors, LABELS))


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("labels", [[0, 1, 2], [0, 0, 0]], ids=["no friends", "no strangers"])
def test_where_there_is_no_triplet_none_is_mined(name, labels):
    mined = make_miner(name)(torch.eye(3), torch.tensor(labels))

    assert [len(one) for one in mined] in ([0, 0, 0], [0, 0, 0, 0])


THEIRS = {
    "circle": theirs.CircleLoss(),
    "contrastive": theirs.ContrastiveLoss(0.9, 0.1, distance=COSINE),
    "multi-similarity": theirs.MultiSimilarityLoss(2, 10, 0.1),
    "nt-xent": theirs.NTXentLoss(),
    "supcon": theirs.SupConLoss(),
    "triplet-all": theirs.TripletMarginLoss(0.1, distance=COSINE),
}
PAIRS = {
    "batch-easy-hard": their_miners.BatchEasyHardMiner("hard", "hard", distance=COSINE),
    "multi-similarity": their_miners.MultiSimilarityMiner(),
    "pair-margin": their_miners.PairMarginMiner(0.5, 0.5, distance=COSINE),
}


# there theirs leaves items out of the mean which have a friend and no stranger
MINED = [case for case in product(THEIRS, PAIRS) if case != ("supcon", "pair-margin")]


@pytest.mark.parametrize(("name", "miner"), MINED)
@pytest.mark.parametrize("seed", range(3))
def test_mined_pairs_count_as_in_pytorch_metric_learning(name, miner, seed):
    one, other = (vectors_of(seed).requires_grad_() for _ in range(2))
    mined = PAIRS[miner](one, LABELS)
    ours, their = (
        make_loss(name, one, LABELS)(one, LABELS, mined),
        THEIRS[name](other, LABELS, mined),
    )
    ours.backward()
    their.backward()

    torch.testing.assert_close(ours, their)
    torch.testing.assert_close(one.grad, other.grad, atol=1e-9, rtol=1e-6)


@pytest.mark.parametrize("miner", ["batch-hard", "semi-hard", "triplet-margin"])
@pytest.mark.parametrize("soft", [False, True])
def test_mined_triplets_count_as_in_pytorch_metric_learning(miner, soft):
    one, other = (vectors_of(1).requires_grad_() for _ in range(2))
    mined = make_miner(miner)(one.detach(), LABELS)
    ours = losses.triplet_all(one, LABELS, mined, margin=0.3, soft=soft)
    their = theirs.TripletMarginLoss(0.3, distance=COSINE, smooth_loss=soft)(other, LABELS, mined)
    ours.backward()
    their.backward()

    torch.testing.assert_close(ours, their)
    torch.testing.assert_close(one.grad, other.grad, atol=1e-9, rtol=1e-6)


def test_mining_the_hardest_triplets_is_the_triplet_loss():
    vectors = vectors_of(0)
    mined = make_loss(("triplet-all", {"margin": 2}), vectors, LABELS, miner=batch_hard)

    torch.testing.assert_close(mined(vectors, LABELS), losses.triplet(vectors, LABELS, margin=2))


@pytest.mark.parametrize("name", TAKE_MINERS)
@pytest.mark.parametrize("miner", MINERS)
def test_every_miner_works_with_every_loss_that_takes_one(name, miner):
    vectors = vectors_of(2).float().requires_grad_()
    loss = make_loss(name, vectors.detach(), LABELS, miner=make_miner(miner))
    loss(vectors, LABELS).backward()

    assert torch.isfinite(vectors.grad).all()


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence:UserWarning")
@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")
@pytest.mark.parametrize("name", [name for name in ADAPTED if ADAPTED[name].takes_mined])
def test_losses_of_pytorch_metric_learning_learn_from_what_own_miners_choose(name):
    vectors, labels = torch.randn(12, 4, requires_grad=True), torch.arange(4).repeat(3)
    loss = make_loss(name, vectors.detach(), labels, miner=make_miner("batch-hard"))
    loss(vectors, labels).backward()

    assert torch.isfinite(vectors.grad).all()


@pytest.mark.parametrize("name", TAKE_MINERS)
@pytest.mark.parametrize("n_lists", [3, 4])
def test_where_nothing_was_mined_nothing_is_learned(name, n_lists):
    vectors = vectors_of(0).requires_grad_()
    empty = torch.empty(0, dtype=torch.long)
    value = make_loss(name, vectors.detach(), LABELS)(vectors, LABELS, (empty,) * n_lists)
    value.backward()

    assert (value.item(), vectors.grad.abs().max().item()) == (0, 0)


def test_in_a_sum_a_loss_without_a_miner_sees_the_whole_batch():
    vectors = vectors_of(0)
    both = make_loss(["triplet-all", "softmax"], vectors, LABELS, miner=batch_hard)
    one = make_loss("triplet-all", vectors, LABELS, miner=batch_hard)
    other = make_loss("softmax", vectors, LABELS)

    torch.testing.assert_close(both(vectors, LABELS), one(vectors, LABELS) + other(vectors, LABELS))


def test_parameters_of_miners_are_taken():
    vectors = vectors_of(0)
    few, many = (
        len(make_miner(("semi-hard", {"margin": margin}))(vectors, LABELS)[0])
        for margin in (0.05, 0.5)
    )

    assert few < many


def test_a_miner_may_be_any_callable():
    def none(_, labels):
        return (torch.empty(0, dtype=labels.dtype),) * 3

    assert make_miner(none) is none


@pytest.mark.parametrize("name", sorted(set(LOSSES) - set(TAKE_MINERS)))
def test_a_loss_that_takes_no_miner_says_which_do(name):
    with pytest.raises(DataError) as caught:
        make_loss(name, vectors_of(0), LABELS, miner=batch_hard)

    assert str(caught.value).startswith(f"loss {name!r} takes no miner; those that do: 'circle',")


def test_a_function_of_two_arguments_takes_no_miner():
    def loss(vectors, _):
        return vectors.sum()

    with pytest.raises(DataError, match="any callable with a third argument"):
        make_loss(loss, vectors_of(0), LABELS, miner=batch_hard)


def complaint(kind, told):
    with pytest.raises(kind) as caught:
        check_miner(told)
    return str(caught.value)


def test_unfit_miners():
    assert "Did you mean 'batch-hard'?" in complaint(ChoiceError, "batch-hrad")
    assert complaint(TypeError, ("semi-hard", {"margn": 1})) == (
        "miner 'semi-hard' takes 'margin'; got 'margn'. Did you mean 'margin'?"
    )
    assert complaint(TypeError, 3).startswith("miner must be a name, (name, parameters), or")
    assert "pass the object itself" in complaint(DataError, {"object": "HDCMiner()"})


def test_every_miner_of_pytorch_metric_learning_has_a_name():
    known = {*FOREIGN.values(), "BatchHardMiner", "MultiSimilarityMiner", "BaseMiner"}
    known.add("EmbeddingsAlreadyPackagedAsTriplets")  # needs batches of that kind

    assert {name for name, one in vars(their_miners).items() if inspect.isclass(one)} == known


def test_without_pytorch_metric_learning_the_install_line_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning", None)

    assert 'pip install "simlab[losses]"' in complaint(MissingExtraError, "hdc")
