"""Health of a space: extremes are told as papers define them, and slow formulas agree."""

import numpy as np
import pytest

from simlab.errors import ShapeError
from simlab.space import alignment, effective_rank, hubness, uniformity, variances


@pytest.fixture
def vectors():
    return np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)


@pytest.fixture
def labels():
    return np.repeat(np.arange(12), 5)


def unit(vectors):
    vectors = vectors.astype(float)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_variances_sum_to_one_less_the_mean_similarity_of_all_pairs(vectors):
    mean = (unit(vectors) @ unit(vectors).T).mean()

    assert variances(vectors).sum() == pytest.approx(1 - mean, abs=1e-6)


def test_vectors_that_point_the_same_way_have_no_variance_and_no_rank():
    same = np.outer([1.0, 2.0, 3.0], [1.0, 2.0]).astype(np.float32)

    assert variances(same).sum() == pytest.approx(0, abs=1e-6)
    assert effective_rank(same) == 0


def test_the_effective_rank_is_the_perplexity_of_the_singular_values(vectors):
    centered = unit(vectors) - unit(vectors).mean(axis=0)
    values = np.linalg.svd(centered, compute_uv=False)
    shares = values / values.sum()

    assert effective_rank(vectors) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), 1e-4)


def test_more_dimensions_than_vectors_change_nothing_of_the_rank(vectors):
    wide = np.concatenate([vectors, np.zeros((60, 100), np.float32)], axis=1)

    assert effective_rank(wide) == pytest.approx(effective_rank(vectors), rel=1e-4)


@pytest.mark.parametrize("dim", [1, 2, 4])
def test_a_flat_space_has_the_rank_of_its_dimensions(dim):
    axes = np.eye(8)[:dim]

    assert effective_rank(np.concatenate([axes, -axes])) == pytest.approx(dim)


def test_alignment_is_the_mean_squared_distance_of_friends(vectors, labels):
    apart = ((unit(vectors)[:, None] - unit(vectors)) ** 2).sum(axis=2)
    is_friend = (labels[:, None] == labels) & ~np.eye(60, dtype=bool)

    assert alignment(vectors, labels) == pytest.approx(apart[is_friend].mean(), rel=1e-5)


def test_labels_and_similarities_tell_the_same_alignment(vectors, labels):
    known = (labels[:, None] == labels).astype(float)
    known[0, 59] = known[59, 0] = np.nan  # strangers of whom nothing is known

    assert alignment(vectors, known) == pytest.approx(alignment(vectors, labels), rel=1e-5)


def test_without_friends_there_is_no_alignment(vectors):
    assert np.isnan(alignment(vectors, np.arange(60)))
    assert np.isnan(alignment(vectors, np.full(60, -1)))
    assert np.isnan(alignment(vectors, np.eye(60)))


def test_uniformity_is_the_mean_of_a_gaussian_of_distances(vectors):
    apart = ((unit(vectors)[:, None] - unit(vectors)) ** 2).sum(axis=2)
    pairs = apart[np.triu_indices(60, 1)]

    assert uniformity(vectors) == pytest.approx(np.log(np.exp(-2 * pairs).mean()), rel=1e-4)


def test_a_collapsed_space_is_least_uniform(vectors):
    assert uniformity(np.ones((4, 3))) == pytest.approx(0, abs=1e-6)
    assert uniformity(vectors) < -1


def test_hubness_is_the_skewness_of_how_often_items_are_neighbors(vectors):
    similarity = unit(vectors) @ unit(vectors).T
    np.fill_diagonal(similarity, -np.inf)
    nearest = np.argsort(-similarity, axis=1)[:, :10]
    counts = np.bincount(nearest.ravel(), minlength=60)
    skewness = ((counts - counts.mean()) ** 3).mean() / counts.std() ** 3

    assert hubness(vectors) == pytest.approx(skewness)


def test_one_item_that_is_near_to_all_is_a_hub(vectors):
    star = np.concatenate([np.eye(40), np.full((1, 40), 0.5)])

    assert hubness(star, k=1) > 5 > hubness(vectors, k=1)


def test_blocks_of_rows_change_nothing(vectors, monkeypatch):
    whole = hubness(vectors), uniformity(vectors)
    monkeypatch.setattr("simlab.space.diagnosis._health._BLOCK", 7)

    assert (hubness(vectors), uniformity(vectors)) == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("measure", [variances, effective_rank, uniformity, hubness])
@pytest.mark.parametrize("shape", [(3,), (0, 3), (2, 2, 2)])
def test_what_is_no_matrix_is_refused(measure, shape):
    with pytest.raises(ShapeError, match=r"vectors of shape \(n, dim\); got"):
        measure(np.zeros(shape))


def test_labels_that_do_not_fit_are_refused(vectors):
    with pytest.raises(ShapeError, match=r"one label per vector .* got shape \(3,\)"):
        alignment(vectors, np.arange(3))


@pytest.mark.parametrize("measure", [uniformity, hubness])
def test_a_single_vector_tells_nothing(measure):
    assert np.isnan(measure(np.ones((1, 2))))
