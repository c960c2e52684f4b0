"""Picture files: found unreadable before hours of work, and skipped if so wished."""

import warnings
from collections.abc import Collection, Sequence
from pathlib import Path

from simlab.errors import ChoiceError, DataError, SimlabWarning

WAYS = ("error", "skip")
_TOLD = 3
_OF_THE_CALLER = 4  # from_folder or from_frame of Items, and of _sources, lie between


def readable(files: Sequence[Path], unreadable: str) -> list[int]:
    """Find the rows of the files that can be read.

    To raise an error, the beginning of every file is read, which is cheap; to skip, every
    picture is decoded, so that those that are left can be relied on.
    """
    if unreadable not in WAYS:
        raise ChoiceError.of("unreadable", unreadable, WAYS)
    broken = [row for row, path in enumerate(files) if not _opens(path, whole=unreadable == "skip")]
    if not broken:
        return list(range(len(files)))
    n = f"{len(broken):,} of {len(files):,}"
    named = ", ".join(str(files[row]) for row in broken[:_TOLD])
    if unreadable == "error" or len(broken) == len(files):
        raise DataError(
            f"every file must be a picture that pillow can read; {n} are not: {named}; repair or "
            "remove them, or skip them with unreadable='skip'"
        )
    more = ", …" if len(broken) > _TOLD else ""
    warnings.warn(
        f"{n} files are no pictures that pillow can read; they are skipped: {named}{more}",
        SimlabWarning,
        stacklevel=_OF_THE_CALLER,
    )
    gone = set(broken)
    return [row for row in range(len(files)) if row not in gone]


def check_classes(folder: Path, there: Collection[str], unreadable: str) -> None:
    """Find sub-folders that stand for a label and hold no picture."""
    classes = sorted(
        path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    empty = [name for name in classes if name not in there]
    if not empty:
        return
    said = f"{len(empty):,} of {len(classes):,}"
    named = ", ".join(map(repr, empty[:_TOLD])) + (", …" if len(empty) > _TOLD else "")
    if unreadable == "error":
        raise DataError(
            f"every sub-folder must hold pictures of its label; {said} hold none: {named}; remove "
            "them, or skip them with unreadable='skip'"
        )
    warnings.warn(
        f"{said} sub-folders hold no pictures; their labels are left out: {named}",
        SimlabWarning,
        stacklevel=_OF_THE_CALLER,
    )


def _opens(path: Path, *, whole: bool) -> bool:
    from PIL import Image

    try:
        with Image.open(path) as image:
            if whole:
                image.load()
    except Exception:  # noqa: BLE001 (decoders of broken files raise nearly anything)
        return False
    return True
