"""One offline HTML page from parts: text, tables, charts and living widgets."""

import datetime as dt
import json
import math
import platform
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from html.parser import HTMLParser
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anywidget import AnyWidget
    from plotly.graph_objects import Figure as PlotlyFigure

_STATIC = Path(__file__).parent / "static"
_VERSIONS_OF = ("simlab", "numpy", "torch", "pytorch-lightning")
_SHORTEST_NAV = 3
_FRAME = frozenset(("layout", "tooltip", "tabbable", "comm"))  # traits that need a notebook


@dataclass(frozen=True)
class Html:
    """Markup that is shown as it is; scripts inside it do not run."""

    html: str
    heading: str | None = None


@dataclass(frozen=True)
class Markdown:
    """Text with headings, lists, tables and emphasis; links are printed, not followed."""

    text: str
    heading: str | None = None


@dataclass(frozen=True)
class Widget:
    """A widget with its state of now; it goes on working in the page, without a kernel."""

    widget: "AnyWidget"
    heading: str | None = None


@dataclass(frozen=True)
class Figure:
    """A plotly chart, with hover and zoom."""

    figure: "PlotlyFigure"
    heading: str | None = None


Part = Html | Markdown | Widget | Figure

_ALIVE: dict[type, str] = {
    Widget: "maps and galleries answer to pointer and keyboard (press ? for the keys)",
    Figure: "charts show values on hover and zoom by dragging",
}


def page(
    parts: Sequence[Part],
    *,
    title: str,
    subtitle: str = "",
    date: dt.date | None = None,
) -> str:
    """Build one HTML file that opens offline, keeps its interaction and sends nothing.

    The code of a kind of widget stands in the page once, however many widgets use it; plotly.js
    (4.8 MB) only if there is a chart. A content security policy forbids every connection and every
    script but those written here.

    Parameters
    ----------
    parts : sequence of Html, Markdown, Widget or Figure
        Shown from top to bottom, each below its heading.
    title : str
        The heading of the page.
    subtitle : str, optional
        One line below it.
    date : dt.date, optional
        Today by default.

    Returns
    -------
    str
        The text of the page.

    Examples
    --------
    >>> text = page([Html("<p>All is well.</p>", heading="Result")], title="A report")
    >>> external_urls(text)
    []
    """
    book = _Book()
    sections = [_section(number, part, book) for number, part in enumerate(parts)]
    scripts = [(_STATIC / "page.js").read_text("utf-8")]
    if book.figures:
        from plotly.offline import get_plotlyjs

        scripts.insert(0, get_plotlyjs())
    styles = [(_STATIC / "page.css").read_text("utf-8"), *book.styles]
    styles = [style.replace("</", r"<\/") for style in styles]
    day = date or dt.date.today()  # noqa: DTZ011 (the day of the reader)
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        *(f"<style>{style}</style>" for style in styles),
        "</head>",
        "<body>",
        *_header(parts, title, subtitle, day),
        "<main>",
        *sections,
        "</main>",
        *book.data(),
        *(f'<script type="module">{script}</script>' for script in scripts),
        "</body>",
        "</html>",
    ]
    return "\n".join(lines)


class _Book:
    """What the page needs besides its markup: each module and style once, and all states."""

    def __init__(self) -> None:
        self.modules: list[str] = []
        self.styles: list[str] = []
        self.widgets: list[dict[str, object]] = []
        self.figures: list[object] = []

    def add_widget(self, widget: "AnyWidget") -> int:
        state: dict[str, Any] = widget.get_state()
        module, style = str(state["_esm"]), str(state.get("_css", ""))
        if module not in self.modules:
            self.modules.append(module)
        if style and style not in self.styles:
            self.styles.append(style)
        kept = {
            name: _plain(value)
            for name, value in state.items()
            if name not in _FRAME and not name.startswith("_")
        }
        self.widgets.append({"module": self.modules.index(module), "state": kept})
        return len(self.widgets) - 1

    def add_figure(self, figure: "PlotlyFigure") -> int:
        self.figures.append(json.loads(figure.to_json()))
        return len(self.figures) - 1

    def data(self) -> Iterator[str]:
        contents = {"modules": self.modules, "widgets": self.widgets, "figures": self.figures}
        for name, content in contents.items():
            text = json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")
            yield f'<script type="application/json" id="{name}">{text}</script>'


