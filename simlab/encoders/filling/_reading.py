"""Read content for the encoder; pictures are decoded in parallel, a little ahead of it."""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

import numpy as np

from simlab.items import Content

_AHEAD = 1
"""Batches that are being read while one is encoded: decoded pictures are large."""


class Reader:
    """Give content in an order, piece by piece.

    Parameters
    ----------
    content : Content
    order : ndarray of int
        Positions.

    Examples
    --------
    >>> from simlab.items import Items
    >>> with Reader(Items.from_arrays(["a", "b", "c"]).content, np.array([2, 0, 1])) as reader:
    ...     reader.take(2), reader.take(2)
    (['c', 'a'], ['b'])
    """

    def __init__(self, content: Content, order: np.ndarray) -> None:
        self._content = content.take(order)
        self._at = 0
        self._waiting: deque[Future[Any]] = deque()
        self._pool: ThreadPoolExecutor | None = None
        if content.modality == "image":
            self._pool = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="simlab-decode")

    def take(self, n: int) -> list[Any]:
        """Read the next `n` items, fewer at the end."""
        if self._pool is None:
            self._at += n
            return self._content[self._at - n : self._at]
        while len(self._waiting) < n * (1 + _AHEAD) and self._at < len(self._content):
            self._waiting.append(self._pool.submit(self._content.__getitem__, self._at))
            self._at += 1
        return [self._waiting.popleft().result() for _ in range(min(n, len(self._waiting)))]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
