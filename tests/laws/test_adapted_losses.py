"""What holds for the losses of pytorch-metric-learning, and which of them break it."""

import pytest
import torch

from simlab.training.losses import ADAPTED, make_loss

pytestmark = [
    pytest.mark.filterwarnings("ignore:Using a non-tuple sequence:UserWarning"),
    pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning"),
]
LABELS = torch.arange(4).repeat_interleave(4)
OF_PAIRS = [name for name, one in ADAPTED.items() if one.needs == "labels"]
MISTAKES_LABELS = "instance"  # for positions in the batch
TAKES_THE_FIRST = "n-pairs"  # pair of each label
BROKEN = {
    ("histogram", "all coincide"),
    ("histogram", "friends coincide"),
    ("histogram", "opposite"),
    ("tuplet-margin", "friends coincide"),
    ("tuplet-margin", "opposite"),
}
EDGES = ("random", "all coincide", "friends coincide", "opposite")


def but(*names):
    """Take all; those named are known to break the law, and the table warns of them."""
    return [
        pytest.param(name, marks=pytest.mark.xfail) if name in names else name for name in OF_PAIRS
    ]


def vectors_of(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(16, 8, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("name", but(MISTAKES_LABELS, TAKES_THE_FIRST))
def test_the_order_of_a_batch_does_not_matter(name):
    vectors, order = vectors_of(0), torch.randperm(16)
    a, b = (make_loss(name, vectors, LABELS) for _ in range(2))

    torch.testing.assert_close(a(vectors[order], LABELS[order]), b(vectors, LABELS))


@pytest.mark.parametrize("name", but(MISTAKES_LABELS))
def test_the_names_of_the_labels_do_not_matter(name):
    vectors = vectors_of(1)
    a, b = (make_loss(name, vectors, LABELS) for _ in range(2))

    torch.testing.assert_close(a(vectors, 3 - LABELS), b(vectors, LABELS))


def fans(angle):
    vectors = torch.zeros(16, 8, dtype=torch.float64)
    turns = angle * torch.linspace(-1, 1, 4, dtype=torch.float64)
    for label in range(4):
        vectors[4 * label : 4 * label + 4, 2 * label] = turns.cos()
        vectors[4 * label : 4 * label + 4, 2 * label + 1] = turns.sin()
    return vectors


@pytest.mark.parametrize("name", OF_PAIRS)
def test_pulling_distant_friends_much_closer_lowers_the_loss(name):
    far, near = (make_loss(name, fans(0.0), LABELS)(fans(a), LABELS) for a in (1.4, 0.3))

    assert near < far


@pytest.mark.parametrize(
    ("name", "edge"),
    [
        pytest.param(*case, marks=pytest.mark.xfail) if case in BROKEN else case
        for case in ((name, edge) for name in ADAPTED for edge in EDGES)
    ],
)
def test_value_and_gradient_are_finite(name, edge):
    vectors = {
        "random": vectors_of(2).float(),
        "all coincide": torch.ones(16, 8),
        "friends coincide": torch.eye(8)[LABELS],
        "opposite": torch.eye(8)[LABELS] * torch.tensor([1.0, -1.0] * 8)[:, None],
    }[edge].requires_grad_()
    torch.manual_seed(0)
    value = make_loss(name, vectors.detach(), LABELS)(vectors, LABELS)
    if value.requires_grad:
        value.backward()

    assert torch.isfinite(value)
    assert vectors.grad is None or torch.isfinite(vectors.grad).all()
