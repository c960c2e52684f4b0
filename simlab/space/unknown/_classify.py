"""classify: a label for each query, or "unknown", with the evidence."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab import _html
from simlab.errors import DataError
from simlab.items import as_positions
from simlab.space._embeddings import Embeddings
from simlab.space._neighbors import Neighbors
from simlab.space.unknown._answers import answers
from simlab.space.unknown._calibration import VOTERS, Calibration
from simlab.space.unknown._trials import UNKNOWN, gallery_codes

if TYPE_CHECKING:
    import pandas as pd

    from simlab.space._index import Index

_SHOWN, _SHOWN_NEIGHBORS, _SHOWN_LABELS = 6, 5, 3


@dataclass(frozen=True, eq=False, repr=False)
class Classification:
    """The labels of some queries, and why; made by `index.classify`.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per query:

        - `id`; `label`: the answer, or `"unknown"`;
        - `nearest`: the label with most votes, whether it is sure enough or not;
        - `votes`: its share of the votes, in (0, 1]; `similarity`: of the query to its nearest
          item, in [-1, 1]; `margin`: how much more than to the nearest item of any other label;
        - of a calibrated index: `confidence`, the probability that `nearest` is right;
          `p_label`, small where it is an odd choice; `p_known`, small where the query is less
          like the gallery than held-out items were; `set`, the labels that cannot be excluded
          (none of them may be left).
    neighbors : Neighbors
        Who voted, query by query; `simlab.gallery(found.neighbors)` shows them.
    calibration : Calibration or None
        None: no answer is "unknown", and votes are no probabilities.
    """

    frame: "pd.DataFrame"
    neighbors: Neighbors
    calibration: Calibration | None

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, key: Any) -> "Classification":
        """Select queries by position, slice or mask."""
        chosen = as_positions(key, len(self))
        frame = self.frame.iloc[chosen].reset_index(drop=True)
        return Classification(frame, self.neighbors[chosen], self.calibration)

    @property
    def labels(self) -> np.ndarray:
        """The answers, shape (q,): labels, or "unknown"."""
        return self.frame["label"].to_numpy(dtype=object)

    @property
    def is_unknown(self) -> np.ndarray:
        """Which queries got no label, shape (q,), bool."""
        return self.labels == UNKNOWN

    def __repr__(self) -> str:
        n = len(self)
        head = f"Classification: {n:,} quer{'y' if n == 1 else 'ies'}"
        if self.calibration is None:
            return f"{head}, not calibrated: votes only, and no answer is {UNKNOWN!r}"
        coverage = self.calibration.usual.coverage
        return (
            f"{head}, {int(self.is_unknown.sum()):,} {UNKNOWN}; calibrated for "
            f"{self.calibration.target}, sets of coverage {coverage}"
        )

    def _repr_html_(self) -> str:
        rows = "".join(self._row(place) for place in range(min(len(self), _SHOWN)))
        more = f"the first {_SHOWN} of {len(self)} queries" if len(self) > _SHOWN else ""
        return _html.block(repr(self), rows, note=more)

    def _row(self, place: int) -> str:
        row, one = self.frame.iloc[place], self.neighbors[place]
        said = [f"votes {row['votes']:.2f}"]
        if self.calibration is not None:
            said = [f"confidence {row['confidence']:.2f}", f"among {_told(row['set'])}"]
        content = one.queries.items.content[0]
        cells = [_html.figure(content, kind="query", mark=str(row["label"]), lines=said)]
        found = one.gallery.items[one.positions[0, :_SHOWN_NEIGHBORS]]
        for rank, similarity in enumerate(one.similarities[0, :_SHOWN_NEIGHBORS]):
            label = None if found.labels is None else found.labels[rank]
            lines = [f"{similarity:.2f}", str(label)]
            cells.append(_html.figure(found.content[rank], lines=lines))
        return f'<div class="row">{"".join(cells)}</div>'


def classify(index: "Index", queries: Embeddings, *, k: int | None = None) -> Classification:
    r"""Say which class each query is of, or that it is of none, with the evidence.

    The k nearest items of the gallery vote, each with the weight :math:`e^{s / 0.07}` of its
    similarity :math:`s`. With a calibration, an answer whose confidence is below the threshold is
    `"unknown"`. Without one, the label with most votes is told, and nothing of how sure it is.

    Parameters
    ----------
    queries : Embeddings
        From the same encoder as the gallery. An item of the gallery does not find itself.
    k : int, optional
        How many vote; all of a smaller gallery. By default as many as in the calibration, where
        it can be no other number; 10 without one.

    Returns
    -------
    Classification

    Raises
    ------
    DataError
        A gallery without labels, with several per item, or with one named "unknown"; no queries;
        another encoder; another `k` than that of the calibration.
    ShapeError
        Another dimension.

    References
    ----------
    Wu, Xiong, Yu, Lin. *Unsupervised Feature Learning via Non-Parametric Instance
    Discrimination*. CVPR 2018, arXiv:1805.01978, section 3.4 (weighted votes).

    Examples
    --------
    >>> from simlab import Index, embed, encoder, load
    >>> digits = embed(load("striped-digits"), encoder("pixels"), progress=False)
    >>> index = Index(digits[:900])
    >>> index.classify(digits[900:903])
    Classification: 3 queries, not calibrated: votes only, and no answer is 'unknown'
    >>> calibrated = index.calibrate(digits[900:1300], target={"precision": 0.8})
    >>> len(calibrated.classify(digits[1300:]).labels)
    497
    """
    import pandas as pd

    index._check(queries, 1, most=1)  # noqa: SLF001 (the same room)
    codes, calibration = gallery_codes(index), index.calibration
    k = _voters(k, calibration)
    own = np.array([index._row_of.get(name, -1) for name in queries.items.ids.tolist()])  # noqa: SLF001
    n_others = int((codes >= 0).sum()) - bool((own >= 0).any())
    if not n_others:
        raise DataError("a gallery of one item cannot tell the label of that item itself")
    said = answers(queries.unit, index.embeddings.unit, codes, min(k, n_others), own=own)
    names = index.embeddings.items.label_names
    nearest = np.array([*names, None], dtype=object)[said.label]
    columns = {
        "id": queries.items.ids,
        "label": nearest,
        "nearest": nearest,
        "votes": said.votes,
        "similarity": said.similarity,
        "margin": said.margin,
    }
    if calibration is not None:
        confidence, usual = calibration.confidence(said.evidence), calibration.usual
        oddness = said.oddness[np.arange(len(queries)), said.label]
        columns |= {
            "label": np.where(confidence >= calibration.threshold, nearest, UNKNOWN),
            "confidence": confidence,
            "p_label": usual.p_label(oddness, nearest.tolist()),
            "p_known": usual.p_known(said.similarities[:, 0]),
            "set": _sets(usual.sets(said.oddness, names), names),
        }
    neighbors = Neighbors(queries, index.embeddings, said.positions, said.similarities)
    return Classification(pd.DataFrame(columns), neighbors, calibration)


def _voters(k: int | None, calibration: Calibration | None) -> int:
    if k is None:
        return VOTERS if calibration is None else calibration.k
    if k < 1:
        raise DataError(f"k must be at least 1; got {k!r}")
    if calibration is not None and k != calibration.k:
        raise DataError(
            f"k must be {calibration.k}, as in the calibration; got {k}; leave it out, or "
            "calibrate with this k"
        )
    return k


def _sets(is_inside: np.ndarray, names: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return [tuple(names[place] for place in np.flatnonzero(row)) for row in is_inside]


def _told(labels: tuple[Any, ...]) -> str:
    """Write a prediction set in few words."""
    if not labels:
        return "none"
    more = len(labels) - _SHOWN_LABELS
    return ", ".join(map(str, labels[:_SHOWN_LABELS])) + (f" and {more} more" if more > 0 else "")
