"""How a run shows itself: a sentence and two small curves, drawn without any script."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from simlab import _html
from simlab.training._health import advice_html

if TYPE_CHECKING:
    from simlab.training._run import Run

_WIDTH, _HEIGHT, _PAD = 260, 96, 8


def curves_html(run: "Run") -> str:
    """Draw loss and validation over the epochs, with the kept epoch marked."""
    epochs = run.history["epoch"].tolist()
    metric = run.health.metric or "map@r"
    titles = {"loss": "training loss", f"val_{metric}": f"{metric.upper()} on held-out items"}
    figures = [
        _curve(epochs, run.history[name].tolist(), title, run.best_epoch)
        for name, title in titles.items()
        if name in run.history
    ]
    note = f"best weights: epoch {run.best_epoch}; {run.seconds:.1f} s"
    note += "" if run.finished else "; interrupted"
    row = f'<div class="row">{"".join(figures)}</div>'
    return _html.block(repr(run), row, advice_html(run.health.advice), note=note)


def _curve(epochs: Sequence[float], values: Sequence[float], title: str, best: int) -> str:
    points = [(x, y) for x, y in zip(epochs, values, strict=True) if y == y]  # noqa: PLR0124 (NaN)
    if not points:
        return ""
    low, high = min(y for _, y in points), max(y for _, y in points)
    last = max(*epochs, 1)

    def place(x: float, y: float) -> tuple[float, float]:
        across = _PAD + (_WIDTH - 2 * _PAD) * x / last
        up = (y - low) / (high - low) if high > low else 0.5
        return across, _HEIGHT - _PAD - (_HEIGHT - 2 * _PAD) * up

    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
    dots = [place(x, y) for x, y in points if x == best]
    mark = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="var(--accent)"/>' for x, y in dots
    )
    said = f"{title}: {points[0][1]:.3f} → {points[-1][1]:.3f}"
    return (
        f'<div><svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{escape(said)}">'
        f'<polyline points="{line}" fill="none" stroke="var(--accent)" stroke-width="1.5"/>{mark}'
        f'</svg><div class="soft">{escape(said)}</div></div>'
    )
