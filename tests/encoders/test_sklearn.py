"""Fitted transformers of scikit-learn: what they read, and what their fingerprint covers."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import RandomTreesEmbedding
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.neighbors import KNeighborsTransformer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from simlab.encoders import embed, encoder
from simlab.errors import DataError, ShapeError

TEXTS = ["a red fox", "the fox runs", "a blue car", "the car stops"]
ROWS = np.random.default_rng(0).normal(size=(8, 4))


class Twice(TransformerMixin, BaseEstimator):
    """A transformer of the user's own."""

    factor = 2

    def fit(self, rows, _=None):
        self.n_features_in_ = rows.shape[1]
        return self

    def transform(self, rows):
        return rows * self.factor


def tfidf(**options):
    return make_pipeline(TfidfVectorizer(**options), TruncatedSVD(2, random_state=0)).fit(TEXTS)


def test_a_pipeline_of_texts_gives_what_it_transforms():
    ready = encoder(tfidf())

    assert ready.name == "TfidfVectorizer + TruncatedSVD"
    assert ready.modalities == {"text"}
    assert np.allclose(ready.encode(TEXTS), tfidf().transform(TEXTS))


def test_sparse_answers_become_plain_ones():
    ready = encoder(TfidfVectorizer().fit(TEXTS))

    assert ready.encode(TEXTS).shape == (4, ready.dim)


def test_arrays_of_any_shape_are_flattened():
    ready = encoder(PCA(2).fit(ROWS))

    assert ready.modalities == {"array"}
    assert np.allclose(ready.encode(list(ROWS.reshape(8, 2, 2))), ready.encode(list(ROWS)))


def test_what_was_fitted_on_a_frame_does_not_warn():
    frame = pd.DataFrame(ROWS, columns=list("abcd"))
    ready = encoder(StandardScaler().fit(frame))

    assert np.allclose(ready.encode(list(ROWS)).mean(axis=0), 0, atol=1e-6)


@pytest.mark.parametrize(
    "unfitted",
    [TfidfVectorizer(), make_pipeline(TfidfVectorizer(), TruncatedSVD(2)), StandardScaler()],
    ids=["step", "pipeline", "scaler"],
)
def test_what_is_not_fitted_is_to_be_fitted_on_training_items(unfitted):
    with pytest.raises(DataError) as caught:
        encoder(unfitted)

    assert "must be fitted before it encodes; fit it on the training items only" in str(
        caught.value
    )


@pytest.mark.parametrize("ready", [HashingVectorizer(n_features=8), FunctionTransformer(np.abs)])
def test_what_needs_no_fit_is_taken_as_it_is(ready):
    content = TEXTS if hasattr(ready, "build_analyzer") else list(ROWS)

    assert encoder(ready).encode(content).shape[0] == len(content)


def test_a_union_reads_what_its_parts_read():
    union = make_union(TfidfVectorizer(), TfidfVectorizer(analyzer="char")).fit(TEXTS)

    assert encoder(union).modalities == {"text"}


def test_the_modality_may_be_told():
    own = FunctionTransformer(lambda texts: [[len(text)] for text in texts])

    assert encoder(own, modalities=["text"]).encode(TEXTS).ravel().tolist() == [9, 12, 10, 13]


def test_one_vector_per_item_is_asked_for():
    with pytest.raises(ShapeError, match=r"^FunctionTransformer must return one vector per item"):
        encoder(FunctionTransformer(np.ravel)).encode(list(ROWS))


FITTED = {
    "tf-idf": (tfidf(), tfidf(lowercase=False), tfidf(sublinear_tf=True)),
    "analyzer": (
        tfidf(),
        tfidf(preprocessor=str.upper),
        tfidf(tokenizer=str.split, token_pattern=None),
    ),
    "scaler": (StandardScaler().fit(ROWS), StandardScaler().fit(ROWS + 1)),
    "pca": (PCA(2).fit(ROWS), PCA(2, whiten=True).fit(ROWS), PCA(3).fit(ROWS)),
    "trees": tuple(
        RandomTreesEmbedding(2, max_depth=2, random_state=seed).fit(ROWS) for seed in (0, 1)
    ),
    "neighbors": tuple(
        KNeighborsTransformer(n_neighbors=2, algorithm="kd_tree").fit(rows)
        for rows in (ROWS, 2 * ROWS)
    ),
    "one-hot": tuple(
        OneHotEncoder(handle_unknown="ignore").fit(np.array(values)[:, None])
        for values in (["a", "b"], ["a", "c"])
    ),
}


@pytest.mark.parametrize("fitted", FITTED.values(), ids=FITTED)
def test_all_that_was_learned_or_set_counts(fitted):
    assert len({encoder(one).fingerprint for one in fitted}) == len(fitted)


@pytest.mark.parametrize("name", ["tf-idf", "trees", "neighbors"])
def test_fitting_again_in_the_same_way_is_the_same_fingerprint(name):
    from sklearn.base import clone

    one = FITTED[name][0]
    again = clone(one).fit(TEXTS if name == "tf-idf" else ROWS)

    assert encoder(one).fingerprint == encoder(again).fingerprint


def test_what_says_nothing_of_the_vectors_does_not_count():
    one, other = StandardScaler().fit(ROWS), make_pipeline(StandardScaler(), verbose=True)

    assert encoder(one).fingerprint != encoder(other.fit(ROWS)).fingerprint
    assert (
        encoder(make_pipeline(StandardScaler()).fit(ROWS)).fingerprint == encoder(other).fingerprint
    )


def test_the_code_of_an_own_transformer_counts(monkeypatch):
    before = encoder(Twice().fit(ROWS)).fingerprint
    monkeypatch.setattr(Twice, "factor", 3)

    assert encoder(Twice().fit(ROWS)).fingerprint != before


def test_fitting_it_anew_misses_the_cache(texts):
    model = tfidf()
    ready = encoder(model)
    before = embed(texts, ready, progress=False)
    model.fit([*TEXTS, "a car", "a fox"])
    after = embed(texts, ready, progress=False)

    assert not np.allclose(before.vectors, after.vectors)
