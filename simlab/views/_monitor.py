"""The monitor: curves of trainings as they go on, with a button to stop."""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import traitlets
from anywidget import AnyWidget

from simlab import _html
from simlab.views._explorer import joined, styled

_PARTS = ("dom", "colors", "curves", "monitor")
_PAUSE = 0.25
"""Seconds between two messages to the page, at least."""
_MOST_SAVED = 2000
"""Epochs of a run in the saved form: more than a screen has pixels."""


@dataclass
class _Track:
    """What the page knows of one run, without its epochs."""

    name: str
    epochs: int
    metric: str | None
    best: int = 0
    state: str = "runs"
    refit: int = 0
    advice: list[str] = field(default_factory=list)


class Monitor(AnyWidget):
    """Loss and validation of trainings as they go on: show it, then pass it to `fit`.

    Passed to several fits, one after the other, it draws their curves over each other. Each page
    update holds the new epochs alone, and there are at most four in a second. The button stops the
    training that runs, with its best weights so far, where the kernel hears of it in time (some
    versions of ipykernel wait until the cell is over); interrupting the kernel (■) works always.

    Parameters
    ----------
    title : str, default="Training"
        The heading.

    Examples
    --------
    >>> from simlab import encoder, fit, load
    >>> monitor = Monitor()
    >>> digits = load("striped-digits")[:200].split(by="item")
    >>> run = fit(digits, encoder("pixels"), epochs=2, cache=False, progress=monitor)
    >>> monitor
    Monitor of 1 run; nothing to see? sl.report(...) makes a page
    """

    _esm: ClassVar[str] = joined(_PARTS)
    _css: ClassVar[str] = styled("theme", "monitor")

    runs: traitlets.List[dict[str, Any]] = traitlets.List(traitlets.Dict()).tag(sync=True)
    title = traitlets.Unicode("Training").tag(sync=True)

    def __init__(self, title: str = "Training") -> None:
        self._lock = threading.RLock()  # the button may be heard in another thread
        self._stop = threading.Event()
        self._tracks: list[_Track] = []
        self._rows: list[list[list[float | None]]] = []
        self._n_sent = 0  # rows of the last run
        self._sent_at = -math.inf
        super().__init__(title=title)
        self.on_msg(self._hear)

    @property
    def asks_to_stop(self) -> bool:
        """Whether the button was pressed since the training began."""
        return self._stop.is_set()

    def start(self, name: str, epochs: int, *, metric: str | None, refits: bool) -> None:
        """Hear that a training begins; `fit` says so, as all that follows."""
        with self._lock:
            self._stop.clear()
            if refits:
                self._tracks[-1].state = "refits"
            else:
                shown = None if metric is None else metric.removeprefix("val_")
                self._tracks.append(_Track(self._unique(name), epochs, shown))
                self._rows.append([])
                self._n_sent = 0
            self._tell(at_once=True)

    def epoch(self, row: Mapping[str, float], advice: Sequence[str]) -> None:
        """Hear of an epoch."""
        with self._lock:
            track = self._tracks[-1]
            if track.state == "refits":
                track.refit = int(row["epoch"])
            else:
                track.advice = list(advice)
                value = row.get(f"val_{track.metric}")
                told = (row.get("loss"), value)
                self._rows[-1].append([int(row["epoch"]), *map(_finite, told), row["seconds"]])
                track.best = _best(self._rows[-1], has_metric=track.metric is not None)
            self._tell()

    def end(self, *, best_epoch: int, finished: bool) -> None:
        """Hear that it is over."""
        with self._lock:
            track = self._tracks[-1]
            if track.state != "refits":
                track.best = best_epoch
            track.state = "done" if finished else "stopped"
            self._tell(at_once=True)
            self.runs = self._state()  # the saved form: views without a kernel draw it

    def named(self, name: str) -> "Named":
        """Give the next training a name, as in `fit(..., lr=0.1, progress=monitor.named("0.1"))`.

        Examples
        --------
        >>> Monitor().named("lr 0.1").name
        'lr 0.1'
        """
        return Named(self, name)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 (as ipywidgets has it)
        """Give the traits, with all epochs so far: a view may be opened in the middle."""
        state = dict(super().get_state(key=key, drop_defaults=drop_defaults))
        if "runs" in state and self._tracks:
            with self._lock:
                state["runs"] = self._state()
        return state

    def _state(self) -> list[dict[str, Any]]:
        pairs = zip(self._tracks, self._rows, strict=True)
        return [{**asdict(track), "rows": _thinned(rows, track.best)} for track, rows in pairs]

    def _tell(self, *, at_once: bool = False) -> None:
        """Send the page what is new, unless it has just heard of something."""
        now = time.monotonic()
        if not at_once and now - self._sent_at < _PAUSE:
            return
        rows = self._rows[-1][self._n_sent :]
        at, about = len(self._tracks) - 1, asdict(self._tracks[-1])
        self.send({"kind": "told", "at": at, "about": about, "rows": rows})
        self._n_sent, self._sent_at = len(self._rows[-1]), now

    def _hear(self, _: Any, message: Any, __: Any) -> None:
        if isinstance(message, dict) and message.get("kind") == "stop":
            self._stop.set()
            self.send({"kind": "stopping"})

    def _unique(self, name: str) -> str:
        taken = {track.name for track in self._tracks}
        names = (name, *(f"{name} ({number})" for number in range(2, len(taken) + 2)))
        return next(one for one in names if one not in taken)

    def __repr__(self) -> str:
        n = len(self._tracks)
        runs = f"{n} run{'' if n == 1 else 's'}"
        return f"Monitor of {runs}; nothing to see? sl.report(...) makes a page"

    def _repr_html_(self) -> str:
        """Draw a table, for readers of a saved notebook whose widgets were not saved."""
        head = ["run", "epochs", "best epoch", "held-out", "state"]
        rows = []
        for track, told in zip(self._tracks, self._rows, strict=True):
            found = [row[2] for row in told if row[0] == track.best and row[2] is not None]
            value = found[0] if found else "none"
            rows.append([track.name, max(len(told) - 1, 0), track.best, value, track.state])
        return _html.block(self.title, _html.table(head, rows))


