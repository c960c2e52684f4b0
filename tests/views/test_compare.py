"""compare: spaces of the same items side by side, as figures, a table and one chart."""

import json

import numpy as np
import pandas as pd
import pytest

from simlab.encoders import embed, encoder
from simlab.errors import ChoiceError, DataError
from simlab.items import Items
from simlab.reports._page import Figure, external_urls, page
from simlab.space import Embeddings, paired, score
from simlab.training import fit
from simlab.views import Comparison, compare, gallery

QUIET = {"cache": False, "progress": False}


def made(n_labels=10, size=6):
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(n_labels), size)
    values = rng.normal(size=(n_labels, 6))[codes] + rng.normal(size=(len(codes), 6))
    return Items.from_arrays(values.astype(np.float32), labels=codes)


@pytest.fixture(scope="module")
def items():
    return made().split(by="label")


@pytest.fixture(scope="module")
def run(items):
    parts = items.column("split").astype(object)
    parts[np.flatnonzero(parts == "train")[::3]] = "val"
    return fit(items.with_column("split", parts), encoder("pixels"), epochs=2, **QUIET)


@pytest.fixture(scope="module")
def spaces(items, run):
    return {
        "frozen": embed(items, encoder("pixels"), **QUIET),
        "trained": embed(items, run, **QUIET),
    }


@pytest.fixture(scope="module")
def comparison(spaces):
    return compare(spaces)


# -- figures --------------------------------------------------------------------------------


def test_the_frame_has_the_columns_of_scores_behind_the_space(comparison):
    assert comparison.frame.columns.tolist() == [
        "space",
        "classes",
        "metric",
        "value",
        "low",
        "high",
        "n",
        "unit",
    ]


def test_the_frame_has_every_metric_of_every_space(comparison):
    metrics = ["recall@1", "recall@5", "recall@10", "map@r", "r-precision"]

    assert list(zip(comparison.frame["space"], comparison.frame["metric"], strict=True)) == [
        (space, metric) for space in ("frozen", "trained") for metric in metrics
    ]


def test_only_test_items_are_scored_where_the_items_are_split(comparison, spaces):
    by_hand = score(spaces["trained"].where(split="test")).frame
    frame = comparison.frame
    trained = frame[frame["space"] == "trained"].drop(columns="space").reset_index(drop=True)

    pd.testing.assert_frame_equal(trained, by_hand)
    assert comparison.note == "30 test items"


def test_all_items_are_scored_where_nothing_was_split():
    space = embed(made(3), encoder("pixels"), **QUIET)
    comparison = compare({"pixels": space})

    assert (set(comparison.frame["n"]), comparison.note) == ({18}, "all 18 items given")


def test_all_items_are_scored_where_there_is_no_test_part():
    items = made(3).with_column("split", ["train", "val"] * 9)

    assert (
        compare({"pixels": embed(items, encoder("pixels"), **QUIET)}).note == "all 18 items given"
    )


def test_spaces_keep_their_order(spaces):
    turned = dict(reversed(spaces.items()))

    assert list(compare(turned).scores) == ["trained", "frozen"]


def test_trained_spaces_have_curves(comparison, run):
    assert list(comparison.histories) == ["trained"]
    assert comparison.histories["trained"] is run.history


def test_embeddings_of_no_known_source_can_be_compared(items, spaces):
    plain = Embeddings(spaces["frozen"].vectors, items)

    assert list(compare({"plain": plain, **spaces}).scores) == ["plain", "frozen", "trained"]


# -- bad input ------------------------------------------------------------------------------


def complaint(spaces):
    with pytest.raises(DataError) as caught:
        compare(spaces)
    return str(caught.value)


def test_nothing_to_compare():
    assert complaint({}) == "compare needs at least one space; got none"


def test_spaces_of_different_items(spaces):
    assert complaint({**spaces, "half": spaces["frozen"][:30]}) == (
        "compare needs the same items in every space; the ids of 'half' (30 items) differ from "
        "those of 'frozen' (60 items); embed the same items"
    )


