"""What the default settings reach on held-out items: three splits of each demo set.

Prints the table of the README, which tells how far the defaults were chosen without test items.
"""

import numpy as np

import simlab as sl

SPLITS = (0, 1, 2)
SETS = {
    "emoji-styles": ("efficientnet-lite0", "label", "unseen"),
    "wordnet-glosses": ("minilm", "item", "seen"),
}
LOSSES = ("supcon", "triplet", "contrastive", "multi-similarity", "arcface")
METRICS = ("recall@1", "map@r")


def figures(name: str, loss: str | None) -> list[sl.Scores]:
    """Score the test items of every split, frozen or after the default fit."""
    encoder_name, by, _ = SETS[name]
    encoder = sl.encoder(encoder_name)
    found = []
    for seed in SPLITS:
        items = sl.load(name).split(by=by, test=0.5, seed=seed)
        model = encoder if loss is None else sl.fit(items, encoder, loss=loss)
        found.append(sl.score(sl.embed(items, model).where(split="test")))
    return found


def cell(scores: list[sl.Scores], metric: str) -> str:
    """Give the mean over the splits, and the mean ends of their 95% intervals."""
    rows = [one.frame.set_index("metric").loc[metric] for one in scores]
    value, low, high = (np.mean([row[end] for row in rows]) for end in ("value", "low", "high"))
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def is_apart(before: list[sl.Scores], after: list[sl.Scores], metric: str) -> bool:
    """Tell whether in every split the two intervals do not even touch."""
    highs = [one.frame.set_index("metric").loc[metric, "high"] for one in before]
    lows = [one.frame.set_index("metric").loc[metric, "low"] for one in after]
    return all(high < low for high, low in zip(highs, lows, strict=True))


def main() -> None:
    """Print one line per data set and loss."""
    print("| data, test classes | model | recall@1 | MAP@R | intervals apart in every split |")
    print("|---|---|---|---|---|")
    for name, (_, _, classes) in SETS.items():
        frozen = figures(name, None)
        cells = " | ".join(cell(frozen, metric) for metric in METRICS)
        print(f"| {name}, {classes} | frozen | {cells} | |", flush=True)
        for loss in LOSSES:
            after = figures(name, loss)
            cells = " | ".join(cell(after, metric) for metric in METRICS)
            apart = " and ".join(metric for metric in METRICS if is_apart(frozen, after, metric))
            model = f"{loss} (default)" if loss == LOSSES[0] else loss
            print(f"| | {model} | {cells} | {apart or 'no'} |", flush=True)


if __name__ == "__main__":
    main()
