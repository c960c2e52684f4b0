"""Confusions: planted ones are found, accidents are not, and counts equal a slow reference."""

from collections import Counter

import numpy as np
import pytest
from scipy.stats import binomtest, fisher_exact

from simlab.errors import ChoiceError, DataError
from simlab.items import Items
from simlab.space import Embeddings, Index, confusions
from simlab.space.diagnosis._wilson import wilson
from simlab.space.scores._paired import holm
from simlab.views import gallery


def space(vectors, labels, **columns):
    items = Items.from_arrays([f"text {row}" for row in range(len(vectors))], labels=labels)
    for name, values in columns.items():
        items = items.with_column(name, values)
    return Embeddings(vectors, items)


def confused(embeddings, k=3):
    return confusions(Index(embeddings).search(embeddings, k, exclude_self=True))


def blobs(n_labels=10, size=20, noise=0.3, seed=0):
    """Classes around centers of their own; the second lies beside the first."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(n_labels, 16))
    centers[1] = centers[0] + 0.1 * rng.normal(size=16)
    codes = np.repeat(np.arange(n_labels), size)
    return centers[codes] + noise * rng.normal(size=(len(codes), 16)), codes


@pytest.fixture(scope="module")
def planted():
    vectors, codes = blobs()
    return confused(space(vectors, [f"class {code}" for code in codes]))


def test_a_planted_confusion_is_found_and_no_other(planted):
    pairs = planted.pairs
    found = pairs[pairs["is_confused"]]

    assert set(zip(found["label"], found["neighbor"], strict=True)) == {
        ("class 0", "class 1"),
        ("class 1", "class 0"),
    }
    assert pairs["is_confused"].tolist() == sorted(pairs["is_confused"], reverse=True)


def test_counts_equal_a_slow_reference():
    vectors, codes = blobs(noise=1.0)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    told = Counter(zip(codes.tolist(), codes[similarity.argmax(axis=1)].tolist(), strict=True))
    found = confused(space(vectors, codes))
    cells = found.cells

    assert (
        dict(zip(zip(cells["label"], cells["neighbor"], strict=True), cells["n"], strict=True))
        == told
    )
    assert found.matrix().to_numpy().tolist() == [
        [told[a, b] for b in range(10)] for a in range(10)
    ]
    assert (cells.groupby("label")["n"].sum() == 20).all()


def test_the_test_is_that_of_fisher_on_different_items():
    vectors, codes = blobs(noise=1.0)
    found = confused(space(vectors, codes))
    nearest = found.neighbors.positions[:, 0]
    wrong = found.cells[found.cells["label"] != found.cells["neighbor"]]
    p = []
    for one in wrong.itertuples():
        items = np.unique(nearest[codes == one.label])
        items = items[codes[items] != one.label]
        others = codes != one.label
        hit = np.isin(np.arange(200), items)
        is_neighbor = codes == one.neighbor
        table = [
            [(hit & is_neighbor).sum(), (hit & ~is_neighbor).sum()],
            [(~hit & is_neighbor).sum(), (others & ~hit & ~is_neighbor).sum()],
        ]
        p.append(fisher_exact(table, alternative="greater").pvalue)

    assert wrong["p"].to_numpy() == pytest.approx(p, rel=1e-9)
    assert wrong["p_corrected"].to_numpy() == pytest.approx(
        holm(np.array(p + [1.0] * (90 - len(p))))[: len(p)], rel=1e-9
    )


def test_one_mislabeled_item_that_is_near_to_many_is_no_confusion():
    codes = np.repeat(np.arange(10), 12)
    vectors = np.eye(22)[codes] + 0.05 * np.random.default_rng(0).normal(size=(120, 22))
    vectors[:12] += np.eye(22)[10:]  # label 0 lies around an empty middle
    vectors[12] = np.eye(22)[0]  # where one item is that is said to be of label 1
    cell = confused(space(vectors, codes)).pairs.iloc[0]

    assert (cell["label"], cell["neighbor"], cell["n_items"]) == (0, 1, 1)
    assert cell["n"] >= 5
    assert not cell["is_confused"]


def test_labels_that_say_nothing_are_rarely_called_confused():
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        found = confused(space(rng.normal(size=(150, 8)), rng.integers(10, size=150)), k=1)
        alarms += found.pairs["is_confused"].any()

    assert alarms <= 6


def test_with_two_labels_the_test_says_nothing():
    rng = np.random.default_rng(0)
    found = confused(space(rng.normal(size=(60, 4)), [0, 1] * 30))

    assert (found.pairs["p"] == 1).all()
    assert not found.pairs["is_confused"].any()


def test_the_other_way_is_told(planted):
    n = planted.cells.set_index(["label", "neighbor"])["n"]
    first = planted.pairs.iloc[0]

    assert first["back"] == n[first["neighbor"], first["label"]]


def test_the_queries_of_a_pair_come_with_all_their_neighbors(planted):
    found = planted.between("class 0", "class 1")
    n = planted.cells.set_index(["label", "neighbor"])["n"]["class 0", "class 1"]

    assert set(found.queries.items.labels) == {"class 0"}
    assert set(found.labels[:, 0]) == {"class 1"}
    assert (len(found), found.k) == (n, 3)
    assert (np.diff(found.similarities[:, 0]) <= 0).all()
    assert "✗ other" in gallery(found)._repr_html_()


def test_the_pair_that_is_confused_most_is_the_default(planted):
    first = planted.pairs.iloc[0]
    found = planted.between()

    assert found.ids.tolist() == planted.between(first["label"], first["neighbor"]).ids.tolist()


def test_items_without_a_label_are_left_out():
    vectors, codes = blobs(noise=1.0)
    labels = [None if row % 4 == 0 else f"class {code}" for row, code in enumerate(codes)]
    found = confused(space(vectors, labels))

    assert 0 < found.cells["n"].sum() < 150
    assert None not in found.labels


def test_a_gallery_of_other_items_is_counted_by_its_own_labels():
    vectors, codes = blobs(size=60)
    queries, others = space(vectors[::2], codes[::2]), space(vectors[1::2], codes[1::2])
    found = confusions(Index(others).search(queries, 2))

    assert found.cells["n"].sum() == 300
    assert {0, 1} == set(found.pairs.loc[found.pairs["is_confused"], "label"])


def test_a_space_without_mistakes_has_no_pairs():
    found = confused(space(np.repeat(np.eye(3), 5, axis=0), np.repeat([0, 1, 2], 5)))

    assert len(found.pairs) == 0
    assert "every nearest neighbor has the label of its query" in found._repr_html_()


def test_the_interval_of_a_share_is_that_of_wilson():
    low, high = wilson(np.array([0, 3, 20]), np.array([20, 20, 20]))
    told = [binomtest(hits, 20).proportion_ci(method="wilson") for hits in (0, 3, 20)]

    assert low == pytest.approx([one.low for one in told], abs=1e-12)
    assert high == pytest.approx([one.high for one in told], abs=1e-12)


def test_the_html_says_what_the_test_says(planted):
    html = planted._repr_html_()

    assert '<b class="no">confused</b>' in html
    assert "class 0 → class 1" in html


def test_unfit_input(planted):
    several = Embeddings(
        np.eye(3), Items.from_arrays(list("abc"), labels=[["x"], ["x", "y"], ["y"]])
    )
    silent = Embeddings(np.eye(3), Items.from_arrays(list("abc")))

    with pytest.raises(DataError, match="confusions need one label per item; these have several"):
        confused(several, k=1)
    with pytest.raises(DataError, match="confusions need labels on queries and gallery"):
        confused(silent, k=1)
    with pytest.raises(ChoiceError, match=r"neighbor must be one of .* got 'clas 1'. Did you mean"):
        planted.between("class 0", "clas 1")
    with pytest.raises(DataError, match="no query of 'class 0' has a nearest"):
        planted.between("class 0", "class 7")
