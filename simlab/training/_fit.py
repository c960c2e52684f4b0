"""fit: learn a head on remembered embeddings, and give back a Run."""

import logging
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from simlab.encoders import Encoder, embed
from simlab.errors import ChoiceError, DataError
from simlab.items import Items
from simlab.space import Embeddings, score
from simlab.training._config import FitConfig
from simlab.training._heads import check_head, make_head
from simlab.training._run import Run
from simlab.training._validation import hold_out, tests_seen_classes, usable
from simlab.training.losses import check_loss, make_loss

if TYPE_CHECKING:
    import pytorch_lightning as pl

MONITORS = ("auto", "map@r", "r-precision", "recall@1")


def fit(
    items: Items,
    encoder: Encoder,
    *,
    loss: str = "supcon",
    head: str = "skip",
    epochs: int = 30,
    batch_size: int = 128,
    per_class: int = 5,
    lr: float = 1e-3,
    weight_decay: float = 0.0,
    dropout: float = 0.2,
    val: float = 0.2,
    patience: int = 15,
    monitor: str = "auto",
    seed: int = 0,
    trainer: "pl.Trainer | None" = None,
    cache: Literal["default", False] | str | Path = "default",
    progress: bool = True,
) -> Run:
    """Learn which differences matter: train a small head on the vectors of a frozen encoder.

    The vectors come from `embed` and are remembered, so that a second fit starts at once. Test
    items are never touched. A part of the training items is held out; after every epoch they
    are compared among themselves, and the best head is kept, the untrained one included.
    Interrupting (the stop button) keeps the best head so far.

    Parameters
    ----------
    items : Items
        With labels. After `items.split(...)` the `train` items are learned from, and the `val`
        items, if any, decide when to stop.
    encoder : Encoder
        Stays as it is.
    loss : {"arcface", "contrastive", "multi-similarity", "supcon", "triplet"}, default="supcon"
    head : {"skip", "linear"}, default="skip"
        `"skip"`: the centered vector plus a linear correction that starts at zero, same
        dimension.
        `"linear"`: one linear map to 256 dimensions.
    epochs : int, default=30
        At most; each goes through the training items once.
    batch_size : int, default=128
        Items in a batch: `batch_size // per_class` labels.
    per_class : int, default=5
        Items of each label in a batch; more when there are few labels.
    lr, weight_decay : float, default=1e-3 and 0.0
        Of AdamW; the rate falls to 0 along half a cosine.
    dropout : float, default=0.2
        Share of the head's input numbers set to 0 in training.
    val : float, default=0.2
        Share held out when the items have no `val` part: of the classes, or of the items when
        the split was by item or there are fewer than 8 classes. 0 holds out nothing.
    patience : int, default=15
        Epochs without improvement before stopping.
    monitor : {"auto", "map@r", "r-precision", "recall@1"}, default="auto"
        What "better" means on the held-out items; `"auto"` is MAP@R.
    seed : int, default=0
        Of the held-out part, the batches and the weights.
    trainer : pytorch_lightning.Trainer, optional
        In place of the one made here; `epochs` is then the trainer's.
    cache : default="default"
        As in `embed`.
    progress : bool, default=True
        Show progress bars.

    Returns
    -------
    Run
        Which is an Encoder: embed, score, search and explain with it.

    Raises
    ------
    ChoiceError
        Unknown loss, head or monitor.
    DataError
        No items, no labels, one label only, or a label with a single item.

    Examples
    --------
    >>> from simlab.encoders import encoder
    >>> from simlab.items import load
    >>> digits = load("striped-digits")[:200].split(by="item")
    >>> run = fit(digits, encoder("pixels"), epochs=1, cache=False, progress=False)
    >>> run.name
    'supcon on pixels'
    """
    config = FitConfig(
        loss=loss,
        head=head,
        epochs=epochs,
        batch_size=batch_size,
        per_class=per_class,
        lr=lr,
        weight_decay=weight_decay,
        dropout=dropout,
        val=val,
        patience=patience,
        monitor=monitor,
        seed=seed,
    )
    _check(config)
    by_item = tests_seen_classes(items)
    items = usable(items)
    train_rows, val_rows = hold_out(items, val, seed, by_item=by_item)
    embeddings = embed(items, encoder, cache=cache, progress=progress)
    train = embeddings[train_rows]
    held = embeddings[val_rows] if val_rows.size else None
    started = time.perf_counter()
    with _quiet():
        module, kept, finished = _train(config, train, held, trainer, progress=progress)
    if kept.best is None:  # interrupted before the first step
        raise KeyboardInterrupt
    module.head.load_state_dict(kept.best)
    run = Run(
        base=encoder,
        head=module.head.eval().requires_grad_(requires_grad=False),
        config=config,
        history=kept.frame,
        seen_labels=frozenset(items.label_names),
        best_epoch=kept.best_epoch,
        seconds=time.perf_counter() - started,
        finished=finished,
    )
    return run if held is None else run.with_scores(_scores(run, held))


