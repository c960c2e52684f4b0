"""The memory of one encoder: content digest → vector, in checksummed segments on disk.

A segment is written aside, flushed to disk and renamed whole; nobody ever reads half a segment.
Segments are never changed, so several processes may write at once: at worst a vector is kept
twice. A damaged segment is set aside with a warning, and its vectors are computed again.
"""

import os
import warnings
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import numpy as np

from simlab._fingerprint import array_parts, digest
from simlab.errors import CacheError, SimlabWarning

_SUFFIX = ".safetensors"


class VectorStore:
    """Vectors of one encoder, found by the digest of their content.

    Parameters
    ----------
    folder : Path
        One folder per encoder fingerprint; made when first written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._vectors: dict[bytes, np.ndarray] = {}
        self._read: set[str] = set()

    def find(self, digests: np.ndarray) -> list[np.ndarray | None]:
        """Look vectors up.

        Parameters
        ----------
        digests : ndarray of shape (n, 16), uint8

        Returns
        -------
        list of n arrays of shape (dim,), None where nothing is known
        """
        self._refresh()
        return [self._vectors.get(key.tobytes()) for key in digests]

    def add(self, digests: np.ndarray, vectors: np.ndarray) -> None:
        """Keep vectors of shape (n, dim) as one new segment.

        Raises
        ------
        CacheError
            The folder cannot be written to.
        """
        from safetensors.numpy import save

        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        digests = np.ascontiguousarray(digests)
        check = self._check(digests, vectors)
        data = save({"keys": digests, "vectors": vectors}, metadata={"check": check})
        name = f"{uuid4().hex}{_SUFFIX}"
        aside = self.folder / f"{name}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.folder / name)
        except OSError as error:
            raise CacheError(
                f"the cache folder {str(self.folder)!r} must be writable "
                f"({error.strerror or error}); free some space, set SIMLAB_CACHE to another "
                "folder, or call with cache=False"
            ) from error
        finally:
            with suppress(OSError):  # after the renaming there is nothing left
                aside.unlink()

    def _check(self, digests: np.ndarray, vectors: np.ndarray) -> str:
        """Sum up a segment and whose it is: one that strayed from another encoder is no use."""
        told = self.folder.name.encode()
        return digest(told, *array_parts(digests), *array_parts(vectors)).hex()

    def _refresh(self) -> None:
        """Read the segments that have come since the last look."""
        if not self.folder.is_dir():
            return
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
            if path.name not in self._read:
                self._read.add(path.name)
                self._take_in(path)

    def _take_in(self, path: Path) -> None:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="np") as segment:
                keys, vectors = segment.get_tensor("keys"), segment.get_tensor("vectors")
                told = (segment.metadata() or {}).get("check")
            sound = told == self._check(keys, vectors)
        except FileNotFoundError:  # cleared by another process meanwhile
            return
        except OSError as error:  # the disk or a permission: the segment itself may be sound
            _warn(path, f"cannot be read ({error})")
            return
        except (SafetensorError, ValueError):
            sound = False
        if not sound:
            with suppress(OSError):  # another process was faster, or nobody may write here
                path.rename(path.with_suffix(".damaged"))
            _warn(path, "is damaged and set aside")
            return
        self._vectors.update(zip((key.tobytes() for key in keys), vectors, strict=True))


def _warn(path: Path, what: str) -> None:
    warnings.warn(
        f"the cache segment {str(path)!r} {what}; its vectors are computed again",
        SimlabWarning,
        stacklevel=2,
    )
