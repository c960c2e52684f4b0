"""Miners by name: which pairs or triplets of a batch a loss learns from."""

from collections.abc import Callable
from functools import partial
from typing import Any

from simlab.errors import ChoiceError, DataError
from simlab.training._by_name import check_parameters, foreign_class, parameters_of, with_parts
from simlab.training._records import told_object
from simlab.training.losses import Miner
from simlab.training.miners._batch_hard import batch_hard as batch_hard
from simlab.training.miners._multi_similarity import multi_similarity as multi_similarity
from simlab.training.miners._semi_hard import semi_hard as semi_hard

OWN: dict[str, Callable[..., Any]] = {
    "batch-hard": batch_hard,
    "multi-similarity": multi_similarity,
    "semi-hard": semi_hard,
}
ADAPTED = {
    "angular": "AngularMiner",
    "batch-easy-hard": "BatchEasyHardMiner",
    "distance-weighted": "DistanceWeightedMiner",
    "hdc": "HDCMiner",
    "pair-margin": "PairMarginMiner",
    "triplet-margin": "TripletMarginMiner",
    "uniform-histogram": "UniformHistogramMiner",
}
"""Those of pytorch-metric-learning which have no version here."""
MINERS = (*OWN, *ADAPTED)


def check_miner(told: Any) -> None:
    """Raise an error for a miner that cannot be made; None is none.

    Raises
    ------
    ChoiceError
        An unknown name.
    TypeError
        A parameter that a miner does not have; something that cannot be called.
    MissingExtraError
        A miner of pytorch-metric-learning, which is not installed.
    DataError
        An object of which only a description is left.
    """
    name, parameters = _read(told)
    if name is not None:
        check_parameters(f"miner {name!r}", parameters, parameters_of(_maker(name), _OF_THE_BATCH))
    elif lost := told_object(told):
        raise DataError(
            f"miner was the object {lost}, which cannot be made again from a record; "
            "pass the object itself"
        )
    elif told is not None and not callable(told):
        raise TypeError(
            "miner must be a name, (name, parameters), or callable with embeddings and labels; "
            f"got {told!r}"
        )


def make_miner(told: Any) -> Miner | None:
    """Make a miner.

    Parameters
    ----------
    told : str, tuple, callable or None
        One of `MINERS`; a name and parameters; any function or module of embeddings and labels
        that returns (anchors, friends, strangers) or (anchors, friends, anchors, strangers).

    Examples
    --------
    >>> make_miner("batch-hard") is batch_hard
    True
    """
    check_miner(told)
    name, parameters = _read(told)
    if name is None:
        return told
    if name in OWN:
        return partial(OWN[name], **parameters) if parameters else OWN[name]
    return _maker(name)(**with_parts(parameters, reason=f"miner {name!r}"))


_OF_THE_BATCH = {"embeddings", "labels"}


def _read(told: Any) -> tuple[str | None, dict[str, Any]]:
    if isinstance(told, str):
        return told, {}
    if isinstance(told, tuple | list) and len(told) == 2 and isinstance(told[0], str):  # noqa: PLR2004
        return told[0], dict(told[1])
    return None, {}


def _maker(name: str) -> Callable[..., Any]:
    if name in OWN:
        return OWN[name]
    if name not in ADAPTED:
        raise ChoiceError.of("miner", name, MINERS)
    return foreign_class("miners", ADAPTED[name], reason=f"miner {name!r}")
