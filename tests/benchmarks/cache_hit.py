"""What a fully cached `embed` costs, against hashing the same bytes and nothing else.

Prints a table and, as its last line, JSON. Both sides are measured in turn, in one process;
medians of `ROUNDS`. Goals: fingerprints and look-up at most 2 times hashing; a second call of
20,000 items under 10 ms. The vectors themselves have 384 dimensions: 1.5 kB per item to copy.
"""

import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
from PIL import Image

import simlab as sl
from simlab.encoders.store._cache import VectorStore, store_at

T = TypeVar("T")
ROUNDS = 7
N_TEXTS, N_IMAGES, DIM = 100_000, 20_000, 384


class Free:
    """An encoder that costs next to nothing, so that filling does not take long."""

    name = fingerprint = "free"
    modalities = frozenset({"image", "text"})

    def encode(self, content: list) -> np.ndarray:
        return np.ones((len(content), DIM), dtype=np.float32)


def texts() -> list[str]:
    """Make sentences of about a hundred letters."""
    words = ["a red fox", "runs", "through", "the blue", "evening", "and", "a car", "stops"]
    draws = np.random.default_rng(0).integers(len(words), size=(N_TEXTS, 15))
    return [f"{row} " + " ".join(words[one] for one in draw) for row, draw in enumerate(draws)]


def images() -> list[bytes]:
    """Make PNG files of 1 to 3 kB, as small icons have."""
    rng = np.random.default_rng(0)
    files = []
    for side in rng.integers(18, 32, size=N_IMAGES):
        picture = Image.fromarray(rng.integers(256, size=(side, side, 3), dtype=np.uint8))
        picture.save(file := BytesIO(), format="PNG", compress_level=0)
        files.append(file.getvalue())
    return files


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Time one call, without the clearing away of what it returns."""
    start = time.perf_counter()
    given = call()
    return time.perf_counter() - start, given


def measure(values: list, raw: list[bytes], folder: str) -> dict[str, float]:
    """Compare hashing, look-up, and `embed` of new Items and once more of the same.

    The second call is timed while its caller still holds the first answer, as a notebook does, and
    again after that was let go: then the vectors are copied from the memory map.
    """
    encoder = Free()
    sl.embed(sl.Items.from_arrays(values), encoder, cache=folder, progress=False)
    store = store_at(Path(folder) / "vectors" / encoder.fingerprint, "float32")
    calls = ("hashing", "look-up", "first", "second", "after")
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        items = sl.Items.from_arrays(values)
        times["look-up"].append(timed(partial(look_up, store, items))[0])
        times["hashing"].append(timed(partial(hashed, raw))[0])
        items = sl.Items.from_arrays(values)
        embed = partial(sl.embed, items, encoder, cache=folder, progress=False)
        took, first = timed(embed)
        times["first"].append(took)
        took, second = timed(embed)
        times["second"].append(took)
        del first, second
        times["after"].append(timed(embed)[0])
    return {name: median(one) for name, one in times.items()}


def look_up(store: VectorStore, items: sl.Items) -> object:
    return store.locate(items.content.digests())


def hashed(raw: list[bytes]) -> list[bytes]:
    return [blake2b(one, digest_size=16).digest() for one in raw]


def main() -> None:
    """Print one line per kind of content."""
    print(
        "| content | hashing alone, µs/item | fingerprints and look-up | ratio "
        "| embed with its vectors | ratio | second call, ms | after the first was let go, ms |"
    )
    print("|---|---|---|---|---|---|---|---|")
    found = {}
    sentences, files = texts(), images()
    for name, values, raw in [
        ("texts", sentences, [one.encode() for one in sentences]),
        ("images", files, files),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            told = measure(values, raw, folder)
        each = {one: told[one] / len(values) * 1e6 for one in ("hashing", "look-up", "first")}
        ratio, whole = (each[one] / each["hashing"] for one in ("look-up", "first"))
        second, after = told["second"] * 1e3, told["after"] * 1e3
        print(
            f"| {len(values):,} {name} | {each['hashing']:.2f} | {each['look-up']:.2f} "
            f"| {ratio:.2f} | {each['first']:.2f} | {whole:.2f} | {second:.1f} | {after:.1f} |",
            flush=True,
        )
        found[f"{name}_look_up_to_hashing"] = round(ratio, 3)
        found[f"{name}_embed_to_hashing"] = round(whole, 3)
        found[f"{name}_second_ms"] = round(second, 2)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
