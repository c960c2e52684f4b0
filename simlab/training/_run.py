"""Run: what `fit` gives back, and an Encoder again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from simlab._fingerprint import fingerprint
from simlab.encoders import Encoder, encoder as as_encoder
from simlab.space import Scores
from simlab.training import _run_files
from simlab.training._config import FitConfig
from simlab.training._curves import curves_html
from simlab.training._health import Health
from simlab.training._records import plain
from simlab.training._top import TopHead
from simlab.training.heads import Head, named
from simlab.training.losses import title_of

if TYPE_CHECKING:
    import pandas as pd

_CHUNK, _CHUNK_NUMBERS = 4096, 1 << 25


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """A trained head on a frozen encoder, with the record of its training.

    Attributes
    ----------
    base : Encoder
        The frozen encoder below the head; the layers below the cut, where those above it learned.
    head : torch.nn.Module
        With the layers above a cut, where they learned.
        The best weights by validation or, after a refit, those of all items.
    config : FitConfig
        How it was trained.
    history : pandas.DataFrame
        One row per epoch (0 is the head as it started): `epoch`, `loss`, `val_map@r`,
        `val_r-precision`, `val_recall@1`, what `health` shows, `seconds`.
    seen_labels : frozenset
        The labels that training or validation saw.
    best_epoch : int
        The epoch that was best on the held-out items.
    seconds : float
        Time of training, without embedding.
    finished : bool
        False if it was interrupted.
    refitted : bool
        Whether the head was trained again on all items, for `best_epoch` epochs.
    scores : Scores or None
        Of the held-out items, before a refit. They decided when to stop: score test items for
        an honest figure.
    loss_state : dict of str to torch.Tensor
        What the loss has learned, by name: `centers` of shape (n_classes, out), for example, in
        the order of the sorted labels of the items learned from. Empty for most losses.

    Examples
    --------
    >>> from simlab import encoder, fit, load
    >>> digits = load("striped-digits")[:200].split(by="item")
    >>> run = fit(digits, encoder("pixels"), epochs=1, cache=False, progress=False)
    >>> run.encode(digits.content[:3]).shape
    (3, 64)
    """

    base: Encoder
    head: nn.Module
    config: FitConfig
    history: "pd.DataFrame"
    seen_labels: frozenset[Any]
    best_epoch: int
    seconds: float
    finished: bool = True
    refitted: bool = False
    scores: Scores | None = None
    loss_state: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Loss and encoder."""
        miner = self.config.miner
        mined = "" if miner is None else f", {title_of(miner)} miner,"
        return f"{title_of(self.config.loss)}{mined} on {self.base.name}"

    @property
    def modalities(self) -> frozenset[str]:
        """Those of the encoder."""
        return self.base.modalities

    @property
    def dim(self) -> int | None:
        """Numbers per vector; None where only the items decide it.

        That is a head of one's own on vectors of an encoder that does not know their length.
        """
        own = self.head.head if isinstance(self.head, TopHead) else self.head
        if isinstance(own, Head):
            taken: int | None = len(own.enter.center)
        else:
            taken = None if isinstance(self.head, TopHead) else getattr(self.base, "dim", None)
        if taken is None:
            return None
        with torch.inference_mode():
            return int(own(torch.zeros(1, taken, device=_device_of(own))).shape[1])

    @cached_property
    def health(self) -> Health:
        """What was measured of the space in training, and advice where something is wrong."""
        return Health.of(self.history, self.best_epoch, len(self.seen_labels))

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the encoder and with the weights of the head."""
        weights = [
            part
            for name, tensor in sorted(self.head.state_dict().items())
            for part in (name, tensor.cpu().numpy())
        ]
        code = [self.head.identity] if isinstance(self.head, TopHead) else []
        return fingerprint(self.base.fingerprint, self._head_told(), *code, *weights)

    def _head_told(self) -> Any:
        """Say what the head does, whatever its weights are: its name, or the code of a module."""
        if named(self.config.head) is not None:
            return plain(self.config.head)
        own = self.head.head if isinstance(self.head, TopHead) else self.head
        return as_encoder(own).fingerprint

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        """Send vectors of the encoder, shape (n, dim), through the head; shape (n, out)."""
        device = _device_of(self.head)
        chunk = max(1, min(_CHUNK, _CHUNK_NUMBERS // max(vectors[:1].shape[1], 1)))
        starts = range(0, max(len(vectors), 1), chunk)
        how: dict[str, Any] = {"dtype": torch.float32, "device": device}
        with torch.inference_mode():  # torch.tensor copies: the vectors may be read-only
            parts = [
                self.head(torch.tensor(np.asarray(vectors[start : start + chunk]), **how)).cpu()
                for start in starts
            ]
        return torch.cat(parts).float().numpy()

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Place new content; shape (n, out). For many items use `simlab.embed`: it remembers."""
        return self.transform(self.base.encode(content))

    def save(self, path: str | Path) -> None:
        """Write the run into a folder: weights as safetensors, all else as JSON.

        The encoder itself is not written, only its name and fingerprint, and the layers of it that
        learned, of `train="lora"` the adapters alone; nor are the scores. Of a loss, miner or head
        that was given as an object, what it learned and a description are written.

        Raises
        ------
        FileExistsError
            There is something else at `path`.
        """
        _run_files.save(self, Path(path))

    @classmethod
    def load(
        cls, path: str | Path, encoder: Encoder | None = None, *, head: nn.Module | None = None
    ) -> "Run":
        """Read a run; nothing in it can run code.

        Parameters
        ----------
        path : str or Path
            A folder made by `save`.
        encoder : Encoder, optional
            The encoder below the head. Ready encoders are found by their name.
        head : torch.nn.Module, optional
            For a run whose head was a module of yours: one like it. The weights are read into a
            copy. Heads with a name are made again.

        Raises
        ------
        DataError
            No run there, an encoder that is not the one of the run, or a head that is missing or
            has other weights.
        TypeError
            A head that is no module.
        """
        return _run_files.load(Path(path), encoder, head)

    def __repr__(self) -> str:
        end = ", refitted on all items" if self.refitted else ""
        end += "" if self.finished else ", interrupted"
        return (
            f"Run: {self.name}, {title_of(self.config.head)} head, "
            f"best of {len(self.history) - 1} epochs: {self.best_epoch}, {self.seconds:.1f} s{end}"
        )

    def _repr_html_(self) -> str:
        return curves_html(self)


def _device_of(module: nn.Module) -> torch.device:
    return next(chain(module.parameters(), module.buffers())).device
