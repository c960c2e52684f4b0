"""Calibration: from when on an answer is given, and how sure it is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab import _html
from simlab.errors import DataError
from simlab.space._embeddings import Embeddings
from simlab.space.unknown._check import Check, check_of
from simlab.space.unknown._conformal import Conformal, conformal
from simlab.space.unknown._draws import drawn
from simlab.space.unknown._platt import Platt, platt
from simlab.space.unknown._rates import Asked
from simlab.space.unknown._target import Target, as_target
from simlab.space.unknown._trials import Trials, trials

if TYPE_CHECKING:
    from simlab.space._index import Index

VOTERS = 10
_FEWEST = 20


@dataclass(frozen=True, eq=False, repr=False)
class Calibration:
    """What an index learned from held-out items; made by `index.calibrate`.

    Attributes
    ----------
    target : Target
        What the threshold was to reach.
    k : int
        How many neighbors vote.
    threshold : float
        Confidence, in (0, 1), from which on a query is answered; below it is "unknown".
    low, high : float
        95% bootstrap interval of the threshold over classes; 1 where a draw of classes cannot
        reach the target at all.
    confidence : Platt
        From similarity and margin to the probability that the answer is right.
    usual : Conformal
        For p-values and prediction sets.
    reached : Check
        On the very items that it was fitted on, so rather too good: `index.check` measures on
        others.
    ids, labels : frozenset
        Of these items.
    """

    target: Target
    k: int
    threshold: float
    low: float
    high: float
    confidence: Platt
    usual: Conformal
    reached: Check
    ids: frozenset[Any]
    labels: frozenset[Any]

    def __repr__(self) -> str:
        return (
            f"Calibration for {self.target}: answers from confidence {self.threshold:.3f} "
            f"[{self.low:.3f}, {self.high:.3f}] on, fitted on {len(self.ids):,} items of "
            f"{len(self.labels):,} classes"
        )

    def _repr_html_(self) -> str:
        return _html.block(
            repr(self),
            self.reached._repr_html_(),
            note="what it reaches on the items that it was fitted on; index.check measures others",
        )


def calibrate(
    index: "Index",
    embeddings: Embeddings,
    *,
    target: Mapping[str, float | str],
    k: int = VOTERS,
    unknown: float = 0.5,
    coverage: float = 0.9,
    cautious: bool = False,
    seed: int = 0,
) -> "Index":
    r"""Learn from held-out items when to answer "unknown", and how sure an answer is.

    Each item asks as it is. An item whose class is in the gallery asks once more with that class
    hidden, as if it were unknown, unless training saw its class: such a class lies apart, which
    a new class does not.

    **Confidence** is the probability that the answer is right: Platt scaling of two measures of
    evidence, the similarity of the answer (is the query familiar?) and its margin over the nearest
    item of any other label (do the neighbors agree?). Neither is enough alone. The
    **threshold** is the one that reaches the target and answers most. **Prediction sets** hold
    the right label of a query of a known class with the probability `coverage`.

    Parameters
    ----------
    embeddings : Embeddings
        Held-out items with labels, neither in the gallery nor trained on; best of classes that
        training never saw (`items.split(by="label")`).
    target : mapping
        One of `{"precision": 0.95}` (at least), `{"recall": 0.9}` (at least), `{"f1": "best"}` or
        a number (at least), `{"false-accept-rate": 0.01}` (at most).
    k : int, default=10
        How many neighbors vote; all of a smaller gallery.
    unknown : float, default=0.5
        Share of queries of unknown classes that is to be expected, in [0, 1). Confidence,
        precision and F1 depend on it; recall and false accepts do not.
    coverage : float, default=0.9
        Of the prediction sets, in (0, 1).
    cautious : bool, default=False
        Take the stricter end of the threshold's interval. The threshold that just reaches the
        target on these items misses it on others about every second time.
    seed : int, default=0
        Of the bootstrap.

    Returns
    -------
    Index
        The same gallery, with `calibration`.

    Raises
    ------
    DataError
        A target that no threshold reaches (it names the best there is), items of the gallery or
        of training, no unknown or no known classes, fewer than 20 items, or a bad value.
    ChoiceError
        An unknown target.

    Warns
    -----
    SimlabWarning
        Items of classes that training saw.

    Notes
    -----
    Intervals are bootstrapped over classes: queries of one class are alike, and the classes stand
    for classes to come. The confidence is not fitted anew in each draw.

    References
    ----------
    Platt. *Probabilistic Outputs for Support Vector Machines*. 1999. Vovk, Gammerman, Shafer.
    *Algorithmic Learning in a Random World*. 2005. Delany, Cunningham, Doyle, Zamolotskikh.
    *Generating Estimates of Classification Confidence for a Case-Based Spam Filter*. ICCBR 2005
    (the nearest unlike neighbor).

    Examples
    --------
    >>> from simlab import Index, embed, encoder, load
    >>> digits = embed(load("striped-digits"), encoder("pixels"), progress=False)
    >>> index = Index(digits[:900]).calibrate(digits[900:], target={"f1": "best"})
    >>> index
    Index: 900 items, exact search, calibrated for f1 best
    """
    wanted = as_target(target, unknown, is_cautious=cautious)
    _check_values(embeddings, k=k, coverage=coverage)
    done = trials(index, embeddings, k, unknown=unknown)
    sure = platt(done.evidence, done.is_right, done.weights(unknown))
    confidence = sure(done.evidence)
    asked = Asked(confidence, done.is_known, done.is_right)
    threshold, low, high = _threshold(asked, done, wanted, seed)
    usual = _usual(done, embeddings, coverage)
    reached = check_of(
        done,
        embeddings,
        index.embeddings.items.label_names,
        confidence,
        threshold=threshold,
        unknown=unknown,
        usual=usual,
        n_new=0,
        seed=seed,
    )
    items = embeddings.items
    ids, labels = frozenset(items.ids.tolist()), frozenset(items.label_names)
    calibration = Calibration(wanted, k, threshold, low, high, sure, usual, reached, ids, labels)
    return replace(index, calibration=calibration)


def check(index: "Index", embeddings: Embeddings, *, seed: int = 0) -> Check:
    """Measure a calibrated index on items that neither training nor calibration saw.

    Parameters
    ----------
    embeddings : Embeddings
        Items with labels. Those whose class is in the gallery are known (put some items of new
        classes in first: `index.add(...)`) and are asked once more with their class hidden;
        others are unknown.
    seed : int, default=0
        Of the bootstrap.

    Returns
    -------
    Check

    Raises
    ------
    DataError
        An index that is not calibrated; items of the gallery, of training or of the calibration;
        no known or no unknown classes.

    Examples
    --------
    >>> from simlab import Index, embed, encoder, load
    >>> digits = embed(load("striped-digits"), encoder("pixels"), progress=False)
    >>> index = Index(digits[:900]).calibrate(digits[900:1300], target={"f1": "best"})
    >>> 0.5 < index.check(digits[1300:]).value("auroc") < 1
    True
    """
    calibration = index.calibration
    if calibration is None:
        raise DataError("check needs a calibrated index; begin with index.calibrate(...)")
    ids = calibration.ids & set(embeddings.items.ids.tolist())
    if ids:
        raise DataError(
            "items that the calibration was fitted on flatter it; "
            f"{len(ids)} of {len(embeddings)} are such (first: {min(ids, key=str)!r}); take others"
        )
    unknown = calibration.target.unknown
    done = trials(index, embeddings, calibration.k, unknown=unknown)
    return check_of(
        done,
        embeddings,
        index.embeddings.items.label_names,
        calibration.confidence(done.evidence),
        threshold=calibration.threshold,
        unknown=unknown,
        usual=calibration.usual,
        n_new=len(set(embeddings.items.label_names) - calibration.labels),
        seed=seed,
    )


def _check_values(embeddings: Embeddings, *, k: int, coverage: float) -> None:
    if k < 1:
        raise DataError(f"k must be at least 1; got {k!r}")
    if not 0 < coverage < 1:
        raise DataError(f"coverage must be a share in (0, 1); got {coverage!r}")
    if len(embeddings) < _FEWEST:
        raise DataError(
            f"calibrate needs at least {_FEWEST} items; got {len(embeddings)}; from fewer neither "
            "a threshold nor a confidence can be told"
        )


def _threshold(asked: Asked, done: Trials, target: Target, seed: int) -> tuple[float, float, float]:
    """Find the threshold and its interval."""
    threshold, n_classes = target.reached(asked.rates()), len(np.unique(done.units))

    def again(counts: np.ndarray) -> np.ndarray:
        return np.nan_to_num([target.threshold(asked.rates(counts))], nan=1.0)

    low, high = drawn(again, done.units, done.strata, seed=seed)
    ends = float(low[0]), float(high[0])
    if target.is_cautious:
        threshold = ends[0] if target.metric == "recall" else ends[1]
        if threshold >= 1:
            raise DataError(
                f"these items are too few for {target}: some draws of their {n_classes} classes "
                "reach it at no threshold; give more classes, or leave out cautious"
            )
    return threshold, *ends


def _usual(done: Trials, embeddings: Embeddings, coverage: float) -> Conformal:
    each = np.arange(len(done.own))
    labels = np.array(embeddings.items.labels, dtype=object)[done.rows[each]]
    nearest = done.known.similarities[:, 0]
    return conformal(done.known.oddness[each, done.own], labels, nearest, coverage)
