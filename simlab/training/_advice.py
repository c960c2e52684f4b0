"""What can go wrong in a training, how it is noticed, and what to try: one function each."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Row = Mapping[str, float]
_GAP = "gap_"

# The limits; HEALTH.md says where each comes from.
SMALLEST_SPREAD = 0.05
SMALLEST_SHARE_OF_RANK = 0.1  # of that at the start
LARGEST_GROWTH = 100.0  # of gradients, in units of the first epoch's
SMALLEST_SHARE_OF_GRADIENT = 0.01  # the same
FEWEST_ACTIVE = 0.1
FEWEST_EPOCHS = 3
SMALLEST_GAIN = 0.01  # of the loss, in units of the first epoch's
NEARLY_PERFECT = 0.99
LARGEST_GAP = 0.15  # more than at the start
SMALLEST_RETURN = 0.01  # what held-out items gain
LARGEST_FALL = 0.05
LARGEST_HUBNESS = 2.0
LARGEST_RISE = 1.0


@dataclass(frozen=True)
class Advice:
    """One thing that is wrong, and what to try.

    Attributes
    ----------
    name : str
        A short name, such as `"collapsed"`.
    text : str
        A sentence or two.
    is_ruin : bool
        Whether the weights that were kept suffer from it.
    """

    name: str
    text: str
    is_ruin: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Told:
    """A training as the rules see it.

    Attributes
    ----------
    rows : sequence of mappings
        Of the history, the start first.
    best_epoch : int
    n_labels : int
        0 if there are no labels.
    """

    rows: Sequence[Row]
    best_epoch: int
    n_labels: int

    def values(self, name: str) -> list[float]:
        """List what was measured, the start first; what is no number is left out."""
        found = [row.get(name, math.nan) for row in self.rows]
        return [value for value in found if not math.isnan(value)]

    @property
    def metric(self) -> str | None:
        """What training and held-out items are compared by."""
        return gap_metric(self.rows[-1])

    @property
    def kept(self) -> Row:
        """The epoch whose weights were kept."""
        return next((row for row in self.rows if row["epoch"] == self.best_epoch), self.rows[-1])


def gap_metric(names: Iterable[str]) -> str | None:
    """Find by what training and held-out items are compared, from the names of a history.

    Examples
    --------
    >>> gap_metric(["epoch", "gap_map@r"])
    'map@r'
    """
    return next((name[len(_GAP) :] for name in names if name.startswith(_GAP)), None)


def advise(rows: Sequence[Row], best_epoch: int, n_labels: int) -> tuple[Advice, ...]:
    """Say what is wrong with a training so far, the worst first.

    Examples
    --------
    >>> rows = [{"epoch": 0, "spread": 1.0}, {"epoch": 1, "loss": 0.7, "spread": 0.01}]
    >>> [one.name for one in advise(rows, best_epoch=1, n_labels=2)]
    ['collapsed']
    """
    if len(rows) < 2:  # noqa: PLR2004
        return ()
    told = Told(rows, best_epoch, n_labels)
    broken = no_number(told)
    if broken is not None:  # what was measured since is no number either
        return (broken,)
    return tuple(found for rule in RULES if (found := rule(told)) is not None)


def advice_texts(rows: Sequence[Row], best_epoch: int, *, n_labels: int) -> list[str]:
    """Say the same in words alone, for who is told while training goes on."""
    return [one.text for one in advise(rows, best_epoch, n_labels)]


def no_number(told: Told) -> Advice | None:
    """Notice a loss that is not finite."""
    bad = [row for row in told.rows[1:] if not math.isfinite(row.get("loss", 0.0))]
    if not bad:
        return None
    return Advice(
        "no number",
        f"The loss is no number since epoch {bad[0]['epoch']:.0f}; the weights of epoch "
        f"{told.best_epoch} are kept. Lower lr, or look for a loss that divides by zero.",
        is_ruin=True,
    )


def collapsed(told: Told) -> Advice | None:
    """Notice that all vectors point the same way, or lie in far fewer dimensions than before."""
    found = _collapse_of(told, told.rows[-1])
    if found is None:
        return None
    is_ruin = _collapse_of(told, told.kept) is not None
    kept = "" if is_ruin else f" The weights of epoch {told.best_epoch}, before that, are kept."
    return Advice(
        "collapsed",
        f"The space has collapsed: {found}.{kept} Lower lr, try another loss or miner (of triplet "
        "losses, hard miners collapse first), or raise weight_decay, which draws the head back to "
        "the encoder.",
        is_ruin=is_ruin,
    )


def _collapse_of(told: Told, row: Row) -> str | None:
    spread, rank = row.get("spread", 1.0), row.get("effective_rank", math.inf)
    start = told.rows[0].get("effective_rank", 0.0)
    needed = (told.n_labels - 1) / 2 if told.n_labels else math.inf  # classes lie in a simplex
    if spread < SMALLEST_SPREAD:
        return f"on average, two items have a cosine similarity of {1 - spread:.2f}"
    if rank < min(SMALLEST_SHARE_OF_RANK * start, needed):
        return f"it uses {rank:.1f} dimensions in place of {start:.0f}"
    return None


def exploding(told: Told) -> Advice | None:
    """Notice gradients that grow far beyond those of the first epoch."""
    norms = told.values("gradient_norm")
    if len(norms) < 2 or max(norms) <= LARGEST_GROWTH * norms[0]:  # noqa: PLR2004
        return None
    return Advice(
        "exploding gradients",
        f"Gradients grew to {max(norms) / norms[0]:,.0f} times those of the first epoch. Lower "
        "lr, or use a loss of unit vectors.",
    )


def vanishing(told: Told) -> Advice | None:
    """Notice gradients that fade at once; at the end of a training they may."""
    norms = told.values("gradient_norm")
    early = norms[1 : max(FEWEST_EPOCHS, len(norms) // 5)]
    if not early or min(early) >= SMALLEST_SHARE_OF_GRADIENT * norms[0] or too_few_active(told):
        return None
    return Advice(
        "vanishing gradients",
        f"After few epochs gradients faded to {min(early) / norms[0]:.2g} of those of the first: "
        "little more is learned. Lower lr (long vectors have small gradients), or soften the "
        "loss (a higher temperature, a larger margin).",
    )


def too_few_active(told: Told) -> Advice | None:
    """Notice that in most epochs few items of a batch had a gradient."""
    active = told.values("active")
    if not active or median(active) >= FEWEST_ACTIVE:
        return None
    return Advice(
        "too few active",
        f"In a typical epoch {median(active):.0%} of the items of a batch taught anything; for the "
        "others the loss was satisfied. Use a larger margin, a miner of hard examples "
        "(miner='batch-hard'), larger batches, or a loss without margin, such as 'supcon'.",
    )


def no_learning(told: Told) -> Advice | None:
    """Notice that the loss stays, or that no epoch was better than the start."""
    losses = told.values("loss")
    if len(losses) < FEWEST_EPOCHS or too_few_active(told):
        return None
    if min(losses[1:]) > losses[0] - SMALLEST_GAIN * abs(losses[0]):
        return Advice(
            "no learning",
            f"The loss has stayed where it was ({losses[0]:.3g} → {losses[-1]:.3g}). Try another "
            "lr: higher if the curve is flat, lower if it jumps.",
        )
    start = told.rows[0].get(f"val_{told.metric}", 1.0)
    if told.best_epoch == 0 and start < NEARLY_PERFECT:
        return Advice(
            "no learning",
            "The loss falls, but on held-out items no epoch was better than the encoder alone, "
            "whose space is kept. Try a lower lr, a higher weight_decay or another loss, and see "
            "whether the labels say what is to be alike.",
        )
    return None


def overfitting(told: Told) -> Advice | None:
    """Notice that training items are found ever better, and held-out items hardly."""
    metric = told.metric
    if metric is None:
        return None
    gaps, rates = told.values(f"gap_{metric}"), told.values(f"val_{metric}")
    if not gaps or not rates:
        return None
    growth, gain = gaps[-1] - gaps[0], rates[-1] - rates[0]
    has_fallen = max(rates) - rates[-1] >= LARGEST_FALL
    if growth < LARGEST_GAP or (gain > SMALLEST_RETURN and not has_fallen):
        return None
    end = (
        f"{max(rates) - rates[-1]:.2f} less than at its best"
        if has_fallen
        else f"{gain:+.2f} from the start"
    )
    return Advice(
        "overfitting",
        f"{metric} of training items gained {growth + gain:.2f}, that of held-out items "
        f"ended {end}: the head learns its items by heart. Use more items or views, a simpler head "
        "(head='skip'), more dropout or weight_decay, or fewer epochs.",
    )


def hubs(told: Told) -> Advice | None:
    """Notice items that became neighbors of many others."""
    values = told.values("hubness")
    if not values or values[-1] < LARGEST_HUBNESS or values[-1] < values[0] + LARGEST_RISE:
        return None
    return Advice(
        "hubs",
        f"A few items became neighbors of many others (hubness {values[0]:.1f} → "
        f"{values[-1]:.1f}): they will turn up in most answers. Lower lr or raise weight_decay, "
        "or use a loss that spreads vectors, such as 'supcon' or 'info-nce'.",
    )


RULES: tuple[Callable[[Told], Advice | None], ...] = (
    collapsed,
    exploding,
    vanishing,
    too_few_active,
    no_learning,
    overfitting,
    hubs,
)
