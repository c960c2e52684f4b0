"""The real encoders: shapes, the same each time, and no word of neighbors in a batch."""

import logging
import subprocess
import sys

import numpy as np
import pytest

from simlab.encoders import embed, encoder
from simlab.items import load

pytestmark = pytest.mark.real

CASES = {
    "efficientnet-lite0": ("emoji-styles", 8, 2016),
    "minilm": ("wordnet-glosses", 6, 384),
    "wordllama": ("wordnet-glosses", 6, 256),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """Return an encoder, some content for it, and the dimension it should have."""
    demo, n, dim = CASES[request.param]
    spread = np.linspace(0, 1900, n).astype(int)
    return encoder(request.param), load(demo)[spread], dim


@pytest.fixture(scope="module")
def vectors(case):
    ready, items, _ = case
    return ready.encode(list(items.content))


def test_every_item_gets_a_finite_vector_of_the_right_size(case, vectors):
    _, items, dim = case

    assert (vectors.shape, vectors.dtype) == ((len(items), dim), np.float32)
    assert np.isfinite(vectors).all()


def test_encoding_again_gives_the_same_vectors(case, vectors):
    ready, items, _ = case

    assert (ready.encode(list(items.content)) == vectors).all()


def test_the_other_items_of_a_batch_do_not_change_a_vector(case, vectors):
    ready, items, _ = case
    alone = np.concatenate([ready.encode([one]) for one in items.content])

    assert np.abs(alone - vectors).max() < 1e-4


def test_the_fingerprint_outlives_use_and_is_that_of_a_fresh_instance(case, vectors):
    ready, _, _ = case

    assert len(vectors) > 0
    assert encoder(ready.name).fingerprint == ready.fingerprint


def test_a_fresh_instance_finds_what_another_one_left(case, vectors, monkeypatch):
    ready, items, _ = case
    first = embed(items, ready, progress=False)
    fresh = encoder(ready.name)
    monkeypatch.setattr(fresh, "encode", None)

    assert (embed(items, fresh, progress=False).vectors == first.vectors).all()
    assert np.abs(first.vectors - vectors).max() < 1e-4


def test_different_items_get_different_vectors(vectors):
    assert len(np.unique(vectors, axis=0)) == len(vectors)


def test_loading_prints_nothing(case, capfd):
    encoder(case[0].name)

    assert capfd.readouterr() == ("", "")


def test_loading_wordllama_leaves_logging_alone():
    script = (
        "import logging; from simlab.encoders import encoder; encoder('wordllama'); "
        "root = logging.getLogger(); print(root.level, root.handlers)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )

    assert told.stdout == f"{logging.WARNING} []\n"


def test_another_size_of_pictures_is_another_fingerprint():
    small, usual = encoder("efficientnet-lite0", size=64), encoder("efficientnet-lite0")

    assert small.fingerprint != usual.fingerprint


@pytest.mark.parametrize(
    ("name", "value"),
    [("truncate_dim", 32), ("default_prompt_name", "query"), ("max_seq_length", 8)],
)
def test_a_setting_of_a_sentence_model_is_another_fingerprint(name, value):
    ready = encoder("minilm")
    before = ready.fingerprint
    setattr(ready._model, name, value)

    assert ready.fingerprint != before


def test_a_sentence_model_is_an_encoder_of_texts():
    model = encoder("minilm")._model
    wrapped = encoder(model, name="mine")

    assert (wrapped.name, wrapped.modalities) == ("mine", frozenset({"text"}))
    assert wrapped.fingerprint == encoder("minilm").fingerprint
