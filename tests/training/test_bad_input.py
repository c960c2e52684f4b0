"""Every complaint of fit in full: what must hold, what came, what to do."""

import numpy as np
import pytest

from simlab.errors import ChoiceError, DataError, SimlabError
from simlab.items import Items
from simlab.training import fit
from simlab.training.heads import HEADS


def complaint(items, encoder, **options):
    with pytest.raises(SimlabError) as caught:
        fit(items, encoder, cache=False, progress=False, **options)
    return str(caught.value)


def labeled(*labels):
    return Items.from_arrays(np.eye(len(labels), dtype=np.float32), labels=labels)


BAD_ITEMS = {
    "no items": (
        lambda: labeled("a", "b")[:0],
        "fit needs at least one item; got none",
    ),
    "no labels": (
        lambda: Items.from_arrays(np.eye(3)),
        (
            "fit needs labels or pairs; give labels= when making the items, or learn without any "
            "from views= of an encoder that augments"
        ),
    ),
    "one label": (
        lambda: labeled("a", "a", "a"),
        (
            "fit needs items of at least two labels; got only 'a'; similarity is learned from what "
            "differs"
        ),
    ),
    "single item": (
        lambda: labeled("a", "a", "b", "c", "d", "d"),
        (
            "label 'b' has 1 item, but fit needs at least 2 per label (2 such labels); drop them "
            "with items.with_min_count(2)"
        ),
    ),
    "missing labels": (
        lambda: labeled("a", "a", "b", "b", None, None),
        (
            "fit needs a label for every item; 2 of 6 have none; drop them with "
            "items.with_min_count(2)"
        ),
    ),
    "no training items": (
        lambda: labeled("a", "a", "b", "b").with_column("split", ["test"] * 4),
        "some item must have split='train'; none of 4 has; split is one of test",
    ),
    "training items of one label": (
        lambda: labeled("a", "a", "b", "b").with_column("split", ["train"] * 2 + ["test"] * 2),
        (
            "fit needs items of at least two labels; got only 'a'; similarity is learned from what "
            "differs"
        ),
    ),
}


@pytest.mark.parametrize("kind", BAD_ITEMS)
def test_unfit_items(kind, pixels):
    items, text = BAD_ITEMS[kind]

    assert complaint(items(), pixels) == text


def test_the_advice_on_missing_labels_helps(learn):
    items = labeled(*"aabbccdd", None).with_min_count(2)

    assert learn(items, val=0, epochs=1).seen_labels == set("abcd")


BAD_NUMBERS = [
    ({"epochs": 0}, "epochs must be a whole number, at least 1; got 0"),
    ({"epochs": 2.5}, "epochs must be a whole number, at least 1; got 2.5"),
    ({"batch_size": 3}, "batch_size must be a whole number, at least 4; got 3"),
    ({"batch_size": "64"}, "batch_size must be a whole number, at least 4; got '64'"),
    ({"per_class": 1}, "per_class must be a whole number, at least 2; got 1"),
    ({"patience": 0}, "patience must be a whole number, at least 1; got 0"),
    ({"seed": -1}, "seed must be a whole number, at least 0; got -1"),
    ({"lr": 0}, "lr must be above 0 and finite; got 0"),
    ({"lr": float("nan")}, "lr must be above 0 and finite; got nan"),
    ({"weight_decay": -0.1}, "weight_decay must be at least 0 and finite; got -0.1"),
    ({"dropout": 1}, "dropout must be a share in [0, 1); got 1"),
    ({"dropout": -0.1}, "dropout must be a share in [0, 1); got -0.1"),
    ({"val": 1.0}, "val must be a share in [0, 1); got 1.0"),
    (
        {"epochs": 0, "lr": -1, "val": 2},
        (
            "epochs must be a whole number, at least 1; got 0; lr must be above 0 and finite; got "
            "-1; val must be a share in [0, 1); got 2"
        ),
    ),
    (
        {"epochs": 0, "batch_size": 0, "per_class": 0, "patience": 0, "lr": 0},
        (
            "epochs must be a whole number, at least 1; got 0; batch_size must be a whole number, "
            "at least 4; got 0; per_class must be a whole number, at least 2; got 0"
        ),
    ),
]


@pytest.mark.parametrize(("options", "text"), BAD_NUMBERS)
def test_unfit_numbers(blobs, pixels, options, text):
    assert complaint(blobs(4, 6), pixels, **options) == text


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"head": "skipp"},
            (
                "head must be one of 'auto', 'gated', 'gated-skip', 'identity', 'linear', 'mlp', "
                "'skip', 'skip-mlp', 'softmax-groups', 'stacked', 'switch', 'widening'; got "
                "'skipp'. Did you mean 'skip'?"
            ),
        ),
        (
            {"monitor": "map"},
            (
                "monitor must be one of 'auto', 'map@r', 'r-precision', 'recall@1', 'spearman', "
                "'triplet-accuracy'; got 'map'. Did you mean 'map@r'?"
            ),
        ),
    ],
)
def test_unknown_names(blobs, pixels, options, text):
    assert complaint(blobs(4, 6), pixels, **options) == text


def test_an_unknown_name_carries_what_could_be_chosen(blobs, pixels):
    with pytest.raises(ChoiceError) as caught:
        fit(blobs(4, 6), pixels, head="skipp")

    choices = tuple(sorted(["auto", "switch", *HEADS]))

    assert (caught.value.given, caught.value.choices) == ("skipp", choices)


def test_unfit_items_are_found_before_anything_is_encoded(counting):
    with pytest.raises(DataError):
        fit(labeled("a", "a", "b"), counting)

    assert counting.n_encoded == 0


def test_the_name_of_an_encoder_is_no_encoder(blobs):
    with pytest.raises(TypeError, match=r"make one with simlab.encoder\('pixels'\)"):
        fit(blobs(), "pixels")
