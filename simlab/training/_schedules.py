"""How learning rates rise and fall over a training."""

import math
from collections.abc import Callable

from simlab.errors import ChoiceError, DataError

Schedule = Callable[[float], float]
"""From the share of the training that is done after the warm-up, 0 to 1, to a factor."""

SCHEDULES: dict[str, Schedule] = {
    "constant": lambda _: 1.0,
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),
    "linear": lambda done: 1 - done,
}


def check_schedule(told: str | Schedule, warmup: float) -> Schedule:
    """Find a schedule by its name, or take a function as it is.

    Raises
    ------
    ChoiceError
        An unknown name.
    DataError
        Neither a name nor a function; a warm-up below 0, or a number above 1 that is not whole.

    Examples
    --------
    >>> check_schedule("linear", 0)(0.25)
    0.75
    """
    if isinstance(told, str) and told not in SCHEDULES:
        raise ChoiceError.of("schedule", told, list(SCHEDULES))
    if not (isinstance(told, str) or callable(told)):
        raise DataError(
            f"schedule must be one of {list(SCHEDULES)} or a function of the share done; "
            f"got {told!r}"
        )
    if not 0 <= warmup < math.inf or (warmup > 1 and warmup != int(warmup)):
        raise DataError(
            f"warmup must be a share of the steps, below 1, or a whole number of steps; got "
            f"{warmup!r}"
        )
    return SCHEDULES[told] if isinstance(told, str) else told


def factor_by_step(schedule: Schedule, warmup: float, steps: float) -> Callable[[int], float]:
    """Turn a schedule into a factor of each optimizer step.

    Parameters
    ----------
    schedule : callable
    warmup : float
        Steps that rise from 0, or below 1 their share of all.
    steps : float
        Of the whole training; infinite if only time ends it: nothing falls then.

    Examples
    --------
    >>> factor = factor_by_step(SCHEDULES["linear"], warmup=2, steps=6)
    >>> [factor(step) for step in range(7)]
    [0.0, 0.5, 1.0, 0.75, 0.5, 0.25, 0.0]
    """
    rising = warmup
    if warmup < 1:
        rising = warmup * steps if steps < math.inf else 0
    falling = max(steps - rising, 1)

    def factor(step: int) -> float:
        if step < rising:
            return step / rising
        return schedule(min((step - rising) / falling, 1))

    return factor
