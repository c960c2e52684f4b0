"""The losses are those of the literature: equal to pytorch-metric-learning, value and gradient."""

import math

import numpy as np
import pytest
import torch
from pytorch_metric_learning import distances, losses as reference, miners, reducers

from simlab.training import losses
from simlab.training.losses import LOSSES, ArcFace, make_loss

LABELS = {
    "balanced": [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3],
    "unbalanced": [0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2],
    "with singles": [0, 0, 0, 1, 1, 2, 3, 4, 4, 4, 4, 5],
    "all single": list(range(12)),
    "one label": [0] * 12,
}
COSINE = distances.CosineSimilarity()
MEAN = reducers.MeanReducer()


def with_miner(loss, miner):
    return lambda vectors, labels: loss(vectors, labels, miner(vectors, labels))


def half(loss):
    return lambda vectors, labels: 0.5 * loss(vectors, labels)


def triplets(miner=None, **options):
    loss = reference.TripletMarginLoss(distance=COSINE, **options)
    return loss if miner is None else with_miner(loss, miner)


def contrast(high, low, miner=None):
    loss = reference.ContrastiveLoss(high, low, distance=COSINE)
    return loss if miner is None else with_miner(loss, miner)


BATCH_HARD = miners.BatchHardMiner(distance=COSINE)
SEMI_HARD = miners.TripletMarginMiner(0.2, type_of_triplets="semihard", distance=COSINE)
EACH_HARDEST = miners.BatchEasyHardMiner("hard", "hard", distance=COSINE)

OURS_AND_THEIRS = {
    "triplet": ("triplet", triplets(BATCH_HARD, margin=0.4, reducer=MEAN)),
    "triplet, soft": (
        ("triplet", {"margin": 0, "soft": True}),
        triplets(BATCH_HARD, margin=0, smooth_loss=True, reducer=MEAN),
    ),
    "triplet-all": ("triplet-all", triplets(margin=0.1)),
    "triplet-all, wide": (("triplet-all", {"margin": 0.7}), triplets(margin=0.7)),
    "triplet-all, soft": (
        ("triplet-all", {"soft": True}),
        triplets(margin=0.1, smooth_loss=True),
    ),
    "triplet-semi-hard": ("triplet-semi-hard", triplets(SEMI_HARD, margin=0.2)),
    "contrastive": ("contrastive", contrast(0.9, 0.1)),
    "contrastive, wide": (
        ("contrastive", {"pos_margin": 0.5, "neg_margin": -0.3}),
        contrast(0.5, -0.3),
    ),
    "online-contrastive": ("online-contrastive", half(contrast(1, 0.5, EACH_HARDEST))),
    "supcon": ("supcon", reference.SupConLoss(temperature=0.1)),
    "supcon, sharp": (("supcon", {"temperature": 0.05}), reference.SupConLoss(temperature=0.05)),
    "nt-xent": ("nt-xent", reference.NTXentLoss()),
    "nt-xent, soft": (("nt-xent", {"temperature": 0.5}), reference.NTXentLoss(temperature=0.5)),
    "multiple-negatives-ranking": (
        "multiple-negatives-ranking",
        reference.NTXentLoss(temperature=1 / 20),
    ),
    "multi-similarity": (
        "multi-similarity",
        reference.MultiSimilarityLoss(alpha=2.0, beta=10.0, base=0.1),
    ),
    "multi-similarity, theirs": (
        ("multi-similarity", {"alpha": 2, "beta": 50, "base": 0.5}),
        reference.MultiSimilarityLoss(),
    ),
    "circle": ("circle", reference.CircleLoss()),
    "circle, faces": (
        ("circle", {"margin": 0.25, "scale": 256}),
        reference.CircleLoss(m=0.25, gamma=256),
    ),
    "fastap": ("fastap", reference.FastAPLoss()),
    "fastap, fine": (("fastap", {"n_bins": 25}), reference.FastAPLoss(num_bins=25)),
}
OF_CENTERS = {
    "arcface": ("ArcFaceLoss", {"scale": 16, "margin": math.degrees(0.5)}),
    "cosface": ("CosFaceLoss", {"scale": 16}),
    "proxy-anchor": ("ProxyAnchorLoss", {}),
    "softmax": ("NormalizedSoftmaxLoss", {}),
}
BY_HAND = {"center", "matryoshka", "smooth-ap"}  # tested in test_loss_formulas.py


