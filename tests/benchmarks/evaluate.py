"""What `score` costs above the fastest exact search alone: 50,000 embeddings of 384 dimensions.

The search is faiss' flat one for the 10 nearest, over all queries in one call; `score` searches as
deep as its classes of 50 ask for, leaves each query itself out, rates five metrics with ties, and
draws intervals. Both use the same threads, in turns, as other work on the machine moves both: read
the ratio. The peak of memory is that of the whole process: packages, vectors, search and score.
Prints a table; the last line is JSON.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable

import faiss
import numpy as np

from simlab.items import Items
from simlab.space import Embeddings, score

N, DIM, LABELS, ROUNDS = 50_000, 384, 1_000, 2
GOALS = {"ratio": 1.25, "peak_gb": 1.5}


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    since = time.perf_counter()
    work()
    return time.perf_counter() - since


def main() -> None:
    """Print the times of both, their ratio and the peak of memory."""
    rng = np.random.default_rng(0)
    labels = np.arange(N) % LABELS
    vectors = rng.normal(size=(N, DIM)).astype(np.float32)
    vectors += 0.5 * rng.normal(size=(LABELS, DIM)).astype(np.float32)[labels]
    items = Items.from_arrays(list(map(str, range(N))), labels=labels)
    unit = Embeddings(vectors, items).unit
    score(Embeddings(vectors[:1000], items[:1000]), k=(1,), gallery=Embeddings(vectors, items))
    times: dict[str, list[float]] = {"search": [], "score": []}
    for _ in range(ROUNDS):
        times["search"].append(
            seconds(lambda: faiss.knn(unit, unit, 10, metric=faiss.METRIC_INNER_PRODUCT))
        )
        times["score"].append(seconds(lambda: score(Embeddings(vectors, items))))
    search, whole = (statistics.median(times[name]) for name in ("search", "score"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_gb = peak / (1 << 30 if sys.platform == "darwin" else 1 << 20)
    told = {"ratio": round(whole / search, 3), "peak_gb": round(peak_gb, 2)}
    print(f"threads of both: {faiss.omp_get_max_threads()}")
    print("| faiss search | score | ratio | peak memory |\n|---|---|---|---|")
    print(f"| {search:.1f} s | {whole:.1f} s | {told['ratio']:.2f} | {told['peak_gb']:.2f} GB |")
    for name, goal in GOALS.items():
        print(f"{name}: {told[name]} (goal {goal}: {'met' if told[name] <= goal else 'missed'})")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
