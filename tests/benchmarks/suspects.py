"""How many planted wrong labels, outliers and twins `suspects` finds in the demo sets.

Five percent of the labels are replaced by another one, drawn evenly; five items of noise and 2%
near copies are planted as vectors. Prints a table and, as its last line, JSON, means of three
seeds: precision and recall of the mislabeled (chance: 0.05), precision of the first n where n were
planted, how often the suggestion is the label that was replaced, and the share of items listed when
nothing was planted: doubts of the encoder, or mistakes of the data, which count as wrong here. The
rule for labels was chosen on these same sets; expect a little less on others.
"""

import json

import numpy as np

import simlab as sl
from simlab.space import Suspects, suspects

SETS = {
    "emoji-styles": "efficientnet-lite0",
    "wordnet-glosses": "minilm",
    "striped-digits": "pixels",
}
SEEDS, NOISE, TWINS, N_OUTLIERS = (0, 1, 2), 0.05, 0.02, 5


def rates(found: Suspects, planted: np.ndarray) -> tuple[float, float]:
    """Measure precision and recall of the ids found."""
    right = np.isin(found.ids, planted).sum()
    return right / max(len(found), 1), right / len(planted)


def labels_planted(clean: sl.Embeddings, seed: int) -> dict[str, float]:
    """Replace labels and look for them."""
    rng = np.random.default_rng(seed)
    codes = clean.items.label_codes.copy()
    n, names = len(codes), np.array(clean.items.label_names)
    rows = rng.permutation(n)[: round(n * NOISE)]
    codes[rows] = (codes[rows] + rng.integers(1, len(names), size=len(rows))) % len(names)
    noisy = sl.Embeddings(clean.vectors, clean.items.with_column("label", names[codes]))
    found = suspects(noisy).where("mislabeled")
    planted = clean.items.ids[rows]
    precision, recall = rates(found, planted)
    true = dict(zip(clean.items.ids, clean.items.labels, strict=True))
    right = [
        true[one.id] == one.suggestion for one in found.frame.itertuples() if one.id in planted
    ]
    return {
        "label_precision": precision,
        "label_precision_at_n": np.isin(found.ids[: len(rows)], planted).sum() / len(rows),
        "label_recall": recall,
        "label_suggestion": np.mean(right),
    }


def places_planted(clean: sl.Embeddings, seed: int) -> dict[str, float]:
    """Add noise and near copies as vectors, and look for them."""
    rng = np.random.default_rng(seed)
    n = len(clean)
    rows = rng.permutation(n)[: round(n * TWINS)]
    spread = clean.vectors.std()
    shuffled = rng.permuted(clean.vectors[rng.integers(n, size=N_OUTLIERS)], axis=1)
    near = clean.vectors[rows] + rng.normal(scale=0.02 * spread, size=(len(rows), clean.dim))
    vectors = np.concatenate([clean.vectors, shuffled, near])
    names = [*clean.items.ids, *(f"new-{one}" for one in range(len(vectors) - n))]
    planted = np.array(names[n:])
    found = suspects(sl.Embeddings(vectors, sl.Items.from_arrays(vectors, ids=names)))
    return {
        "outlier_recall": rates(found.where("outlier"), planted[:N_OUTLIERS])[1],
        "twin_precision": rates(found.where("near-duplicate"), planted[N_OUTLIERS:])[0],
        "twin_recall": rates(found.where("near-duplicate"), planted[N_OUTLIERS:])[1],
    }


def main() -> None:
    """Print one line per set."""
    told = {}
    for name, encoder in SETS.items():
        clean = sl.embed(sl.load(name), sl.encoder(encoder), progress=False)
        seeds = [labels_planted(clean, seed) | places_planted(clean, seed) for seed in SEEDS]
        means = {key: round(float(np.mean([one[key] for one in seeds])), 3) for key in seeds[0]}
        means["listed_unplanted"] = len(suspects(clean).where("mislabeled")) / len(clean)
        means["listed_unplanted"] = round(means["listed_unplanted"], 3)
        if not told:
            print(f"| set, encoder | {' | '.join(key.replace('_', ' ') for key in means)} |")
            print(f"|{'---|' * (len(means) + 1)}")
        print(f"| {name}, {encoder} | {' | '.join(f'{one:.2f}' for one in means.values())} |")
        told |= {f"{name}_{key}": value for key, value in means.items()}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
