"""From a target, such as a precision of 0.95, to the threshold that reaches it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simlab.errors import ChoiceError, DataError
from simlab.space.unknown._rates import Rates

TARGETS = ("f1", "false-accept-rate", "precision", "recall")
BEST = "best"


@dataclass(frozen=True)
class Target:
    """What a threshold is to reach.

    Attributes
    ----------
    metric : {"precision", "recall", "f1", "false-accept-rate"}
    value : float or "best"
        The lowest that is good enough, the highest for a false-accept rate; `"best"` only of F1.
    unknown : float
        Share of unknown classes among the queries to come; precision and F1 depend on it.
    is_cautious : bool
        Whether the stricter end of the threshold's interval is taken.
    """

    metric: str
    value: float | str
    unknown: float
    is_cautious: bool = False

    def __str__(self) -> str:
        sign = {BEST: "", "false-accept-rate": "≤ "}
        told = f"{self.metric} {sign.get(str(self.value), sign.get(self.metric, '≥ '))}{self.value}"
        return f"{told}, cautiously" if self.is_cautious else told

    def figures(self, rates: Rates) -> np.ndarray:
        """Read the metric at every threshold; shape (t,)."""
        if self.metric == "false-accept-rate":
            return rates.unknown
        if self.metric == "recall":
            return rates.right
        if self.metric == "f1":
            return rates.f1(self.unknown)
        return np.where(rates.right > 0, rates.precision(self.unknown), 0.0)

    def threshold(self, rates: Rates) -> float:
        """Find the threshold that reaches the target and answers most; NaN if none does.

        Of a recall the one that answers least. So a stricter target never has a lower threshold
        (of a recall: never a higher one).
        """
        figures = self.figures(rates)
        if self.value == BEST:
            return float(rates.thresholds[figures.argmax()])
        slack = 1e-9  # rates are sums of many shares
        if self.metric == "false-accept-rate":
            reached = np.flatnonzero((figures <= float(self.value) + slack) & (rates.right > 0))
        else:
            reached = np.flatnonzero(figures >= float(self.value) - slack)
        if not reached.size:
            return float("nan")
        return float(rates.thresholds[reached[0 if self.metric == "recall" else -1]])

    def reached(self, rates: Rates) -> float:
        """Find the threshold, or say what the best there is would reach.

        Raises
        ------
        DataError
            No threshold reaches the target.
        """
        threshold = self.threshold(rates)
        if np.isnan(threshold):
            raise DataError(
                f"no threshold reaches {self} on these items; the best there is: {self.metric} "
                f"{self._best(rates):.3f}; ask for less, train, or put more items into the gallery"
            )
        return threshold

    def _best(self, rates: Rates) -> float:
        figures = self.figures(rates)
        if self.metric == "false-accept-rate":
            return float(figures[rates.right > 0].min(initial=1.0))
        return float(figures.max())


def as_target(
    target: Mapping[str, float | str], unknown: float, *, is_cautious: bool = False
) -> Target:
    """Read `{"precision": 0.95}`.

    Raises
    ------
    ChoiceError
        An unknown metric.
    DataError
        Not exactly one target, or a value out of range.

    Examples
    --------
    >>> print(as_target({"false-accept-rate": 0.01}, 0.5))
    false-accept-rate ≤ 0.01
    """
    if not isinstance(target, Mapping) or len(target) != 1:
        raise DataError(f'target must be one metric, such as {{"precision": 0.95}}; got {target!r}')
    [(metric, value)] = target.items()
    if metric not in TARGETS:
        raise ChoiceError.of("target", metric, TARGETS)
    is_best = metric == "f1" and value == BEST
    if not is_best and (isinstance(value, str | bool) or not 0 <= value <= 1):
        choice = ' or "best"' if metric == "f1" else ""
        raise DataError(f"target {metric!r} must be a share in [0, 1]{choice}; got {value!r}")
    if not 0 <= unknown < 1:
        raise DataError(
            "unknown is the share of queries of unknown classes, in [0, 1); "
            f"got {unknown!r}; 0 if all classes are in the gallery"
        )
    if is_cautious and metric == "f1":
        raise DataError("F1 has no stricter end; leave out cautious, or choose another target")
    return Target(metric, value, unknown, is_cautious)
