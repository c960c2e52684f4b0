"""confusion_map: the labels of nearest neighbors as a heat map."""

from typing import TYPE_CHECKING, Any

import numpy as np

from simlab.errors import DataError
from simlab.space import Confusions, Diagnosis
from simlab.views._theme import COLORS, plain_layout

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure, Heatmap

_RIGHT, _WRONG = ("#e6f1f8", COLORS[0]), ("#fbeadf", COLORS[1])
"""Shades from a small share to the largest; opaque, so that numbers on them stay legible."""
_FRAME = "#1f2328"
_MOST_NUMBERS, _MOST_NAMES = 30, 60
"""Up to how many labels cells hold their count, and every label is written."""
_SMALLEST, _LARGEST, _SIDE = 5, 34, 680
"""Pixels of a cell, at least and at most, and of all cells in between."""
_LETTERS = 24


def confusion_map(found: Diagnosis | Confusions, *, max_labels: int = 40) -> "Figure":
    """Draw which label the nearest neighbor has: rows are labels, columns those of neighbors.

    Right neighbors are blue, wrong ones vermilion, each by its share of the row; labels that are
    confused with each other stand side by side. Pointing at a cell tells its counts and what the
    test says; pairs that the test calls confused are framed.

    Parameters
    ----------
    found : Diagnosis or Confusions
        From `simlab.space.diagnose`.
    max_labels : int, default=40
        Of more labels those in most wrong neighbors are drawn; `max_labels=200` draws 200, of
        which then only some names are written beside the map.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    DataError
        No confusions are defined, or `max_labels` is below 2.

    Examples
    --------
    >>> from simlab import embed, encoder, load
    >>> from simlab.space import diagnose
    >>> digits = embed(load("striped-digits")[:100], encoder("pixels"), cache=False)
    >>> [trace.name for trace in confusion_map(diagnose(digits)).data]
    ['right', 'wrong']
    """
    from plotly.graph_objects import Figure

    if isinstance(found, Diagnosis):
        if found.confusions is None:
            raise DataError(
                f"confusion_map needs confusions; there are none: {found.undefined['confusions']}"
            )
        found = found.confusions
    if max_labels < 2:  # noqa: PLR2004
        raise DataError(f"max_labels must be at least 2; got {max_labels!r}")
    labels = _chosen(found, max_labels)
    counts = found.matrix(labels)
    labels = [labels[at] for at in _side_by_side(counts.to_numpy())]
    counts = counts.loc[labels, labels]
    figure = Figure([_cells(found, counts, is_right=is_right) for is_right in (True, False)])
    _frame_confused(figure, found, labels)
    _lay_out(figure, labels, n_labels=len(found.labels))
    return figure


def _chosen(found: Confusions, most: int) -> list[Any]:
    """Choose the labels with the most wrong neighbors, theirs and of them; confused ones first."""
    if len(found.labels) <= most:
        return found.labels
    pairs = found.pairs
    weight = pairs["n"] + pairs["is_confused"] * pairs["n"].sum()
    total = (
        weight.groupby(pairs["label"])
        .sum()
        .add(weight.groupby(pairs["neighbor"]).sum(), fill_value=0)
    )
    kept = set(total.sort_values(ascending=False, kind="stable").index[:most])
    rest = [label for label in found.labels if label not in kept]
    return sorted([*kept, *rest[: most - len(kept)]])


