"""A page stands alone: everything inside, nothing outside, and no markup from the data runs."""

import datetime as dt
import json
import re

import anywidget
import numpy as np
import plotly.graph_objects as go
import pytest
import traitlets

from simlab.reports._page import Figure, Html, Markdown, Widget, external_urls, page

EVIL = "</script><script>alert(1)</script><!--"


class Echo(anywidget.AnyWidget):
    _esm = "export default { render({ model, el }) { el.textContent = model.get('words'); } };"
    _css = ".echo { color: red; }"
    words = traitlets.Unicode(EVIL).tag(sync=True)
    numbers = traitlets.Bytes(np.arange(3, dtype="<i4").tobytes()).tag(sync=True)
    nested = traitlets.List([{"codes": b"\x01", "share": float("nan")}]).tag(sync=True)


def contents(html: str, name: str) -> object:
    return json.loads(re.search(rf'id="{name}">(.*?)</script>', html, re.DOTALL)[1])


@pytest.fixture
def chart():
    return go.Figure(go.Scatter(y=[1, 3, 2]))


def test_a_page_of_all_parts_reaches_for_nothing_outside(chart):
    html = page(
        [Html("<p>one</p>"), Markdown("two"), Widget(Echo()), Figure(chart)],
        title="All",
        subtitle="of it",
    )

    assert external_urls(html) == []


def test_the_policy_forbids_connections_and_foreign_scripts():
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', page([], title="x"))[1]
    scripts = re.search(r"script-src (.*?);", policy)[1]

    assert policy.startswith("default-src 'none';")
    assert re.fullmatch(r"'sha256-[\w+/=]+' blob:", scripts)


def test_code_and_style_of_two_widgets_stand_in_the_page_once():
    html = page([Widget(Echo()), Widget(Echo())], title="Twins")

    assert (len(contents(html, "modules")), html.count(".echo {")) == (1, 1)
    assert [widget["module"] for widget in contents(html, "widgets")] == [0, 0]


def test_the_state_of_a_widget_survives_as_json():
    [widget] = contents(page([Widget(Echo(words="hi"))], title="x"), "widgets")

    assert widget["state"] == {
        "words": "hi",
        "numbers": {"__bytes__": "AAAAAAEAAAACAAAA"},
        "nested": [{"codes": {"__bytes__": "AQ=="}, "share": None}],
    }


def test_markup_in_the_data_stays_data():
    parts = [Widget(Echo(), heading=EVIL), Markdown(EVIL)]
    html = page(parts, title=EVIL, subtitle=EVIL)

    assert "<script>alert" not in html
    assert html.count("<!--") == 0


def test_plotly_comes_once_and_only_with_a_chart(chart):
    none = page([Html("<p>")], title="x")
    two = page([Figure(chart), Figure(chart)], title="x")

    assert len(none) < 20_000
    assert 4_000_000 < len(two) < 7_000_000


def test_headings_make_a_table_of_contents_from_three_on():
    parts = [Html("<p>", heading=name) for name in ("one", "two", "three")]

    assert re.findall(r'<a href="(#part-\d)">', page(parts, title="x")) == [
        "#part-0",
        "#part-1",
        "#part-2",
    ]
    assert "<nav>" not in page(parts[:2], title="x")


def test_the_header_says_when_and_with_what_it_was_made():
    html = page([], title="A & B", subtitle="of C", date=dt.date(2026, 3, 5))

    assert "<h1>A &amp; B</h1>" in html
    assert re.search(r"5 March 2026 · simlab \d.* · numpy .* · Python 3\.\d+\.\d+", html)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([], "nothing, this page is for reading"),
        ([Figure(go.Figure())], "charts show values"),
        ([Widget(Echo())], "maps and galleries answer"),
    ],
)
def test_the_header_says_what_is_interactive(parts, said):
    assert said in page(parts, title="x")


def test_markdown_becomes_markup():
    html = page([Markdown("# Top\n\n- *one*\n\n| a |\n|---|\n| 1 |")], title="x")

    assert all(part in html for part in ("<h1>Top</h1>", "<li><em>one</em></li>", "<td>1</td>"))


def test_links_are_printed_not_followed():
    html = page([Markdown("See [the *paper*](https://arxiv.org/abs/1703.07737).")], title="x")

    assert "See the <em>paper</em> (https://arxiv.org/abs/1703.07737)." in html
    assert external_urls(html) == []


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/a.js"></script>',
        "<link rel=stylesheet href='//cdn.example/a.css'>",
        '<img srcset="a.png 1x, https://cdn.example/b.png 2x">',
        '<p style="background: url(http://cdn.example/a.png)">',
        "<style>@import 'https://cdn.example/a.css';</style>",
        '<style>a { background: url( "https://cdn.example/a.png" ) }</style>',
        "<script type=module>import x from 'https://cdn.example/x.js'</script>",
        '<script type="application/json">"import(\\"https://cdn.example/x.js\\")"</script>',
        '<a href="https://cdn.example/">away</a>',
        '<meta http-equiv="refresh" content="0; url=https://cdn.example/">',
    ],
)
def test_every_way_out_of_a_page_is_found(html):
    [found] = external_urls(html)

    assert "//cdn.example/" in found


@pytest.mark.parametrize(
    "html",
    [
        '<a href="#part-1">',
        '<img src="data:image/png;base64,AAAA//BB">',
        "<p>https://just.text/</p>",
        '<svg xmlns="http://www.w3.org/2000/svg">',
        "<script>const a = 1; // https://a.comment/</script>",
    ],
)
def test_what_stays_inside_is_left_alone(html):
    assert external_urls(html) == []
