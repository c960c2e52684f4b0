"""NMI and AMI: equal to scikit-learn's of the same clusters, and seeded."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score

from simlab.errors import DataError
from simlab.items import Items
from simlab.space import Embeddings, score


def clusters(n=80, n_labels=5, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_labels, size=n)
    vectors = rng.normal(size=(n_labels, 4))[labels] + 0.7 * rng.normal(size=(n, 4))
    return Embeddings(vectors, Items.from_arrays(vectors, labels))


def test_clusters_are_rated_as_by_scikit_learn():
    emb = clusters()
    means = KMeans(5, n_init=1, random_state=0).fit_predict(emb.unit)
    found = score(emb, metrics=["nmi", "ami"])

    assert found.value("nmi") == pytest.approx(
        normalized_mutual_info_score(emb.items.labels, means), abs=1e-6
    )
    assert found.value("ami") == pytest.approx(
        adjusted_mutual_info_score(emb.items.labels, means), abs=1e-6
    )


def test_clusters_have_no_interval_and_say_so():
    found = score(clusters(), metrics=["nmi", "mrr"])
    row = found.frame.set_index("metric").loc["nmi"]

    assert np.isnan([row["low"], row["high"]]).all()
    assert row["unit"] == "none"
    assert "nan" not in repr(found)
    assert "nan" not in found._repr_html_()
    assert "bootstrap over queries" in found._repr_html_()


def test_seen_and_unseen_classes_are_clustered_apart():
    emb = clusters(n_labels=6)
    items = emb.items.split(by="label", test=0.5)
    whole = Embeddings(emb.vectors, items)
    found = score(whole, metrics=["nmi"])
    unseen = whole[~items.column("seen").astype(bool)]

    assert found.value("nmi", "unseen") == score(unseen, metrics=["nmi"]).value("nmi")


def test_sets_put_together_are_clustered_each_alone():
    emb = clusters(40)
    both = Items.concat({"cars": emb.items[:20], "dogs": emb.items[20:]})
    found = score(Embeddings(emb.vectors, both), metrics=["ami"])

    assert found.frame["classes"].tolist() == ["all, cars", "all, dogs"]


@pytest.mark.parametrize("metric", ["nmi", "knn-accuracy@3"])
def test_items_of_several_labels_have_no_clusters_and_no_votes(metric):
    emb = Embeddings(np.eye(3), Items.from_arrays(list("abc"), labels=[["x"], ["x", "y"], ["y"]]))

    with pytest.raises(DataError, match=f"{metric} needs one label for each item"):
        score(emb, metrics=[metric])


def test_the_rank_of_scores_needs_scores():
    with pytest.raises(DataError, match="spearman needs pairs with scores"):
        score(clusters(), metrics=["spearman"])
