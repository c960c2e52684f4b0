"""All losses in one table, and the page of the room."""

from typing import TYPE_CHECKING

from simlab.training.losses._against import AGAINST
from simlab.training.losses._foreign import ADAPTED
from simlab.training.losses._registry import OF_LABELS, OF_OTHERS

if TYPE_CHECKING:
    import pandas as pd

_THEIRS = "pytorch-metric-learning"
_INTRODUCTION = """\
# Losses

A loss takes embeddings, shape (batch, dim), and labels, shape (batch,), and returns a number.
Similarity is the cosine, -1 to 1, and rises with nearness; items with the same label are friends,
all others strangers.

```python
sl.fit(items, encoder, loss="multi-similarity")
sl.fit(items, encoder, loss=("arcface", {"margin": 0.3}))  # a name and parameters
sl.fit(items, encoder, loss=[(1, "softmax"), (0.1, "center")])  # a sum
sl.fit(items, encoder, loss=("matryoshka", {"loss": "supcon", "dims": [64, 256]}))
sl.fit(items, encoder, loss=("triplet-margin", {"distance": "snr-distance"}))
sl.fit(items, encoder, loss=my_loss)  # any function or module of embeddings and labels
sl.fit(items, encoder, loss="triplet-all", miner="batch-hard")
```

**Which one?** Begin with `supcon`; compare it with `multi-similarity`, `softmax` and `triplet` by
a loop over `fit`. This page is `simlab.training.losses.table()`.

**What is learned beside the head?** Centers, one per class. They start at the mean direction of
their class, are in the optimizer with a learning rate of their own (`loss_lr`, 3 times `lr`), and
are kept in `run.loss_state` and with a saved run.

**What repeats a run?** `fit(items, encoder, **asdict(run.config))`. Names, parameters and sums are
kept as they are, also on disk; of an object only a description can be written.

**Miners** choose what a loss learns from in each batch: `batch-hard`, `multi-similarity`,
`semi-hard`, those of pytorch-metric-learning by name (`angular`, `batch-easy-hard`,
`distance-weighted`, `hdc`, `pair-margin`, `triplet-margin`, `uniform-histogram`), or any callable
of embeddings and labels that returns positions: (anchors, friends, strangers) or (anchors,
friends, anchors, strangers). They work with the losses marked below and with any callable that
has a third argument; in a sum, the other losses see the whole batch.

**How are they computed?** Those by simlab tell their value and their derivative by every
similarity at once, so that a step costs little more than the matrix products
(`python tests/benchmarks/losses.py`). Value and gradient are tested against
pytorch-metric-learning and against the formula in plain loops. All others need
`pip install "simlab[losses]"`, and keep the defaults they have there; `distance` and `reducer` are
given by name (`"cosine-similarity"`, `"mean"`) or as objects.

**Where they differ from pytorch-metric-learning:** `arcface` has its margin in radians, and scale
16 as `cosface`; `multi-similarity` and `contrastive` have other defaults; a pair that was mined
twice counts once, except in `triplet-all`; `triplet` is the mean over all items that have a
triplet, the others of its family over those which cost something; a vector of length 0 gets no
gradient.
"""


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

    ours = (*OF_LABELS.values(), *OF_OTHERS.values())
    told = [(one, "simlab") for one in ours] + [(one, _THEIRS) for one in ADAPTED.values()]
    rows = [(one.name, one.needs, one.takes_mined, one.when, one.paper, by) for one, by in told]
    columns = ["name", "needs", "miner", "when", "paper", "by"]
    return pd.DataFrame(rows, columns=columns).set_index("name")


def page() -> str:
    """Write the README of this room; `python -m simlab.training.losses` prints it.

    Examples
    --------
    >>> page().splitlines()[0]
    '# Losses'
    """
    frame = table()
    parts = [_INTRODUCTION]
    for title, rows in {
        "By simlab, for `fit`": frame[
            (frame["by"] == "simlab") & frame["needs"].str.match("label")
        ],
        "By simlab, for pairs and views": frame[~frame["needs"].str.match("label")],
        "By pytorch-metric-learning, for `fit`": frame[frame["by"] == _THEIRS],
    }.items():
        lines = [
            f"| `{name}` | {one.needs} | {'yes' if one.miner else ''} | {one.when} | {one.paper} |"
            for name, one in rows.iterrows()
        ]
        head = ["| name | needs | miner | when to use it | paper |", "|---|---|---|---|---|"]
        parts.append("\n".join([f"## {title}", "", *head, *lines, ""]))
    parts.append(AGAINST)
    return "\n".join(parts)