def batch(seed, kind):
    """Draw vectors, half of them near their friends, so that every branch of a loss is met."""
    labels = torch.tensor(LABELS[kind])
    rng = np.random.default_rng([seed, len(kind)])
    centers = rng.normal(size=(int(labels.max()) + 1, 6))
    vectors = rng.normal(size=(len(labels), 6)) + (seed % 2) * 3 * centers[labels]
    order = rng.permutation(len(labels))
    return torch.from_numpy(vectors[order]), labels[order]


def value_and_gradient(loss, vectors, labels):
    vectors = vectors.clone().requires_grad_()
    value = loss(vectors, labels)
    if value.requires_grad:
        value.backward()
    gradient = torch.zeros_like(vectors) if vectors.grad is None else vectors.grad
    return value.detach(), gradient


def assert_equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(
            one, other.to(one.dtype).reshape(one.shape), rtol=1e-5, atol=1e-9
        )


def test_every_loss_has_a_reference():
    assert {*OURS_AND_THEIRS, *OF_CENTERS, *BY_HAND} >= set(LOSSES)


CASES = [
    (name, kind)
    for name in OURS_AND_THEIRS
    for kind in LABELS
    # there the reference of supcon answers 0, against its formula
    if not (name.startswith("supcon") and kind == "one label")
]


@pytest.mark.parametrize(("name", "kind"), CASES)
@pytest.mark.parametrize("seed", range(2))
def test_value_and_gradient_are_those_of_pytorch_metric_learning(name, kind, seed):
    vectors, labels = batch(seed, kind)
    told, theirs = OURS_AND_THEIRS[name]
    ours = make_loss(told, vectors, labels)

    assert_equal(*(value_and_gradient(loss, vectors, labels) for loss in (ours, theirs)))


@pytest.mark.parametrize("name", OF_CENTERS)
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("seed", range(2))
def test_losses_with_centers_are_those_of_pytorch_metric_learning(name, kind, seed):
    vectors, labels = batch(seed, kind)
    n_classes = int(labels.max()) + 2  # one is missing in the batch
    their_name, options = OF_CENTERS[name]
    theirs = getattr(reference, their_name)(n_classes, 6, **options).double()
    ours = type(make_loss(name, vectors, labels))(n_classes, 6).double()
    is_upright = hasattr(theirs, "proxies")
    their_centers = theirs.proxies if is_upright else theirs.W
    with torch.no_grad():
        ours.centers.copy_(their_centers if is_upright else their_centers.T)
    one, other = (value_and_gradient(loss, vectors, labels) for loss in (ours, theirs))
    their_gradient = their_centers.grad if is_upright else their_centers.grad.T

    assert_equal((*one, ours.centers.grad), (*other, their_gradient))


@pytest.mark.parametrize("margin", [0.1, 2.0])
@pytest.mark.parametrize("kind", LABELS)
def test_any_margin_of_arcface_is_that_of_pytorch_metric_learning(margin, kind):
    vectors, labels = batch(1, kind)
    n_classes = int(labels.max()) + 1
    ours = ArcFace(n_classes, 6, margin=margin).double()
    theirs = reference.ArcFaceLoss(n_classes, 6, margin=math.degrees(margin), scale=16).double()
    with torch.no_grad():
        theirs.W.copy_(ours.centers.T)

    assert_equal(
        (*value_and_gradient(ours, vectors, labels), ours.centers.grad),
        (*value_and_gradient(theirs, vectors, labels), theirs.W.grad.T),
    )


@pytest.mark.parametrize("seed", range(3))
def test_vicreg_is_that_of_pytorch_metric_learning(seed):
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.randn(2, 8, 5, generator=generator, dtype=torch.float64)
    theirs = reference.VICRegLoss()
    ours, other = (
        value_and_gradient(loss, first, second)
        for loss in (losses.vicreg, lambda one, two: theirs(one, ref_emb=two))
    )

    assert_equal(ours, other)


