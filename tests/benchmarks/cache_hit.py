"""What a fully cached `embed` costs, against hashing the same bytes and nothing else.

Prints a table and, as its last line, JSON. Both sides are measured in turn, in one process;
medians of `ROUNDS`. Goals: fingerprints and look-up at most 2 times hashing; a second call of
20,000 items under 10 ms. The vectors themselves have 384 dimensions: 1.5 kB per item to copy.
"""

import json
import tempfile
import time
from collections.abc import Callable
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

import simlab as sl
from simlab.encoders._cache import store_at

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


def seconds(call: Callable[[], object]) -> float:
    """Time one call, without the clearing away of what it returns."""
    start = time.perf_counter()
    kept = call()
    took = time.perf_counter() - start
    del kept
    return took


def measure(values: list, raw: list[bytes], folder: str) -> dict[str, float]:
    """Compare hashing, look-up, and `embed` of new Items and once more of the same."""
    encoder = Free()
    sl.embed(sl.Items.from_arrays(values), encoder, cache=folder, progress=False)
    store = store_at(Path(folder) / "vectors" / encoder.fingerprint, "float32")
    times: dict[str, list[float]] = {"hashing": [], "look-up": [], "first": [], "second": []}
    for _ in range(ROUNDS):
        items = sl.Items.from_arrays(values)
        times["look-up"].append(seconds(lambda items=items: store.locate(items.content.digests())))
        items = sl.Items.from_arrays(values)
        times["hashing"].append(
            seconds(lambda: [blake2b(one, digest_size=16).digest() for one in raw])
        )
        for call in ("first", "second"):
            times[call].append(
                seconds(lambda items=items: sl.embed(items, encoder, cache=folder, progress=False))
            )
    return {name: median(one) for name, one in times.items()}


def main() -> None:
    """Print one line per kind of content."""
    print(
        "| content | hashing alone, µs/item | fingerprints and look-up | ratio "
        "| embed with its vectors | ratio | second call, ms |"
    )
    print("|---|---|---|---|---|---|---|")
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
        second = told["second"] * 1e3
        print(
            f"| {len(values):,} {name} | {each['hashing']:.2f} | {each['look-up']:.2f} "
            f"| {ratio:.2f} | {each['first']:.2f} | {whole:.2f} | {second:.1f} |",
            flush=True,
        )
        found[f"{name}_look_up_to_hashing"] = round(ratio, 3)
        found[f"{name}_embed_to_hashing"] = round(whole, 3)
        found[f"{name}_second_ms"] = round(second, 2)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
