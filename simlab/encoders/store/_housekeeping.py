"""Cache: what is remembered, how much room it takes, and how to make room."""

import json
import math
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simlab import _html
from simlab._folders import cache_folder
from simlab.encoders.store._cache import LIVE, NOTE, VECTORS
from simlab.encoders.store._limit import LIMIT, cache_limit, n_bytes
from simlab.encoders.store._segments import SUFFIX, Segment
from simlab.errors import CacheError, ChoiceError, DataError, SimlabWarning

if TYPE_CHECKING:
    import pandas as pd

_DAY = 86_400.0
_TOLD: set[tuple[Path, int]] = set()
"""Caches, and their limits, that this process has warned of: once is enough."""
_COLUMNS = (
    "space", "encoder", "dim", "dtype", "vectors", "bytes", "created", "last_used", "hit_rate",
)  # fmt: skip


@dataclass(frozen=True)
class _Space:
    name: str
    encoder: str
    dim: int
    dtype: str
    n_vectors: int
    n_bytes: int
    created: str
    last_used: float
    hit_rate: float

    def cells(self) -> list[Any]:
        used = datetime.fromtimestamp(self.last_used, UTC).isoformat(timespec="seconds")
        cells = [self.name, self.encoder, self.dim, self.dtype, self.n_vectors, self.n_bytes]
        return [*cells, self.created, used, self.hit_rate]


@dataclass(frozen=True, repr=False)
class Cache:
    """The remembered vectors as they were when looked at; make it with `Cache.at`.

    `prune` and `clear` may be called while other processes embed: who reads a removed vector
    goes on reading it or computes it again, and never gets a wrong one.

    Attributes
    ----------
    folder : Path
        Where the cache is.
    spaces : tuple
        One entry per encoder and type; `frame` shows them.
    limit : int or None
        How many bytes it may take: what `SIMLAB_CACHE_LIMIT` says (such as "20GB", "500 MB"). An
        `embed` that has written something then removes the spaces unused for longest, never the
        one it used. None, if it is not set: no limit.

    Examples
    --------
    >>> import tempfile
    >>> Cache.at(tempfile.mkdtemp()).frame.empty
    True
    """

    folder: Path
    spaces: tuple[_Space, ...]
    limit: int | None = None

    @classmethod
    def at(cls, path: str | Path | None = None) -> "Cache":
        """Look at a cache: that of the given folder, else the one that `embed` uses by default.

        Raises
        ------
        DataError
            `SIMLAB_CACHE_LIMIT` is no size.
        """
        folder = (cache_folder() if path is None else Path(path)).expanduser().absolute()
        below = folder / VECTORS
        spaces = [_read(one) for one in _folders(below)]
        return cls(folder, tuple(one for one in spaces if one is not None), cache_limit())

    @property
    def n_bytes(self) -> int:
        """Room taken on disk, in bytes."""
        return sum(one.n_bytes for one in self.spaces)

    @property
    def frame(self) -> "pd.DataFrame":
        """One row per space.

        Returns
        -------
        pandas.DataFrame
            `space` (the name of its folder), `encoder`, `dim`, `dtype`, `vectors` (their number),
            `bytes`, `created`, `last_used` (UTC, to the minute) and `hit_rate`: the share of
            look-ups of this process that were known, NaN if there were none.
        """
        import pandas as pd

        return pd.DataFrame([one.cells() for one in self.spaces], columns=list(_COLUMNS))

    def prune(
        self, *, older_than: float | None = None, max_bytes: float | str | None = None
    ) -> "Cache":
        """Make room: remove what was not used for long, or the oldest until the rest fits.

        Damaged segments, and what killed processes left a day ago, go too.

        Parameters
        ----------
        older_than : float, optional
            Remove the spaces that were not used for so many days.
        max_bytes : int or str, optional
            Then remove segments, those of the space unused for longest first, until the rest
            takes no more than so many bytes; a text such as "20GB" or "500 MB" is read as such.

        Returns
        -------
        Cache
            As it is now.

        Raises
        ------
        DataError
            Neither is given, a number below 0, or a text that is no size.
        """
        if isinstance(max_bytes, str):
            max_bytes = n_bytes(max_bytes, "max_bytes")
        given = [one for one in (older_than, max_bytes) if one is not None]
        if not given or not all(one >= 0 for one in given):
            raise DataError(
                "prune needs older_than (days) or max_bytes, 0 or more; got "
                f"older_than={older_than!r}, max_bytes={max_bytes!r}"
            )
        for one in self.spaces:
            _sweep(self._place(one))
        now = Cache.at(self.folder)
        if older_than is not None:
            for one in now.spaces:
                if time.time() - one.last_used > older_than * _DAY:
                    _remove(now._place(one))  # noqa: SLF001
        if max_bytes is not None:
            _shrink(self.folder / VECTORS, max_bytes)
        return Cache.at(self.folder)

    def clear(self, space: str | None = None) -> "Cache":
        """Forget all vectors, or those of one space (a name of `frame`); returns what is left.

        Raises
        ------
        ChoiceError
            No such space.
        """
        names = [one.name for one in self.spaces]
        if space is not None and space not in names:
            raise ChoiceError.of("space", space, names)
        for one in self.spaces:
            if space in {None, one.name}:
                _remove(self._place(one))
        return Cache.at(self.folder)

    def _place(self, space: _Space) -> Path:
        return self.folder / VECTORS / space.name

    def __repr__(self) -> str:
        n = sum(one.n_vectors for one in self.spaces)
        plural = "" if len(self.spaces) == 1 else "s"
        limit = "" if self.limit is None else f" of at most {self.limit / 1e6:,.1f} MB"
        return (
            f"Cache: {n:,} vectors in {len(self.spaces)} space{plural}, "
            f"{self.n_bytes / 1e6:,.1f} MB{limit}, in {str(self.folder)!r}"
        )

    def _repr_html_(self) -> str:
        rows = [
            ["none" if cell != cell else cell for cell in one.cells()]  # noqa: PLR0124 (NaN)
            for one in self.spaces
        ]
        return _html.block(repr(self), _html.table(_COLUMNS, rows))


