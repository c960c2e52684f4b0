"""A million short texts on disk: held, split and selected without reading them into memory.

Prints a table and, as its last line, JSON. Anonymous memory (what cannot be dropped and read again
from the file) is sampled every two milliseconds; its growth since before the file was opened is
told at the peak of each step and after it. Pages of the file that are mapped are told apart:
opening alone maps some around each of its batches. Goals: the growth stays below half of the
texts, and holding, splitting and selecting map less than a tenth of the file.
"""

import gc
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

import numpy as np

N, BATCH, LABELS = 1_000_000, 10_000, 1000
WORDS = 40
MIB = 2**20


def write(folder: Path) -> Path:
    """Write the texts as `datasets` does, batch by batch; returns the Arrow file."""
    from datasets import Features, Value
    from datasets.arrow_writer import ArrowWriter

    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = np.array(["".join(rng.choice(letters, size=rng.integers(3, 11))) for _ in range(5000)])
    features = Features({"text": Value("string"), "label": Value("int32")})
    file = folder / "texts.arrow"
    with ArrowWriter(features=features, path=str(file)) as writer:
        for _ in range(N // BATCH):
            said = [" ".join(row) for row in words[rng.integers(len(words), size=(BATCH, WORDS))]]
            labels = rng.integers(LABELS, size=BATCH).astype(np.int32)
            writer.write_batch({"text": said, "label": labels.tolist()})
        writer.finalize()
    return file


def memory() -> tuple[float, float]:
    """Read anonymous and file-backed resident memory of this process, in MiB."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return tuple(int(status[name].split()[0]) / 1024 for name in ("RssAnon", "RssFile"))


class Peak:
    """Samples the memory of this process while a step runs."""

    def __enter__(self) -> Self:
        self.anonymous, self.files, self.is_over = *memory(), False
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()
        return self

    def _sample(self) -> None:
        while not self.is_over:
            anonymous, files = memory()
            self.anonymous, self.files = max(self.anonymous, anonymous), max(self.files, files)
            time.sleep(0.002)

    def __exit__(self, *_: object) -> None:
        self.is_over = True
        self._thread.join()


def measure(file: Path) -> list[dict[str, float | str]]:
    """Take the steps one after the other; growth of memory in MiB, and seconds, for each."""
    from datasets import Dataset

    from simlab.items import Items

    Items.from_dataset(Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}), "text").split()
    steps = {
        "open with datasets": lambda _: Dataset.from_file(str(file)),
        "hold": lambda dataset: Items.from_dataset(dataset, "text"),
        "split by label": lambda items: items.split(by="label", test=0.5),
        "split by item": lambda items: items.split(by="item", test=0.1, val=0.1),
        "select the test": lambda items: items.where(split="test"),
        "show": lambda items: (items._repr_html_(), items)[1],
    }
    gc.collect()
    anonymous, files = memory()
    value, told = None, []
    for name, step in steps.items():
        start = time.perf_counter()
        with Peak() as peak:
            value = step(value)
        seconds = time.perf_counter() - start
        gc.collect()
        told.append(
            {
                "step": name,
                "peak": peak.anonymous - anonymous,
                "after": memory()[0] - anonymous,
                "mapped": peak.files - files,
                "seconds": seconds,
            }
        )
    assert len(value) == N // 10
    assert len(value.content[0].split()) == WORDS
    return told


def main() -> None:
    """Write the file, measure in a fresh process, print one line per step."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(Path(sys.argv[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder))
        size = file.stat().st_size / MIB
        command = [sys.executable, __file__, str(file)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    steps = json.loads(done.stdout.splitlines()[-1])
    print(f"{N:,} texts, {size:.0f} MiB on disk\n")
    print("| step | peak growth, MiB | after, MiB | of the file mapped, MiB | s |")
    print("|---|---|---|---|---|")
    for step in steps:
        print(
            f"| {step['step']} | {step['peak']:.0f} | {step['after']:.0f} | {step['mapped']:.0f} "
            f"| {step['seconds']:.2f} |"
        )
    figures = {
        "texts_mib": round(size),
        "peak_mib": round(max(step["peak"] for step in steps)),
        "held_mib": round(steps[1]["after"]),
        "mapped_mib": round(max(step["mapped"] for step in steps) - steps[0]["mapped"]),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
