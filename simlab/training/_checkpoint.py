"""The state of a training on disk: what was interrupted goes on as if it never had been."""

import time
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import pytorch_lightning as pl  # noqa: TID253 (this file is opened by fit alone)

from simlab._fingerprint import fingerprint
from simlab.errors import DataError
from simlab.space import Embeddings
from simlab.training._config import FitConfig
from simlab.training._inputs import Inputs
from simlab.training._records import plain

_SECONDS = 1.0
"""From one writing to the next, at least: an epoch over a cache may take less than a file."""


def state_path(
    folder: Path,
    config: FitConfig,
    parts: list[Embeddings | Inputs | None],
    until: int | None,
    above: str = "",
) -> Path:
    """Name the file of a training by all that decides its weights: another one has another file.

    Parameters
    ----------
    folder : Path
    config : FitConfig
    parts : list of Embeddings, Inputs or None
        For training and validation.
    until : int or None
        The last epoch, if it is known.
    above : str, optional
        Fingerprint of the encoder whose layers learn too.
    """
    told = {name: plain(value) for name, value in vars(config).items()}
    arrays: list[Any] = []
    for part in parts:
        if part is not None:
            known = part.items.similarity
            is_read = isinstance(part, Embeddings)
            content = part.vectors if is_read else part.items.content.digests()
            given = (content, part.views, known.codes, known.pairs, known.scores)
            apart = (known.group, known.source, known.side)
            arrays += ["none" if one is None else one for one in (*given, *apart)]
    return folder / f"{fingerprint(told, until, above, *arrays)}.ckpt"


def found_state(path: Path) -> Path | None:
    """Return the path if there is a state to go on from.

    Raises
    ------
    DataError
        What is there is no checkpoint.

    Examples
    --------
    >>> found_state(Path("nowhere.ckpt")) is None
    True
    """
    if not path.exists():
        return None
    if not is_zipfile(path):
        raise DataError(f"{str(path)!r} must be the state of a training; delete it")
    return path


class KeepState(pl.Callback):
    """Write the state of a training after its epochs, whole or not at all.

    Parameters
    ----------
    path : Path
        For a checkpoint of Lightning.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._written = path, -float("inf")

    def on_train_epoch_end(self, trainer: pl.Trainer, _: pl.LightningModule) -> None:
        """Write, unless it was done just now."""
        if time.monotonic() - self._written >= _SECONDS:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            trainer.save_checkpoint(self._path)
            self._written = time.monotonic()
