"""Health: what was measured of the space in training, and advice where something is wrong."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from simlab import _html
from simlab.errors import SimlabWarning
from simlab.training._advice import Advice, advise, gap_metric

if TYPE_CHECKING:
    import pandas as pd

MEASURES = (
    "spread",
    "effective_rank",
    "alignment",
    "uniformity",
    "hubness",
    "active",
    "gradient_norm",
)
"""The columns of `run.history` that tell of health; `gap_...` stands beside them."""


@dataclass(frozen=True, eq=False, repr=False)
class Health:
    """How healthy a training was: `run.health`.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per epoch: `epoch`, `loss` and what was measured of a fixed sample, as
        `simlab/training/HEALTH.md` describes.
    advice : tuple of Advice
        What is wrong and what to try, the worst first; empty if all is well.
    """

    frame: "pd.DataFrame"
    advice: tuple[Advice, ...]

    @classmethod
    def of(cls, history: "pd.DataFrame", best_epoch: int, n_labels: int) -> "Health":
        """Judge a history, as `Run.history` has it.

        Parameters
        ----------
        history : pandas.DataFrame
        best_epoch : int
            The epoch whose weights were kept.
        n_labels : int
            Labels learned from, 0 if there are none: a space may have as few dimensions.

        Examples
        --------
        >>> import pandas as pd
        >>> history = pd.DataFrame({"epoch": [0, 1], "loss": [float("nan"), 1.0]})
        >>> Health.of(history, best_epoch=1, n_labels=2)
        Health: nothing seems wrong
        """
        told = [name for name in history if name in MEASURES or name.startswith("gap_")]
        rows = history.to_dict("records")
        return cls(history[["epoch", "loss", *told]], advise(rows, best_epoch, n_labels))

    @property
    def metric(self) -> str | None:
        """What training and held-out items are compared by; None without held-out items."""
        return gap_metric(self.frame)

    def __repr__(self) -> str:
        if not self.advice:
            return "Health: nothing seems wrong"
        return "\n".join(["Health:", *(f"- {one}" for one in self.advice)])

    def _repr_html_(self) -> str:
        last = self.frame.iloc[[0, -1]].T.dropna(how="all")
        head = ["", *(f"epoch {int(one)}" for one in last.loc["epoch"])]
        told = last.drop(index="epoch").astype(object).fillna("")  # before a first step
        rows = [[name, *values] for name, values in told.iterrows()]
        return _html.block("Health", _html.table(head, rows), advice_html(self.advice))


def warn_of_ruin(health: Health) -> None:
    """Warn where the weights that were kept suffer from what went wrong.

    Warns
    -----
    SimlabWarning
        With the advice.
    """
    for one in health.advice:
        if one.is_ruin:
            warnings.warn(str(one), SimlabWarning, stacklevel=3)


def warn_of_refit(epoch: int) -> None:
    """Warn that a refit ended before its time.

    Warns
    -----
    SimlabWarning
        Always.
    """
    warnings.warn(
        f"in the refit on all items the loss is no number after epoch {epoch}; the weights of the "
        "first training are kept; lower lr, or pass refit=False",
        SimlabWarning,
        stacklevel=3,
    )


def advice_html(advice: Sequence[Advice]) -> str:
    """List advice under the curves of a run; nothing if there is none."""
    if not advice:
        return ""
    lines = "".join(f"<li>{escape(str(one))}</li>" for one in advice)
    return f'<ul style="margin:4px 0;padding-left:18px">{lines}</ul>'