def _plain(value: object) -> object:
    """Make a trait fit for JSON: bytes as base64, numbers that are not finite as null."""
    if isinstance(value, bytes | bytearray | memoryview):
        return {"__bytes__": b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _section(number: int, part: Part, book: _Book) -> str:
    heading = f"<h2>{escape(part.heading)}</h2>" if part.heading else ""
    match part:
        case Html(html=html):
            body = f'<div class="wide">{html}</div>'
        case Markdown(text=text):
            body = _rendered(text)
        case Widget(widget=widget):
            body = f'<div class="widget" data-widget="{book.add_widget(widget)}"></div>'
        case Figure(figure=figure):
            body = f'<div class="figure" data-figure="{book.add_figure(figure)}"></div>'
    return f'<section id="part-{number}">{heading}{body}</section>'


def _header(parts: Sequence[Part], title: str, subtitle: str, date: dt.date) -> Iterator[str]:
    yield f"<header><h1>{escape(title)}</h1>"
    if subtitle:
        yield f'<p class="subtitle">{escape(subtitle)}</p>'
    made = [f"{date:%d %B %Y}".lstrip("0"), *_versions(), f"Python {platform.python_version()}"]
    yield f'<p class="made">{escape(" · ".join(made))}</p>'
    kinds = {type(part) for part in parts}
    alive = [sentence for kind, sentence in _ALIVE.items() if kind in kinds]
    said = "; ".join(alive) or "nothing, this page is for reading"
    yield f'<p class="interactive">Interactive here: {said}. It works offline, without a kernel, '
    yield "and sends nothing.</p>"
    headings = {number: part.heading for number, part in enumerate(parts) if part.heading}
    if len(headings) >= _SHORTEST_NAV:
        links = (f'<a href="#part-{at}">{escape(text)}</a>' for at, text in headings.items())
        yield f"<nav>{''.join(links)}</nav>"
    yield "</header>"


def _versions() -> Iterator[str]:
    for package in _VERSIONS_OF:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue


def _policy(scripts: Sequence[str]) -> str:
    hashes = " ".join(
        f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes} blob:; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
    )


def _rendered(text: str) -> str:
    try:
        from markdown_it import MarkdownIt
    except ModuleNotFoundError:
        return "".join(f"<p>{escape(part)}</p>" for part in re.split(r"\n\s*\n", text.strip()))
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = markdown.parse(text)
    for inline in tokens:
        addresses: list[str] = []
        for token in inline.children or []:
            if token.type == "link_open":
                addresses.append(str(token.attrs.get("href", "")))
                token.hidden, token.type, token.tag = True, "text", ""
            elif token.type == "link_close":
                token.type, token.tag, token.content = "text", "", f" ({addresses.pop()})"
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def external_urls(html: str) -> list[str]:
    """List every address of a page that lies outside it: there should be none.

    Looked at are attributes that load or lead elsewhere (src, href, ...), `url()` and `@import` in
    styles, and imports in scripts, also where they stand inside JSON.

    Examples
    --------
    >>> external_urls('<img src="https://a.example/b.png"><a href="#part-1">here</a>')
    ['https://a.example/b.png']
    """
    finder = _Addresses()
    finder.feed(html)
    finder.close()
    return finder.found


class _Addresses(HTMLParser):
    """Collects addresses of other places while a page is read."""

    _LOADING = frozenset(
        ("src", "href", "srcset", "action", "formaction", "data", "poster", "xlink:href", "ping")
    )
    _OUTSIDE = re.compile(r"(?:^|[\s,])((?:https?:|wss?:|ftp:)?//[^\s\"'\\)<>,]+)", re.IGNORECASE)
    _IN_TEXT = re.compile(
        r"(?:\burl[(=]|@import|\bimport\b[\s(]|\bfrom\b)\s*\\?[\"'`]?\s*"
        r"((?:https?:|wss?:|ftp:)?//[\w.-]+\.\w[^\s\"'\\)<>]*)",
        re.IGNORECASE,
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in self._LOADING:
                self.found += self._OUTSIDE.findall(value or "")
            elif name == "style" or (tag, name) == ("meta", "content"):
                self.found += self._IN_TEXT.findall(value or "")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem in {"script", "style"}:
            self.found += self._IN_TEXT.findall(data)
