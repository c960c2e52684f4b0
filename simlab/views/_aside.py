"""A map that a process of its own computes, so that the kernel stays free.

Not a thread: compiling UMAP would hold the interpreter, and it turns warnings off while it runs.
Run as a program, this file lays out the vectors of a folder and tells its stages line by line.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np

from simlab.errors import SimlabError
from simlab.items import Items
from simlab.space import Embeddings, project

_VECTORS, _LAYOUT = "vectors.npy", "layout.npy"


def laid_out_aside(
    embeddings: Embeddings, method: str, *, seed: int, tell: Callable[[str], None]
) -> np.ndarray:
    """Do what `project` does, in another process that remembers layouts in the same place.

    Parameters
    ----------
    embeddings : Embeddings
        At least one item.
    method, seed
        As in `project`.
    tell : callable
        Is told each stage, in words.

    Returns
    -------
    ndarray of shape (n, 2), float32

    Raises
    ------
    SimlabError
        The process failed; the error ends with its last words.

    Examples
    --------
    >>> from simlab.items import Items
    >>> three = Embeddings(np.eye(3), Items.from_arrays(["a", "b", "c"]))
    >>> laid_out_aside(three, "pca", seed=0, tell=print).shape
    projecting 3 items
    (3, 2)
    """
    with tempfile.TemporaryDirectory(prefix="simlab-map-") as folder:
        np.save(Path(folder, _VECTORS), embeddings.vectors)
        complaints = Path(folder, "complaints.txt")
        command = [sys.executable, "-m", __spec__.name, folder, method, str(seed)]
        with (
            complaints.open("w") as sink,
            subprocess.Popen(  # noqa: S603 (our own program)
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=sink, text=True
            ) as process,
        ):
            assert process.stdout is not None  # noqa: S101 (a pipe was asked for)
            for line in process.stdout:
                tell(line.strip())
        if process.returncode:
            last = complaints.read_text().strip().splitlines() or ["it said nothing"]
            raise SimlabError(f"the {method} map could not be computed aside: {last[-1]}")
        return np.load(Path(folder, _LAYOUT), allow_pickle=False)


def _main(folder: str, method: str, seed: str) -> None:
    vectors = np.load(Path(folder, _VECTORS), allow_pickle=False)
    if method == "umap":
        _say("loading UMAP")
        import_module("umap")
    _say(f"projecting {len(vectors):,} items")
    embeddings = Embeddings(vectors, Items.from_arrays(np.arange(len(vectors))[:, None]))
    np.save(Path(folder, _LAYOUT), project(embeddings, method, seed=int(seed)))


def _say(stage: str) -> None:
    sys.stdout.write(f"{stage}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main(*sys.argv[1:])
