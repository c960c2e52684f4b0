"""The card of an explanation: evidence in words, then each pair with its weights as color."""

from html import escape
from math import floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from simlab import _html
from simlab._thumbnails import data_uri
from simlab.explanations._heat import APART, TOGETHER, fitted, heat_map, picture, tint
from simlab.explanations._parts import edges, part_names

if TYPE_CHECKING:
    from simlab.explanations._explanation import Explanation, PairMap

_SIZE = 148
_LABELS_SHOWN = 4
_VALUES_SHOWN = 36

_STYLE = f"""<style>
.simlab .heat{{max-width:860px}}
.simlab .heat p{{margin:2px 0}}
.simlab .heat .verdict{{font-size:15px;margin-top:8px}}
.simlab .heat .right{{color:var(--yes);font-weight:600}}
.simlab .heat .wrong{{color:var(--no);font-weight:600}}
.simlab .heat .votes{{display:grid;grid-template-columns:max-content max-content;gap:1px 10px;
margin:6px 0}}
.simlab .heat .votes i{{display:inline-block;width:11px;height:11px;margin-right:3px;
border-radius:3px;background:var(--soft);opacity:.45}}
.simlab .heat .votes .most i{{background:var(--ink);opacity:.8}}
.simlab .heat .pair{{border-top:1px solid var(--line);padding:10px 0 12px;margin-top:10px}}
.simlab .heat .pair>p{{margin:0 0 8px}}
.simlab .heat .sides{{display:flex;flex-wrap:wrap;gap:12px 36px;align-items:flex-start}}
.simlab .heat .side{{flex:none}}
.simlab .heat .side.text{{flex:1 1 320px;min-width:0}}
.simlab .heat .side>p{{font-size:11px;margin:0 0 4px}}
.simlab .heat .images{{display:flex;gap:8px}}
.simlab .heat .images>*{{position:relative;border-radius:6px;overflow:hidden;line-height:0;
background:#fff;box-shadow:0 0 0 1px var(--line)}}
.simlab .heat .cells{{position:absolute;inset:0;display:grid}}
.simlab .heat .text div{{font-size:14px;line-height:1.9}}
.simlab .heat .text span{{padding:2px 4px;border-radius:4px;box-decoration-break:clone;
-webkit-box-decoration-break:clone}}
.simlab .heat .legend{{border-top:1px solid var(--line);padding-top:10px;margin-top:10px}}
.simlab .heat .values span{{white-space:nowrap}}
.simlab .heat small{{opacity:.65;margin-right:4px}}
.simlab .heat .legend>div{{display:flex;flex-wrap:wrap;gap:8px;align-items:center}}
.simlab .heat .legend b{{display:inline-block;width:160px;height:10px;border-radius:5px;
box-shadow:inset 0 0 0 1px var(--line);background-image:linear-gradient(90deg,
rgba({APART[0]},{APART[1]},{APART[2]},.8),rgba({APART[0]},{APART[1]},{APART[2]},0) 50%,
rgba({TOGETHER[0]},{TOGETHER[1]},{TOGETHER[2]},0) 50%,
rgba({TOGETHER[0]},{TOGETHER[1]},{TOGETHER[2]},.8))}}
.simlab .heat .on-white b{{background-color:#fff}}
</style>"""


def explanation_html(explanation: "Explanation") -> str:
    """Draw the whole card as static HTML; all text of the user is escaped."""
    parts = [_evidence(explanation)]
    parts += [
        _pair(explanation, pair, rank) for rank, pair in enumerate(explanation.pairs, start=1)
    ]
    parts.append(_legend(explanation))
    query = explanation.neighbors.queries.items
    return _html.block(
        "Why these neighbors?",
        f'{_STYLE}<div class="heat">{"".join(parts)}</div>',
        note=f"query {query.ids[0]}, in the space of {explanation.encoder_name}",
    )


def signed(weight: float, scale: float = 1.0) -> str:
    """Write a weight with its sign, and with two digits that count at this scale.

    Examples
    --------
    >>> signed(0.123), signed(-0.001), signed(0.001, scale=0.02)
    ('+0.12', '0.00', '+0.001')
    """
    digits = max(2, 1 - floor(log10(scale))) if scale > 0 else 2
    size = f"{abs(weight):.{digits}f}"
    sign = "" if float(size) == 0 else "+" if weight > 0 else "\N{MINUS SIGN}"
    return sign + size


def _evidence(explanation: "Explanation") -> str:
    evidence = explanation.evidence
    verdict = ""
    if evidence.is_right is not None:
        kind, said = (
            ("right", "✓ so is the query")
            if evidence.is_right
            else ("wrong", f"✗ but the query is {evidence.label!r}")
        )
        verdict = f' <span class="{kind}">{escape(said)}</span>'
    return (
        f'<p class="verdict">{escape(_sentence(evidence.vote_in_words))}{verdict}</p>'
        f"<p>{escape(_sentence(evidence.margin_in_words))}.</p>{_votes(explanation)}"
    )


