"""How well does a threshold hold on classes that neither training nor calibration saw?

The classes that no training saw are cut in two halves, many times; each half calibrates once and
checks once. In a half, one part of the items is the gallery and the others ask, each once more with
its class hidden. The check asks a gallery of new classes alone, and one to which they were added.
"""

import argparse
import warnings
from collections import defaultdict

import numpy as np
from sklearn.metrics import roc_auc_score

import simlab as sl
from simlab.errors import DataError, SimlabWarning

TARGETS = [
    {"target": {"precision": 0.9}},
    {"target": {"false-accept-rate": 0.05}},
    {"target": {"false-accept-rate": 0.05}, "cautious": True},
]
EVIDENCE = ("similarity", "margin", "confidence")
TOLD = ("precision", "recall", "false-accept-rate", "auroc", "set-coverage")


def spaces():
    """Give embeddings of classes that no training saw."""
    digits = sl.load("striped-digits")
    yield "striped-digits, pixels", sl.embed(digits, sl.encoder("pixels"), progress=False)
    emoji = sl.load("emoji-styles").split(by="label", test=0.5, seed=0)
    run = sl.fit(emoji, sl.encoder("efficientnet-lite0"), progress=False)
    yield f"emoji-styles, {run.name}", sl.embed(emoji.where(split="test"), run, progress=False)


def halves(emb, by, seed):
    """Cut embeddings in two, by label or by item."""
    split = emb.items.split(by=by, test=0.5, seed=seed)
    return [emb[split.rows_where(split=name)] for name in ("train", "test")]


def rankings(index, alone, new):
    """Tell the AUROC of each measure of evidence: right answers against all others."""
    right, strange = alone.classify(new).frame, index.classify(new).frame
    is_right = np.append(right["nearest"] == new.items.labels, np.zeros(len(strange), dtype=bool))
    return [
        roc_auc_score(is_right, np.append(right[measure], strange[measure])) for measure in EVIDENCE
    ]


def main() -> None:
    """Print means over the cuts, and on how many of them the target was held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=15)
    n_cuts = parser.parse_args().cuts
    warnings.simplefilter("ignore", SimlabWarning)
    for name, emb in spaces():
        found, ranked = defaultdict(list), []
        for seed in range(n_cuts):
            one, other = (halves(half, "item", seed) for half in halves(emb, "label", seed))
            for (gallery, held), (new_gallery, new) in ((one, other), (other, one)):
                for asked in TARGETS:
                    try:
                        index = sl.Index(gallery).calibrate(held, **asked)
                    except DataError:  # no threshold reaches the target: one check less
                        continue
                    alone = sl.Index(new_gallery, calibration=index.calibration)
                    ranked.append(rankings(index, alone, new))
                    target = index.calibration.target
                    found[target, "new classes alone"].append(alone.check(new))
                    found[target, "new classes added"].append(index.add(new_gallery).check(new))
        told = zip(EVIDENCE, np.mean(ranked, axis=0), strict=True)
        print(f"{name}: AUROC of right answers by", *(f"{one} {mean:.3f}" for one, mean in told))
        for (target, where), checks in found.items():
            rates = np.array([[check.value(metric) for metric in TOLD] for check in checks])
            reached = rates[:, TOLD.index(target.metric)]
            is_low = target.metric == "false-accept-rate"
            is_held = reached <= target.value if is_low else reached >= target.value
            told = zip(TOLD, np.nanmean(rates, axis=0), np.nanstd(rates, axis=0), strict=True)
            told = "  ".join(f"{metric} {mean:.3f} ± {spread:.3f}" for metric, mean, spread in told)
            print(f"{name}, {target}, {where}: {told}; held {is_held.sum()} of {len(checks)}")


if __name__ == "__main__":
    main()
