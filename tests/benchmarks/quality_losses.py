"""Default `fit` against single losses of pytorch-metric-learning and Quaterion's triplets.

Unseen classes, three splits of each demo set. All learn from the same embeddings, in the same
class-balanced batches, for at most 30 epochs, and stop after 15 without a better MAP@R on the
same held-out training classes, which also choose the epoch; then all are trained once more on all
training classes for so long. The peers are a linear map to 256 dimensions in a plain torch loop
with Adam. Chosen for each of them on the held-out training classes: the learning rate (3 of them)
and the epoch. `fit` runs with its defaults, so that there only the epoch is chosen. Test items are
scored once, at the end.

The best peer is the one with the highest MAP@R on the *test* items, which favors the peers. Its
difference to `fit` is paired over the queries of all splits, drawn by whole classes, and so is
that of every other peer; p is corrected for all peers of a set (Holm). Prints Markdown.
"""

import argparse
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from multiprocessing import get_context

import numpy as np
import pandas as pd
import torch
from pytorch_metric_learning import losses as theirs, miners
from torch import Tensor, nn

import simlab as sl
from simlab.space import paired, retrieval_rates
from simlab.training._batches import BalancedBatches
from simlab.training._validation import hold_out, usable
from simlab.training.losses import triplet, triplet_all

SPLITS = (0, 1, 2)
SETS = {"emoji-styles": "efficientnet-lite0", "wordnet-glosses": "minilm"}
RATES = (3e-4, 1e-3, 3e-3)
OUT, EPOCHS, PATIENCE, BATCH, PER_CLASS = 256, 30, 15, 128, 5
OURS = "simlab, fit(items, encoder)"
QUATERION = "Quaterion, TripletLoss, "

PEERS = {
    "AngularLoss": theirs.AngularLoss,
    "ArcFaceLoss": theirs.ArcFaceLoss,
    "CircleLoss": theirs.CircleLoss,
    "ContrastiveLoss": theirs.ContrastiveLoss,
    "CosFaceLoss": theirs.CosFaceLoss,
    "FastAPLoss": theirs.FastAPLoss,
    "GeneralizedLiftedStructureLoss": theirs.GeneralizedLiftedStructureLoss,
    "IntraPairVarianceLoss": theirs.IntraPairVarianceLoss,
    "MarginLoss": theirs.MarginLoss,
    "MultiSimilarityLoss": theirs.MultiSimilarityLoss,
    "NCALoss": theirs.NCALoss,
    "NormalizedSoftmaxLoss": theirs.NormalizedSoftmaxLoss,
    "NTXentLoss": theirs.NTXentLoss,
    "ProxyAnchorLoss": theirs.ProxyAnchorLoss,
    "ProxyNCALoss": theirs.ProxyNCALoss,
    "SoftTripleLoss": theirs.SoftTripleLoss,
    "SupConLoss": theirs.SupConLoss,
    "TripletMarginLoss": theirs.TripletMarginLoss,
    "TripletMarginLoss, BatchHardMiner": (theirs.TripletMarginLoss, miners.BatchHardMiner),
    f"{QUATERION}hard": partial(triplet, margin=0.5, relative=True),
    f"{QUATERION}all": partial(triplet_all, margin=1.0),
}
WITH_CENTERS = {
    "ArcFaceLoss",
    "CosFaceLoss",
    "NormalizedSoftmaxLoss",
    "ProxyAnchorLoss",
    "ProxyNCALoss",
    "SoftTripleLoss",
}


class Mined(nn.Module):
    """A loss of theirs on what a miner of theirs chose."""

    def __init__(self, loss: nn.Module, miner: nn.Module) -> None:
        super().__init__()
        self._loss, self._miner = loss, miner

    def forward(self, vectors: Tensor, labels: Tensor) -> Tensor:
        return self._loss(vectors, labels, self._miner(vectors, labels))


def make(name: str, n_classes: int) -> nn.Module | partial:
    """Make a loss with its own defaults."""
    told = PEERS[name]
    if isinstance(told, partial):
        return told
    if isinstance(told, tuple):
        return Mined(*(part() for part in told))
    return told(n_classes, OUT) if name in WITH_CENTERS else told()


@cache
def split_space(data: str, split: int) -> sl.Embeddings:
    """Embed a set, split by classes."""
    items = sl.load(data).split(by="label", test=0.5, seed=split)
    return sl.embed(items, sl.encoder(SETS[data]), progress=False)


