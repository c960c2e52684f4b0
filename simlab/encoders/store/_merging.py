"""Which segments become one: few files to read from, and each vector seldom written again."""

from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np

from simlab.encoders.store._keys import distinct
from simlab.encoders.store._segments import Segment

_ALIKE = 4
"""So many segments of like size become one, and all smaller ones with them."""
_MERGED_BYTES = 1 << 28
"""A merged segment is at most so large: nobody waits long, and little room is needed meanwhile."""


def groups(segments: Mapping[str, Segment]) -> list[list[str]]:
    """Choose segments to merge, by name; none if there are few of each size.

    Segments are of like size if their numbers of vectors have the same logarithm to base 4,
    rounded down. Where four are alike, they and all smaller ones become one, which is of a larger
    size than any of them: no vector is written again more than once per size, and at most three
    segments of each size remain.
    """
    small = defaultdict(list)
    for name, one in segments.items():
        if one.n_bytes * _ALIKE <= _MERGED_BYTES:
            small[one.shape[1]].append(name)
    chosen = []
    for names in small.values():
        counts = Counter(_size(segments[name]) for name in names)
        largest = max((size for size, n in counts.items() if n >= _ALIKE), default=-1)
        merged = [name for name in names if _size(segments[name]) <= largest]
        chosen += _parts(sorted(merged, key=lambda name: (segments[name].n_bytes, name)), segments)
    return chosen


def _size(segment: Segment) -> int:
    return (segment.shape[0].bit_length() - 1) // (_ALIKE.bit_length() - 1)


def _parts(names: list[str], segments: Mapping[str, Segment]) -> list[list[str]]:
    """Cut where a merged segment would become too large."""
    parts: list[list[str]] = []
    left = 0
    for name in names:
        n_bytes = segments[name].n_bytes
        if n_bytes > left:
            parts.append([])
            left = _MERGED_BYTES
        parts[-1].append(name)
        left -= n_bytes
    return [part for part in parts if len(part) > 1]


def without_repeats(
    keys: list[np.ndarray], vectors: list[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Leave out keys that came before, with their vectors: two processes had filled at once."""
    first, _ = distinct(np.concatenate(keys))
    is_first = np.zeros(sum(map(len, keys)), dtype=bool)
    is_first[first] = True
    kept = np.split(is_first, np.cumsum([len(one) for one in keys])[:-1])
    pairs = [
        (key, vector) if keep.all() else (key[keep], vector[keep])
        for key, vector, keep in zip(keys, vectors, kept, strict=True)
        if keep.any()
    ]
    return [key for key, _ in pairs], [vector for _, vector in pairs]
