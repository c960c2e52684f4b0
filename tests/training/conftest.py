"""Small sets that are quick to learn from, and one run that many tests look at."""

import numpy as np
import pytest

from simlab.encoders import encoder
from simlab.items import Items, load
from simlab.training import fit

QUIET = {"cache": False, "progress": False}


def make_blobs(n_labels=10, size=8, *, dim=8, spread=1.0, seed=0):
    """Make `size` arrays of each of `n_labels`, scattered around a center of their label.

    Only the first half of the numbers tells labels apart: there is something to learn.
    """
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(n_labels), size)
    tells = np.arange(dim) < dim // 2
    centers = 3 * rng.normal(size=(n_labels, dim)) * tells
    values = centers[codes] + spread * rng.normal(size=(len(codes), dim)) * np.where(tells, 1, 3)
    ids = [f"blob-{row}" for row in range(len(codes))]
    return Items.from_arrays(
        values.astype(np.float32), labels=[f"label {code}" for code in codes], ids=ids
    )


@pytest.fixture(scope="session")
def blobs():
    """Make small sets: `blobs(n_labels, size)`."""
    return make_blobs


@pytest.fixture(scope="session")
def pixels():
    """Return the encoder that has learned nothing."""
    return encoder("pixels")


@pytest.fixture(scope="session")
def learn(pixels):
    """Fit on pixels, without cache and bars: `learn(items, epochs=2)`."""

    def learned(items, encoder=pixels, **options):
        return fit(items, encoder, **{"epochs": 2, **QUIET, **options})

    return learned


@pytest.fixture(scope="session")
def digits():
    """Return striped digits, half of the digits for a test."""
    return load("striped-digits").split(by="label")


@pytest.fixture(scope="session")
def run(learn):
    """Return a run on ten labels, with validation items of its own."""
    parts = np.tile(["train"] * 5 + ["val"] * 3, 10)
    return learn(make_blobs().with_column("split", parts), epochs=5, lr=1e-2, batch_size=32)
