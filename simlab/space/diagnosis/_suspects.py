"""suspects: items worth a second look, with the neighbors that speak against them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab import _html
from simlab.errors import ChoiceError, DataError
from simlab.items import ranks
from simlab.space._embeddings import Embeddings
from simlab.space._evidence import loneliness, votes
from simlab.space._index import Index
from simlab.space._near import near_from
from simlab.space._neighbors import Neighbors, neighbor_row

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("mislabeled", "outlier", "near-duplicate")
_EVIDENCE, _EVIDENCE_TEXTS, _SHOWN = 5, 3, 4


@dataclass(frozen=True, eq=False, repr=False)
class Suspects:
    """Items that may be mislabeled, outliers or near duplicates; made by `suspects`.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per item and kind, kind by kind, the most suspect first: `id`, `kind`, `score` in
        [0, 1], `label` (with labels), `suggestion` (the label that the neighbors give; None for
        other kinds) and `evidence` (ids of up to five neighbors that say so).
    neighbors : Neighbors
        The nearest others of each row, for `simlab.gallery`.

    Examples
    --------
    >>> from simlab.items import Items
    >>> items = Items.from_arrays([f"text {row}" for row in range(9)], labels=[0] * 8 + [1])
    >>> circle = np.linspace(0, 1, 9)
    >>> found = suspects(Embeddings(np.stack([np.cos(circle), np.sin(circle)], 1), items))
    >>> found
    Suspects: 1 mislabeled, 0 outliers, 0 near-duplicates of 9 items
    >>> items.without(found.ids)
    Items: 8 texts, 1 label
    """

    frame: "pd.DataFrame"
    neighbors: Neighbors

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def ids(self) -> np.ndarray:
        """The ids of all, each once: `items.without(found.ids)` leaves them out."""
        return self.frame["id"].unique()

    def where(self, kind: str) -> "Suspects":
        """Select one kind: `"mislabeled"`, `"outlier"` or `"near-duplicate"`."""
        if kind not in KINDS:
            raise ChoiceError.of("kind", kind, KINDS)
        chosen = (self.frame["kind"] == kind).to_numpy()
        return Suspects(self.frame[chosen].reset_index(drop=True), self.neighbors[chosen])

    def __repr__(self) -> str:
        counts = [int((self.frame["kind"] == kind).sum()) for kind in KINDS]
        told = ", ".join(_said(n, kind) for n, kind in zip(counts, KINDS, strict=True))
        return f"Suspects: {told} of {len(self.neighbors.gallery):,} items"

    def _repr_html_(self) -> str:
        parts = []
        for kind in KINDS:
            rows = np.flatnonzero(self.frame["kind"] == kind)
            if rows.size:
                parts.append(f"<p><b>{_said(len(rows), kind)}</b></p>")
            parts += [self._row_html(row) for row in rows[:_SHOWN].tolist()]
            if len(rows) > _SHOWN:
                parts.append(_html.soft(f"{len(rows) - _SHOWN:,} more: see .frame"))
        note = "the item, then its nearest; leave them out with items.without(found.ids)"
        return _html.block(repr(self), *parts, note=note if len(self) else "")

    def _row_html(self, row: int) -> str:
        one, told = self.neighbors[row], self.frame.iloc[row]
        n = _EVIDENCE if one.gallery.items.modality != "text" else _EVIDENCE_TEXTS
        shown = Neighbors(one.queries, one.gallery, one.positions[:, :n], one.similarities[:, :n])
        said = {
            "mislabeled": f"its neighbors say {told['suggestion']}",
            "outlier": "far from all others",
            "near-duplicate": f"nearly the same as {', '.join(map(str, told['evidence']))}",
        }
        line = f"{told['id']}: {said[told['kind']]} (score {told['score']:.2f})"
        return _html.soft(line) + neighbor_row(shown)


def suspects(embeddings: Embeddings, *, k: int = 20) -> Suspects:
    """Find items worth a second look, by what their nearest neighbors say.

    - **mislabeled**: the neighbors give another label. Score: 0.5 where own and other label get
      equal shares of the votes, 1 where all votes are for one other label.
    - **outlier**: far from all others. Score: 0 at the typical distance to the neighbors, 0.5 at
      twice that, towards 1.
    - **near-duplicate**: another item lies nearly in the same place. Score: the cosine
      similarity. Of a pair the later item is listed, or that in training if the other is tested.

    A suspect is a question, not a verdict: an encoder that cannot tell two labels apart doubts
    items of both. Look at them with `simlab.gallery(found.neighbors)`.

    Parameters
    ----------
    embeddings : Embeddings
        Without labels, none are mislabeled.
    k : int, default=20
        How many neighbors are asked; at most one less than there are items.

    Returns
    -------
    Suspects

    Raises
    ------
    DataError
        Fewer than two items, repeated ids, or `k` below 1.

    References
    ----------
    Northcutt, Jiang, Chuang. *Confident Learning: Estimating Uncertainty in Dataset Labels*.
    2021. arXiv:1911.00068.
    Kuan, Mueller. *Back to the Basics: Revisiting Out-of-Distribution Detection Baselines*.
    2022. arXiv:2207.03061.

    Examples
    --------
    >>> from simlab import embed, encoder, load
    >>> digits = load("striped-digits")[:300]
    >>> found = suspects(embed(digits, encoder("pixels"), cache=False))
    >>> sorted(set(found.frame["kind"]))
    ['mislabeled']
    """
    import pandas as pd

    if len(embeddings) < 2:  # noqa: PLR2004
        raise DataError(f"suspects need at least two items; got {len(embeddings)}")
    k = min(k, len(embeddings) - 1)
    near = Index(embeddings).search(embeddings, k=k, exclude_self=True)
    found = [_mislabeled(near), _outliers(near), _twins(near)]
    rows = np.concatenate([chosen for chosen, _ in found])
    frame = pd.concat([pd.DataFrame(columns) for _, columns in found], ignore_index=True)
    items = embeddings.items
    frame.insert(0, "id", items.ids[rows])
    if items.labels is not None:
        frame.insert(3, "label", items.labels[rows])
    return Suspects(frame, near[rows])


Found = tuple[np.ndarray, dict[str, Any]]
"""Rows of the items, the most suspect first, and columns of the frame."""


def _mislabeled(near: Neighbors) -> Found:
    items = near.queries.items
    found = votes(near.positions, near.similarities, items.label_codes)
    rows = _ordered(np.flatnonzero(found.is_doubtful), found.score)
    said = items.label_codes[near.positions[rows]] == found.code[rows, None]
    evidence = [_few(ids[says]) for ids, says in zip(near.ids[rows], said, strict=True)]
    names = [items.label_names[code] for code in found.code[rows]]
    return rows, _columns("mislabeled", found.score[rows], evidence, names)


def _outliers(near: Neighbors) -> Found:
    score, is_apart = loneliness(near.similarities)
    rows = _ordered(np.flatnonzero(is_apart), score)
    return rows, _columns("outlier", score[rows], [_few(ids) for ids in near.ids[rows]])


def _twins(near: Neighbors) -> Found:
    """List the item that would leave, of two in nearly one place, with the nearest that stays."""
    rank, row = ranks(near.queries.items), np.arange(len(near))[:, None]
    theirs = rank[near.positions]
    stays = (theirs > rank[:, None]) | ((theirs == rank[:, None]) & (near.positions < row))
    is_twin = stays & (near.similarities >= near_from(near.similarities[:, 0]))
    place = is_twin.argmax(axis=1)
    score = near.similarities[row[:, 0], place].clip(0, 1)
    rows = _ordered(np.flatnonzero(is_twin.any(axis=1)), score)
    evidence = [_few(ids[twins]) for ids, twins in zip(near.ids[rows], is_twin[rows], strict=True)]
    return rows, _columns("near-duplicate", score[rows], evidence)


def _ordered(rows: np.ndarray, score: np.ndarray) -> np.ndarray:
    return rows[np.argsort(-score[rows], kind="stable")]


def _few(ids: np.ndarray) -> tuple[Any, ...]:
    return tuple(ids[:_EVIDENCE].tolist())


def _columns(
    kind: str, score: np.ndarray, evidence: list[tuple[Any, ...]], suggestion: Any = None
) -> dict[str, Any]:
    n = len(score)
    said = np.array([*(suggestion or [None] * n), None], dtype=object)[:-1]
    told = np.array([*evidence, None], dtype=object)[:-1]
    return {
        "kind": np.full(n, kind, dtype=object),
        "score": score.astype(float),
        "suggestion": said,
        "evidence": told,
    }


def _said(n: int, kind: str) -> str:
    return f"{n:,} {kind}{'' if n == 1 or kind == 'mislabeled' else 's'}"