def train(
    name: str,
    rate: float,
    space: sl.Embeddings,
    held: sl.Embeddings | None,
    *,
    until: int,
    seed: int,
) -> tuple[nn.Module, float, int]:
    """Run the plain loop; return the head, the best MAP@R on held-out items, and its epoch."""
    torch.manual_seed(seed)
    codes = np.unique(space.items.label_codes, return_inverse=True)[1]
    vectors, labels = torch.tensor(space.vectors), torch.tensor(codes)
    head, loss = nn.Linear(space.dim, OUT), make(name, codes.max() + 1)
    groups = [{"params": head.parameters(), "lr": rate}]
    if isinstance(loss, nn.Module) and (own := list(loss.parameters())):
        groups.append({"params": own, "lr": 3 * rate})
    optimizer = torch.optim.Adam(groups)
    batches = BalancedBatches(codes, batch_size=BATCH, per_class=PER_CLASS, seed=seed)
    best, best_epoch = -1.0, 0
    for epoch in range(until):
        batches.set_epoch(epoch)
        for rows in batches:
            optimizer.zero_grad()
            loss(head(vectors[rows]), labels[rows]).backward()
            optimizer.step()
        if held is None:
            continue
        if (value := map_at_r(placed(held, head))) > best:
            best, best_epoch = value, epoch + 1
        if epoch + 1 - best_epoch >= PATIENCE:
            break
    return head, best, best_epoch


def map_at_r(space: sl.Embeddings) -> float:
    """Rate a space by itself, without intervals."""
    told = (space.unit, space.items.label_codes)
    _, rates = retrieval_rates(*told, *told, own=np.arange(len(space)), k=(1,))
    return float(rates["map@r"].mean())


def placed(space: sl.Embeddings, head: nn.Module) -> sl.Embeddings:
    """Send a space through a head."""
    with torch.no_grad():
        return sl.Embeddings(head(torch.tensor(space.vectors)).numpy(), space.items)


def tested(job: tuple[str, int, str]) -> sl.Scores:
    """Train one method on one split and score the test items."""
    torch.set_num_threads(1)
    data, split, name = job
    space = split_space(data, split)
    if name in PEERS:
        head = peer(name, space, split)
        return sl.score(placed(space, head).where(split="test"))
    if name == OURS:
        run = sl.fit(space.items, space.source, progress=False)
        space = sl.embed(space.items, run, progress=False)
    return sl.score(space.where(split="test"))


def peer(name: str, space: sl.Embeddings, split: int) -> nn.Module:
    """Choose rate and epoch on held-out training classes, then train on all."""
    allowed = space[np.isin(space.items.ids, usable(space.items).ids)]
    learned, held = hold_out(allowed.items, 0.2, 0, by_item=False)
    parts = allowed[learned], allowed[held]
    found = [train(name, rate, *parts, until=EPOCHS, seed=split)[1:] for rate in RATES]
    at = int(np.argmax([value for value, _ in found]))
    return train(name, RATES[at], allowed, None, until=found[at][1], seed=split)[0]


def pooled(scores: list[sl.Scores]) -> sl.Scores:
    """Put the queries of all splits together; a class stays one class."""
    parts = [
        one.per_query.assign(id=[f"{split}: {name}" for name in one.per_query["id"]])
        for split, one in enumerate(scores)
    ]
    return replace(scores[0], per_query=pd.concat(parts, ignore_index=True))


def tell(data: str, scores: dict[str, sl.Scores]) -> None:
    """Print the table of a set, and what the test says of the best peer."""
    frame = paired(scores, against=OURS, metric="map@r").set_index("space")
    recall = {name: one.per_query["recall@1"].mean() for name, one in scores.items()}
    print(f"\n**{data}**\n")
    print("| trained with | MAP@R | recall@1 | MAP@R above default `fit` | p (Holm) | than `fit` |")
    print("|---|---|---|---|---|---|")
    means = {name: one.per_query["map@r"].mean() for name, one in scores.items()}
    for name in sorted(scores, key=lambda name: -means[name]):
        cells = ["", "", ""]
        if name != OURS:
            row = frame.loc[name]
            cells = [
                f"{row.difference:+.3f} [{row.low:+.3f}, {row.high:+.3f}]",
                f"{row.p_corrected:.4f}",
                row.verdict,
            ]
        print(f"| {name} | {means[name]:.3f} | {recall[name]:.3f} | {' | '.join(cells)} |")
    best = max(PEERS.keys() & scores, key=lambda name: means[name])
    print(f"\nBest peer: {best}, {frame.loc[best, 'verdict']} than default `fit`.", flush=True)


def main() -> None:
    """Print the table of one set, named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", choices=SETS)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER")
    told = parser.parse_args()
    data, names = told.data, ["frozen encoder", OURS, *told.peers]
    started = time.perf_counter()
    for split in SPLITS:
        split_space(data, split)  # fills the cache once
    jobs = [(data, split, name) for name in names for split in SPLITS]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        found = iter(list(pool.map(tested, jobs)))
    tell(data, {name: pooled([next(found) for _ in SPLITS]) for name in names})
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
