"""fit on mined triplets: learned from the cache alone."""

import numpy as np
import pytest

from simlab.encoders import embed, encoder
from simlab.errors import SimlabWarning
from simlab.space import mine, score
from simlab.training import fit

TRIPLETS = ("triplet-all", {"margin": 0.5})


class Counting:
    """The pixels encoder, and how many items it was asked for."""

    def __init__(self):
        self._own, self.n = encoder("pixels"), 0
        self.name, self.modalities = self._own.name, self._own.modalities
        self.fingerprint = self._own.fingerprint

    def encode(self, content):
        self.n += len(content)
        return self._own.encode(content)


def test_mined_triplets_are_learned_and_nothing_is_encoded_again(blobs, tmp_path):
    quiet, counting = {"cache": tmp_path, "progress": False}, Counting()
    items = blobs(20, 10).split(by="label", test=0.4, val=0.2)
    emb = embed(items, counting, **quiet)
    assert counting.n == len(items)
    triplets = mine(emb, num_negatives=5)
    run = fit(triplets, counting, loss=TRIPLETS, epochs=10, lr=5e-3, weight_decay=0.01, **quiet)
    tuned = embed(items, run, **quiet)

    assert counting.n == len(items)
    before, after = (score(one.where(split="test")).value("map@r") for one in (emb, tuned))
    assert after > before + 0.05
    assert {*score(tuned.where(split="train")).frame["classes"]} == {"seen"}
    assert {*score(tuned.where(split="test")).frame["classes"]} == {"unseen"}
    assert run.history["val_triplet-accuracy"].notna().all()
    assert run.history["val_triplet-accuracy"].max() > run.history["val_triplet-accuracy"][0] + 0.05


def test_triplets_that_hang_together_are_learned_without_validation(blobs):
    quiet = {"cache": False, "progress": False}
    triplets = mine(embed(blobs(6, 6), encoder("pixels"), **quiet))
    with pytest.warns(
        SimlabWarning, match="hang together by their pairs, so that none can be held out"
    ):
        run = fit(triplets, encoder("pixels"), loss=TRIPLETS, epochs=3, **quiet)

    assert np.isfinite(run.history["loss"][1:]).all()
    assert run.best_epoch == 3
