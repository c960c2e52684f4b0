"""fit with views: the augmentation is learned, and held-out items are seen as they are."""

import numpy as np
import pytest

from simlab.encoders import embed, encoder
from simlab.space import score
from simlab.training import SimilarityData, fit

QUIET = {"cache": False, "progress": False}


def turned(array):
    """Change the sign of one number that tells nothing: the fifth of eight."""
    return array * np.where(np.arange(8) == 4, np.random.choice([-9, 9]), 1)  # noqa: NPY002


@pytest.fixture(scope="module")
def turning():
    return encoder("pixels", augment=turned)


def test_what_the_views_change_is_learned_to_be_ignored(blobs, turning):
    items = blobs(8, 12)
    options = {"epochs": 20, "lr": 1e-2, "batch_size": 24, "val": 0, **QUIET}
    plain, viewed = (fit(items, turning, views=views, **options) for views in (1, 4))

    def moved(run):
        emb = embed(items, run, views=4, **QUIET)
        return np.linalg.norm(emb.views - emb.vectors[:, None], axis=2).mean() / emb.vectors.std()

    assert moved(viewed) < 0.8 * moved(plain)


def test_the_same_seed_draws_the_same_views(blobs, turning):
    one, two = (fit(blobs(8, 12), turning, epochs=3, views=3, **QUIET) for _ in range(2))

    assert one.history["loss"].equals(two.history["loss"])
    assert one.config.views == 3


def test_held_out_items_are_seen_as_they_are(blobs, turning):
    items = blobs().with_column("split", np.tile(["train"] * 5 + ["val"] * 3, 10))
    run = fit(items, turning, epochs=3, views=3, **QUIET)
    held = score(embed(items.where(split="val"), run, **QUIET)).value("map@r")

    assert run.history["val_map@r"].max() == pytest.approx(held, abs=1e-6)


def test_a_second_fit_encodes_nothing(blobs, counting):
    model = encoder(counting, augment=turned)
    fit(blobs(8, 12), model, epochs=1, views=3, progress=False)
    n_encoded = counting.n_encoded
    fit(blobs(8, 12), model, epochs=1, views=3, loss="triplet", progress=False)

    assert counting.n_encoded == n_encoded == 96 * 4


def test_lightning_data_gives_views(blobs, turning):
    emb = embed(blobs(8, 12), turning, views=3, **QUIET)
    data = SimilarityData(emb, batch_size=96)
    [(vectors, codes)] = list(data.train_dataloader())

    known = {
        tuple(row): label
        for row, label in zip(
            emb.views.reshape(-1, 8).tolist(), np.repeat(emb.items.label_codes, 3), strict=True
        )
    }
    assert [known[tuple(row)] for row in vectors.tolist()] == codes.tolist()
