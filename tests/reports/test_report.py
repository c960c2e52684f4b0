"""report: every kind of value on one page, in order, alone, and never half written."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from plotly.graph_objects import Figure, FigureWidget, Scatter

from simlab.encoders import embed, encoder
from simlab.errors import DataError
from simlab.explanations import explain
from simlab.items import Items
from simlab.reports import report
from simlab.reports._page import external_urls
from simlab.space import Index, score
from simlab.training import fit
from simlab.views import compare, explore, gallery

EVIL = "</script><script>alert(1)</script>"


def chart(kind=Figure):
    return kind(Scatter(y=[1, 3, 2], name="a line"))


@pytest.fixture(scope="module")
def values():
    """One of each kind, of ten small arrays."""
    rng = np.random.default_rng(0)
    values = np.repeat(np.eye(2), 5, axis=0) + rng.normal(scale=0.3, size=(10, 2))
    items = Items.from_arrays(values.astype(np.float32), labels=["x"] * 5 + ["y"] * 5)
    pixels = encoder("pixels")
    run = fit(items, pixels, epochs=1, val=0, cache=False, progress=False)
    space = embed(items, pixels, cache=False, progress=False)
    found = Index(space).search(space[:3], k=2, exclude_self=True)
    return {
        "text": "# A heading\n\nand *words*",
        "items": items,
        "embeddings": space,
        "run": run,
        "scores": score(space),
        "neighbors": found,
        "explanation": explain(found[0], pixels),
        "explorer": explore(space, projection="pca", progress=False),
        "gallery": gallery(found),
        "comparison": compare({"pixels": space}),
        "figure": chart(),
        "figure widget": chart(FigureWidget),
        "frame": pd.DataFrame({"a column": [1]}),
    }


MARKS = {
    "text": "<h1>A heading</h1>",
    "items": "Items: 10 arrays of shape (2,), 2 labels",
    "embeddings": 'data-widget="0"',
    "run": "Run: supcon on pixels",
    "scores": "Scores of pixels",
    "neighbors": "Neighbors: 2 of each of 3 queries",
    "explanation": "<h4>",
    "explorer": 'data-widget="0"',
    "gallery": "the query first, then its nearest",
    "comparison": 'data-figure="0"',
    "figure": 'data-figure="0"',
    "figure widget": 'data-figure="0"',
    "frame": "<th>a column</th>",
}


def body_of(path):
    """Read the page without its scripts: plotly.js alone is several megabytes."""
    return re.sub(r"<script.*?</script>", "", path.read_text("utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("kind", MARKS)
def test_every_kind_of_value_has_its_place(values, kind, tmp_path):
    body = body_of(report(values[kind], to=tmp_path / "report.html"))

    assert MARKS[kind] in body
    assert body.count("<section") == (2 if kind == "comparison" else 1)


def test_a_page_of_everything_reaches_for_nothing_outside(values, tmp_path):
    path = report(*values.values(), to=tmp_path / "report.html")

    assert external_urls(path.read_text("utf-8")) == []


def test_values_keep_their_order(values, tmp_path):
    path = report(
        "first", values["scores"], "second", values["explorer"], "third", to=tmp_path / "r.html"
    )
    body = body_of(path)
    marks = ("<p>first</p>", "Scores of", "<p>second</p>", "data-widget", "<p>third</p>")
    places = [body.index(mark) for mark in marks]

    assert places == sorted(places)


def test_a_comparison_is_a_table_and_a_chart(values, tmp_path):
    body = body_of(report(values["comparison"], to=tmp_path / "r.html"))

    assert body.index("Comparison</h4>") < body.index("data-figure")


def test_the_title_heads_the_page(tmp_path):
    body = body_of(report("words", to=tmp_path / "r.html", title="Findings & more"))

    assert "<title>Findings &amp; more</title>" in body
    assert "<h1>Findings &amp; more</h1>" in body


def test_markup_of_the_user_does_not_run(tmp_path):
    items = Items.from_arrays(
        [EVIL] * 4, labels=[EVIL, EVIL, "b", "b"], ids=[f"{EVIL}{n}" for n in range(4)]
    )

    class Length:
        name, modalities, fingerprint = EVIL, frozenset({"text"}), "length"

        def encode(self, content):
            return np.ones((len(content), 2))

    space = embed(items, Length(), cache=False, progress=False)
    found = Index(space).search(space, k=2)
    values = (EVIL, items, space, found, gallery(found), score(space), compare({EVIL: space}))
    text = report(*values, to=tmp_path / "r.html", title=EVIL).read_text("utf-8")

    assert "<script>alert" not in text


# -- the file -------------------------------------------------------------------------------


def test_the_path_of_the_page_is_given_back(tmp_path):
    assert report("words", to=str(tmp_path / "r.html")) == tmp_path / "r.html"


def test_the_page_is_called_report_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert report("words") == Path("report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_folder_of_the_page_is_made(tmp_path):
    path = report("words", to=tmp_path / "some" / "where" / "r.html")

    assert path.exists()


def test_a_tilde_is_the_home_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))

    assert report("words", to="~/r.html") == tmp_path / "r.html"


def test_a_page_that_is_there_is_replaced(tmp_path):
    report("old words", to=tmp_path / "r.html")
    report("new words", to=tmp_path / "r.html")

    assert "old words" not in (tmp_path / "r.html").read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


def broken_page(monkeypatch):
    def fails(*_, **__):
        raise ArithmeticError("no page")

    monkeypatch.setattr("simlab.reports._report.page", fails)


def full_disk(monkeypatch):
    write = Path.write_text

    def fails(path, text, **options):
        write(path, text[:100], **options)
        raise ArithmeticError("no space left")

    monkeypatch.setattr(Path, "write_text", fails)


@pytest.mark.parametrize("trouble", [broken_page, full_disk])
def test_a_page_that_is_there_survives_a_failure(tmp_path, monkeypatch, trouble):
    path = report("old words", to=tmp_path / "r.html")
    before = path.read_text("utf-8")
    trouble(monkeypatch)
    with pytest.raises(ArithmeticError):
        report("new words", to=path)

    assert path.read_text("utf-8") == before
    assert [one.name for one in tmp_path.iterdir()] == ["r.html"]


# -- bad input ------------------------------------------------------------------------------


def test_nothing_to_show(tmp_path):
    with pytest.raises(DataError) as caught:
        report(to=tmp_path / "r.html")

    assert str(caught.value) == "report needs at least one value or view; got none"


@pytest.mark.parametrize(("value", "name"), [(3, "int"), (None, "NoneType"), ({}, "dict")])
def test_what_cannot_be_shown_is_named_before_anything_is_written(tmp_path, value, name):
    with pytest.raises(DataError) as caught:
        report("words", value, to=tmp_path / "new" / "r.html")

    assert str(caught.value) == (
        "report shows values and views of simlab, plotly figures and Markdown text; "
        f"got {name}; pass str(value) to show it as text"
    )
    assert list(tmp_path.iterdir()) == []