def _side_by_side(counts: np.ndarray) -> np.ndarray:
    """Order labels so that those that are confused are neighbors on the axes."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(counts) <= 2:  # noqa: PLR2004
        return np.arange(len(counts))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    distance = 1 - (share + share.T) / 2
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    return leaves_list(tree)


def _cells(found: Confusions, matrix: "pd.DataFrame", *, is_right: bool) -> "Heatmap":
    """Draw the cells of right or of wrong neighbors in shades; the others stay empty."""
    from plotly.graph_objects import Heatmap

    labels, counts = matrix.index.tolist(), matrix.to_numpy()
    of = found.cells.groupby("label")["of"].first().reindex(labels).fillna(0).to_numpy()
    share = counts / np.maximum(of, 1)[:, None]
    is_drawn = (np.eye(len(labels), dtype=bool) == is_right) & (counts > 0)
    shown = np.where(is_drawn, share, np.nan)
    text = np.where(is_drawn, counts.astype(str), "")
    return Heatmap(
        z=shown,
        name="right" if is_right else "wrong",
        colorscale=list(enumerate(_RIGHT if is_right else _WRONG)),
        zmin=0,
        zmax=max(float(share[is_drawn].max(initial=0)), 1e-9),
        showscale=False,
        xgap=1,
        ygap=1,
        text=text,
        texttemplate="%{text}" if len(labels) <= _MOST_NUMBERS else None,
        hovertext=_said(found, labels),
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=False,
    )


def _said(found: Confusions, labels: list[Any]) -> list[list[str]]:
    """Say of every cell what was counted and tested."""
    place = {label: at for at, label in enumerate(labels)}
    said = [[""] * len(labels) for _ in labels]
    for one in found.cells.itertuples():
        if one.label in place and one.neighbor in place:
            share = f"{one.n} of {one.of}, {one.share:.0%} [{one.low:.0%}, {one.high:.0%}]"
            text = f"{one.label} → {one.neighbor}<br>{share}"
            if one.label != one.neighbor:
                word = "confused" if one.is_confused else "may be chance"
                text += f"<br>{word} (p {one.p_corrected:.2g})"
            said[place[one.label]][place[one.neighbor]] = text
    return said


def _frame_confused(figure: "Figure", found: Confusions, labels: list[Any]) -> None:
    place = {label: at for at, label in enumerate(labels)}
    pairs = found.pairs
    for one in pairs[pairs["is_confused"]].itertuples():
        if one.label in place and one.neighbor in place:
            x, y = place[one.neighbor], place[one.label]
            line = {"color": _FRAME, "width": 2 if len(labels) <= _MOST_NAMES else 1}
            figure.add_shape(type="rect", x0=x - 0.5, x1=x + 0.5, y0=y - 0.5, y1=y + 0.5, line=line)


def _lay_out(figure: "Figure", labels: list[Any], *, n_labels: int) -> None:
    n = len(labels)
    cell = int(np.clip(_SIDE / n, _SMALLEST, _LARGEST))
    every = int(np.ceil(n / _MOST_NAMES))
    names = [str(label) for label in labels]
    names = [name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…" for name in names]
    places = list(range(0, n, every))
    axis = {
        "tickvals": places,
        "ticktext": [names[at] for at in places],
        "range": [-0.5, n - 0.5],
        "showgrid": False,
        "zeroline": False,
        "tickfont": {"size": int(np.clip(cell - 1, 9, 12))},
        "automargin": True,
        "constrain": "domain",
    }
    beside = 110 + 7 * max(map(len, names))
    told = f"{n} labels" if n == n_labels else f"{n} of {n_labels:,} labels, the most confused"
    told += "<br><sub>blue: right; vermilion: wrong; framed: more often than chance</sub>"
    figure.update_layout(
        **plain_layout()
        | {
            "title": {"text": f"Label of the nearest neighbor: {told}", "font": {"size": 14}},
            "width": n * cell + beside,
            "height": n * cell + beside + 30,
            "margin": {"l": 40, "r": 10, "t": 70, "b": 40},
            "xaxis": axis | _titled("label of the nearest neighbor") | {"tickangle": -60},
            "yaxis": axis
            | _titled("label of the query")
            | {"range": [n - 0.5, -0.5], "scaleanchor": "x"},
        }
    )


def _titled(text: str) -> dict[str, Any]:
    return {"title": {"text": text, "standoff": 14}}
