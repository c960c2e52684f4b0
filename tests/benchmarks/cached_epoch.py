"""What an epoch of `fit` costs above a bare torch loop over the same tensor.

Same vectors, same batches, same head, same loss, same optimizer and schedule, one process; a bare
epoch after every epoch of Lightning, medians over the epochs. The batches of the bare loop lie
ready; those of `fit` are drawn in its epoch. `fit` runs as it does by default, with its progress
bar, its measuring of health and its log; `trainer` is a `pl.Trainer` of one's own with Lightning's
bar, a CSV logger and checkpoints. Prints a table; the last line is JSON with the ratios.
"""

import json
import logging
import math
import statistics
import tempfile
import time
import warnings
from copy import deepcopy

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import CSVLogger
from torch import nn

from simlab.items import Items
from simlab.space import Embeddings
from simlab.training import SimilarityData, SimilarityModule
from simlab.training._callbacks import KeepBest, Tell
from simlab.training._learn import _AT_ONCE
from simlab.training._lightning import make_trainer
from simlab.training._progress import Bar
from simlab.training._several_steps import SeveralSteps
from simlab.training._watch import Watch
from simlab.training.heads import LinearHead
from simlab.training.losses import triplet

N, DIM, OUT, LABELS, EPOCHS = 20_000, 384, 128, 1_000, 15
GOALS = {128: 1.15, 1024: 1.05}
LR, DECAY = 1e-3, 1.0


class Bare(pl.Callback):
    """A loop as one would write it by hand; runs an epoch after each of Lightning's."""

    def __init__(self, head: nn.Module, data: SimilarityData) -> None:
        self.head = deepcopy(head).train()
        self._vectors = torch.from_numpy(data.train.vectors)
        self._labels = torch.from_numpy(data.train.items.label_codes)
        batches = deepcopy(data.batches)
        self._epochs = []
        for epoch in range(EPOCHS):
            batches.set_epoch(epoch)
            self._epochs.append([torch.tensor(batch) for batch in batches])
        steps = sum(map(len, self._epochs))
        self._optimizer = torch.optim.AdamW(
            self.head.parameters(), lr=LR, weight_decay=DECAY, fused=True
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * min(step / steps, 1)))
        )
        self.seconds: dict[str, list[float]] = {"bare": [], "lightning": []}
        self._since = 0.0

    def on_train_start(self, *_: object) -> None:
        self._since = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, _: pl.LightningModule) -> None:
        """Note the epoch of Lightning, from the end of the last bare one to here."""
        start = time.perf_counter()
        self.seconds["lightning"].append(start - self._since)
        with torch.enable_grad():
            self.epoch(trainer.current_epoch)
        self._since = time.perf_counter()
        self.seconds["bare"].append(self._since - start)

    def epoch(self, number: int) -> float:
        total = 0.0
        for rows in self._epochs[number]:
            loss = triplet(self.head(self._vectors[rows]), self._labels[rows])
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
            self._schedule.step()
            total += loss.detach()
        return float(total)


def main() -> None:
    """Print one line per batch size."""
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(LABELS), N // LABELS)
    vectors = (rng.normal(size=(LABELS, DIM))[labels] + rng.normal(size=(N, DIM))).astype("f4")
    space = Embeddings(vectors, Items.from_arrays(vectors, labels=labels.tolist()))
    print("| batch | loop | bare, ms a step | Lightning, ms a step | ratio | goal | same weights |")
    print("|---|---|---|---|---|---|---|")
    ratios = {}
    for batch_size, goal in GOALS.items():
        for name in ("fit", "trainer"):
            ratios[f"{name}_{batch_size}"] = compare(name, space, batch_size, goal)
    print(json.dumps(ratios))


def compare(name: str, space: Embeddings, batch_size: int, goal: float) -> float:
    """Time both loops side by side; print a line and return the ratio."""
    at_once = max(_AT_ONCE // batch_size, 1) if name == "fit" else None
    data = SimilarityData(space, batch_size=batch_size, at_once=at_once)
    torch.manual_seed(0)
    head = LinearHead(DIM, out=OUT)
    head.measure(torch.tensor(space.vectors))
    bare = Bare(head, data)
    pace = {"lr": LR, "weight_decay": DECAY}
    module = (
        SeveralSteps(head, triplet, **pace, n_steps=EPOCHS * len(data.batches))
        if name == "fit"
        else SimilarityModule(head, triplet, **pace)
    )
    with tempfile.TemporaryDirectory() as folder:
        if name == "fit":
            trainer = make_trainer(EPOCHS, {})
            watch = Watch(space, None, "map@r", seed=0)
            kept = KeepBest(None, EPOCHS, watch=watch)
            trainer.callbacks += [kept, Tell(Bar(), kept, name, lambda *_: []), bare]
        else:
            trainer = pl.Trainer(
                max_epochs=EPOCHS, callbacks=[bare], accelerator="cpu", logger=CSVLogger(folder)
            )
        trainer.fit(module, datamodule=data)
    middle = {loop: statistics.median(times[1:]) for loop, times in bare.seconds.items()}
    steps = trainer.global_step / EPOCHS
    each = {loop: 1000 * seconds / steps for loop, seconds in middle.items()}
    pairs = zip(bare.seconds["lightning"], bare.seconds["bare"], strict=True)
    ratio = statistics.median([ours / theirs for ours, theirs in list(pairs)[1:]])
    apart = (head.map.weight - bare.head.map.weight).abs().max().item()
    print(
        f"| {batch_size} | {name} | {each['bare']:.3f} | {each['lightning']:.3f} | {ratio:.2f} "
        f"| {goal if name == 'fit' else ''} | {apart:.0e} apart |",
        flush=True,
    )
    return round(ratio, 3)


if __name__ == "__main__":
    main()
