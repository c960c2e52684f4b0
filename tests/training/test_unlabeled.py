"""Learning without any label: two views of an item are alike, all other items strange."""

import numpy as np
import pytest

from simlab.encoders import embed, encoder
from simlab.errors import ChoiceError, DataError
from simlab.items import Items, load
from simlab.space import score
from simlab.training import fit
from simlab.training._batches import TwoViews

QUIET = {"cache": False, "progress": False}


def scrambled(array):
    """Replace the half that tells nothing by new noise."""
    noise = np.random.normal(scale=3, size=array.shape)  # noqa: NPY002
    return np.where(np.arange(len(array)) < len(array) // 2, array, noise).astype("f4")


@pytest.fixture(scope="module")
def unlabeled(blobs):
    labeled = blobs(10, 16)
    bare = Items.from_arrays(labeled.content[:], ids=labeled.ids.tolist())
    return bare, labeled


@pytest.mark.parametrize("loss", ["nt-xent", "supcon", "triplet", "vicreg", "barlow-twins"])
def test_a_space_gets_better_without_any_label(unlabeled, loss):
    bare, labeled = unlabeled
    noisy = encoder("pixels", augment=scrambled)
    options = {"epochs": 40, "lr": 1e-2, "weight_decay": 0.01, "batch_size": 80, **QUIET}
    run = fit(bare, noisy, loss=loss, views=6, **options)
    before, after = (score(embed(labeled, one, **QUIET)).value("map@r") for one in (noisy, run))

    assert after > before + 0.05
    assert run.seen_labels == frozenset()
    assert len(run.history) == 41


def test_the_stripes_of_digits_are_learned_to_mean_nothing():
    def restriped(array):
        array = array.copy()
        row, column = np.random.randint(8, size=2)  # noqa: NPY002
        array[row] = array[:, column] = 16
        return array

    digits = load("striped-digits")
    bare = Items.from_arrays(digits.content[:600])
    striped = encoder("pixels", augment=restriped)
    run = fit(bare, striped, loss="nt-xent", views=8, weight_decay=0.01, **QUIET)
    rest = digits[600:1200]
    before, after = (score(embed(rest, one, **QUIET)).value("map@r") for one in (striped, run))

    assert after > before + 0.02


def test_only_training_items_are_learned_from(unlabeled, counting):
    bare, _ = unlabeled
    parted = bare.split(by="item", test=0.5)
    fit(parted, encoder(counting, augment=scrambled), views=2, epochs=1, progress=False)

    assert counting.n_encoded == 80 * 3


def test_batches_hold_two_different_views_of_each_item():
    batches = TwoViews(50, 4, batch_size=20, seed=0)
    for epoch in range(5):
        batches.set_epoch(epoch)
        rows = [np.array(batch) for batch in batches]
        assert sorted(np.concatenate(rows) // 4) == sorted([*range(50)] * 2)
        for batch in rows:
            first, second = batch.reshape(2, -1)
            assert (first // 4 == second // 4).all()
            assert (first != second).all()


def test_without_labels_and_views_the_error_names_both(unlabeled):
    with pytest.raises(DataError, match=r"needs labels or pairs; .* from views= of an encoder"):
        fit(unlabeled[0], encoder("pixels"), **QUIET)


def test_a_loss_of_views_is_refused_where_there_are_labels(unlabeled):
    with pytest.raises(ChoiceError, match="learns from two views, not from labels"):
        fit(unlabeled[1], encoder("pixels", augment=scrambled), views=2, loss="vicreg", **QUIET)
