"""One walk through Lightning: from embeddings to the best head of a config."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from simlab.errors import DataError
from simlab.space import Embeddings
from simlab.training._advice import advice_texts
from simlab.training._config import FitConfig
from simlab.training._form_losses import form_loss
from simlab.training._inputs import Inputs
from simlab.training._lightning import make_trainer, quiet, run_to_the_end
from simlab.training._pacing import Pace, frozen_epochs, head_lr
from simlab.training._progress import Progress
from simlab.training._tensors import as_tensor
from simlab.training._top import TopHead
from simlab.training._trained import Trained
from simlab.training._validation import choose_monitor
from simlab.training.heads import make_head
from simlab.training.large import Memory
from simlab.training.miners import make_miner

if TYPE_CHECKING:
    import pandas as pd
    import pytorch_lightning as pl

    from simlab.training._callbacks import Story

_AT_ONCE = 8192
"""Items in one step of Lightning: enough for its work to vanish, few enough to hold in memory."""
_AT_ONCE_BYTES = 1 << 27
"""The same in bytes: activations at a cut are wide."""


@dataclass(frozen=True, eq=False)
class Learned:
    """A head with its best weights, and how it came to be."""

    head: nn.Module
    history: "pd.DataFrame"
    best_epoch: int
    seconds: float
    finished: bool
    loss_state: dict[str, torch.Tensor]
    state: Path | None = None
    """Where the state of the training was kept."""


def learn(
    config: FitConfig,
    train: Embeddings | Inputs,
    held: Embeddings | Inputs | None,
    *,
    trained: Trained | None = None,
    trainer: "pl.Trainer | Mapping[str, Any] | None" = None,
    until: int | None = None,
    checkpoint: Path | None = None,
    name: str = "",
    progress: Progress | None = None,
) -> Learned:
    """Train a head; keep the weights that rate best on the held-out items.

    Parameters
    ----------
    config : FitConfig
    train : Embeddings
        With labels, at least two of each.
    held : Embeddings, optional
        Held-out items; without them the last weights are kept.
    trained : Trained, optional
        Layers that learn too; the embeddings are those of what is below them.
    trainer : pytorch_lightning.Trainer or mapping, optional
        In place of the one made here; or its options, for one that takes a step per batch.
    until : int, optional
        Stop after this epoch; the learning rate falls as if all epochs were run.
    checkpoint : Path, optional
        Folder where the state is kept after every epoch; what is there of the same training is
        gone on from.
    name : str, optional
        Of the run, for `progress`.
    progress : Progress, optional
        Is told of every epoch.

    Raises
    ------
    KeyboardInterrupt
        Interrupted before the first step. Later interruptions end the training early.
    DataError
        The trainer trained nothing, or the state in the folder is none.
    """
    from simlab.training._checkpoint import state_path

    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        started = time.perf_counter()
        how: dict[str, Any] = {"trained": trained, "trainer": trainer, "until": until}
        how["name"] = name
        state = None
        if checkpoint is not None:
            above = "" if trained is None else trained.cut.fingerprint
            state = state_path(checkpoint, config, [train, held], until, above)
        how |= {"state": state, "progress": progress}
        module, kept, finished = _train(config, train, held, **how)
        seconds = time.perf_counter() - started
    if kept.story.best is None and finished:
        raise DataError("trainer must train at least one batch; got one that trained none")
    if kept.story.best is None:
        raise KeyboardInterrupt
    try:
        return _learned(module, kept.story, seconds, finished, state)
    except KeyboardInterrupt:  # so late that nothing need be lost
        return _learned(module, kept.story, seconds, False, state)


def _learned(
    module: Any,
    story: "Story",
    seconds: float,
    finished: bool,  # noqa: FBT001
    state: Path | None,
) -> Learned:
    best: Any = story.best
    module.head.load_state_dict(best.head)
    head = module.head.eval().requires_grad_(requires_grad=False)
    return Learned(head, story.frame, best.epoch, seconds, finished, best.loss, state)


def _train(
    config: FitConfig,
    train: Embeddings | Inputs,
    held: Embeddings | Inputs | None,
    *,
    trained: Trained | None,
    trainer: "pl.Trainer | Mapping[str, Any] | None",
    until: int | None,
    state: Path | None,
    name: str,
    progress: Progress | None,
) -> tuple[Any, Any, bool]:
    """Run Lightning; return the module, what the callback kept, and whether it came to its end."""
    from simlab.training._callbacks import KeepBest, Tell
    from simlab.training._checkpoint import KeepState, found_state
    from simlab.training._freezing import Freeze
    from simlab.training._watch import Watch

    module, data = _parts(config, train, held, trained, is_ours=trainer is None)
    metric = choose_monitor(config.monitor, train.items)
    if trainer is None or isinstance(trainer, Mapping):
        trainer = make_trainer(config.epochs, trainer or {})
    validates = held is not None and trainer.limit_val_batches != 0
    told = held if validates else None
    watch = None if until else Watch(train, told, metric, seed=config.seed)  # a refit repeats
    waits = frozen_epochs(config.freeze)
    rated = f"val_{metric}" if validates else None
    since = max(waits.values(), default=0)
    kept = KeepBest(rated, config.patience, until, watch=watch, since=since)
    advice = partial(advice_texts, n_labels=len(train.items.label_names))
    tell = None if progress is None else Tell(progress, kept, name, advice, until)
    callbacks: list[Any] = [Freeze(waits), kept, *([] if tell is None else [tell])]
    begun = None
    if state is not None:
        callbacks.append(KeepState(state))
        begun = found_state(state)
    given = list(trainer.callbacks)  # type: ignore[attr-defined]
    trainer.callbacks.extend(callbacks)  # type: ignore[attr-defined]
    finished = False
    try:
        finished = run_to_the_end(trainer, module, data, begun)
    finally:
        trainer.callbacks[:] = given  # type: ignore[attr-defined]
        if watch is not None:
            watch.close()
        if tell is not None:
            tell.close(finished=finished)
    return module, kept, finished


def _parts(
    config: FitConfig,
    train: Embeddings | Inputs,
    held: Embeddings | Inputs | None,
    trained: Trained | None = None,
    *,
    is_ours: bool,
) -> tuple[Any, Any]:
    """Make module and data; in our own trainer nothing counts its steps, so they hold several."""
    from simlab.training._data import SimilarityData
    from simlab.training._module import SimilarityModule
    from simlab.training._several_steps import SeveralSteps

    below = train.vectors
    trained = None if trained is None else trained.used(below[:2])
    vectors = as_tensor(below if trained is None else trained.cut.transform(below))
    head: nn.Module = make_head(config.head, vectors, dropout=config.dropout)
    with torch.no_grad():
        start = head.eval()(vectors)
    if trained is not None:
        how: dict[str, Any] = {"pace": Pace.of(config), "recompute": config.recompute}
        head = TopHead(trained.cut.top, head, adapters=trained.adapters, **how)
    head.train()
    miner = make_miner(config.miner)
    remembers = config.memory is not None
    loss, by_label = form_loss(config.loss, train.items, start, miner=miner, has_memory=remembers)
    n_items = min(_AT_ONCE, _AT_ONCE_BYTES // below[:1].nbytes)
    data = SimilarityData(
        train,
        held,
        batch_size=config.batch_size,
        per_class=config.per_class,
        seed=config.seed,
        at_once=max(n_items // config.batch_size, 1) if is_ours else None,
        by_label=by_label,
        batches=config.batches,
    )
    names = ("loss_lr", "weight_decay", "schedule", "warmup", "grad_cache")
    options: dict[str, Any] = {name: getattr(config, name) for name in names}
    options["lr"] = head_lr(config.lr)
    if config.memory is not None:
        options["memory"] = Memory(config.memory, start.shape[1])
    if not data.by_label:
        options["similarity"] = train.items.similarity
    if not is_ours:
        return SimilarityModule(head, loss, **options), data
    n_steps = config.epochs * len(data.batches)
    return SeveralSteps(head, loss, **options, n_steps=n_steps), data
