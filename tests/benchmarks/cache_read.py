"""Random batches from the memory-mapped cache, against the same batches of an array in RAM.

Prints a table and, as its last line, JSON. Both sides are measured in turn, in one process;
medians over all batches. Goal: at most 1.1 when the cache fits in the page cache. One segment is
what a fill leaves; the most segments that merging leaves are three of each size, and take many
small fills. Vectors are always handed out as float32, those kept as float16 are widened.
"""

import json
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from simlab.encoders.store._cache import VectorStore

N, DIM, BATCHES = 100_000, 384, 300
SIZES = (128, 1024)
SMALL = [4**size for size in range(7) for _ in range(3)]
MOST = [*SMALL, *np.diff(np.linspace(0, N - sum(SMALL), 4).astype(int)).tolist()]
LAYOUTS = {"one segment": [N], f"{len(MOST)} segments": MOST}


def filled(
    folder: Path, lengths: list[int], dtype: str
) -> tuple[VectorStore, np.ndarray, np.ndarray]:
    """Fill a store with segments that merging leaves; returns it with its keys and vectors."""
    rng = np.random.default_rng(0)
    keys = rng.integers(256, size=(N, 16), dtype=np.uint8)
    vectors = rng.random((N, DIM), dtype=np.float32)
    store = VectorStore(folder, dtype)
    for part in np.split(rng.permutation(N), np.cumsum(lengths)[:-1]):
        store.add(keys[part], vectors[part])
    store.tidy()
    assert len(list(folder.glob("*.safetensors"))) == len(lengths)
    return store, keys, vectors


def measure(folder: Path, lengths: list[int], dtype: str) -> dict[int, tuple[float, float]]:
    """Read batches of each size from both; seconds per batch in RAM and mapped."""
    store, keys, vectors = filled(folder, lengths, dtype)
    rows = store.locate(keys)
    kept = rows.take(np.arange(N))  # warm; and float16 has rounded
    assert np.allclose(kept, vectors, atol=1e-3)
    rng = np.random.default_rng(1)
    found = {}
    for size in SIZES:
        ram, mapped = [], []
        for _ in range(BATCHES):
            batch = rng.integers(N, size=size)
            start = time.perf_counter()
            here = kept[batch]
            between = time.perf_counter()
            there = rows.take(batch)
            end = time.perf_counter()
            ram.append(between - start)
            mapped.append(end - between)
            assert (here == there).all()
        found[size] = median(ram), median(mapped)
    return found


def main() -> None:
    """Print one line per layout and size of batch."""
    print("| store | batch | RAM, µs | mapped, µs | ratio |")
    print("|---|---|---|---|---|")
    ratios = {}
    for dtype in ("float32", "float16"):
        for name, lengths in LAYOUTS.items():
            with tempfile.TemporaryDirectory() as folder:
                found = measure(Path(folder) / "space", lengths, dtype)
            for size, (ram, mapped) in found.items():
                ratios[f"{dtype}_{len(lengths)}_{size}"] = round(mapped / ram, 3)
                print(
                    f"| {dtype}, {name} | {size:,} | {ram * 1e6:.0f} | {mapped * 1e6:.0f} "
                    f"| {mapped / ram:.2f} |",
                    flush=True,
                )
    print(json.dumps(ratios))


if __name__ == "__main__":
    main()
