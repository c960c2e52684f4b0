"""All losses in one table, and the page of the room."""

from typing import TYPE_CHECKING

from simlab.training.losses._foreign import ADAPTED
from simlab.training.losses._registry import OF_LABELS, OF_OTHERS

if TYPE_CHECKING:
    import pandas as pd

_THEIRS = "pytorch-metric-learning"


def table() -> "pd.DataFrame":
    """List every loss that has a name: what it needs, when to use it, its paper.

    Returns
    -------
    pandas.DataFrame
        Indexed by name; `needs` (labels, centers that are learned, pairs, scores, two views),
        `miner` (whether it works with one), `when`, `paper`, `by` (who computes it).

    Examples
    --------
    >>> table().loc["arcface", "needs"]
    'labels, centers'
    """
    import pandas as pd

    rows = [
        (one.name, one.needs, one.takes_mined, one.when, one.paper, "simlab")
        for one in (*OF_LABELS.values(), *OF_OTHERS.values())
    ]
    rows += [
        (one.name, one.needs, one.takes_mined, one.when, one.paper, _THEIRS)
        for one in ADAPTED.values()
    ]
    columns = ["name", "needs", "miner", "when", "paper", "by"]
    return pd.DataFrame(rows, columns=columns).set_index("name")
