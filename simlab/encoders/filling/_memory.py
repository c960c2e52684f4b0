"""Keep freed memory at hand while content is encoded."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST = 32 << 20
"""Bytes of the largest block that glibc may keep; it refuses more."""


@contextmanager
def kept_memory() -> Iterator[None]:
    """Let the C library keep what it frees, and give it back at the end.

    A network asks for the same large blocks again and again. By default Linux takes each of them
    back at once and hands it out anew, page by page, filled with zeros: a quarter to a half of
    the time of a forward pass on a processor. What the environment says of malloc stays.
    """
    library = None if _is_told() else _glibc()
    if library is None:
        yield
        return
    library.mallopt(_MMAP_THRESHOLD, _LARGEST)
    library.mallopt(_TRIM_THRESHOLD, 1 << 30)
    try:
        yield
    finally:
        library.mallopt(_TRIM_THRESHOLD, 2 * _LARGEST)
        library.malloc_trim(0)


def _is_told() -> bool:
    return "malloc" in os.environ.get("GLIBC_TUNABLES", "") or any(
        name.startswith("MALLOC_") for name in os.environ
    )


@cache
def _glibc() -> Any:
    """Load the C library if it is glibc, else None."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
