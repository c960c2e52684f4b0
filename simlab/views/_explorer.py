"""The explorer: a map of all items, and the neighbors of the one you choose."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar, Self

import numpy as np
import traitlets
from anywidget import AnyWidget
from ipywidgets.widgets.trait_types import CByteMemoryView
from PIL import Image

from simlab._thumbnails import COLUMNS, sprite_sheets
from simlab.views._columns import check_shapes, check_values, coded, column
from simlab.views._sketch import sketch

_STATIC = Path(__file__).parent / "static"
_PARTS = (
    *("dom", "data", "sketch", "colorings", "colors", "scale", "thumbs", "viewport", "painter"),
    *("marks", "pointer", "map", "panel", "legend", "selection", "help", "filters", "standing"),
    *("toolbar", "errors", "lists", "axes", "tooltip", "keys", "explorer"),
)


def joined(parts: Iterable[str]) -> str:
    """Join plain ES modules of `static/` into the one text that a widget may carry.

    Editors and type checkers see separate modules with imports and exports. Here they come to
    share one scope, each after those it imports: imports go, exports become plain names, and
    comments and indents stay at home, because every saved widget carries this text. So no two of
    the files may use the same name at their top, and no string may go over several lines.
    """
    text = "\n".join((_STATIC / f"{part}.js").read_text("utf-8") for part in parts)
    for pattern in (r"^// @ts-check\n", r"^ */\*\*.*?\*/\n", r"^import \{.*?\} from \"\./.*?;\n"):
        text = re.sub(pattern, "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^(export (?!default)| +)", "", text, flags=re.MULTILINE)


def styled(*parts: str) -> str:
    """Join style sheets of `static/`."""
    return "\n".join((_STATIC / f"{part}.css").read_text("utf-8") for part in parts)


class Explorer(AnyWidget):
    """A map of items on the left, the nearest neighbors of the query on the right.

    All of it works in the page, without a kernel: click, search, filters, lasso, colors, lists of
    errors, axes of one's own. With a kernel, `query` and `bookmarks` follow the page both ways and
    `selected` holds the chosen rows.
    Build one with `Explorer.of`; the traits are its saved form, arrays as little-endian bytes.

    Attributes
    ----------
    query : int
        Row of the item whose neighbors are shown, or -1. Set it to move the page.
    selected : numpy array of int
        Rows chosen by lasso or filter, ascending.
    selected_ids : list of str
        Their ids.
    bookmarks : list of int
        Rows that were kept with the star or the key b, in that order.
    """

    _esm: ClassVar[str] = joined(_PARTS)
    _css: ClassVar[str] = styled("theme", "explorer")
    _work: Thread | None = None

    xy = traitlets.Bytes().tag(sync=True)
    neighbors = traitlets.Bytes().tag(sync=True)
    similarities = traitlets.Bytes().tag(sync=True)
    label_codes = traitlets.Bytes().tag(sync=True)
    label_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    ids: traitlets.List[str] = traitlets.List().tag(sync=True)
    texts: traitlets.List[str] = traitlets.List().tag(sync=True)
    colorings = traitlets.List(traitlets.Dict()).tag(sync=True)
    sketch = traitlets.Bytes().tag(sync=True)
    sketch_scale = traitlets.Float(1.0).tag(sync=True)
    sketch_error = traitlets.Float(0.0).tag(sync=True)
    sprites = traitlets.List(traitlets.Bytes()).tag(sync=True)
    sprite_cell = traitlets.Int(64).tag(sync=True)
    sprite_columns = traitlets.Int(COLUMNS).tag(sync=True)
    projection = traitlets.Unicode().tag(sync=True)
    progress = traitlets.Unicode().tag(sync=True)
    other_maps = traitlets.List(traitlets.Dict()).tag(sync=True)
    similarity = traitlets.Unicode("cosine").tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    query = traitlets.Int(-1).tag(sync=True)
    selection = CByteMemoryView(b"").tag(sync=True)
    bookmarks: traitlets.List[int] = traitlets.List(traitlets.Int()).tag(sync=True)

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
        vectors: np.ndarray | None = None,
        other_maps: Mapping[str, np.ndarray] | None = None,
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
            Further columns to color and filter the map by. Numbers of more than twelve values
            are shown on a scale, all else as classes.
        vectors : array of shape (n, dim), optional
            Unit vectors, of which a sketch goes along: for colors by similarity to any query, and
            for axes from one label to another.
        other_maps : mapping from name to array of shape (n, 2), optional
            Further maps that the page can change to.
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
        maps = {name: np.asarray(places, "<f4") for name, places in (other_maps or {}).items()}
        per_item = {"labels": labels, "ids": ids, "texts": texts, "thumbnails": thumbnails}
        per_item |= {"vectors": vectors}
        per_item |= {f"coloring {name!r}": values for name, values in colorings.items()}
        check_shapes(xy, neighbors, similarities, per_item, maps)
        has_neighbor = neighbors >= 0
        check_values(xy, neighbors, similarities, has_neighbor, maps)
        label_codes, label_names = coded([] if labels is None else labels)
        sketched = sketch(np.empty((n, 0)) if vectors is None else vectors)
        return cls(
            xy=xy.tobytes(),
            neighbors=np.where(has_neighbor, neighbors, 0xFFFFFFFF).astype("<u4").tobytes(),
            similarities=np.where(has_neighbor, similarities, 0).astype("<f4").tobytes(),
            label_codes=label_codes.tobytes(),
            label_names=label_names,
            ids=[str(name) for name in (range(n) if ids is None else ids)],
            texts=[] if texts is None else [str(text) for text in texts],
            colorings=[column(name, values) for name, values in colorings.items()],
            sketch=sketched.codes.tobytes(),
            sketch_scale=sketched.scale,
            sketch_error=sketched.error,
            sprites=[] if thumbnails is None else sprite_sheets(thumbnails, cell=thumbnail_size),
            sprite_cell=thumbnail_size,
            other_maps=[{"name": name, "xy": places.tobytes()} for name, places in maps.items()],
            projection=projection,
            similarity=similarity,
            title=title,
            note=note,
            query=query,
        )

    def improve(self, compute: Callable[[Callable[[str], None]], np.ndarray], name: str) -> None:
        """Change to a better map when it is ready; the map of now stays to be chosen.

        Parameters
        ----------
        compute : callable
            Gives places of shape (n, 2); is handed a function to tell its stages to.
        name : str
            Of the better map.
        """

        def work() -> None:
            def tell(stage: str) -> None:
                self.progress = f"{name}: {stage} …"

            try:
                places = np.asarray(compute(tell), "<f4")
            except Exception as error:  # noqa: BLE001 (a thread has nobody to raise to)
                self.progress = f"{name} failed, this is still {self.projection}: {error}"
                return
            known = {"name": self.projection, "xy": self.xy}
            with self.hold_sync():
                self.other_maps = [*self.other_maps, known]
                self.projection, self.xy, self.progress = name, places.tobytes(), ""

        self.progress = f"{name}: starting …"
        self._work = Thread(target=work, name=f"simlab {name}", daemon=True)
        self._work.start()

    def wait(self) -> Self:
        """Wait for the map that is being computed, if any; gives the explorer.

        A report waits by itself.
        """
        if self._work is not None:
            self._work.join()
        return self

    @property
    def selected(self) -> np.ndarray:
        """Rows chosen by lasso or filter, ascending; empty if nothing is selected."""
        return np.frombuffer(self.selection, "<i4").astype(int)

    @property
    def selected_ids(self) -> list[str]:
        """Ids of the selected items."""
        return [self.ids[row] for row in self.selected]

    @traitlets.validate("query")
    def _check_query(self, proposal: Mapping[str, Any]) -> int:
        n = len(self.ids)
        if not -1 <= proposal["value"] < n:
            message = f"query must be a row from 0 to {n - 1}, or -1; got {proposal['value']}"
            raise traitlets.TraitError(message)
        return int(proposal["value"])

    @traitlets.validate("bookmarks")
    def _check_bookmarks(self, proposal: Mapping[str, Any]) -> list[int]:
        n = len(self.ids)
        if wrong := [row for row in proposal["value"] if not 0 <= row < n]:
            message = f"bookmarks must be rows from 0 to {n - 1}; got {wrong[0]}"
            raise traitlets.TraitError(message)
        return list(dict.fromkeys(proposal["value"]))

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
