"""Who is told how training goes: a bar, or anything that answers the same four words."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from simlab.errors import SimlabError


@runtime_checkable
class Progress(Protocol):
    """What `fit(..., progress=)` may be given; `simlab.views.Monitor` is one.

    A training is told as `start`, one `epoch` after another, `end`. The refit on all items is a
    second training with the same name, of which `refits` is true.
    """

    @property
    def asks_to_stop(self) -> bool:
        """Whether training is to end now, with the best weights so far; asked after each batch."""
        ...

    def start(self, name: str, epochs: int, *, metric: str | None, refits: bool) -> None:
        """Hear that a training begins.

        Parameters
        ----------
        name : str
            Of the run.
        epochs : int
            At most.
        metric : str or None
            The column of `epoch` that decides which weights are best; None without validation.
        refits : bool
            Whether this is the refit of the training before.
        """
        ...

    def epoch(self, row: Mapping[str, float], advice: Sequence[str]) -> None:
        """Hear of an epoch: its row of `run.history` (epoch 0 is the start), and what is wrong."""
        ...

    def end(self, *, best_epoch: int, finished: bool) -> None:
        """Hear that it is over, at its end, by an interruption or by an error."""
        ...


class Bar:
    """One quiet progress bar over the epochs."""

    asks_to_stop = False

    def __init__(self) -> None:
        self._bar: Any = None
        self._metric: str | None = None

    def start(self, name: str, epochs: int, *, metric: str | None, refits: bool) -> None:
        """Open the bar."""
        from tqdm.auto import tqdm

        title = f"fit: {name}" + (", all items" if refits else "")
        self._metric = metric
        self._bar = tqdm(total=epochs, desc=title, unit="epoch", leave=False)

    def epoch(self, row: Mapping[str, float], advice: Sequence[str]) -> None:  # noqa: ARG002
        """Show loss and validation."""
        if row["epoch"] == 0:
            return
        shown = {
            name: f"{row[name]:.3f}" for name in ("loss", self._metric) if name and name in row
        }
        self._bar.set_postfix(shown)
        self._bar.update()

    def end(self, *, best_epoch: int, finished: bool) -> None:  # noqa: ARG002
        """Close the bar."""
        self._bar.close()


def listener(progress: "bool | Progress") -> "Progress | None":
    """Choose who is told: a bar for True, nobody for False.

    Raises
    ------
    ProgressError
        Neither, nor a `Progress`.
    """
    if isinstance(progress, bool):
        return Bar() if progress else None
    if isinstance(progress, Progress):
        return progress
    raise ProgressError(
        "progress must be True, False or something that is told of epochs, such as "
        f"simlab.views.Monitor(); got {progress!r}"
    )


class ProgressError(SimlabError, TypeError):
    """Something that cannot be told how training goes."""