def test_spaces_of_the_same_items_in_another_order(spaces):
    assert "the ids of 'turned'" in complaint({**spaces, "turned": spaces["frozen"][::-1]})


def test_spaces_of_items_with_other_labels(items, spaces):
    relabeled = Embeddings(
        spaces["frozen"].vectors, items.with_column("label", items.labels[::-1].copy())
    )

    assert "the labels of 'other' (60 items) differ" in complaint({**spaces, "other": relabeled})


@pytest.mark.parametrize("first", ["split", "plain"])
def test_spaces_of_items_split_differently(spaces, first):
    both = {"split": spaces["frozen"], "plain": embed(made(), encoder("pixels"), **QUIET)}
    other = ({*both} - {first}).pop()

    assert complaint({first: both[first], other: both[other]}) == (
        f"compare needs the same items in every space; the splits of {other!r} (60 items) differ "
        f"from those of {first!r} (60 items); embed the same items"
    )


# -- showing --------------------------------------------------------------------------------


def test_the_repr_says_the_first_figure_of_each_space(comparison):
    row = comparison.frame.query("space == 'frozen' and metric == 'recall@1'").iloc[0]
    first, line, _ = repr(comparison).splitlines()

    assert first == "Comparison of frozen, trained (30 test items)"
    assert line == (
        f"  frozen             recall@1 {row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"
    )


def test_the_html_says_values_intervals_and_the_time_of_training(comparison, run):
    html = comparison._repr_html_()
    row = comparison.frame.query("space == 'trained' and metric == 'map@r'").iloc[0]

    assert f"{row.value:.3f}  [{row.low:.3f}, {row.high:.3f}]" in html
    assert f"{run.seconds:.1f} s" in html
    assert "30 test items; value and 95% bootstrap interval" in html


def test_the_html_has_a_row_per_space_and_group_of_classes(comparison):
    by_item = made().split(by="item", test=0.5)
    mixed = by_item.with_column("seen", np.arange(60) < 30)
    two_groups = compare({"pixels": embed(mixed, encoder("pixels"), **QUIET)})

    assert comparison._repr_html_().count("<tr>") == 1 + 2
    assert two_groups._repr_html_().count("<tr>") == 1 + 2


def test_the_html_escapes_names_and_holds_no_script(spaces):
    html = compare({"<script>alert(1)</script>": spaces["frozen"]})._repr_html_()

    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_the_chart_has_one_trace_with_intervals_per_space(comparison):
    marked = [trace for trace in comparison.figure().data if trace.mode == "markers"]
    shown = comparison.frame[comparison.frame["metric"].isin(["recall@1", "map@r", "r-precision"])]
    values = shown[shown["space"] == "trained"]

    assert [trace.name for trace in marked] == ["frozen", "trained"]
    np.testing.assert_allclose(marked[1].y, values["value"])
    np.testing.assert_allclose(marked[1].y + marked[1].error_y.array, values["high"])
    np.testing.assert_allclose(marked[1].y - marked[1].error_y.arrayminus, values["low"])


def test_the_chart_draws_loss_and_validation_of_trained_spaces(comparison, run):
    lines = [trace for trace in comparison.figure().data if trace.mode == "lines"]

    assert [(line.name, line.xaxis) for line in lines] == [("trained", "x2"), ("trained", "x3")]
    np.testing.assert_array_equal(lines[1].y, run.history["val_map@r"])


def test_a_space_has_one_color_in_all_of_the_chart(comparison):
    traces = [trace for trace in comparison.figure().data if trace.name == "trained"]
    colors = {trace.line.color or trace.marker.color for trace in traces}

    assert len(colors) == 1


def test_two_groups_of_classes_do_not_share_a_place_in_the_chart():
    items = made().with_column("seen", np.arange(60) < 30)
    [trace] = compare({"pixels": embed(items, encoder("pixels"), **QUIET)}).figure().data

    assert len(set(trace.x)) == len(trace.x) == 6


def test_the_chart_of_frozen_spaces_is_one_panel(spaces):
    figure = compare({"frozen": spaces["frozen"]}).figure()

    assert [note.text for note in figure.layout.annotations] == ["held-out items, 95% interval"]


