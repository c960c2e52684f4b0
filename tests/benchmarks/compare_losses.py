"""What comparing ten losses with three seeds costs above bare torch loops that do the same.

20,000 remembered vectors of 128 dimensions in 400 classes, a linear head, ten epochs: `embed`
once, then `fit` for every loss and seed, without validation and refit, so that both sides take the
same optimizer steps. After each `fit` comes a bare loop with the same loss, batches, optimizer and
schedule; its batches are drawn beforehand. Told is the ratio of the sums, for each loss and for
all, and beside it what `embed` and `compare` of the 30 runs take. The last line is JSON.

Goal: 1.2 for all runs together.
"""

import json
import math
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch

import simlab as sl
from simlab.items import Items
from simlab.training._batches import BalancedBatches
from simlab.training.heads import make_head
from simlab.training.losses import make_loss

LOSSES = (
    "supcon",
    "triplet",
    "contrastive",
    "multi-similarity",
    "circle",
    "nt-xent",
    "multiple-negatives-ranking",
    "softmax",
    "arcface",
    "proxy-anchor",
)
SEEDS = (0, 1, 2)
N, DIM, LABELS, EPOCHS, BATCH, PER_CLASS, OUT = 20_000, 128, 400, 10, 256, 5, 64
LR, DECAY, GOAL = 1e-3, 1.0, 1.2
HEAD = ("linear", {"out": OUT})


class Vectors:
    """An encoder of ready vectors, so that the cache has something to remember."""

    name, fingerprint, modalities = "vectors", "vectors-1", frozenset({"array"})

    def encode(self, content):
        return np.stack(content)


def bare(space: sl.Embeddings, loss: str, seed: int, epochs: list[list[torch.Tensor]]) -> float:
    """Train as one would by hand; return the seconds."""
    started = time.perf_counter()
    torch.manual_seed(seed)
    vectors, labels = torch.from_numpy(space.vectors), torch.from_numpy(space.items.label_codes)
    head = make_head(HEAD, vectors, dropout=0.2)
    with torch.no_grad():
        start = head.eval()(vectors)
    head.train()
    cost = make_loss(loss, start, labels)
    groups = [{"params": head.parameters()}]
    if isinstance(cost, torch.nn.Module):
        groups.append({"params": cost.parameters(), "weight_decay": 0.0, "lr": 3 * LR})
    optimizer = torch.optim.AdamW(groups, lr=LR, weight_decay=DECAY, fused=True)
    steps = sum(map(len, epochs))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * min(step / steps, 1)))
    )
    for batches in epochs:
        for rows in batches:
            value = cost(head(vectors[rows]), labels[rows])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            schedule.step()
    return time.perf_counter() - started, head


def tell(name: str, took: dict[str, float]) -> None:
    """Print a line of the table."""
    ratio = took["fit"] / took["bare"]
    print(f"| {name} | {took['bare']:.2f} | {took['fit']:.2f} | {ratio:.2f} |", flush=True)


def drawn(space: sl.Embeddings, seed: int) -> list[list[torch.Tensor]]:
    """Draw the batches that `fit` draws."""
    codes = space.items.label_codes
    batches = BalancedBatches(codes, batch_size=BATCH, per_class=PER_CLASS, seed=seed)
    found = []
    for epoch in range(EPOCHS):
        batches.set_epoch(epoch)
        found.append([torch.tensor(batch) for batch in batches])
    return found


def main() -> None:
    """Print one line per loss."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    started = time.perf_counter()
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(LABELS), N // LABELS)
    values = (rng.normal(size=(LABELS, DIM))[labels] + 2 * rng.normal(size=(N, DIM))).astype("f4")
    items = Items.from_arrays(values, labels=labels.tolist()).split(by="label", test=0.05)
    with tempfile.TemporaryDirectory() as folder:
        run_all(items, Vectors(), Path(folder), started)


def run_all(items: Items, encoder: Vectors, folder: Path, started: float) -> None:
    """Fill the cache, then let fit and the bare loop take turns."""
    how = {"cache": folder, "progress": False}
    frozen = sl.embed(items, encoder, **how)
    train = frozen.where(split="train")
    epochs = {seed: drawn(train, seed) for seed in SEEDS}
    settings = {"head": HEAD, "epochs": EPOCHS, "batch_size": BATCH, "per_class": PER_CLASS}
    settings |= {"lr": LR, "weight_decay": DECAY, "val": 0.0}
    sl.fit(items, encoder, **settings, **how)  # opens Lightning
    print("| loss | bare loops, s | fit, s | ratio |\n|---|---|---|---|")
    runs: dict[str, list[sl.Run]] = {}
    total, apart = {"fit": 0.0, "bare": 0.0}, 0.0
    for loss in LOSSES:
        took = {"fit": 0.0, "bare": 0.0}
        for seed in SEEDS:
            since = time.perf_counter()
            run = sl.fit(items, encoder, loss=loss, seed=seed, **settings, **how)
            took["fit"] += time.perf_counter() - since
            seconds, head = bare(train, loss, seed, epochs[seed])
            took["bare"] += seconds
            apart = max(apart, (head.map.weight - run.head.map.weight).abs().max().item())
            runs.setdefault(loss, []).append(run)
        total = {side: total[side] + took[side] for side in total}
        tell(loss, took)
    ratio = total["fit"] / total["bare"]
    tell(f"all (goal {GOAL})", total)
    print(f"\nweights of fit and of the bare loop: {apart:.0e} apart at most")
    test = items.where(split="test")
    since = time.perf_counter()
    spaces = {name: [sl.embed(test, run, **how) for run in of] for name, of in runs.items()}
    embedded, since = time.perf_counter() - since, time.perf_counter()
    comparison = sl.compare({"frozen": sl.embed(test, encoder, **how), **spaces})
    comparison._repr_html_()
    compared = time.perf_counter() - since
    print(f"embed {len(test):,} test items in 31 spaces: {embedded:.2f} s")
    print(f"compare, with all it shows: {compared:.2f} s")
    print(f"all of it: {time.perf_counter() - started:.0f} s")
    told = {"ratio": ratio, "embed_s": embedded, "compare_s": compared}
    print(json.dumps({name: round(value, 3) for name, value in told.items()}))


if __name__ == "__main__":
    main()
