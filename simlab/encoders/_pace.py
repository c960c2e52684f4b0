"""How much to encode at once: found while encoding, by what the machine does per second."""

_FIRST = 8
_GAIN = 1.1
"""Twice as much at once must be so many times faster, else it is not worth its memory."""
_LONGEST = 0.5
"""Seconds that a batch may take before it is doubled no more: a stop button must answer."""
_MOST = 8192
_TRIALS = 2


class Pace:
    """Choose batch sizes; start small and double while it pays.

    On a processor large batches fall out of its caches, on a GPU small ones leave it idle, and a
    free encoder is all overhead: no one size is right. Nothing is tried in vain: what is measured
    are the first batches of the work itself.

    Parameters
    ----------
    size : int or None
        Always so many; None finds out.

    Examples
    --------
    >>> pace = Pace(None)
    >>> for _ in range(3):
    ...     pace.note(pace.size(), 8 * 1.0, seconds=0.1)
    >>> pace.size()
    16
    """

    def __init__(self, size: int | None) -> None:
        self._fixed = size
        self._budget: float | None = None
        self._settled = False
        self._best = 0.0
        self._rates: list[float] = []
        self._is_warm = False

    def size(self, work: float = 1.0) -> int:
        """Give the size of the next batch, whose largest item is so much work.

        Work is what an item costs in comparison with others: 1, or the length of a text. Batches
        of short texts hold more of them.
        """
        if self._fixed is not None:
            return self._fixed
        if self._budget is None:
            self._budget = _FIRST * work
        return int(min(max(self._budget // work, 1), _MOST))

    def note(self, n: int, work: float, seconds: float) -> None:
        """Learn from a batch of `n` items that were `work` together."""
        if self._fixed is not None or self._settled or self._budget is None:
            return
        if not self._is_warm:  # the first one pays for imports and memory
            self._is_warm = True
            return
        self._rates.append(work / max(seconds, 1e-9))
        if len(self._rates) < _TRIALS:
            return
        rate, self._rates = max(self._rates), []
        if rate < _GAIN * self._best:
            self._budget /= 2
            self._settled = True
            return
        self._best = rate
        if seconds > _LONGEST or n >= _MOST:
            self._settled = True
        else:
            self._budget *= 2

    def shrink(self) -> None:
        """Take half as many from now on: the last batch did not fit into memory."""
        self._settled = True
        if self._budget is not None:
            self._budget /= 2
        if self._fixed is not None:
            self._fixed = max(self._fixed // 2, 1)
