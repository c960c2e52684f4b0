"""Batch sizes are found by what the machine does per second."""

import numpy as np
import pytest
import torch

from simlab.encoders import embed
from simlab.encoders.filling._pace import Pace
from simlab.items import Items


def run(pace, seconds, *, n=100_000, work=1.0):
    """Encode n items on a machine where a batch of b items takes `seconds(b)`."""
    sizes, left = [], n
    while left > 0:
        size = min(pace.size(work), left)
        sizes.append(size)
        pace.note(size, size * work, seconds(size))
        left -= size
    return sizes


def test_a_given_size_stays():
    assert set(run(Pace(7), lambda _: 1e-6, n=70)) == {7}


def test_a_free_encoder_gets_thousands_at_once():
    sizes = run(Pace(None), lambda n: 1e-5 + 1e-7 * n)
    assert max(sizes) == 8192
    assert len(sizes) < 40


@pytest.mark.parametrize("best", [2, 4, 16, 64, 512])
def test_the_best_size_is_found_and_kept(best):
    """Twice as slow for each doubling away from the best one, in either direction."""

    def seconds(n):
        return 0.1 * (n / best) * 2 ** abs(np.log2(n / best))

    sizes = run(Pace(None), seconds, n=20_000)
    assert set(sizes[-20:-1]) == {best}


def test_where_the_size_does_not_matter_it_stays_small():
    assert set(run(Pace(None), lambda n: 0.01 * n, n=2000)[-5:-1]) == {16}


def test_no_batch_gets_so_long_that_stop_does_not_answer():
    sizes = run(Pace(None), lambda n: 0.5 + 0.001 * n, n=5000)
    assert max(sizes) == 16


def test_short_items_share_a_batch():
    pace = Pace(None)
    n = pace.size(200.0)
    pace.note(n, n * 200.0, 0.1)
    assert pace.size(50.0) == 4 * n


class Small:
    """A machine with room for ten items."""

    name, modalities, fingerprint = "small", frozenset({"array"}), "small"

    def __init__(self):
        self.batches = []

    def encode(self, content):
        self.batches.append(len(content))
        if len(content) > 10:
            raise torch.OutOfMemoryError
        return np.stack(content)


@pytest.mark.parametrize("batch_size", ["auto", 32])
def test_what_does_not_fit_into_memory_is_encoded_in_halves(batch_size):
    values = np.random.default_rng(0).normal(size=(100, 3)).astype("f4")
    encoder = Small()
    emb = embed(Items.from_arrays(values), encoder, batch_size=batch_size, progress=False)

    assert (emb.vectors == values).all()
    assert sum(size for size in encoder.batches if size <= 10) == 100
    assert sum(size > 10 for size in encoder.batches) <= 5


def test_an_item_that_never_fits_is_an_error():
    class Full(Small):
        def encode(self, _):
            raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        embed(Items.from_arrays(np.eye(3)), Full(), progress=False)
