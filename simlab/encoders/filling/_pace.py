"""How much to encode at once: found while encoding, by what the machine does per second."""

_FIRST, _MOST = 16, 8192
_GAIN = 1.1
"""Another size must be so many times faster than the best so far."""
_SHORT, _LONG = 1e-3, 0.5
"""Seconds: a batch shorter than the first is all overhead; one longer than the second is doubled
no more, since a stop button must answer."""
_TRIALS = 2


class Pace:
    """Choose batch sizes: begin with few, double while it pays, else halve while it pays.

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
    ...     pace.note(pace.size(), work=16, seconds=0.1)
    >>> pace.size()
    32
    """

    def __init__(self, size: int | None) -> None:
        self._fixed = size
        self._budget: float | None = None
        self._best_budget = self._best_rate = 0.0
        self._factor = 2.0
        self._has_gained = False
        self._rates: list[float] = []
        self._is_warm = self._is_settled = False

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
        if self._fixed is not None or self._is_settled or self._budget is None:
            return
        if not self._is_warm:  # the first one pays for imports and memory
            self._is_warm = True
        elif seconds < _SHORT and n < _MOST:
            self._budget *= 2
        else:
            self._rates.append(work / seconds)
            if len(self._rates) == _TRIALS:
                self._judge(self._budget, max(self._rates), is_long=seconds > _LONG, n=n)
                self._rates = []

    def shrink(self) -> None:
        """Take half as many from now on: the last batch did not fit into memory."""
        self._is_settled = True
        if self._budget is not None:
            self._budget /= 2
        if self._fixed is not None:
            self._fixed = max(self._fixed // 2, 1)

    def _judge(self, budget: float, rate: float, *, is_long: bool, n: int) -> None:
        """Go on while it gets better; turn back once, from the first size downwards."""
        is_better, is_first = rate > _GAIN * self._best_rate, not self._best_rate
        if is_better:
            self._has_gained = not is_first
            self._best_budget, self._best_rate = budget, rate
        if self._factor > 1 and (is_long or n >= _MOST or not is_better):
            self._factor = 0.5
            self._is_settled = self._has_gained
        else:
            self._is_settled = not is_better or n == 1
        self._budget = self._best_budget * (1 if self._is_settled else self._factor)