def test_the_chart_needs_no_network(comparison):
    figure = comparison.figure()

    assert external_urls(page([Figure(figure)], title="x")) == []
    assert "http" not in json.dumps(json.loads(figure.to_json()))


def test_a_notebook_shows_the_table_and_the_chart(comparison, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda value, **_: shown.append(value))
    comparison._ipython_display_()
    table, chart = shown

    assert table == {"text/html": comparison._repr_html_(), "text/plain": repr(comparison)}
    assert chart == comparison.figure()


def test_a_comparison_is_a_view(comparison):
    assert isinstance(comparison, Comparison)


# -- paired tests ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def several():
    """Return many spaces: the frozen one, spoiled ever more, and one that has seeds."""
    items = made(n_labels=40).split(by="label")
    frozen = embed(items, encoder("pixels"), **QUIET)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=frozen.vectors.shape)
    worse = {f"noise {at}": Embeddings(frozen.vectors + at * noise, items) for at in range(2, 9)}
    worse["same"] = Embeddings(frozen.vectors.copy(), items)
    runs = [fit(items, encoder("pixels"), epochs=2, seed=seed, val=0, **QUIET) for seed in (3, 4)]
    return {"frozen": frozen, **worse, "seeds": [embed(items, run, **QUIET) for run in runs]}


@pytest.fixture(scope="module")
def many(several):
    return compare(several)


def test_verdicts_are_those_of_the_paired_test(many):
    by_hand = paired(many.scores, against="frozen", metric="map@r")

    pd.testing.assert_frame_equal(many.differences, by_hand)
    assert many.differences.set_index("space").loc["noise 8", "verdict"] == "worse"
    assert "verdict" in many._repr_html_()
    assert repr(many).count("worse") == (by_hand["verdict"] == "worse").sum()


def test_words_are_for_what_the_corrected_test_says(many, spaces):
    html = compare({"a": spaces["frozen"], "b": spaces["frozen"]})._repr_html_()

    assert '<span class="soft">no difference seen</span>' in html
    assert '<b class="no">worse</b>' in many._repr_html_()
    assert ">better<" not in html


def test_the_baseline_comes_first_and_the_others_sorted(many):
    values = [many.scores[name].value("map@r") for name in many.order[1:]]

    assert many.order[0] == "frozen"
    assert values == sorted(values, reverse=True)
    assert repr(many).splitlines()[1].startswith("  frozen ")


def test_the_baseline_and_the_metric_can_be_chosen(spaces):
    found = compare(spaces, against="trained", metric="recall@1")

    assert found.order == ["trained", "frozen"]
    assert "recall@1 above trained" in found._repr_html_()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"against": "frosen"}, "Did you mean 'frozen'"), ({"metric": "map"}, "Did you mean 'map@r'")],
)
def test_a_baseline_or_metric_that_is_not_there(spaces, wrong, told):
    with pytest.raises(ChoiceError, match=told):
        compare(spaces, **wrong)


def test_pairs_are_compared_without_a_test():
    items = Items.from_pairs(list("abcd"), list("efgh"), scores=[0.0, 0.2, 0.6, 1.0])
    rng = np.random.default_rng(0)
    two = {name: Embeddings(rng.normal(size=(len(items), 3)), items) for name in ("a", "b")}
    found = compare(two)

    assert found.differences.empty
    assert "spearman" in found._repr_html_()
    assert found.figure().data


# -- seeds ----------------------------------------------------------------------------------


def test_seeds_of_one_setting_are_averaged_and_their_spread_is_told(many, several):
    scores = [score(one.where(split="test")) for one in several["seeds"]]
    spread = np.std([one.value("map@r") for one in scores], ddof=1)

    assert many.scores["seeds"].value("map@r") == pytest.approx(
        np.mean([one.value("map@r") for one in scores])
    )
    assert f"±{spread:.3f} of 2 seeds" in many._repr_html_()
    assert many.parameters.loc["seeds", "seed"] == "3, 4"
    assert many.histories["seeds"].groupby("seed").size().index.tolist() == [3, 4]


