"""What a loss costs, against the two matrix products that no loss of all pairs can do without.

Forward and backward at 128 and at 1,024 items of 128 dimensions, 4 of each label. The unit is a
product of the batch with itself and the gradient of that product, as plain autograd does it
(`(x @ x.T).backward(gradient)`). Losses of centers have as many centers as labels, so that their
products are smaller. Own losses, the unit and pytorch-metric-learning take turns, in one process;
lower quartiles of `ROUNDS`, as neighbors only ever slow a call. Prints a table and, as its last
line, JSON.

Goals: at most 3 units for triplet, supcon, contrastive and both multiple negatives rankings, at
most 6 for all others; never slower than pytorch-metric-learning.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from statistics import quantiles

import torch
from pytorch_metric_learning import distances, losses as theirs, miners, reducers
from torch import Tensor

from simlab.training import losses
from simlab.training.losses import LOSSES, make_loss

ROUNDS, DIM, PER_CLASS = 25, 128, 4
SIZES = (128, 1024)
LIMITS = dict.fromkeys(
    ["contrastive", "multiple-negatives-ranking", "ranking-of-pairs", "supcon", "triplet"], 3
)
OTHERS = 6
TOO_LARGE = {
    "nt-xent",
    "multiple-negatives-ranking",
    "smooth-ap",
    "triplet-all",
    "triplet-semi-hard",
}
"""Theirs ask for tens of gigabytes, or seconds, at 1,024 items."""
SLACK = 1.1
"""How much noise may add to a comparison of equals."""

Call = Callable[[Tensor, Tensor], Tensor]


def mined(loss: Call, miner: Call) -> Call:
    """Join a loss and a miner of theirs."""
    return lambda vectors, labels: loss(vectors, labels, miner(vectors, labels))


def peers(n_classes: int) -> dict[str, Call]:
    """Make what pytorch-metric-learning offers for the same."""
    cosine, mean = distances.CosineSimilarity(), reducers.MeanReducer()
    triplets = partial(theirs.TripletMarginLoss, distance=cosine)
    hard = miners.BatchHardMiner(distance=cosine)
    each = miners.BatchEasyHardMiner("hard", "hard", distance=cosine)
    semi = miners.TripletMarginMiner(0.2, type_of_triplets="semihard", distance=cosine)
    contrast = partial(theirs.ContrastiveLoss, distance=cosine)
    return {
        "arcface": theirs.ArcFaceLoss(n_classes, DIM),
        "circle": theirs.CircleLoss(),
        "contrastive": contrast(0.9, 0.1),
        "cosface": theirs.CosFaceLoss(n_classes, DIM),
        "fastap": theirs.FastAPLoss(),
        "multi-similarity": theirs.MultiSimilarityLoss(),
        "multiple-negatives-ranking": theirs.NTXentLoss(temperature=1 / 20),
        "nt-xent": theirs.NTXentLoss(),
        "online-contrastive": mined(contrast(1, 0.5), each),
        "proxy-anchor": theirs.ProxyAnchorLoss(n_classes, DIM),
        "ranking-of-pairs": theirs.NPairsLoss(),
        "smooth-ap": theirs.SmoothAPLoss(),
        "softmax": theirs.NormalizedSoftmaxLoss(n_classes, DIM),
        "supcon": theirs.SupConLoss(),
        "triplet": mined(triplets(margin=0.4, reducer=mean), hard),
        "triplet-all": triplets(margin=0.1),
        "triplet-semi-hard": mined(triplets(margin=0.2), semi),
    }


def ours(vectors: Tensor, labels: Tensor) -> dict[str, Call]:
    """Make every loss of labels, and the one of listed pairs; matryoshka holds three others."""
    made = {name: make_loss(name, vectors, labels) for name in LOSSES if name != "matryoshka"}
    pairs = torch.arange(len(labels)).view(-1, 2)
    return {**made, "ranking-of-pairs": lambda x, _: losses.ranking_of_pairs(x, pairs)}


def seconds(call: Callable[[], object]) -> float:
    """Time one call, after one that brings its numbers near."""
    call()
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def typical(times: list[float]) -> float:
    """Take the lower quartile; of one call, that."""
    return quantiles(times, n=4)[0] if len(times) > 1 else times[0]


def step(loss: Call, vectors: Tensor, labels: Tensor) -> None:
    """Go forward and backward."""
    vectors.grad = None
    loss(vectors, labels).backward()


def measure(size: int) -> dict[str, dict[str, float]]:
    """Time the unit, every own loss and its peer in turn; in units."""
    torch.manual_seed(0)
    vectors = torch.randn(size, DIM, requires_grad=True)
    labels = torch.arange(size) // PER_CLASS
    unit, gradient = vectors.detach().clone().requires_grad_(), torch.randn(size, size)
    own, other = ours(vectors.detach(), labels), peers(size // PER_CLASS)
    if size > SIZES[0]:
        other = {name: loss for name, loss in other.items() if name not in TOO_LARGE}
    bare = unit.detach()
    calls = {
        ("unit", ""): lambda: (unit @ unit.T).backward(gradient),
        ("bare", ""): lambda: (bare @ bare.T, gradient @ bare),
    }
    calls |= {(name, "ours"): partial(step, loss, vectors, labels) for name, loss in own.items()}
    calls |= {
        (name, "theirs"): partial(step, loss, vectors, labels) for name, loss in other.items()
    }
    times: dict[tuple[str, str], list[float]] = {key: [] for key in calls}
    slow: set[tuple[str, str]] = set()
    for turn in range(ROUNDS):
        for key, call in calls.items():
            if key in slow and turn > 1:
                continue
            times[key].append(took := seconds(call))
            if took > 0.1:
                slow.add(key)
    of_unit = typical(times.pop(("unit", "")))
    of_bare = typical(times.pop(("bare", "")))
    found = {"unit": {"ms": of_unit * 1e3, "bare": of_bare / of_unit}}
    for (name, side), taken in times.items():
        found.setdefault(name, {})[side] = typical(taken) / of_unit
    return found


def main() -> None:
    """Print one line per loss, and the goals that were missed."""
    found = {size: measure(size) for size in SIZES}
    for size in SIZES:
        unit = found[size]["unit"]
        print(
            f"unit at {size:,}: {unit['ms']:.2f} ms; "
            f"two bare products, without autograd: {unit['bare']:.2f} units"
        )
    print()
    print("| loss | at 128 | theirs | at 1,024 | theirs | goal |\n|---|---|---|---|---|---|")
    told: dict[str, float] = {}
    missed = []
    for name in sorted(found[SIZES[0]].keys() - {"unit"}):
        limit, cells = LIMITS.get(name, OTHERS), []
        for size in SIZES:
            row = found[size][name]
            own, other = row["ours"], row.get("theirs")
            told[f"{name}_{size}"] = round(own, 2)
            cells += [f"{own:.2f}", "-" if other is None else f"{other:,.2f}"]
            if own > limit or (other is not None and own > SLACK * other):
                missed.append(f"{name} at {size}")
        print(f"| {name} | {' | '.join(cells)} | {limit} |")
    print(f"\ngoals missed: {', '.join(missed) or 'none'}")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
