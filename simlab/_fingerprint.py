"""Stable fingerprints: the same value gives the same name on every machine and every day."""

import json
from collections.abc import Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

DIGEST_BYTES = 16


def digest(*parts: bytes) -> bytes:
    """Hash byte strings, each together with its length, to 16 bytes.

    Examples
    --------
    >>> digest(b"ab", b"c") == digest(b"a", b"bc")
    False
    """
    return begin(*parts).digest()


def begin(*parts: bytes, n_bytes: int | None = None) -> blake2b:
    """Hash byte strings as `digest` does, and leave the hash open.

    With `n_bytes`, one more part of this length is announced: `update` takes its bytes.

    Examples
    --------
    >>> state = begin(b"ab", n_bytes=1)
    >>> state.update(b"c")
    >>> state.digest() == digest(b"ab", b"c")
    True
    """
    state = blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    if n_bytes is not None:
        state.update(n_bytes.to_bytes(8, "little"))
    return state


def array_parts(array: "np.ndarray") -> Iterable[bytes]:
    """Say what an array is (type and shape) and what it holds, as byte strings."""
    if array.dtype.hasobject:
        raise TypeError("an array of objects has no stable fingerprint: it holds addresses")
    yield f"{array.dtype.str}{array.shape}".encode()
    yield array.tobytes()


def fingerprint(*parts: Any) -> str:
    """Name a value by the hash of its parts: bytes, arrays, or anything that JSON can hold.

    Examples
    --------
    >>> fingerprint("head", {"dim": 3}) == fingerprint("head", {"dim": 3})
    True
    """
    found: list[bytes] = []
    for part in parts:
        if isinstance(part, bytes):
            found.append(part)
        elif hasattr(part, "tobytes") and hasattr(part, "dtype"):
            found.extend(array_parts(part))
        else:
            found.append(json.dumps(part, sort_keys=True).encode())
    return digest(*found).hex()
