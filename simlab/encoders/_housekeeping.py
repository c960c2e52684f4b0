"""Cache: what is remembered, how much room it takes, and how to make room."""

import json
import math
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simlab import _html
from simlab._folders import cache_folder
from simlab.encoders._cache import LIVE, NOTE, VECTORS
from simlab.encoders._segments import SUFFIX, Segment
from simlab.errors import CacheError, ChoiceError, DataError

if TYPE_CHECKING:
    import pandas as pd

_DAY = 86_400.0
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

    Examples
    --------
    >>> import tempfile
    >>> Cache.at(tempfile.mkdtemp()).frame.empty
    True
    """

    folder: Path
    spaces: tuple[_Space, ...]

    @classmethod
    def at(cls, path: str | Path | None = None) -> "Cache":
        """Look at a cache: that of the given folder, else the one that `embed` uses by default."""
        folder = (cache_folder() if path is None else Path(path)).expanduser().absolute()
        below = folder / VECTORS
        spaces = [_read(one) for one in sorted(below.iterdir())] if below.is_dir() else []
        return cls(folder, tuple(one for one in spaces if one is not None))

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

    def prune(self, *, older_than: float | None = None, max_bytes: int | None = None) -> "Cache":
        """Make room: remove what was not used for long, or the oldest until the rest fits.

        Damaged segments, and what killed processes left a day ago, go too.

        Parameters
        ----------
        older_than : float, optional
            Remove the spaces that were not used for so many days.
        max_bytes : int, optional
            Then remove segments, those of the space unused for longest first, until the rest
            takes no more than so many bytes.

        Returns
        -------
        Cache
            As it is now.

        Raises
        ------
        DataError
            Neither is given, or a number below 0.
        """
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
            now = Cache.at(self.folder)
        if max_bytes is not None:
            now._shrink(max_bytes)  # noqa: SLF001
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

    def _shrink(self, max_bytes: int) -> None:
        left = self.n_bytes
        for space in sorted(self.spaces, key=lambda one: one.last_used):
            for size, path in _oldest_first(self._place(space)):
                if left <= max_bytes:
                    return
                _unlink(path)
                left -= size
            left -= _size(self._place(space) / NOTE)
            _remove(self._place(space))

    def __repr__(self) -> str:
        n = sum(one.n_vectors for one in self.spaces)
        plural = "" if len(self.spaces) == 1 else "s"
        return (
            f"Cache: {n:,} vectors in {len(self.spaces)} space{plural}, "
            f"{self.n_bytes / 1e6:,.1f} MB, in {str(self.folder)!r}"
        )

    def _repr_html_(self) -> str:
        rows = [
            ["none" if cell != cell else cell for cell in one.cells()]  # noqa: PLR0124 (NaN)
            for one in self.spaces
        ]
        return _html.block(repr(self), _html.table(_COLUMNS, rows))


def _read(folder: Path) -> _Space | None:
    """Look into the folder of a space; None if it holds none, or no longer."""
    try:
        files = [file for file in folder.iterdir() if file.is_file()]
    except OSError:
        return None
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


def _oldest_first(folder: Path) -> list[tuple[int, Path]]:
    files = sorted(folder.glob(f"*{SUFFIX}"), key=_time)
    return [(_size(file), file) for file in files]


def _sweep(folder: Path) -> None:
    """Remove what nobody will read: damaged segments, and old files of killed writers."""
    for file in folder.glob("*"):
        is_left = file.suffix == ".part" and time.time() - _time(file) > _DAY
        if is_left or file.suffix == ".damaged":
            _unlink(file)


def _remove(folder: Path) -> None:
    """Remove a space; a segment that another process writes meanwhile stays, and is sound."""
    _sweep(folder)
    for file in [*folder.glob(f"*{SUFFIX}"), folder / NOTE]:
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