def _read(folder: Path) -> _Space | None:
    """Look into the folder of a space; None if it holds none, or no longer."""
    files = _files(folder)
    try:
        note = dict(json.loads((folder / NOTE).read_text(encoding="utf8")))
    except (OSError, ValueError, TypeError):  # the vectors are sound without it
        note = {}
    segments = []
    for file in files:
        if file.suffix == SUFFIX:
            with suppress(OSError, ValueError):  # damaged: told when it is used
                segments.append(Segment.open(file))
    if not segments and not note:
        return None
    times = [_time(file) for file in files]
    store = LIVE.get(folder)
    return _Space(
        name=folder.name,
        encoder=str(note.get("encoder", "unknown")),
        dim=segments[0].shape[1] if segments else 0,
        dtype=segments[0].dtype.name if segments else str(note.get("dtype", "unknown")),
        n_vectors=sum(one.shape[0] for one in segments),
        n_bytes=sum(_size(file) for file in files),
        created=str(note.get("created", "unknown")),
        last_used=max(times, default=0.0),
        hit_rate=store.n_found / store.n_asked if store and store.n_asked else math.nan,
    )


def keep_to_limit(used: Sequence[Path], limit: int) -> None:
    """Remove the spaces unused for longest, never the used ones, until the limit is kept.

    Parameters
    ----------
    used : sequence of Path
        The folders of the spaces that were just written to or read from, of one cache.
    limit : int
        In bytes.
    """
    below = used[0].parent
    if sum(_sizes(below).values()) <= limit:
        return
    try:
        for space in _folders(below):
            _sweep(space)
        _shrink(below, limit, keep=used)
    except CacheError as error:  # the vectors are safe: no reason to lose the call
        warnings.warn(str(error), SimlabWarning, stacklevel=2)
    sizes = _sizes(below)
    alone = sum(sizes.get(space, 0) for space in used)
    if alone > limit and (below, limit) not in _TOLD:
        _TOLD.add((below, limit))
        warnings.warn(
            f"the cache must keep to {limit:,} bytes ({LIMIT}), but what was just used takes "
            f"{alone:,} alone; nothing of it is removed; raise the limit, or take half the room by "
            "dtype='float16'",
            SimlabWarning,
            stacklevel=2,
        )


def _shrink(below: Path, max_bytes: float, *, keep: Sequence[Path] = ()) -> None:
    """Remove segments, those of the space unused for longest first, until the rest fits."""
    sizes = _sizes(below)
    left = sum(sizes.values())
    for space in sorted({*sizes} - {*keep}, key=_last_used):
        for file in sorted(_segments(space), key=_time):
            if left <= max_bytes:
                return
            left -= _size(file)
            _unlink(file)
        left -= _size(space / NOTE)
        _remove(space)


def _folders(below: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(one for one in below.iterdir() if one.is_dir())
    return []


def _files(space: Path) -> list[Path]:
    """List the files of a space; none if another process has just removed it."""
    with suppress(OSError):
        return [one for one in space.iterdir() if one.is_file()]
    return []


def _segments(space: Path) -> list[Path]:
    return [file for file in _files(space) if file.suffix == SUFFIX]


def _sizes(below: Path) -> dict[Path, int]:
    """Say how much room each space takes, by the files' sizes alone: nothing is opened."""
    return {space: sum(map(_size, _files(space))) for space in _folders(below)}


def _last_used(space: Path) -> float:
    return max(map(_time, _files(space)), default=0.0)


def _sweep(folder: Path) -> None:
    """Remove what nobody will read: damaged segments, and old files of killed writers."""
    for file in _files(folder):
        is_left = file.suffix == ".part" and time.time() - _time(file) > _DAY
        if is_left or file.suffix == ".damaged":
            _unlink(file)


def _remove(folder: Path) -> None:
    """Remove a space; a segment that another process writes meanwhile stays, and is sound."""
    _sweep(folder)
    for file in [*_segments(folder), folder / NOTE]:
        _unlink(file)
    with suppress(OSError):  # not empty: somebody writes
        folder.rmdir()


def _unlink(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise CacheError(
            f"the cache folder {str(file.parent)!r} must be writable ({error.strerror or error}); "
            "change its permissions, or leave it as it is"
        ) from error


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _time(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