def test_runs_of_one_name_may_differ_in_their_seed_alone(items, spaces):
    other = embed(items, fit(items, encoder("pixels"), epochs=1, lr=0.01, val=0, **QUIET), **QUIET)
    message = complaint({"two": [spaces["trained"], other]})

    assert message.startswith("the runs of 'two' may differ in their seed alone; they differ in ")
    assert "epochs, lr" in message


@pytest.mark.parametrize("given", [{"none": []}, {("triplet", 0): None}])
def test_a_space_needs_a_name_and_embeddings(given, spaces):
    given = {name: spaces["frozen"] if one is None else one for name, one in given.items()}

    assert "needs a name (str) and at least one Embeddings" in complaint(given)


# -- settings -------------------------------------------------------------------------------


def test_settings_that_differ_have_a_column_and_rare_values_stand_out(items):
    losses = {"loss 1": "supcon", "loss 2": "supcon", "loss 3": ("arcface", {"margin": 0.3})}
    runs = {
        name: fit(items, encoder("pixels"), loss=loss, epochs=1, val=0, **QUIET)
        for name, loss in losses.items()
    }
    html = compare({name: embed(items, run, **QUIET) for name, run in runs.items()})._repr_html_()

    assert "<th>loss</th>" in html
    assert '<b class="">arcface(margin=0.3)</b>' in html
    assert "<td>supcon</td>" in html
    assert "the same in all runs: encoder pixels" in html
    assert "<th>epochs</th>" not in html


# -- classes and queries --------------------------------------------------------------------


def test_classes_are_averaged_by_themselves(comparison):
    frame = comparison.classes
    one = frame.iloc[0]
    queries = [
        told.loc[told["label"] == one["label"], "map@r"]
        for told in (comparison.scores[name].per_query for name in ("frozen", "trained"))
    ]

    assert len(frame) == 5
    assert frame["difference"].is_monotonic_decreasing
    assert one["difference"] == pytest.approx(queries[1].mean() - queries[0].mean())
    assert f"{one['difference']:+.3f}, to {one['value']:.3f} (6 queries)" in (
        comparison._repr_html_()
    )


def test_changes_are_queries_whose_neighbors_differ(many):
    changes = many.changes("noise 8", k=4, max_queries=6)
    right = [found.matches.sum(axis=1) for found in (changes.before, changes.after)]
    row = changes.frame.iloc[-1]

    assert len(changes) == 6
    assert (right[0] != right[1]).all()
    assert set(row["lost"]) == set(changes.before.ids[-1]) - set(changes.after.ids[-1])
    assert "lost ✓ same" in changes._repr_html_()
    assert len(gallery(changes.after).neighbors) == 6


def test_equal_spaces_have_no_changes(spaces):
    changes = compare({"a": spaces["frozen"], "b": spaces["frozen"]}).changes()

    assert len(changes) == 0
    assert "no query has another number of right neighbors in b" in changes._repr_html_()


def test_changes_of_a_space_that_is_not_there(many):
    with pytest.raises(ChoiceError, match="name must be one of"):
        many.changes("frozen")


# -- many spaces ----------------------------------------------------------------------------


def test_many_spaces_stand_in_rows_in_the_color_of_their_verdict(many):
    figure = many.figure()
    marked = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    places = [place for trace in marked.values() for place in trace.y]

    assert sorted(places) == sorted(many.scores)
    assert list(figure.layout.yaxis.categoryarray) == many.order[::-1]
    assert len({trace.marker.color for trace in marked.values()}) == len(marked) >= 3
    assert list(marked["baseline"].y) == ["frozen"]


def test_losses_of_many_spaces_start_at_one(many):
    lines = [trace for trace in many.figure().data if trace.mode == "lines"]

    assert [trace.y[1] for trace in lines if trace.xaxis == "x2"] == [1, 1]


def test_many_spaces_are_counted_in_the_first_line(many):
    assert repr(many).startswith("Comparison of 10 spaces (120 test items)")
