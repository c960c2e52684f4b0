"""Trials: what a gallery answers to items whose label is known, and to strangers."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab.errors import DataError, SimlabWarning
from simlab.space._embeddings import Embeddings
from simlab.space.unknown._answers import Answers, answers

if TYPE_CHECKING:
    from simlab.space._index import Index

UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Trials:
    """Queries of known classes, and after them queries of classes that the gallery lacks.

    Attributes
    ----------
    rows : ndarray of shape (n,), int
        Which item asked.
    is_known, is_right : ndarray of shape (n,), bool
    evidence : ndarray of shape (n, 2)
        Similarity and margin of the answer.
    label : ndarray of shape (n,), int
        Code of the answer, in the gallery.
    units : ndarray of shape (n,), int
        Class of the item: what an interval draws.
    known : Answers
        To the queries of known classes.
    own : ndarray of shape (n_known,), int
        Their right labels, as codes of the gallery.
    """

    rows: np.ndarray
    is_known: np.ndarray
    is_right: np.ndarray
    evidence: np.ndarray
    label: np.ndarray
    units: np.ndarray
    known: Answers
    own: np.ndarray

    @property
    def strata(self) -> np.ndarray:
        """Whether the class of each trial is one of the gallery, hidden in this trial or not."""
        return np.isin(self.units, self.units[self.is_known])

    def weights(self, unknown: float) -> np.ndarray:
        """Let the trials of unknown classes weigh the share `unknown` of all."""
        n_known, n_unknown = int(self.is_known.sum()), int((~self.is_known).sum())
        return np.where(self.is_known, (1 - unknown) / n_known, unknown / max(n_unknown, 1))


def trials(index: "Index", queries: Embeddings, k: int, *, unknown: float) -> Trials:
    """Ask the gallery every question whose answer is known.

    An item whose class is in the gallery asks as it is, and, if training never saw its class,
    once more with that class hidden: then it is a stranger. An item of another class is one.

    Raises
    ------
    DataError
        Items that cannot measure the gallery, or none of known or of unknown classes.

    Warns
    -----
    SimlabWarning
        Classes that training saw.
    """
    codes, own = known_codes(index, queries)
    is_seen = _trained_on(queries)
    is_stranger = (own < 0) & ~is_seen
    is_hidden = (own >= 0) & ~is_seen & (len(np.unique(codes[codes >= 0])) > 1)
    if not (own >= 0).any():
        raise DataError(
            "some items must be of classes of the gallery, or nothing can be answered right; none "
            f"of {len(queries)} is; put other items of their classes in: index.add(...)"
        )
    if unknown and not (is_hidden | is_stranger).any():
        raise DataError(
            "items of classes that training never saw are needed to measure unknown classes; all "
            f"{len(queries)} items are of classes that it saw; hold whole classes out: "
            'items.split(by="label"), or give unknown=0'
        )
    asked = [np.flatnonzero(part) for part in (own >= 0, is_hidden, is_stranger)]
    parts = [
        answers(queries.unit[rows], index.embeddings.unit, codes, k, hidden=hidden)
        for rows, hidden in zip(asked, (None, own[asked[1]], None), strict=True)
        if len(rows)
    ]
    rows = np.concatenate(asked)
    label = np.concatenate([part.label for part in parts])
    is_known = np.arange(len(rows)) < len(asked[0])
    return Trials(
        rows=rows,
        is_known=is_known,
        is_right=is_known & (label == own[rows]),
        evidence=np.concatenate([part.evidence for part in parts]),
        label=label,
        units=queries.items.label_codes[rows],
        known=parts[0],
        own=own[asked[0]],
    )


def gallery_codes(index: "Index") -> np.ndarray:
    """Read the labels of a gallery that can answer, as codes.

    Raises
    ------
    DataError
        No labels, several per item, or one that is named "unknown".
    """
    items = index.embeddings.items
    if not items.label_names:
        raise DataError("classes are told by the labels of the gallery; it has none; give labels")
    if items.has_several_labels:
        raise DataError(
            "an answer is one label, and the items of this gallery have several; make a gallery "
            "with one label each"
        )
    if UNKNOWN in items.label_names:
        raise DataError(
            f"the label {UNKNOWN!r} is the answer to queries of no known class; the gallery has "
            "items of that name; rename the label or leave them out"
        )
    return items.label_codes


def known_codes(index: "Index", queries: Embeddings) -> tuple[np.ndarray, np.ndarray]:
    """Read the labels of gallery and queries as codes of the gallery; -1 for other classes.

    Raises
    ------
    DataError
        Queries without labels, in the gallery, or of training.
    """
    index._check(queries, 1, most=1)  # noqa: SLF001 (the same room)
    codes = gallery_codes(index)
    items = queries.items
    n_missing = int((items.label_codes < 0).sum())
    if n_missing or items.has_several_labels:
        raise DataError(
            f"each item needs one label; {n_missing} of {len(items)} have none"
            + (", and others have several" if items.has_several_labels else "")
            + "; leave these out"
        )
    inside = set(items.ids.tolist()) & set(index.embeddings.items.ids.tolist())
    if inside:
        raise DataError(
            "items that are in the gallery find themselves, which says nothing of new ones; "
            f"{len(inside)} of {len(items)} are in it (first: {min(inside, key=str)!r}); take "
            "other items, or leave these out of the gallery: index.remove(ids=...)"
        )
    trained = getattr(queries.source, "seen_labels", None) is not None
    if trained and "split" in items.columns and (items.column("split") == "train").any():
        n_train = int((items.column("split") == "train").sum())
        raise DataError(
            "items that were trained on lie nearer to their class than new ones; "
            f"{n_train} of {len(items)} are of the split 'train'; take held-out items"
        )
    code_of: dict[Any, int] = {
        name: code for code, name in enumerate(index.embeddings.items.label_names)
    }
    assert items.labels is not None  # noqa: S101 (each item has one)
    own = np.array([code_of.get(name, -1) for name in items.labels.tolist()], dtype=np.int64)
    return codes, own


def _trained_on(queries: Embeddings) -> np.ndarray:
    """Tell which items are of a class that training saw, as far as that is known."""
    trained = getattr(queries.source, "seen_labels", None) or frozenset()
    labels = queries.items.labels
    is_seen = np.array([name in trained for name in ([] if labels is None else labels.tolist())])
    if is_seen.any():
        warnings.warn(
            f"{int(is_seen.sum())} of {len(queries)} items are of classes that training saw; they "
            "measure known classes only, and flatter them if training saw the items too",
            SimlabWarning,
            stacklevel=4,
        )
    return is_seen
