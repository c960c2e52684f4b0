"""One walk through Lightning: from embeddings to the best head of a config."""

import logging
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from simlab.errors import DataError
from simlab.space import Embeddings
from simlab.training._config import FitConfig
from simlab.training._form_losses import form_loss
from simlab.training._inputs import Inputs
from simlab.training._pacing import Pace, frozen_epochs, head_lr
from simlab.training._tensors import as_tensor
from simlab.training._top import TopHead
from simlab.training._trained import Trained
from simlab.training._validation import choose_monitor
from simlab.training.heads import make_head
from simlab.training.large import Memory
from simlab.training.losses import title_of
from simlab.training.miners import make_miner

if TYPE_CHECKING:
    import pandas as pd
    import pytorch_lightning as pl

_ADVICE = (
    "does not have many workers",
    "log_every_n_steps",
    "LeafSpec",
    "across ranks is zero",  # no validation items
    "in eval mode at the start of training",  # the layers above a cut, on purpose
)
"""What Lightning warns of and what is no concern here."""
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
    progress: bool = True,
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
    progress : bool, default=True
        Show a bar over the epochs.

    Raises
    ------
    KeyboardInterrupt
        Interrupted before the first step. Later interruptions end the training early.
    DataError
        The trainer trained nothing, or the state in the folder is none.
    """
    from simlab.training._checkpoint import state_path

    with _quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        started = time.perf_counter()
        how: dict[str, Any] = {"trained": trained, "trainer": trainer, "until": until}
        state = None
        if checkpoint is not None:
            above = "" if trained is None else trained.cut.fingerprint
            state = state_path(checkpoint, config, [train, held], until, above)
        how |= {"state": state, "progress": progress}
        module, kept, finished = _train(config, train, held, **how)
        seconds = time.perf_counter() - started
    if kept.best is None and finished:
        raise DataError("trainer must train at least one batch; got one that trained none")
    if kept.best is None:
        raise KeyboardInterrupt
    module.head.load_state_dict(kept.best)
    head = module.head.eval().requires_grad_(requires_grad=False)
    return Learned(head, kept.frame, kept.best_epoch, seconds, finished, kept.best_loss, state)


def _train(
    config: FitConfig,
    train: Embeddings | Inputs,
    held: Embeddings | Inputs | None,
    *,
    trained: Trained | None,
    trainer: "pl.Trainer | Mapping[str, Any] | None",
    until: int | None,
    state: Path | None,
    progress: bool,
) -> tuple[Any, Any, bool]:
    """Run Lightning; return the module, what the callback kept, and whether it came to its end."""
    from simlab.training._callbacks import EpochBar, KeepBest
    from simlab.training._checkpoint import KeepState, found_state
    from simlab.training._freezing import Freeze

    module, data = _parts(config, train, held, trained, is_ours=trainer is None)
    metric = choose_monitor(config.monitor, train.items)
    if trainer is None or isinstance(trainer, Mapping):
        trainer = _trainer(config.epochs, trainer or {})
    validates = held is not None and trainer.limit_val_batches != 0
    waits = frozen_epochs(config.freeze)
    rated = f"val_{metric}" if validates else None
    kept = KeepBest(rated, config.patience, until, since=max(waits.values(), default=0))
    title = f"fit: {title_of(config.loss)}" + ("" if until is None else ", all items")
    callbacks: list[Any] = [Freeze(waits), kept, *([EpochBar(title, until)] if progress else [])]
    begun = None
    if state is not None:
        callbacks.append(KeepState(state))
        begun = found_state(state)
    given = list(trainer.callbacks)  # type: ignore[attr-defined]
    trainer.callbacks.extend(callbacks)  # type: ignore[attr-defined]
    try:
        finished = _run_to_the_end(trainer, module, data, begun)
    finally:
        trainer.callbacks[:] = given  # type: ignore[attr-defined]
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


def _trainer(epochs: int, options: Mapping[str, Any]) -> "pl.Trainer":
    import pytorch_lightning as pl

    ours = {
        "max_epochs": epochs,
        "accelerator": "auto",
        "devices": 1,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
    }
    return pl.Trainer(**{**ours, **options})


def _run_to_the_end(trainer: "pl.Trainer", module: Any, data: Any, begun: Path | None) -> bool:
    """Train, or go on from a checkpoint; an interruption ends it early.

    The notebook stays interruptible: Lightning answers an interrupt by ignoring all further ones
    and leaving the process.
    """
    on_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if on_main else None  # None also if not Python's
    try:
        trainer.fit(module, datamodule=data, ckpt_path=begun, weights_only=True)
    except (KeyboardInterrupt, SystemExit):
        if not trainer.interrupted:
            raise
        return False
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
    return True


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's banners and its advice on data loaders out of the notebook."""
    import pytorch_lightning  # noqa: F401 (its import sets the levels that are changed here)

    names = ("pytorch_lightning", "lightning_fabric")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for text in _ADVICE:
                warnings.filterwarnings("ignore", f".*{text}.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
