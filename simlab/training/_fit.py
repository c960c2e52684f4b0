"""fit: learn a head on remembered embeddings, and give back a Run."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from simlab.encoders import Encoder
from simlab.errors import DataError, SimlabWarning
from simlab.items import Items
from simlab.space import Embeddings, Scores, score
from simlab.training._config import FitConfig, check_config
from simlab.training._form_batches import check_batches
from simlab.training._form_losses import check_form, choose_batches
from simlab.training._health import warn_of_refit, warn_of_ruin
from simlab.training._inputs import Inputs, place_below
from simlab.training._learn import Learned, learn
from simlab.training._pacing import check_used
from simlab.training._progress import Progress, listener
from simlab.training._run import Run
from simlab.training._trained import choose_trained, trained_layers
from simlab.training._validation import hold_out, tests_seen_classes, training_rows, usable
from simlab.training.heads import choose_head, with_blocks
from simlab.training.losses import title_of

if TYPE_CHECKING:
    import pytorch_lightning as pl


def fit(
    items: Items,
    encoder: Encoder,
    *,
    loss: Any = "supcon",
    miner: Any = None,
    head: Any = "auto",
    train: str | tuple[str, Mapping[str, Any]] = "auto",
    freeze: int | Mapping[str, int] = 0,
    recompute: bool = False,
    epochs: int = 30,
    batch_size: int = 128,
    per_class: int = 5,
    batches: str = "auto",
    lr: float | Mapping[str, float] = 1e-3,
    layer_decay: float = 1.0,
    loss_lr: float | None = None,
    schedule: Any = "cosine",
    warmup: float = 0,
    weight_decay: float = 1.0,
    dropout: float = 0.2,
    val: float = 0.2,
    patience: int = 15,
    monitor: str = "auto",
    refit: bool = True,
    views: int = 1,
    memory: int | None = None,
    grad_cache: int | None = None,
    seed: int = 0,
    trainer: "pl.Trainer | Mapping[str, Any] | None" = None,
    checkpoint: str | Path | None = None,
    cache: str | Path | Literal[False] = "default",
    progress: bool | Progress = True,
) -> Run:
    """Learn which differences matter: train a small head on the vectors of a frozen encoder.

    The vectors come from `embed` and are remembered, so that a second fit starts at once. Test
    items are never touched. A part of the training items is held out; after every epoch they
    are compared among themselves to find the best epoch, the untrained head included; the head
    is then trained on all of them for so long. Interrupting (the stop button) keeps the best
    head so far.

    Parameters
    ----------
    items : Items
        With labels (one or several each, or of several levels), or with pairs or triplets; of two
        items without a known relation nothing is learned. Without any of these `views` are
        learned from: two of an item are alike, and all other items strange (SimCLR, Chen et al.
        2020, arXiv:2002.05709); nothing is held out then. After `items.split(...)` the `train`
        items are learned from, and the `val` items, if any, decide when to stop.
    encoder : Encoder
        Stays as it is. With a cut (`encoder(..., cut=...)`) a copy of the layers above it learns
        together with the head, on remembered activations; `train` says what else may learn.
    loss : str, tuple, list or callable, default="supcon"
        A name (`simlab.training.losses.table()` lists them); a name and parameters, as in
        `("arcface", {"margin": 0.3})`; a sum, as in `[(1, "softmax"), (0.1, "center")]`; any loss
        of pytorch-metric-learning, module or function of embeddings (batch, dim) and labels
        (batch,). A module is copied, and its parameters are learned with the head.
    miner : str, tuple or callable, optional
        What to learn from in each batch: a name such as `"batch-hard"`, `"multi-similarity"`,
        `"semi-hard"` or one of pytorch-metric-learning, a name and parameters, or a callable of
        embeddings and labels. For losses of pairs and triplets.
    head : str, tuple, torch.nn.Module or callable, default="auto"
        `"auto"`: `"skip-mlp"` where the test items belong to the classes of training, else
        `"skip"`; `"switch"`, a head for each modality, where the encoder has `shared=False`.
        What was chosen stands in `run.config`.
        `"skip"`: the centered vector plus a linear correction that starts at zero, same
        dimension; `"skip-mlp"`: the same with a correction of two layers; `"gated-skip"`: with
        a linear map behind gates.
        `"linear"`: one linear map to 256 dimensions; `"mlp"`, `"stacked"`, `"widening"`: several.
        `"identity"`: the centered vector; `"gated"`: each of its numbers times a gate.
        `"softmax-groups"`: shares that tell how sure they are.
        A name and parameters, as in `("linear", {"out": 64})`; the README of
        `simlab.training.heads` lists them.
        A module of your own, such as an `nn.Sequential`, which is copied, or a function that
        makes one for a dimension. It sees the vectors of the encoder as they are, not centered,
        and has its own dropout.
    train : {"auto", "head", "top", "last:n", "all", "lora"} or tuple, default="auto"
        What learns: the head alone, or also the layers above the cut of the encoder (`"top"`);
        `"auto"` is `"top"` if it has any. Of an encoder without a cut, `"last:2"` cuts it before
        its last two layers; with `"all"` everything learns, and nothing but the preprocessing is
        remembered; with `"lora"` adapters of low rank beside linear layers (Hu et al. 2021,
        arXiv:2106.09685). `("lora", {"rank": 8, "alpha": 16, "last": 2, "targets": ["query"]})`:
        in the last two layers, where names end so. The layers learn at 0.3 times `lr`, adapters
        at `lr`, without decay, while their dropout and normalization stay as they are in encoding.
    freeze : int or mapping, default=0
        Epochs in which the head learns alone, before the layers below it join; or epochs for
        which each part waits, as in `{"top": 3}` or `{"head": 1}`.
    recompute : bool, default=False
        Compute what happens within the layers twice, in place of remembering it for the
        gradients (gradient checkpointing, Chen et al. 2016, arXiv:1604.06174): less memory.
    epochs : int, default=30
        At most; each goes through the training items once.
    batch_size : int, default=128
        Items in a batch: `batch_size // per_class` labels.
    per_class : int, default=5
        Items of each label in a batch; more when there are few labels.
    batches : str, default="auto"
        How an epoch is cut into batches. `"auto"`: by what is known of the items: `"balanced"`
        for labels, in turn mixed and from one top label for labels of several levels, pairs with
        all that hangs on their first item, or `"apart"` for the loss `"ranking-of-pairs"`.
        `"balanced"`: so many labels with `per_class` items each; every item once in an epoch.
        `"all-pairs"`: every two items of a label once in an epoch, which is the longer, the
        larger the classes are.
        `"apart"`: given pairs, no two of a group (or that hang together) in one batch: no loss
        takes a friend for a stranger.
    lr, weight_decay : float, default=1e-3 and 1.0
        Of AdamW. The decay draws the correction of
        the skip head back to zero, that is, to the space of the encoder. A mapping gives a rate
        to each part, as in `{"head": 1e-3, "top": 3e-4}`.
    layer_decay : float, default=1.0
        How fast a layer below the head learns, in units of the layer above it.
    loss_lr : float, optional
        Of the parameters of a loss, such as centers, which never decay; 3 times `lr`.
    schedule : str or callable, default="cosine"
        How the rates go on: they fall to 0 along half a `"cosine"` or `"linear"`, or stay
        `"constant"`; or a function from the share of the training that is done to a factor.
    warmup : float or int, default=0
        Steps in which the rates rise from 0 before that, or their share of all steps if below 1.
    dropout : float, default=0.2
        Share of the head's input numbers set to 0 in training; in the skip heads, on the way
        through the correction.
    val : float, default=0.2
        Share held out when the items have no `val` part: of the classes (at least four, or half
        of them), or of the items when the split was by item or there are fewer than 4 classes. 0
        holds out nothing.
    patience : int, default=15
        Epochs without improvement before stopping.
    monitor : str, default="auto"
        What "better" means on the held-out items: `"map@r"`, `"r-precision"`, `"recall@1"`, for
        pairs with scores `"spearman"`, for triplets `"triplet-accuracy"`; `"auto"` is the one that
        fits, MAP@R where there are labels.
    refit : bool, default=True
        When the best epoch is known, train once more on all training items, those held out by
        `fit` included, for as many epochs. Without it the head keeps the best weights of the
        first training. Items of a `val` part are never learned from, and a trainer of your own
        trains once.
    views : int, default=1
        From 2 on: encode so many augmented views of each item (see `embed`); in every epoch an
        item shows one of them, drawn anew. Held-out items are seen as they are.
    memory : int, optional
        Vectors of past batches to remember: the loss sees the batch beside them, and so is that
        of a larger one (cross-batch memory, Wang et al. 2020, arXiv:1912.06798).
    grad_cache : int, optional
        Send each batch through what learns in chunks of so many items: the same gradients in
        less memory, for large batches over wide heads or layers above a cut (GradCache, Gao et
        al. 2021, arXiv:2101.06983).
    seed : int, default=0
        Of the held-out part, the batches, the views drawn and the weights.
    trainer : pytorch_lightning.Trainer or mapping, optional
        A new one in place of the one made here; `epochs` is then the trainer's. Or options for
        the one made here, such as `{"gradient_clip_val": 1.0, "precision": "bf16-mixed",
        "accumulate_grad_batches": 2, "logger": CSVLogger("logs")}`.
    checkpoint : str or Path, optional
        Folder for the state of the training, written after its epochs and deleted at the end: if
        it is interrupted, the same call goes on from there, and ends as if it had not been. Many
        trainings may share a folder.
    cache : default="default"
        As in `embed`.
    progress : bool or Progress, default=True
        Show progress bars; or draw curves while training goes on, with a
        `simlab.views.Monitor()`, which may be given to several fits.

    Returns
    -------
    Run
        Which is an Encoder: embed, score, search and explain with it.

    Raises
    ------
    ChoiceError
        Unknown loss, miner, head, schedule, monitor, kind of batches, or word for what to train.
    TypeError
        A parameter that a loss, miner or head does not have; a `progress` that cannot be told.
    ShapeError
        A module as head that does not take the vectors of the encoder.
    MissingExtraError
        A loss or miner of pytorch-metric-learning, or `"lora"` without peft: not installed.
    DataError
        No items, no labels, one label only, or a label with a single item; a number out of its
        range; a trainer that has trained before; no layers above a cut for `train="top"`, or
        a network that cannot be cut so; settings of layers where only the head learns.

    Warns
    -----
    SimlabWarning
        Too few items to hold any out: nothing will stop training in time. With `train="all"`:
        the preprocessed inputs take more than 1 GB, and are made anew in every epoch. The space
        that was kept has collapsed, or the loss is no longer a number: `run.health` says what to
        try.

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
        miner=miner,
        head=head,
        train=train,
        freeze=freeze,
        recompute=recompute,
        epochs=epochs,
        batch_size=batch_size,
        per_class=per_class,
        batches=batches,
        lr=lr,
        layer_decay=layer_decay,
        loss_lr=loss_lr,
        schedule=schedule,
        warmup=warmup,
        weight_decay=weight_decay,
        dropout=dropout,
        val=val,
        patience=patience,
        monitor=monitor,
        refit=refit,
        views=views,
        memory=memory,
        grad_cache=grad_cache,
        seed=seed,
    )
    check_config(config)
    _check_trainer(trainer)
    told = listener(progress)
    uses = {"has_miner": miner is not None, "has_memory": memory is not None}
    check_form(config.loss, items, **uses)
    check_batches(batches, items)
    is_seen = tests_seen_classes(items)
    config = replace(
        config,
        head=choose_head(head, is_seen=is_seen, encoder=encoder),
        train=choose_trained(train, encoder),
        batches=choose_batches(batches, config.loss, items),
    )
    check_used(config)
    items = usable(items, views)
    trained = trained_layers(config.train, encoder)
    base = encoder if trained is None else trained.cut.base
    train_rows, val_rows = hold_out(items, val, seed, by_item=is_seen)
    embeddings = place_below(items, base, cache=cache, views=views, progress=told is not None)
    config = replace(config, head=with_blocks(config.head, base))
    held = embeddings[val_rows] if val_rows.size else None
    how: dict[str, Any] = {"trained": trained, "trainer": trainer, "progress": told}
    how["name"] = f"{title_of(config.loss)} on {base.name}"
    how["checkpoint"] = None if checkpoint is None else Path(checkpoint)
    learned = learn(config, embeddings[train_rows], held, **how)
    used = np.concatenate([train_rows, val_rows])
    run = Run(
        base=base,
        head=learned.head,
        config=config,
        history=learned.history,
        seen_labels=frozenset(items[used].label_names),
        best_epoch=learned.best_epoch,
        seconds=learned.seconds,
        finished=learned.finished,
        loss_state=learned.loss_state,
    )
    warn_of_ruin(run.health)
    if held is not None:
        try:
            run = replace(run, scores=_scores(run, held))
        except KeyboardInterrupt:
            run = replace(run, finished=False)
    whole = training_rows(items)
    is_worth = held is not None and run.best_epoch > 0 and len(whole) > len(train_rows)
    if not run.finished:
        return run
    if not (refit and is_worth) or (trainer is not None and not isinstance(trainer, Mapping)):
        _forget(learned)
        return run
    try:
        again = learn(config, embeddings[whole], None, until=run.best_epoch, **how)
    except KeyboardInterrupt:  # before its first step
        return replace(run, finished=False)
    if not again.finished:
        return replace(run, finished=False)
    _forget(learned, again)
    if again.best_epoch < run.best_epoch:
        warn_of_refit(again.best_epoch)
        return run
    return replace(
        run,
        head=again.head,
        loss_state=again.loss_state,
        seconds=run.seconds + again.seconds,
        refitted=True,
    )


def _forget(*done: Learned) -> None:
    """Delete the states of what is done."""
    for one in done:
        if one.state is not None:
            one.state.unlink(missing_ok=True)


def _check_trainer(trainer: "pl.Trainer | Mapping[str, Any] | None") -> None:
    if isinstance(trainer, Mapping):
        if "max_epochs" in trainer:
            raise DataError("options for the trainer take no max_epochs; give epochs= to fit")
    elif trainer is not None and trainer.global_step:
        raise DataError(
            f"trainer must be new; got one that has trained {trainer.current_epoch} epochs; "
            "make another pl.Trainer"
        )


def _scores(run: Run, held: Embeddings | Inputs) -> Scores:
    """Score the held-out items in the new space; they decided when to stop, and are no test."""
    vectors = run.transform(held.vectors)
    with warnings.catch_warnings():  # items that were held out without a friend: nobody's fault
        warnings.simplefilter("ignore", SimlabWarning)
        return score(Embeddings(vectors, held.items, run), k=(1, 5, 10))
