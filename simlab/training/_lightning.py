"""Lightning, quiet and interruptible."""

import logging
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytorch_lightning as pl

_ADVICE = (
    "does not have many workers",
    "log_every_n_steps",
    "LeafSpec",
    "across ranks is zero",  # no validation items
    "in eval mode at the start of training",  # the layers above a cut, on purpose
)
"""What Lightning warns of and what is no concern here."""


def make_trainer(epochs: int, options: Mapping[str, Any]) -> "pl.Trainer":
    """Make a trainer that says and writes nothing by itself.

    Parameters
    ----------
    epochs : int
    options : mapping
        Of `pl.Trainer`; they come before ours.
    """
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


def run_to_the_end(trainer: "pl.Trainer", module: Any, data: Any, begun: Path | None) -> bool:
    """Train, or go on from a checkpoint; an interruption ends it early.

    The notebook stays interruptible: Lightning answers an interrupt by ignoring all further ones
    and leaving the process.
    """
    from simlab.training._callbacks import StopAskedError

    on_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if on_main else None  # None also if not Python's
    try:
        trainer.fit(module, datamodule=data, ckpt_path=begun, weights_only=True)
    except StopAskedError:
        return False
    except (KeyboardInterrupt, SystemExit):
        if not trainer.interrupted:
            raise
        return False
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
    return True


@contextmanager
def quiet() -> Iterator[None]:
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
