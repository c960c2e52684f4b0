"""What every kind of encoder owes: one law file for all, each with a tiny model of its own."""

from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from simlab.encoders import Encoder, Precomputed, SeveralEncoder, Tabular, WordVectors, encoder

TEXTS = ["a red fox", "the fox runs", "car", "a blue car stops the red fox"]
CHANCE = np.random.default_rng(0)
ARRAYS = list(CHANCE.normal(size=(4, 3)))
PICTURES = [Image.fromarray(CHANCE.integers(0, 255, (12, 10, 3), np.uint8)) for _ in range(4)]
ROWS = [{"n": number, "kind": kind} for number, kind in zip([1.0, 2, 5, 9], "abba", strict=True)]
BOTH = [{"image": image, "text": text} for image, text in zip(PICTURES, TEXTS, strict=True)]


def mean_color(picture):
    return np.asarray(picture, dtype=np.float32).mean(axis=(0, 1)) / 255


def linear(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Dropout(0.5))


def words(seed=0):
    known = ["a", "red", "fox", "car"]
    return WordVectors(known, np.random.default_rng(seed).normal(size=(4, 5)))


def tfidf(seed=0):
    made = make_pipeline(TfidfVectorizer(), TruncatedSVD(2, random_state=0))
    return encoder(made.fit([*TEXTS, *["wolf fox"] * seed]))


def scaled(seed=0):
    return encoder(make_pipeline(StandardScaler(), PCA(2)).fit(np.add(ARRAYS, [seed, 0, 0])))


def tiny_text(tiny, seed=0):
    return encoder(tiny.bert(seed), processor=tiny.tokenizer())


def tiny_image(tiny, seed=0):
    return encoder(tiny.vit(seed), processor=tiny.image_processor())


def tiny_both(tiny, seed=0):
    model, processor = tiny.clip(seed)
    return encoder(model, processor=processor)


def side_by_side(seed=0):
    return encoder({"text": words(seed), "image": encoder(linear(), preprocess=mean_color)})


KINDS = {
    "module": (lambda _, seed: encoder(linear(seed)), ARRAYS, 2),
    "preprocess": (lambda _, seed: encoder(linear(seed), preprocess=mean_color), PICTURES, 2),
    "bert": (tiny_text, TEXTS, 16),
    "vit": (tiny_image, PICTURES, 16),
    "clip": (tiny_both, TEXTS + PICTURES, 8),
    "open_clip": (lambda tiny, seed: tiny.open_clip_like(seed), TEXTS + PICTURES, 4),
    "tf-idf": (lambda _, seed: tfidf(seed), TEXTS, 2),
    "scaled": (lambda _, seed: scaled(seed), ARRAYS, 2),
    "words": (lambda _, seed: words(seed), TEXTS, 5),
    "table": (lambda _, seed: Tabular([*ROWS, {"n": seed, "kind": "a"}]), ROWS, 3),
    "given": (lambda _, seed: Precomputed(TEXTS, np.eye(4) + seed), TEXTS, 4),
    "side by side": (lambda _, seed: side_by_side(seed), BOTH, 7),
}


def told_dim(ready, content):
    """Read the dimensions of an encoder; one per modality tells those of each."""
    if isinstance(ready, SeveralEncoder) and content is not BOTH:
        [dim] = set(ready.dims.values())
        return dim
    return ready.dim


@pytest.fixture(params=KINDS)
def kind(request, tiny):
    """Return a maker of encoders from a seed, content for it, and the dimensions it has."""
    make, content, dim = KINDS[request.param]
    return partial(make, tiny), content, dim


def test_it_is_an_encoder_of_finite_vectors_with_the_dimensions_it_tells(kind):
    make, content, dim = kind
    ready = make(0)
    vectors = ready.encode(content)

    assert isinstance(ready, Encoder)
    assert (vectors.shape, vectors.dtype) == ((len(content), dim), np.float32)
    assert np.isfinite(vectors).all()
    assert told_dim(ready, content) == dim


def test_it_gives_the_same_vectors_each_time_and_in_any_company(kind):
    make, content, _ = kind
    ready = make(0)
    vectors = ready.encode(content)
    alone = np.concatenate([ready.encode([one]) for one in content])

    assert (ready.encode(content) == vectors).all()
    assert np.allclose(alone, vectors, atol=1e-5)
    assert len(np.unique(vectors.round(4), axis=0)) == len(content)


def test_its_fingerprint_outlives_use_and_is_that_of_its_like(kind):
    make, content, _ = kind
    ready = make(0)
    before = ready.fingerprint
    ready.encode(content)

    assert ready.fingerprint == before == make(0).fingerprint


def test_other_weights_are_another_fingerprint(kind):
    make, _, _ = kind

    assert make(0).fingerprint != make(1).fingerprint


def test_it_shows_itself_in_one_line(kind):
    make, _, _ = kind
    shown = repr(make(0))

    assert "\n" not in shown
    assert len(shown) < 160


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("model", "processor", "content"),
    [("bert", "tokenizer", TEXTS), ("vit", "image_processor", PICTURES)],
)
def test_a_frozen_model_encodes_in_eval_mode_and_stays_as_it_was(
    model, processor, content, training, tiny
):
    model = getattr(tiny, model)().train(training)
    ready = encoder(model, processor=getattr(tiny, processor)())

    assert (ready.encode(content) == ready.encode(content)).all()
    assert {part.training for part in model.modules()} == {training}


@pytest.mark.parametrize("name", ["module", "bert", "vit"])
def test_a_model_is_moved_only_where_it_is_told(name, tiny):
    make = {
        "module": lambda **options: encoder(linear(), **options),
        "bert": lambda **options: encoder(tiny.bert(), processor=tiny.tokenizer(), **options),
        "vit": lambda **options: encoder(tiny.vit(), processor=tiny.image_processor(), **options),
    }[name]

    assert str(make().device) == "cpu"
    assert str(make(device="meta").device) == "meta"