def _check(config: FitConfig) -> None:
    check_loss(config.loss)
    check_head(config.head)
    if config.monitor not in MONITORS:
        raise ChoiceError.of("monitor", config.monitor, MONITORS)
    least = {"epochs": 1, "batch_size": 4, "per_class": 2, "patience": 1}
    wrong = [f"{name} must be at least {low}; got {getattr(config, name)!r}"
             for name, low in least.items() if getattr(config, name) < low]
    if config.lr <= 0:
        wrong.append(f"lr must be above 0; got {config.lr!r}")
    if not 0 <= config.dropout < 1:
        wrong.append(f"dropout must be a share in [0, 1); got {config.dropout!r}")
    if wrong:
        raise DataError("; ".join(wrong))


def _train(
    config: FitConfig,
    train: Embeddings,
    held: Embeddings | None,
    trainer: "pl.Trainer | None",
    *,
    progress: bool,
) -> tuple[Any, Any, bool]:
    """Run Lightning; return the module, what the callback kept, and whether it came to its end."""
    from simlab.training._callbacks import EpochBar, KeepBest
    from simlab.training._data import SimilarityData
    from simlab.training._module import SimilarityModule

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        vectors = torch.from_numpy(train.vectors)
        head = make_head(config.head, vectors, dropout=config.dropout)
        with torch.no_grad():
            start = head.eval()(vectors)
        head.train()
        loss = make_loss(config.loss, start, torch.from_numpy(train.items.label_codes))
        module = SimilarityModule(head, loss, lr=config.lr, weight_decay=config.weight_decay)
        data = SimilarityData(
            train, held, batch_size=config.batch_size, per_class=config.per_class, seed=config.seed
        )
        metric = "map@r" if config.monitor == "auto" else config.monitor
        kept = KeepBest(f"val_{metric}" if held is not None else None, config.patience)
        callbacks = [kept, EpochBar(f"fit: {config.loss}")] if progress else [kept]
        trainer = trainer or _trainer(config.epochs)
        trainer.callbacks.extend(callbacks)  # type: ignore[attr-defined]
        finished = _run_to_the_end(trainer, module, data)
    return module, kept, finished


def _trainer(epochs: int) -> "pl.Trainer":
    import pytorch_lightning as pl

    return pl.Trainer(
        max_epochs=epochs,
        accelerator="auto",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def _run_to_the_end(trainer: "pl.Trainer", module: Any, data: Any) -> bool:
    """Train; an interruption ends it early, and leaves the notebook interruptible.

    Lightning answers an interrupt by ignoring all further ones and leaving the process.
    """
    on_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if on_main else None
    try:
        trainer.fit(module, datamodule=data)
    except (KeyboardInterrupt, SystemExit):
        if not trainer.interrupted:
            raise
        return False
    finally:
        if on_main:
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
            for text in (".*does not have many workers.*", ".*log_every_n_steps.*", ".*LeafSpec.*"):
                warnings.filterwarnings("ignore", text)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _scores(run: Run, held: Embeddings) -> Any:
    """Score the held-out items in the new space; they decided when to stop, and are no test."""
    vectors = run.transform(held.vectors)
    return score(Embeddings(vectors, held.items, run), k=(1, 5, 10))
