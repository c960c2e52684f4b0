"""The explorer: a map of all items, and the neighbors of the one you choose."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import traitlets
from anywidget import AnyWidget
from ipywidgets.widgets.trait_types import CByteMemoryView
from PIL import Image

from simlab._thumbnails import COLUMNS, sprite_sheets
from simlab.errors import DataError, ShapeError

_STATIC = Path(__file__).parent / "static"
_PARTS = (
    *("dom", "data", "thumbs", "colors", "viewport", "painter", "marks", "pointer", "map"),
    *("panel", "toolbar", "strips", "tooltip", "keys", "explorer"),
)


def joined(parts: Iterable[str]) -> str:
    """Join plain ES modules of `static/` into the one text that a widget may carry.

    Editors and type checkers see separate modules with imports and exports. Here they come to
    share one scope, each after those it imports: imports go, exports become plain names, and
    comments stay at home, because every saved widget carries this text. So no two of the files
    may use the same name at their top.
    """
    text = "\n".join((_STATIC / f"{part}.js").read_text("utf-8") for part in parts)
    for pattern in (r"^// @ts-check\n", r"^ */\*\*.*?\*/\n", r"^import \{.*?\} from \"\./.*?;\n"):
        text = re.sub(pattern, "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^export (?!default)", "", text, flags=re.MULTILINE)


def styled(*parts: str) -> str:
    """Join style sheets of `static/`."""
    return "\n".join((_STATIC / f"{part}.css").read_text("utf-8") for part in parts)


class Explorer(AnyWidget):
    """A map of items on the left, the nearest neighbors of the query on the right.

    All of it works in the page, without a kernel: click, search, lasso, colors, hardest queries.
    With a kernel, `query` follows the page both ways and `selected` holds the rows in the lasso.
    Build one with `Explorer.of`; the traits are its saved form, arrays as little-endian bytes.

    Attributes
    ----------
    query : int
        Row of the item whose neighbors are shown, or -1. Set it to move the page.
    selected : numpy array of int
        Rows inside the lasso, ascending.
    selected_ids : list of str
        Their ids.
    """

    _esm: ClassVar[str] = joined(_PARTS)
    _css: ClassVar[str] = styled("theme", "explorer")

    xy = traitlets.Bytes().tag(sync=True)
    neighbors = traitlets.Bytes().tag(sync=True)
    similarities = traitlets.Bytes().tag(sync=True)
    label_codes = traitlets.Bytes().tag(sync=True)
    label_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    ids: traitlets.List[str] = traitlets.List().tag(sync=True)
    texts: traitlets.List[str] = traitlets.List().tag(sync=True)
    colorings = traitlets.List(traitlets.Dict()).tag(sync=True)
    sprites = traitlets.List(traitlets.Bytes()).tag(sync=True)
    sprite_cell = traitlets.Int(64).tag(sync=True)
    sprite_columns = traitlets.Int(COLUMNS).tag(sync=True)
    projection = traitlets.Unicode().tag(sync=True)
    similarity = traitlets.Unicode("cosine").tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    query = traitlets.Int(-1).tag(sync=True)
    selection = CByteMemoryView(b"").tag(sync=True)

    @classmethod
    def of(
        cls,
        *,
        xy: np.ndarray,
        neighbors: np.ndarray | None = None,
        similarities: np.ndarray | None = None,
        labels: Sequence[Any] | np.ndarray | None = None,
        ids: Sequence[Any] | np.ndarray | None = None,
        texts: Sequence[str] | None = None,
        thumbnails: Sequence[Image.Image | np.ndarray | None] | None = None,
        colorings: Mapping[str, Sequence[Any] | np.ndarray] | None = None,
        projection: str = "",
        similarity: str = "cosine",
        title: str = "",
        note: str = "",
        query: int = -1,
        thumbnail_size: int = 64,
    ) -> Self:
        """Build an explorer from plain arrays and lists, one entry or row per item.

        Parameters
        ----------
        xy : array of shape (n, 2)
            Place of each item on the map.
        neighbors : integer array of shape (n, k), optional
            Rows of the nearest items in the original space, nearest first, without the item
            itself. Negative entries at the end of a row mean that there are no more.
        similarities : array of shape (n, k), optional
            Similarity to each neighbor, higher is nearer; required with `neighbors`.
        labels : sequence of n values, optional
            None or NaN means no label.
        ids : sequence of n values, optional
            Shown as text; row numbers by default.
        texts : sequence of n str, optional
            The content of text items, or captions of pictures.
        thumbnails : sequence of n pictures, arrays or None, optional
            Anything that `simlab._thumbnails.thumbnail` takes.
        colorings : mapping from name to n values, optional
            Further columns to color the map by.
        projection, similarity : str
            How the map and the similarities were made, in words.
        title, note : str
            A heading, and a sentence below it; say here if the items are a sample.
        query : int, default=-1
            Row of the item to start with; -1 for none.
        thumbnail_size : int, default=64
            Side of a thumbnail, in pixels.

        Returns
        -------
        Explorer

        Raises
        ------
        ShapeError
            If arrays do not fit each other; all problems of the call are named together.
        DataError
            If places or similarities are not finite, or a neighbor is no row.

        Examples
        --------
        >>> places = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> explorer = Explorer.of(
        ...     xy=places,
        ...     neighbors=np.array([[1], [0], [0]]),
        ...     similarities=np.array([[0.9], [0.9], [0.2]]),
        ...     labels=["cat", "cat", "dog"],
        ... )
        >>> explorer
        Explorer of 3 items, 2 labels, 1 neighbor each; nothing to see? sl.report(...) makes a page
        """
        xy = np.asarray(xy, "<f4")
        n = len(xy)
        neighbors = np.empty((n, 0), int) if neighbors is None else np.asarray(neighbors)
        similarities = np.empty((n, 0)) if similarities is None else np.asarray(similarities)
        colorings = dict(colorings or {})
        per_item = {"labels": labels, "ids": ids, "texts": texts, "thumbnails": thumbnails}
        per_item |= {f"coloring {name!r}": values for name, values in colorings.items()}
        _check_shapes(xy, neighbors, similarities, per_item)
        has_neighbor = neighbors >= 0
        _check_values(xy, neighbors, similarities, has_neighbor)
        label_codes, label_names = _coded([] if labels is None else labels)
        columns = {name: _coded(values) for name, values in colorings.items()}
        return cls(
            xy=xy.tobytes(),
            neighbors=np.where(has_neighbor, neighbors, 0xFFFFFFFF).astype("<u4").tobytes(),
            similarities=np.where(has_neighbor, similarities, 0).astype("<f4").tobytes(),
            label_codes=label_codes.tobytes(),
            label_names=label_names,
            ids=[str(name) for name in (range(n) if ids is None else ids)],
            texts=[] if texts is None else [str(text) for text in texts],
            colorings=[
                {"name": name, "codes": codes.tobytes(), "names": names}
                for name, (codes, names) in columns.items()
            ],
            sprites=[] if thumbnails is None else sprite_sheets(thumbnails, cell=thumbnail_size),
            sprite_cell=thumbnail_size,
            projection=projection,
            similarity=similarity,
            title=title,
            note=note,
            query=query,
        )

    @property
    def selected(self) -> np.ndarray:
        """Rows inside the lasso, ascending; empty if nothing is selected."""
        return np.frombuffer(self.selection, "<i4").astype(int)

    @property
    def selected_ids(self) -> list[str]:
        """Ids of the items inside the lasso."""
        return [self.ids[row] for row in self.selected]

    @traitlets.validate("query")
    def _check_query(self, proposal: Mapping[str, Any]) -> int:
        n = len(self.ids)
        if not -1 <= proposal["value"] < n:
            message = f"query must be a row from 0 to {n - 1}, or -1; got {proposal['value']}"
            raise traitlets.TraitError(message)
        return int(proposal["value"])

    def __repr__(self) -> str:
        n = len(self.ids)
        parts = [f"Explorer of {_plural(n, 'item')}"]
        if self.label_names:
            parts.append(_plural(len(self.label_names), "label"))
        if self.neighbors:
            parts.append(f"{_plural(len(self.neighbors) // (4 * n), 'neighbor')} each")
        return f"{', '.join(parts)}; nothing to see? sl.report(...) makes a page"


def _plural(value: int, noun: str) -> str:
    return f"{value:,} {noun}{'' if value == 1 else 's'}"


def _coded(values: Iterable[Any]) -> tuple[np.ndarray, list[str]]:
    """Replace values by their number in the sorted list of distinct ones; missing ones by -1."""
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    plain = [None if _is_missing(value) else value for value in plain]
    distinct = {value for value in plain if value is not None}
    is_number = all(isinstance(value, int | float) for value in distinct)
    ordered = sorted(distinct, key=None if is_number else _natural)
    code_of = {value: code for code, value in enumerate(ordered)}
    codes = np.fromiter((code_of.get(value, -1) for value in plain), "<i4", len(plain))
    return codes, [str(value) for value in ordered]


def _natural(value: object) -> list[tuple[int, int, str]]:
    """Sort "shape 2" before "shape 10"."""
    parts = re.split(r"(\d+)", str(value))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _is_missing(value: object) -> bool:
    try:
        return value is None or bool(value != value)  # noqa: PLR0124 (NaN and NaT)
    except TypeError:  # pandas.NA refuses to be compared
        return True


def _check_shapes(
    xy: np.ndarray,
    neighbors: np.ndarray,
    similarities: np.ndarray,
    per_item: Mapping[str, Sequence[Any] | np.ndarray | None],
) -> None:
    n = len(xy)
    problems = []
    if xy.ndim != 2 or xy.shape[1] != 2:  # noqa: PLR2004
        problems.append(f"xy must have the shape (n, 2); got {xy.shape}")
    if neighbors.ndim != 2 or len(neighbors) != n:  # noqa: PLR2004
        problems.append(f"neighbors must have the shape ({n}, k); got {neighbors.shape}")
    elif neighbors.shape != similarities.shape:
        problems.append(
            f"similarities must have the shape of neighbors, {neighbors.shape}; "
            f"got {similarities.shape}"
        )
    problems += [
        f"{name} must have one entry per item: got {len(values)} for {n} items"
        for name, values in per_item.items()
        if values is not None and len(values) != n
    ]
    if problems:
        raise ShapeError("; ".join(problems))


def _check_values(
    xy: np.ndarray, neighbors: np.ndarray, similarities: np.ndarray, has_neighbor: np.ndarray
) -> None:
    n = len(xy)
    if neighbors.size and not np.issubdtype(neighbors.dtype, np.integer):
        raise DataError(f"neighbors must be whole row numbers; got dtype {neighbors.dtype}")
    claims = {
        "xy must be finite": np.isfinite(xy).all(axis=1),
        "similarities must be finite": (np.isfinite(similarities) | ~has_neighbor).all(axis=1),
        f"neighbors must be rows from 0 to {n - 1}": (neighbors < n).all(axis=1),
        "no item may be its own neighbor": (neighbors != np.arange(n)[:, None]).all(axis=1),
        "negative neighbors may only end a row": (
            (np.diff(has_neighbor.astype(int), axis=1) <= 0).all(axis=1)
        ),
    }
    problems = []
    for claim, holds in claims.items():
        rows = np.flatnonzero(~holds)
        if len(rows):
            listed = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")  # noqa: PLR2004
            noun = "row" if len(rows) == 1 else "rows"
            problems.append(f"{claim}; {len(rows):,} {noun} differ: {listed}")
    if problems:
        raise DataError("; ".join(problems))