@dataclass(frozen=True)
class Named:
    """A monitor that calls the training by another name; `Monitor.named` makes it."""

    monitor: Monitor
    name: str

    @property
    def asks_to_stop(self) -> bool:
        """As the monitor."""
        return self.monitor.asks_to_stop

    def start(self, name: str, epochs: int, *, metric: str | None, refits: bool) -> None:  # noqa: ARG002
        """As the monitor, by another name."""
        self.monitor.start(self.name, epochs, metric=metric, refits=refits)

    def epoch(self, row: Mapping[str, float], advice: Sequence[str]) -> None:
        """As the monitor."""
        self.monitor.epoch(row, advice)

    def end(self, *, best_epoch: int, finished: bool) -> None:
        """As the monitor."""
        self.monitor.end(best_epoch=best_epoch, finished=finished)


def _finite(value: float | None) -> float | None:
    """Leave out what JSON cannot hold."""
    return value if value is not None and math.isfinite(value) else None


def _best(rows: Sequence[Sequence[float | None]], *, has_metric: bool) -> int:
    """Find the best epoch so far: the last, where nothing is held out."""
    if not has_metric:
        return int(rows[-1][0] or 0)
    rated = [(row[2], -(row[0] or 0)) for row in rows if row[2] is not None]
    return int(-max(rated)[1]) if rated else 0


def _thinned(rows: list[list[float | None]], best: int) -> list[list[float | None]]:
    """Keep some epochs of very many, the best and the last among them."""
    step = math.ceil(len(rows) / _MOST_SAVED)
    last = len(rows) - 1
    return [row for at, row in enumerate(rows) if at % step == 0 or row[0] == best or at == last]
