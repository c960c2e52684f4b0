"""compare: spaces of the same items side by side, as figures, a table and one chart."""

import json

import numpy as np
import pandas as pd
import pytest

from simlab.encoders import embed, encoder
from simlab.errors import DataError
from simlab.items import Items
from simlab.reports._page import Figure, external_urls, page
from simlab.space import Embeddings, score
from simlab.training import fit
from simlab.views import Comparison, compare

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
