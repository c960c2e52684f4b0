"""Several processes of one training (torch.distributed) that fill the cache together.

Each encodes a share, decided by the key of the content: nobody needs to agree on what is missing.
A rank may also call `embed` alone, as in Lightning's `prepare_data`: so ranks first meet, with a
time limit, and only those that have met wait for each other without one.
"""

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np

from simlab.errors import RankError, SimlabWarning

T = TypeVar("T")
_MEETING_SECONDS = 30.0
"""How long a rank waits for the others to call `embed` too, before it works alone."""
_POLL_SECONDS = 0.005


@dataclass(frozen=True)
class Ranks:
    """One process among those that work together.

    Attributes
    ----------
    rank, size : int
    """

    rank: int
    size: int

    @classmethod
    def now(cls) -> Self | None:
        """Look whether this process is one of several; None if it is alone."""
        distributed = sys.modules.get("torch.distributed")
        if distributed is None or not distributed.is_available():
            return None
        if not distributed.is_initialized() or distributed.get_world_size() == 1:
            return None
        if sys.modules["torch"].utils.data.get_worker_info() is not None:
            return None  # a worker of a DataLoader was forked from a rank and is none
        return cls(distributed.get_rank(), distributed.get_world_size())

    def meet(self) -> bool:
        """Wait until all ranks are here; False if some did not come in time."""
        if _next_meeting(self.size).attend(time.monotonic() + _MEETING_SECONDS):
            return True
        warnings.warn(
            f"not all {self.size} ranks called embed within {_MEETING_SECONDS:.0f} s; rank "
            f"{self.rank} encodes alone; to share the work call it on every rank, for example in "
            "`setup` of a LightningDataModule",
            SimlabWarning,
            stacklevel=2,
        )
        return False

    def share(self, keys: np.ndarray) -> np.ndarray:
        """Tell which keys this rank encodes; a mask of shape (n,)."""
        number = np.ascontiguousarray(keys[:, :8]).view("<u8")[:, 0]
        return number % np.uint64(self.size) == self.rank

    def together(
        self, work: Callable[[], T], tell: Callable[[T], Any] = lambda _: None
    ) -> tuple[T, list[Any]]:
        """Do some work on every rank and wait for all, who have met; if one fails, all do.

        Parameters
        ----------
        work : callable
        tell : callable
            From the result to what the other ranks are to know of it.

        Returns
        -------
        tuple of the own result and of what each rank told, in their order

        Raises
        ------
        RankError
            Another rank failed. The own error is raised as it is.
        """
        from torch import distributed

        said: list[Any] = [None] * self.size
        try:
            result = work()
            told = tell(result)
        except Exception as error:
            distributed.all_gather_object(said, (f"{type(error).__name__}: {error}", None))
            raise
        distributed.all_gather_object(said, (None, told))
        for rank, (failure, _) in enumerate(said):
            if failure is not None:
                raise RankError(f"embed failed on rank {rank}, and so on all; there: {failure}")
        return result, [one for _, one in said]


_MET, _MISSED = "met", "missed"


@dataclass
class _Meetings:
    """The meetings of one process group, one after the other, told by its key-value store.

    Each ends for all in the same way: who settles first decides. A rank that comes when one has
    been missed goes on to the next, so that those who once missed each other meet again.
    """

    store: Any
    size: int
    number: int = 0

    def attend(self, until: float) -> bool:
        while self._end() == _MISSED:
            self.number += 1
        if self.store.add(self._name, 1) == self.size:
            self._settle(_MET)
        while (end := self._end()) is None:
            if time.monotonic() > until:
                self._settle(_MISSED)
            time.sleep(_POLL_SECONDS)
        self.number += 1
        return end == _MET

    @property
    def _name(self) -> str:
        return f"simlab/embed/{self.number}"

    def _end(self) -> str | None:
        name = f"{self._name}/end"
        return self.store.get(name).decode() if self.store.check([name]) else None

    def _settle(self, end: str) -> None:
        self.store.compare_set(f"{self._name}/end", "", end)


_meetings: list[_Meetings] = []
"""Of the process group that was last seen."""


def _next_meeting(size: int) -> _Meetings:
    from torch.distributed.distributed_c10d import _get_default_store

    store = _get_default_store()
    if not _meetings or _meetings[0].store is not store:
        _meetings[:] = [_Meetings(store, size)]
    return _meetings[0]
