"""Whatever happens to a process that fills the cache, no wrong and no half row is ever read."""

import os
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from simlab.encoders import embed
from simlab.errors import CacheError
from simlab.items import Items

KILL = """
import os, random, signal, sys, time, warnings
import numpy as np
from pathlib import Path
from simlab.encoders import Cache, embed
from simlab.encoders.filling import _fill
from simlab.encoders.store._cache import VectorStore
from simlab.items import Items

warnings.simplefilter("error")  # a damaged segment is a warning
_fill._SEGMENT_ITEMS = 16
folder, n_kills, n = Path(sys.argv[1]), int(sys.argv[2]), 2000
values = np.random.default_rng(0).normal(size=(n, 8)).astype("f4")
truth = np.concatenate([values, values[:, ::-1] * 2], axis=1)
items = Items.from_arrays(values)

class Doubling:
    name = fingerprint = "doubling"
    modalities = frozenset({"array"})
    def encode(self, content):
        rows = np.stack(content)
        return np.concatenate([rows, rows[:, ::-1] * 2], axis=1)

def fill():
    for end in range(200, n + 1, 200):
        embed(items[:end], Doubling(), cache=folder, batch_size=8, progress=False)

def check():
    rows = VectorStore(folder / "vectors" / "doubling").locate(items.content.digests())
    known = np.flatnonzero(rows.known)
    assert not known.size or (rows.take(known) == truth[known]).all()
    return len(known)

chance, killed, resumed, full = random.Random(0), 0, 0, 0
while killed < n_kills:
    child = os.fork()
    if not child:
        fill()
        os._exit(0)
    time.sleep(chance.uniform(0.0, 0.2))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    killed += os.WIFSIGNALED(status)
    n_known = check()
    resumed += 0 < n_known < n
    if n_known == n:
        full += 1
        Cache.at(folder).clear()
fill()
assert check() == n
assert (embed(items, Doubling(), cache=folder, progress=False).vectors == truth).all()
print(killed, resumed, full)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the test forks")
def test_a_process_killed_at_any_moment_costs_no_more_than_its_last_segment(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILL, tmp_path, "24"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    killed, resumed, _ = map(int, done.stdout.split())
    assert killed == 24
    assert resumed > 4


@contextmanager
def largest_file(n_bytes):
    """Let the system refuse to write more than so many bytes into a file, as a full disk does."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("n_bytes", [0, 1, 8, 100, 300, 450])
def test_a_disk_that_fills_up_in_the_middle_of_a_file_is_told(items, counting, cache_root, n_bytes):
    with largest_file(n_bytes), pytest.raises(CacheError, match="free some space"):
        embed(items, counting, progress=False)
    left = [file for file in cache_root.rglob("*") if file.is_file()]
    emb = embed(items, counting, progress=False)

    assert left == []
    assert (emb.vectors == np.stack(list(items.content)).reshape(12, 4)).all()


def test_a_disk_that_fills_up_later_keeps_what_was_written(monkeypatch, counting):
    from simlab.encoders.filling import _fill
    from simlab.encoders.store import _cache

    monkeypatch.setattr(_fill, "_SEGMENT_ITEMS", 4)
    write, calls = _cache.write_segment, []

    def full(*args):
        calls.append(args)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        write(*args)

    monkeypatch.setattr(_cache, "write_segment", full)
    items = Items.from_arrays(np.arange(24.0).reshape(12, 2))
    with pytest.raises(CacheError):
        embed(items, counting, batch_size=2, progress=False)
    emb = embed(items, counting, batch_size=2, progress=False)

    assert counting.n_encoded == 12 + 4
    assert (emb.vectors == np.arange(24.0).reshape(12, 2)).all()
