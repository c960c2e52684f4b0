"""Sizes as people write them, and how large the cache may grow."""

import os
import re

from simlab.errors import DataError

LIMIT = "SIMLAB_CACHE_LIMIT"
"""The environment variable that limits the cache; not set or empty: no limit."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?))?b?", re.IGNORECASE)


def cache_limit() -> int | None:
    """Return how many bytes the cache may take; None: as many as there are.

    Raises
    ------
    DataError
        `SIMLAB_CACHE_LIMIT` is no size.
    """
    said = os.environ.get(LIMIT)
    return n_bytes(said, LIMIT) if said else None


def n_bytes(size: float | str, what: str) -> int:
    """Read a size: a number of bytes, or a text such as "20GB", "1.5 TB" or "512 MiB".

    Raises
    ------
    DataError
        Anything else; the sentence begins with `what`.

    Examples
    --------
    >>> n_bytes("1.5 GB", "max_bytes"), n_bytes("2 KiB", "max_bytes"), n_bytes(7, "max_bytes")
    (1500000000, 2048, 7)
    """
    if not isinstance(size, str):
        return int(size)
    if not (found := _SIZE.fullmatch(size.strip())):
        raise DataError(
            f"{what} must be a size such as '20GB', '500 MB' or a number of bytes; got {size!r}"
        )
    number, prefix, binary = found.groups()
    power = " kmgt".index(prefix.lower()) if prefix else 0
    return int(float(number) * (1024 if binary else 1000) ** power)