def test_ranking_of_pairs_is_the_pairs_loss_of_pytorch_metric_learning():
    labels = torch.arange(6).repeat_interleave(2)
    vectors = batch(0, "balanced")[0]
    pairs = torch.arange(12).view(6, 2)

    def theirs(vectors, labels):
        scaled = torch.nn.functional.normalize(vectors, dim=1) * 20**0.5
        dot = distances.DotProductSimilarity(normalize_embeddings=False)
        return reference.NPairsLoss(distance=dot)(scaled, labels)

    assert_equal(
        value_and_gradient(lambda vectors, _: losses.ranking_of_pairs(vectors, pairs), vectors, 0),
        value_and_gradient(theirs, vectors, labels),
    )


@pytest.mark.parametrize("seed", range(3))
def test_smooth_ap_is_theirs_where_theirs_is_right(seed):
    vectors, labels = batch(seed, "balanced")[0][:9], torch.arange(3).repeat_interleave(3)

    assert_equal(
        value_and_gradient(losses.smooth_ap, vectors, labels),
        value_and_gradient(reference.SmoothAPLoss(), vectors, labels),
    )


@pytest.mark.parametrize("kind", LABELS)
def test_the_gradient_of_smooth_ap_is_that_of_differences(kind):
    vectors, labels = batch(1, kind)

    assert torch.autograd.gradcheck(
        lambda one: losses.smooth_ap(one, labels, temperature=0.1), vectors.requires_grad_()
    )


def test_supcon_of_one_label_is_the_formula_of_its_paper():
    vectors, labels = batch(0, "one label")
    unit = torch.nn.functional.normalize(vectors, dim=1)
    logits = unit @ unit.T / 0.1
    n = len(labels)
    by_hand = [
        -sum(
            logits[i, p] - sum(logits[i, a].exp() for a in range(n) if a != i).log()
            for p in range(n)
            if p != i
        )
        / (n - 1)
        for i in range(n)
    ]

    torch.testing.assert_close(losses.supcon(vectors, labels), sum(by_hand) / n)


@pytest.mark.parametrize(
    "name",
    ["contrastive", "fastap", "online-contrastive", "triplet", "triplet-all", "triplet-semi-hard"],
)
def test_a_space_that_keeps_its_margins_costs_nothing(name):
    loss = make_loss(name, torch.eye(2), torch.tensor([0, 1]))
    value, gradient = value_and_gradient(
        loss, torch.eye(2)[[0, 0, 1, 1]], torch.tensor([0, 0, 1, 1])
    )

    assert (value.item(), gradient.abs().max().item()) == (0, 0)


def test_triplet_counts_items_that_keep_the_margin_in_its_mean():
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    # items 0 and 1: 1 - 1 + 0.4; item 2 is as far from its friend as can be: 0 - 0 + 0.4;
    # item 3 lies among strangers: 1 - 0 + 0.4
    value = losses.triplet(vectors, torch.tensor([0, 0, 1, 1]))

    assert value.item() == pytest.approx((0.4 + 0.4 + 0.4 + 1.4) / 4)


def test_arcface_starts_around_the_mean_direction_of_each_label():
    vectors = torch.tensor([[2.0, 0.0], [0.0, 5.0], [0.0, -1.0]])
    centers = ArcFace.around(vectors, torch.tensor([0, 0, 1])).centers.detach()

    torch.testing.assert_close(centers, torch.tensor([[0.5**0.5, 0.5**0.5], [0.0, -1.0]]))


def test_the_centers_of_arcface_are_learned():
    loss = make_loss("arcface", torch.eye(2), torch.tensor([0, 1]))
    loss(torch.eye(2).flip(0), torch.tensor([0, 1])).backward()

    assert [(name, bool(p.grad.abs().sum() > 0)) for name, p in loss.named_parameters()] == [
        ("centers", True)
    ]
