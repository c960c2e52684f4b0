"""Small static HTML: how a value shows itself in a notebook, with no script and no kernel."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from numbers import Integral, Real
from typing import Any

from simlab._pictures import is_picture
from simlab._thumbnails import data_uri, thumbnail

_CHARACTERS, _NUMBERS = 400, 6
"""What is shown of a text and of an array that is no picture."""

# Okabe and Ito (2008): blue and vermilion, told apart by every reader; words say it again.
STYLE = """<style>
.simlab{--ink:var(--jp-content-font-color1,#1f2328);--soft:var(--jp-content-font-color2,#656d76);
--line:var(--jp-border-color2,#d8dee4);--paper:var(--jp-layout-color1,transparent);
--yes:#0072b2;--no:#d55e00;--accent:#0072b2;
font:13px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif;color:var(--ink);margin:4px 0 12px}
.simlab h4{font-size:14px;font-weight:600;margin:0 0 2px}.simlab .soft{color:var(--soft)}
.simlab table{border-collapse:collapse;margin:8px 0;font-size:13px;color:var(--ink)}
.simlab th,.simlab td{padding:4px 14px 4px 0;text-align:left;border:0;
border-bottom:1px solid var(--line);background:none}
.simlab th{font-weight:600;color:var(--soft)}
.simlab td.number,.simlab th.number{text-align:right;font-variant-numeric:tabular-nums}
.simlab .row{display:flex;flex-wrap:wrap;gap:8px;align-items:flex-start;margin:8px 0}
.simlab .balance{display:flex;align-items:flex-end;gap:10px;margin:8px 0}
.simlab .bars{display:flex;align-items:flex-end;gap:1px;height:32px;border-bottom:1px solid
var(--line)}.simlab .bars i{display:block;width:4px;background:var(--accent)}
.simlab .pair{display:flex;gap:4px;padding-right:8px;border-right:1px solid var(--line)}
.simlab figure{margin:0;width:84px;font-size:11px;line-height:1.3;overflow-wrap:anywhere}
.simlab figure.wide{width:190px}
.simlab .face{display:block;box-sizing:border-box;width:72px;height:72px;object-fit:contain;
background:#fff;border:1px solid var(--line);border-radius:6px;padding:3px}
.simlab figure.wide .face{width:auto;height:auto;min-height:52px;max-height:120px;overflow:hidden;
padding:6px 8px;background:none}
.simlab .yes .face{border:2px solid var(--yes)}.simlab .no .face{border:2px dashed var(--no)}
.simlab .query .face{border:2px solid var(--ink)}
.simlab b.yes{color:var(--yes)}.simlab b.no{color:var(--no)}
.simlab .yes .mark{color:var(--yes)}.simlab .no .mark{color:var(--no)}
</style>"""


def block(title: str, *body: str, note: str = "") -> str:
    """Wrap parts of HTML under a title; `title` and `note` are escaped here.

    Examples
    --------
    >>> "&lt;b&gt;" in block("<b>", "<p>text</p>")
    True
    """
    told = soft(note) if note else ""
    return f'{STYLE}<div class="simlab"><h4>{escape(title)}</h4>{told}{"".join(body)}</div>'


def soft(text: str) -> str:
    """Write a line that stands back; `text` is escaped here.

    Examples
    --------
    >>> soft("a < b")
    '<div class="soft">a &lt; b</div>'
    """
    return f'<div class="soft">{escape(text)}</div>'


@dataclass(frozen=True)
class Marked:
    """A cell of a table that stands out, or back.

    Attributes
    ----------
    value : Any
    kind : {"", "yes", "no", "soft"}, default=""
        Bold, and in the color of right or wrong; or soft.
    """

    value: Any
    kind: str = ""


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Draw a table; numbers are aligned to the right, every cell is escaped.

    Examples
    --------
    >>> "0.5" in table(["metric", "value"], [["recall@1", 0.5]])
    True
    """
    lines = [[_cell(value) for value in row] for row in rows]
    numeric = [all(is_number for _, is_number in column) for column in zip(*lines, strict=True)]
    numeric = numeric or [False] * len(head)

    def line(cells: Sequence[str], tag: str) -> str:
        kinds = [' class="number"' if right else "" for right in numeric]
        parts = zip(cells, kinds, strict=True)
        return "<tr>" + "".join(f"<{tag}{kind}>{cell}</{tag}>" for cell, kind in parts) + "</tr>"

    body = "".join(line([text for text, _ in cells], "td") for cells in lines)
    return f"<table>{line([escape(name) for name in head], 'th')}{body}</table>"


def _cell(value: Any) -> tuple[str, bool]:
    if isinstance(value, Marked):
        text, is_number = _cell(value.value)
        tag = "span" if value.kind == "soft" else "b"
        return f'<{tag} class="{value.kind}">{text}</{tag}>', is_number
    if isinstance(value, Real) and not isinstance(value, Integral):
        return f"{value:.3f}", True
    if isinstance(value, Integral) and not isinstance(value, bool):
        return f"{value:,}", True
    return escape(str(value)), False


def face(content: Any, *, size: int = 64) -> str:
    """Draw one item: a picture or a picture-like array as an image, anything else as text.

    Of an item of several parts all are drawn, pictures first.
    """
    if isinstance(content, Mapping):
        parts = sorted(content.values(), key=lambda part: not is_picture(part))
        return "".join(face(part, size=size) for part in parts)
    if isinstance(content, str):
        more = " …" if len(content) > _CHARACTERS else ""
        return f'<div class="face">{escape(content[:_CHARACTERS])}{more}</div>'
    if is_picture(content):
        return f'<img class="face" alt="" src="{data_uri(thumbnail(content, size=size))}">'
    numbers = ", ".join(f"{value:.3g}" for value in content.ravel()[:_NUMBERS])
    return f'<div class="face">{numbers}{" …" if content.size > _NUMBERS else ""}</div>'


def figure(content: Any, *, kind: str = "", mark: str = "", lines: Sequence[str] = ()) -> str:
    """Draw one item with a mark (right or wrong, in words) and a caption below.

    Parameters
    ----------
    content : PIL image, str, ndarray, or a mapping to these
    kind : {"", "yes", "no", "query"}, default=""
        Decides the border: solid blue, dashed vermilion, or plain.
    mark : str, default=""
        A word or two in the color of `kind`.
    lines : sequence of str
        Caption; escaped here.
    """
    wide = not is_picture(content)
    words = [f'<span class="mark">{escape(mark)}</span>'] if mark else []
    words += [escape(line) for line in lines]
    classes = " ".join(filter(None, [kind, "wide" if wide else ""]))
    return (
        f'<figure class="{classes}">{face(content)}'
        f"<figcaption>{'<br>'.join(words)}</figcaption></figure>"
    )
