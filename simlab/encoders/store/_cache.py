"""The memory of one encoder: content digest → vector, in checksummed segments on disk.

Segments are written whole and never changed, so several processes may read and write at once: at
worst a vector is kept twice. Keys are held in memory, vectors are read from memory maps, where
they are needed. A damaged segment is set aside with a warning before any of its rows is handed
out, and its vectors are computed again.
"""

import json
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import RLock
from uuid import uuid4
from weakref import WeakValueDictionary

import numpy as np

from simlab._fingerprint import digest
from simlab.encoders.store._keys import KeyIndex
from simlab.encoders.store._merging import groups, without_repeats
from simlab.encoders.store._rows import Rows
from simlab.encoders.store._segments import SUFFIX, Segment, write_segment, write_whole
from simlab.errors import CacheError, SimlabWarning

NOTE = "space.json"
"""Says what the vectors of a folder are; the time of its last change is that of the last use."""
VECTORS = "vectors"
"""The folder of all spaces below that of the cache."""
LIVE: "WeakValueDictionary[Path, VectorStore]" = WeakValueDictionary()
"""The stores in use in this process."""
_NOTE_SECONDS = 60.0
_ATTEMPTS = 3


class VectorStore:
    """Vectors of one encoder, found by the digest of their content.

    Parameters
    ----------
    folder : Path
        One folder per encoder fingerprint and type; made when first written to.
    dtype : "float32" or "float16", default="float32"
        How vectors are kept.
    """

    def __init__(self, folder: Path, dtype: str = "float32") -> None:
        self.folder, self.dtype = folder, np.dtype(dtype).newbyteorder("<")
        self.n_asked = self.n_found = 0
        self._lock = RLock()
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._segments: dict[str, Segment] = {}
        self._maps: dict[str, np.ndarray] = {}
        self._index: KeyIndex | None = None
        self._noted = 0.0

    def locate(self, digests: np.ndarray) -> Rows:
        """Look vectors up; a segment is verified before its first row is found.

        Parameters
        ----------
        digests : ndarray of shape (n, 16), uint8

        Returns
        -------
        Rows
        """
        with self._lock:
            while True:
                self._refresh()
                names = list(self._segments)
                if self._index is None:
                    self._index = KeyIndex([self._segments[name].keys for name in names])
                segment, row = self._index.look_up(digests)
                used = np.flatnonzero(np.bincount(segment + 1, minlength=1)[1:])
                if all(self._verify(names[one]) for one in used):
                    break
            maps = [self._maps[names[one]] for one in used]
            n_found = int((segment >= 0).sum())
            self.n_asked += len(segment)
            self.n_found += n_found
            if n_found:
                self._note_use()
        dims = {mapped.shape[1] for mapped in maps}
        if len(dims) > 1:
            raise CacheError(
                f"the cache folder {str(self.folder)!r} must hold vectors of one length; got "
                f"{sorted(dims)}; delete this folder"
            )
        at = np.where(segment >= 0, np.searchsorted(used, segment), -1)
        return Rows.of(maps, at, row)

    def add(self, digests: np.ndarray, vectors: np.ndarray, *, name: str = "unknown") -> None:
        """Keep vectors of shape (n, dim) as one new segment; `name` is that of the encoder.

        Raises
        ------
        CacheError
            The folder cannot be written to.
        """
        keys = np.ascontiguousarray(digests)
        vectors = np.ascontiguousarray(vectors, dtype=self.dtype)
        with self._told_errors():
            for attempt in range(_ATTEMPTS):
                try:
                    self.folder.mkdir(parents=True, exist_ok=True)
                    path = self.folder / f"{uuid4().hex}{SUFFIX}"
                    write_segment(path, self.folder.name, [keys], [vectors])
                    break
                except FileNotFoundError:  # cleared by another process meanwhile
                    if attempt == _ATTEMPTS - 1:
                        raise
        self._note(name, vectors.shape[1])

    def state(self) -> dict[str, tuple[int, int, int]]:
        """Tell which segments there are; equal states hold equal files."""
        with self._lock:
            self._refresh()
            return dict(self._seen)

    def tidy(self) -> None:
        """Merge small segments into few, unless another process is doing so.

        The merged one is in place before the others go. Its name is made of theirs: who dies in
        between leaves nothing that the next one would write again.
        """
        with self._lock, _alone_in(self.folder) as is_alone:
            n_before = None
            while is_alone:
                self._refresh()
                if n_before is not None and len(self._segments) >= n_before:
                    return  # nothing can be merged: a full disk, or nobody may remove here
                n_before = len(self._segments)
                if not (chosen := groups(self._segments)):
                    return
                for names in chosen:
                    self._merge(names)

    def _merge(self, names: list[str]) -> None:
        if not all(self._verify(name) for name in names):
            return
        merged = f"{digest(*(name.encode() for name in names)).hex()}{SUFFIX}"
        with suppress(OSError):  # a full disk keeps the small ones
            if not self._verify(merged):
                keys, vectors = without_repeats(
                    [self._segments[name].keys for name in names],
                    [self._maps[name] for name in names],
                )
                write_segment(self.folder / merged, self.folder.name, keys, vectors)
            for name in names:
                (self.folder / name).unlink()

    def _refresh(self) -> None:
        """Take in the segments that have come or changed since the last look, drop the gone."""
        seen = {}
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX):
                    with suppress(FileNotFoundError):
                        stat = entry.stat()
                        seen[entry.name] = stat.st_size, stat.st_mtime_ns, stat.st_ino
        if seen == self._seen:
            return
        changed = {name for name, one in seen.items() if one != self._seen.get(name)}
        for name in {*self._seen} - {*seen} | changed:
            self._forget(name)
        self._seen = seen
        for name in sorted(changed):
            with self._told_damage(name):
                self._segments[name] = Segment.open(self.folder / name)
        self._index = None

    def _verify(self, name: str) -> bool:
        """Compare a segment with its checksum, once; an unsound one is forgotten."""
        if name in self._segments and name not in self._maps:
            with self._told_damage(name):
                vectors = self._segments[name].vectors(self.folder.name)
                if vectors is None or vectors.dtype != self.dtype:
                    raise ValueError
                self._maps[name] = vectors
        if name not in self._maps:
            self._forget(name)
            self._index = None
        return name in self._maps

    def _forget(self, name: str) -> None:
        self._segments.pop(name, None)
        self._maps.pop(name, None)

    @contextmanager
    def _told_damage(self, name: str) -> Iterator[None]:
        path = self.folder / name
        try:
            yield
        except FileNotFoundError:  # cleared or merged by another process meanwhile
            pass
        except OSError as error:  # the disk or a permission: the segment itself may be sound
            _warn(path, f"cannot be read ({error})")
        except ValueError:
            with suppress(OSError):  # another process was faster, or nobody may write here
                path.rename(path.with_suffix(".damaged"))
            _warn(path, "is damaged and set aside")

    @contextmanager
    def _told_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CacheError(
                f"the cache folder {str(self.folder)!r} must be writable "
                f"({error.strerror or error}); free some space, set SIMLAB_CACHE to another "
                "folder, or call with cache=False"
            ) from error

    def _note(self, name: str, dim: int) -> None:
        """Say what the vectors are, for whoever looks into the folder."""
        if not (self.folder / NOTE).exists():
            said = {
                "encoder": name,
                "dim": dim,
                "dtype": self.dtype.name,
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            with suppress(OSError):  # the vectors are safe without it
                write_whole(self.folder / NOTE, [json.dumps(said, indent=1).encode()])

    def _note_use(self) -> None:
        if time.monotonic() - self._noted > _NOTE_SECONDS or not self._noted:
            self._noted = time.monotonic()
            with suppress(OSError):
                os.utime(self.folder / NOTE)


@lru_cache(maxsize=16)
def store_at(folder: Path, dtype: str) -> VectorStore:
    """Return the one store of a folder in this process: what it has verified stays verified."""
    store = LIVE[folder] = VectorStore(folder, dtype)
    return store


@contextmanager
def _alone_in(folder: Path) -> Iterator[bool]:
    """Hold the lock of a folder, if it is free and the system has such locks."""
    try:
        from fcntl import LOCK_EX, LOCK_NB, flock

        handle = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        yield False
        return
    try:
        try:
            flock(handle, LOCK_EX | LOCK_NB)
        except OSError:
            is_alone = False
        else:
            is_alone = True
        yield is_alone
    finally:
        os.close(handle)  # which frees it


def _warn(path: Path, what: str) -> None:
    warnings.warn(
        f"the cache segment {str(path)!r} {what}; its vectors are computed again",
        SimlabWarning,
        stacklevel=2,
    )
