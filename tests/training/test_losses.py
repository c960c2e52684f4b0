"""The losses are those of the literature: equal to pytorch-metric-learning, value and gradient."""

import math

import numpy as np
import pytest
import torch
from pytorch_metric_learning import distances, losses as reference, miners, reducers

from simlab.training.losses import (
    LOSSES,
    ArcFace,
    contrastive,
    make_loss,
    multi_similarity,
    supcon,
    triplet,
)

LABELS = {
    "balanced": [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3],
    "unbalanced": [0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2],
    "with singles": [0, 0, 0, 1, 1, 2, 3, 4, 4, 4, 4, 5],
    "all single": list(range(12)),
    "one label": [0] * 12,
}


def their_triplet(vectors, labels):
    cosine = distances.CosineSimilarity()
    loss = reference.TripletMarginLoss(margin=0.4, distance=cosine, reducer=reducers.MeanReducer())
    return loss(vectors, labels, miners.BatchHardMiner(distance=cosine)(vectors, labels))


OURS_AND_THEIRS = {
    "triplet": (triplet, their_triplet),
    "contrastive": (
        contrastive,
        reference.ContrastiveLoss(
            pos_margin=0.9, neg_margin=0.1, distance=distances.CosineSimilarity()
        ),
    ),
    "supcon": (supcon, reference.SupConLoss(temperature=0.1)),
    "multi-similarity": (
        multi_similarity,
        reference.MultiSimilarityLoss(alpha=2.0, beta=10.0, base=0.1),
    ),
}


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
    assert {*OURS_AND_THEIRS, "arcface"} == set(LOSSES)


CASES = [
    (name, kind)
    for name in OURS_AND_THEIRS
    for kind in LABELS
    if (name, kind) != ("supcon", "one label")  # the reference answers 0, against its formula
]


@pytest.mark.parametrize(("name", "kind"), CASES)
@pytest.mark.parametrize("seed", range(4))
def test_value_and_gradient_are_those_of_pytorch_metric_learning(name, kind, seed):
    vectors, labels = batch(seed, kind)
    ours, theirs = (value_and_gradient(loss, vectors, labels) for loss in OURS_AND_THEIRS[name])

    assert_equal(ours, theirs)


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

    torch.testing.assert_close(supcon(vectors, labels), sum(by_hand) / n)


@pytest.mark.parametrize("margin", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("seed", range(2))
def test_arcface_is_that_of_pytorch_metric_learning(margin, kind, seed):
    vectors, labels = batch(seed, kind)
    n_classes = int(labels.max()) + 1
    ours = ArcFace(n_classes, 6, margin=margin, scale=16.0).double()
    theirs = reference.ArcFaceLoss(n_classes, 6, margin=math.degrees(margin), scale=16).double()
    with torch.no_grad():
        theirs.W.copy_(ours.centers.T)

    assert_equal(
        (*value_and_gradient(ours, vectors, labels), ours.centers.grad),
        (*value_and_gradient(theirs, vectors, labels), theirs.W.grad.T),
    )


def test_the_default_loss_is_the_reference_with_its_stated_defaults():
    vectors, labels = batch(0, "balanced")
    values = {name: float(loss(vectors, labels)) for name, (loss, _) in OURS_AND_THEIRS.items()}
    explicit = {
        "triplet": float(triplet(vectors, labels, margin=0.4)),
        "contrastive": float(contrastive(vectors, labels, pos_margin=0.9, neg_margin=0.1)),
        "supcon": float(supcon(vectors, labels, temperature=0.1)),
        "multi-similarity": float(
            multi_similarity(vectors, labels, alpha=2.0, beta=10.0, base=0.1)
        ),
    }

    assert values == explicit


@pytest.mark.parametrize("name", ["contrastive", "triplet"])
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
    value = triplet(vectors, torch.tensor([0, 0, 1, 1]))

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
