"""Every loss against its formula, written once more with plain loops over pairs."""

import math

import numpy as np
import pytest
import torch

from simlab.training import losses
from simlab.training.losses import LOSSES, make_loss
from simlab.training.losses._registry import OF_OTHERS

LABELS = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3]
N, DIM = len(LABELS), 4


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else 0.0


def mean_above_zero(values):
    return mean(value for value in values if value > 0)


def relu(value):
    return max(value, 0.0)


def log_sum(values, *, and_one=False):
    return math.log(sum(math.exp(value) for value in values) + and_one)


def cosine(one, other):
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


class Batch:
    """Cosines of a batch as a table, and who is whose friend."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.vectors = rng.normal(size=(N, DIM)) + rng.normal(size=(4, DIM))[LABELS]
        self.start = rng.normal(size=(N, DIM))
        self.s = [[cosine(one, other) for other in self.vectors] for one in self.vectors]
        self.friends = [
            [j for j in range(N) if j != i and LABELS[j] == LABELS[i]] for i in range(N)
        ]
        self.strangers = [[j for j in range(N) if LABELS[j] != LABELS[i]] for i in range(N)]
        self.to_centers = [[cosine(one, c) for c in self.centers] for one in self.vectors]

    @property
    def centers(self):
        """The mean directions of the labels before training."""
        unit = self.start / np.linalg.norm(self.start, axis=1, keepdims=True)
        sums = np.stack([unit[np.array(LABELS) == label].sum(axis=0) for label in range(4)])
        return sums / np.linalg.norm(sums, axis=1, keepdims=True)

    @property
    def pairs(self):
        return [(i, p) for i in range(N) for p in self.friends[i]]


def triplet(b):
    return mean(
        relu(max(b.s[i][n] for n in b.strangers[i]) - min(b.s[i][p] for p in b.friends[i]) + 0.4)
        for i in range(N)
        if b.friends[i]
    )


def triplet_all(b):
    return mean_above_zero(
        relu(b.s[i][n] - b.s[i][p] + 0.1) for i, p in b.pairs for n in b.strangers[i]
    )


def triplet_semi_hard(b):
    return mean_above_zero(
        relu(b.s[i][n] - b.s[i][p] + 0.2)
        for i, p in b.pairs
        for n in b.strangers[i]
        if b.s[i][n] < b.s[i][p]
    )


def contrastive(b):
    far = mean_above_zero(relu(0.9 - b.s[i][p]) for i, p in b.pairs)
    near = mean_above_zero(relu(b.s[i][n] - 0.1) for i in range(N) for n in b.strangers[i])
    return far + near


def online_contrastive(b):
    both = [i for i in range(N) if b.friends[i]]
    far = mean_above_zero(max(1 - b.s[i][p] for p in b.friends[i]) for i in both)
    near = mean_above_zero(relu(0.5 - min(1 - b.s[i][n] for n in b.strangers[i])) for i in both)
    return 0.5 * (far + near)


def supcon(b):
    return mean(
        mean(
            log_sum(b.s[i][a] / 0.1 for a in range(N) if a != i) - b.s[i][p] / 0.1
            for p in b.friends[i]
        )
        for i in range(N)
        if b.friends[i]
    )


def nt_xent(b, temperature=0.07):
    return mean(
        log_sum(b.s[i][j] / temperature for j in [p, *b.strangers[i]]) - b.s[i][p] / temperature
        for i, p in b.pairs
    )


def multi_similarity(b):
    return mean(
        log_sum((-2 * (b.s[i][p] - 0.1) for p in b.friends[i]), and_one=True) / 2
        + log_sum((10 * (b.s[i][n] - 0.1) for n in b.strangers[i]), and_one=True) / 10
        for i in range(N)
    )


def circle(b):
    def far(s):
        return -80 * relu(1.4 - s) * (s - 0.6)

    def near(s):
        return 80 * relu(s + 0.4) * (s - 0.4)

    return mean_above_zero(
        math.log1p(
            math.exp(
                log_sum(near(b.s[i][n]) for n in b.strangers[i])
                + log_sum(far(b.s[i][p]) for p in b.friends[i])
            )
        )
        for i in range(N)
        if b.friends[i]
    )


def fastap(b):
    def share(s, k):
        return relu(1 - abs((2 - 2 * s) - 0.4 * k) / 0.4)

    def ap(i):
        total = friends_up_to = all_up_to = 0.0
        for k in range(11):
            friends = sum(share(b.s[i][p], k) for p in b.friends[i])
            friends_up_to += friends
            all_up_to += friends + sum(share(b.s[i][n], k) for n in b.strangers[i])
            total += friends * friends_up_to / all_up_to if all_up_to else 0.0
        return total / len(b.friends[i])

    return mean(1 - ap(i) for i in range(N) if b.friends[i])


def smooth_ap(b):
    def before(i, p, group):
        return 1 + sum(1 / (1 + math.exp((b.s[i][p] - b.s[i][j]) / 0.01)) for j in group if j != p)

    return mean(
        1 - mean(before(i, p, same) / before(i, p, range(N)) for p in same)
        for i, same in enumerate([[i, *b.friends[i]] for i in range(N)])
    )


def classify(b, own, *, scale):
    return mean(
        log_sum(scale * (own(s) if c == y else s) for c, s in enumerate(row)) - scale * own(row[y])
        for row, y in zip(b.to_centers, LABELS, strict=True)
    )


def proxy_anchor(b):
    classes = range(4)
    far = mean(
        log_sum((-32 * (b.to_centers[i][c] - 0.1) for i in range(N) if LABELS[i] == c), and_one=1)
        for c in classes
    )
    near = mean(
        log_sum((32 * (b.to_centers[i][c] + 0.1) for i in range(N) if LABELS[i] != c), and_one=1)
        for c in classes
    )
    return far + near


def center(b):
    unit = [one / np.linalg.norm(one) for one in b.vectors]
    return mean(
        0.5 * sum((unit[i][d] - b.centers[LABELS[i]][d]) ** 2 for d in range(DIM)) for i in range(N)
    )


def matryoshka(b):
    def cut(size):
        smaller = Batch.__new__(Batch)
        smaller.friends = b.friends
        smaller.s = [[cosine(one[:size], other[:size]) for other in b.vectors] for one in b.vectors]
        return smaller

    return sum(supcon(cut(size)) for size in (1, 2, 4))


def arcface_of(s):
    angle = math.acos(s)
    return math.cos(angle + 0.5) if angle <= math.pi - 0.5 else s - 0.5 * math.sin(0.5)


FORMULAS = {
    "arcface": lambda b: classify(b, arcface_of, scale=16),
    "center": center,
    "circle": circle,
    "contrastive": contrastive,
    "cosface": lambda b: classify(b, lambda s: s - 0.35, scale=16),
    "fastap": fastap,
    "matryoshka": matryoshka,
    "multi-similarity": multi_similarity,
    "multiple-negatives-ranking": lambda b: nt_xent(b, 1 / 20),
    "nt-xent": nt_xent,
    "online-contrastive": online_contrastive,
    "proxy-anchor": proxy_anchor,
    "smooth-ap": smooth_ap,
    "softmax": lambda b: classify(b, lambda s: s, scale=20),
    "supcon": supcon,
    "triplet": triplet,
    "triplet-all": triplet_all,
    "triplet-semi-hard": triplet_semi_hard,
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("seed", range(3))
def test_a_loss_of_labels_is_its_formula(name, seed):
    b = Batch(seed)
    loss = make_loss(name, torch.from_numpy(b.start), torch.tensor(LABELS))

    value = loss(torch.from_numpy(b.vectors), torch.tensor(LABELS))

    assert value.item() == pytest.approx(FORMULAS[name](b), rel=1e-6)


# -- pairs and views ------------------------------------------------------------------------

PAIRS, SCORES = [(0, 1), (2, 3), (4, 5), (6, 7), (0, 9)], [0.9, 0.1, 0.5, 0.5, -0.3]


def in_order(values):
    return log_sum(
        (
            20 * (values[k] - values[m])
            for k in range(len(SCORES))
            for m in range(len(SCORES))
            if SCORES[k] < SCORES[m]
        ),
        and_one=True,
    )


def angle(b):
    def similarity(one, other):
        z = [complex(*pair) for pair in zip(one[:2], one[2:], strict=True)]
        w = [complex(*pair) for pair in zip(other[:2], other[2:], strict=True)]
        total = sum(x * y.conjugate() for x, y in zip(z, w, strict=True))
        return abs(total.real + total.imag) / np.linalg.norm(one) / np.linalg.norm(other)

    return in_order([similarity(b.vectors[i], b.vectors[j]) for i, j in PAIRS])


def ranking(b):
    asked = [k for k, score in enumerate(SCORES) if score > 0]
    return mean(
        log_sum(20 * b.s[PAIRS[k][0]][second] for _, second in PAIRS) - 20 * b.s[i][j]
        for k, (i, j) in enumerate(PAIRS)
        if k in asked
    )


OF_PAIRS = {
    "angle": angle,
    "cosent": lambda b: in_order([b.s[i][j] for i, j in PAIRS]),
    "cosine": lambda b: mean((b.s[i][j] - y) ** 2 for (i, j), y in zip(PAIRS, SCORES, strict=True)),
    "ranking-of-pairs": ranking,
}


@pytest.mark.parametrize("name", OF_PAIRS)
@pytest.mark.parametrize("seed", range(3))
def test_a_loss_of_pairs_is_its_formula(name, seed):
    b = Batch(seed)
    told = OF_OTHERS[name].make(
        torch.from_numpy(b.vectors), torch.tensor(PAIRS), torch.tensor(SCORES)
    )

    assert float(told) == pytest.approx(OF_PAIRS[name](b), rel=1e-6)


def test_a_symmetric_ranking_is_the_mean_of_both_directions():
    vectors = torch.from_numpy(Batch(0).vectors)
    pairs = torch.tensor(PAIRS[:4])
    there, back = (losses.ranking_of_pairs(vectors, one) for one in (pairs, pairs.flip(1)))

    torch.testing.assert_close(
        losses.ranking_of_pairs(vectors, pairs, symmetric=True), (there + back) / 2
    )


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_gradient_of_a_ranking_is_that_of_differences(symmetric):
    vectors = torch.from_numpy(Batch(1).vectors).requires_grad_()

    assert torch.autograd.gradcheck(
        lambda v: losses.ranking_of_pairs(v, torch.tensor(PAIRS), symmetric=symmetric), vectors
    )


@pytest.mark.parametrize("name", OF_PAIRS)
@pytest.mark.parametrize("vectors", [torch.ones(10, 4), torch.zeros(10, 4)], ids=["one", "zero"])
def test_losses_of_pairs_stay_finite_where_all_items_coincide(name, vectors):
    vectors = vectors.clone().requires_grad_()
    value = OF_OTHERS[name].make(vectors, torch.tensor(PAIRS), torch.tensor(SCORES))
    value.backward()

    assert bool(torch.isfinite(value))
    assert bool(torch.isfinite(vectors.grad).all())


@pytest.mark.parametrize("name", OF_PAIRS)
def test_no_pairs_teach_nothing(name):
    vectors = torch.eye(4, requires_grad=True)
    value = OF_OTHERS[name].make(vectors, torch.empty(0, 2, dtype=torch.long), torch.empty(0))
    value.backward()

    assert (value.item(), vectors.grad.abs().max().item()) == (0, 0)


def correlation(one, other):
    one, other = (side - side.mean() for side in (one, other))
    return (one * other).mean() / math.sqrt((one**2).mean() * (other**2).mean())


def barlow(one, other):
    return sum(
        (1 - correlation(one[:, j], other[:, j])) ** 2
        if j == k
        else 0.005 * correlation(one[:, j], other[:, k]) ** 2
        for j in range(DIM)
        for k in range(DIM)
    )


def vicreg(one, other):
    def spread(view):
        return mean(relu(1 - math.sqrt(view[:, j].var(ddof=1) + 1e-4)) / 2 for j in range(DIM))

    def repetition(view):
        covariance = np.cov(view.T)
        return (covariance**2).sum() / DIM - (np.diag(covariance) ** 2).sum() / DIM

    same = mean((one[i][d] - other[i][d]) ** 2 for i in range(N) for d in range(DIM))
    return 25 * same + 25 * (spread(one) + spread(other)) + repetition(one) + repetition(other)


@pytest.mark.parametrize(
    ("name", "formula"), [("barlow-twins", barlow), ("vicreg", vicreg)], ids=str
)
def test_a_loss_of_views_is_its_formula(name, formula):
    one, other = 0.4 * Batch(0).vectors, 0.4 * Batch(1).vectors
    told = OF_OTHERS[name].make(torch.from_numpy(one), torch.from_numpy(other))

    assert float(told) == pytest.approx(formula(one, other), rel=1e-5)


@pytest.mark.parametrize("name", ["barlow-twins", "vicreg"])
def test_losses_of_views_stay_finite_where_all_items_coincide(name):
    views = torch.ones(6, 4, requires_grad=True)
    value = OF_OTHERS[name].make(views, views)
    value.backward()

    assert bool(torch.isfinite(value))
    assert bool(torch.isfinite(views.grad).all())


def test_every_loss_of_others_has_a_formula():
    assert {*OF_PAIRS, "barlow-twins", "vicreg"} == set(OF_OTHERS)


# -- the remedy against collapse ---------------------------------------------------------------


def test_the_relative_triplet_is_its_formula():
    b = Batch(0)
    both = [i for i in range(N) if b.friends[i]]
    near = {i: max(b.s[i][n] for n in b.strangers[i]) for i in both}
    far = {i: min(b.s[i][p] for p in b.friends[i]) for i in both}
    apart = mean(1 - near[i] for i in both) + 1e-3
    by_hand = mean(relu((near[i] - far[i]) / apart + 0.4) for i in both)
    value = losses.triplet(torch.from_numpy(b.vectors), torch.tensor(LABELS), relative=True)

    assert float(value) == pytest.approx(by_hand)


@pytest.mark.parametrize("spread", [0.0, 1e-9, 1e-6, 1e-3])
def test_the_relative_triplet_stays_finite_in_a_collapse(spread):
    noise = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    vectors = (torch.ones(8, 4) + spread * noise).requires_grad_()
    value = losses.triplet(vectors, torch.arange(4).repeat(2), relative=True)
    value.backward()

    assert value.item() < 50
    assert vectors.grad.abs().max() < 50


def test_drawing_everything_together_does_not_pay_for_the_relative_triplet():
    noise, labels = torch.from_numpy(Batch(0).start), torch.tensor(LABELS)
    middle = torch.full((N, DIM), 3.0).double()
    plain, relative = (
        [
            losses.triplet(middle + by * noise, labels, relative=on, margin=0).item()
            for by in (0.5, 0.25)
        ]
        for on in (False, True)
    )

    assert plain[1] < 0.3 * plain[0]
    assert relative[1] > 0.7 * relative[0]