def _votes(explanation: "Explanation") -> str:
    """One small square per vote; the labels beyond the first few are counted together."""
    votes = explanation.evidence.votes
    if len(votes) < 2:  # noqa: PLR2004 (the sentence has said it)
        return ""
    shown = [(str(label), n) for label, n in list(votes.items())[:_LABELS_SHOWN]]
    rest = list(votes.values())[_LABELS_SHOWN:]
    shown += [(f"{len(rest)} other label{'s' * (len(rest) != 1)}", sum(rest))] if rest else []
    rows = [
        f"<span>{escape(label)}</span><span{' class=most' if place == 0 else ''}>"
        f"{'<i></i>' * n} {n}</span>"
        for place, (label, n) in enumerate(shown)
    ]
    return f'<div class="votes">{"".join(rows)}</div>'


def _pair(explanation: "Explanation", pair: "PairMap", rank: int) -> str:
    said = [f"<strong>{rank}. similarity {pair.similarity:.2f}</strong>"]
    if pair.neighbor_label is not None:
        own = explanation.evidence.label
        mark = ""
        if own is not None:
            kind, word = ("right", "✓ same") if pair.neighbor_label == own else ("wrong", "✗ other")
            mark = f' <span class="{kind}">{word}</span>'
        said.append(f"{escape(str(pair.neighbor_label))}{mark}")
    said.append(f'<span class="soft">{escape(str(pair.neighbor_id))}</span>')
    neighbors = explanation.neighbors
    query = neighbors.queries.items.content[0]
    neighbor = neighbors.gallery.items.content[pair.position]
    scale = explanation.scale
    sides = [
        _side("query", query, pair.query_weights, explanation.words, scale),
        _side("neighbor", neighbor, pair.neighbor_weights, pair.neighbor_words, scale),
    ]
    head = " · ".join(said)
    return f'<div class="pair"><p>{head}</p><div class="sides">{"".join(sides)}</div></div>'


def _side(
    name: str, content: Any, weights: np.ndarray, words: tuple[str, ...], scale: float
) -> str:
    said = f"{name}: {_range(weights, scale)}"
    if weights.ndim > 1:
        kind, drawn = "", _images(content, weights, scale, said)
    elif isinstance(content, str):
        kind, drawn = " text", _chips([escape(word) for word in words], weights, scale)
    else:
        kind, drawn = " text values", _values(content, weights, scale)
    return f'<div class="side{kind}"><p class="soft">{said}</p>{drawn}</div>'


def _range(weights: np.ndarray, scale: float) -> str:
    if not weights.size:
        return "no parts"
    low, high = float(weights.min()), float(weights.max())
    return f"from {signed(low, scale)} to {signed(high, scale)}"


def _images(content: Any, weights: np.ndarray, scale: float, said: str) -> str:
    """Draw the item and its map; each cell of the map says its figure when pointed at."""
    own = picture(content)
    columns, rows = (
        " ".join(f"{step}fr" for step in np.diff(edges(n, cells)))
        for n, cells in zip(own.size, weights.shape[::-1], strict=True)
    )
    cells = "".join(
        f'<span title="{place}: {signed(weight, scale)}"></span>'
        for place, weight in zip(part_names(weights.shape), weights.ravel().tolist(), strict=True)
    )
    return (
        f'<div class="images"><div>{_image(fitted(own, _SIZE))}</div>'
        f"<div>{_image(heat_map(content, weights, scale, size=_SIZE), said)}"
        f'<div class="cells" style="grid-template:{rows}/{columns}">{cells}</div></div></div>'
    )


def _image(image: Image.Image, said: str = "") -> str:
    """Show a picture at half its size: sharp on dense screens."""
    width, height = image.width // 2, image.height // 2
    return f'<img alt="{said}" width="{width}" height="{height}" src="{data_uri(image)}">'


def _values(content: np.ndarray, weights: np.ndarray, scale: float) -> str:
    """Draw the values with the largest weights, each with its place, in their order."""
    strongest = np.sort(np.argsort(-np.abs(weights), kind="stable")[:_VALUES_SHOWN])
    shown = [f"<small>{place}</small>{content[place]:.3g}" for place in strongest]
    chips = _chips(shown, weights[strongest], scale)
    if len(strongest) == len(weights):
        return chips
    return f'{chips}<p class="soft">the {len(strongest)} strongest of {len(weights)} values</p>'


def _chips(shown: list[str], weights: np.ndarray, scale: float) -> str:
    """Color the ground of pieces of HTML by their weights."""
    chips = [
        f'<span style="background:{tint(weight, scale)}" title="{signed(weight, scale)}">'
        f"{html}</span>"
        for html, weight in zip(shown, weights.tolist(), strict=True)
    ]
    return f"<div>{' '.join(chips)}</div>"


def _legend(explanation: "Explanation") -> str:
    scale = explanation.scale
    if scale == 0:
        key = "<span>no part changes the similarity: every figure is 0</span>"
    else:
        key = (
            f"<span>{signed(-scale, scale)} holds the two apart</span><b></b>"
            f"<span>{signed(scale, scale)} brings them together</span>"
        )
    method = escape(_sentence(explanation.method))
    ground = " on-white" if explanation.kind == "cells" else ""
    return f'<div class="legend{ground}"><div>{key}</div><p class="soft">{method}.</p></div>'


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
