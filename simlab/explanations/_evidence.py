"""Evidence: what the neighbors of one query say, before any look inside the items."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from simlab.errors import DataError
from simlab.space import Neighbors


@dataclass(frozen=True)
class Evidence:
    """What the neighbors of one query say about it.

    Make it with `Evidence.of(neighbors[0])`; `simlab.explain` does. The query itself is left out
    where it is part of the gallery, and neighbors without a label do not vote.

    Attributes
    ----------
    k : int
        Number of neighbors looked at.
    votes : mapping of label to int
        How many of them have each label, most votes first; empty in a gallery without labels.
    predicted : str, int or None
        The label with most votes; among equals the one that occurs nearer. None without votes.
    share : float or None
        Votes for `predicted` among all votes, in (0, 1].
    nearest : float
        Cosine similarity of the nearest neighbor, in [-1, 1]: is the query familiar at all?
    nearest_unlike : float or None
        Cosine similarity of the nearest neighbor that has another label than `predicted`
        (the *nearest unlike neighbor*); None if there is none in the list.
    unlike_label : str, int or None
        The label of that neighbor.
    margin : float or None
        How much more similar the nearest neighbor labeled `predicted` is than the nearest
        unlike one, from -2 to 2: how firmly do they agree? Negative if the nearest neighbor of
        all is the unlike one. None without an unlike one.
    label : str, int or None
        What the query is, where it is known.
    is_right : bool or None
        Whether `predicted` is `label`; None where either is not known.

    References
    ----------
    Delany, Cunningham, Doyle and Zamolotskikh. *Generating Estimates of Classification
    Confidence for a Case-Based Spam Filter*. ICCBR 2005, for the nearest unlike neighbor as a
    measure of confidence.

    Examples
    --------
    >>> from simlab.items import Items
    >>> from simlab.space import Embeddings, Index
    >>> items = Items.from_arrays(["a", "b", "c"], labels=["x", "x", "y"])
    >>> gallery = Embeddings(np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]), items)
    >>> evidence = Evidence.of(Index(gallery).search(gallery[:1], k=3))
    >>> evidence.votes
    {'x': 1, 'y': 1}
    >>> evidence.predicted, evidence.is_right
    ('x', True)
    """

    k: int
    votes: Mapping[Any, int]
    predicted: Any
    share: float | None
    nearest: float
    nearest_unlike: float | None
    unlike_label: Any
    margin: float | None
    label: Any
    is_right: bool | None

    @classmethod
    def of(cls, neighbors: Neighbors) -> Self:
        """Count the neighbors of one query.

        Raises
        ------
        DataError
            Not exactly one query, or no neighbor besides the query itself.
        """
        positions, similarities = others(neighbors)
        own, theirs = neighbors.queries.items.labels, neighbors.gallery.items.labels
        label = None if own is None else plain(own[0])
        labels = [None if theirs is None else plain(theirs[row]) for row in positions]
        # most_common keeps the order of first occurrence among equals, which is the nearer first
        votes = dict(Counter(name for name in labels if name is not None).most_common())
        predicted = next(iter(votes), None)
        unlike = [rank for rank, name in enumerate(labels) if name not in {predicted, None}]
        nearest_unlike = margin = None
        if unlike:
            nearest_unlike = float(similarities[unlike[0]])
            margin = float(similarities[labels.index(predicted)]) - nearest_unlike
        return cls(
            k=len(positions),
            votes=votes,
            predicted=predicted,
            share=votes[predicted] / sum(votes.values()) if votes else None,
            nearest=float(similarities[0]),
            nearest_unlike=nearest_unlike,
            unlike_label=labels[unlike[0]] if unlike else None,
            margin=margin,
            label=label,
            is_right=None if label is None or predicted is None else predicted == label,
        )

    @property
    def sentence(self) -> str:
        """The evidence in words, for example "8 of 10 neighbors are 'red heart'; ..."."""
        return f"{self.vote_in_words}; {self.margin_in_words}"

    @property
    def vote_in_words(self) -> str:
        """Who voted for what."""
        if not self.votes:
            return f"{self.k} neighbor{'s' * (self.k != 1)} without a label"
        n, cast = self.votes[self.predicted], sum(self.votes.values())
        known = "" if cast == self.k else " with a label"
        if cast == 1:
            return f"the only neighbor{known} is {self.predicted!r}"
        many = f"all {n}" if n == cast else f"{n} of {cast}"
        return f"{many} neighbors{known} {'is' if n == 1 else 'are'} {self.predicted!r}"

    @property
    def margin_in_words(self) -> str:
        """How near the nearest is, and how much less similar the nearest of another label."""
        said = f"the nearest has similarity {self.nearest:.2f}"
        if self.margin is None:
            agreed = len(self.votes) == 1 < self.votes[self.predicted]
            return f"{said}, and no other label is among them" if agreed else said
        if self.margin < 0:
            return f"but a nearer one, at {self.nearest_unlike:.2f}, is {self.unlike_label!r}"
        return (
            f"{said}, and the nearest of another label, {self.unlike_label!r}, is "
            f"{self.margin:.2f} less similar"
        )


def others(neighbors: Neighbors) -> tuple[np.ndarray, np.ndarray]:
    """Take the neighbors of one query without the query itself.

    Returns
    -------
    positions : ndarray of shape (k,), int64
        Rows of the gallery, the most similar first.
    similarities : ndarray of shape (k,)

    Raises
    ------
    DataError
        Not exactly one query, or no neighbor besides the query itself.
    """
    if len(neighbors) != 1:
        raise DataError(
            f"an explanation needs the neighbors of one query; got {len(neighbors)} queries; "
            "pick one, for example neighbors[0]"
        )
    names = neighbors.ids[0].astype(object)  # so that ids of another type are other ids
    is_other = names != neighbors.queries.items.ids[0]
    if not np.any(is_other):
        raise DataError(
            f"an explanation needs a neighbor besides the query itself; got {neighbors.k} in "
            "all; search with a larger k, or with exclude_self=True"
        )
    return neighbors.positions[0][is_other], neighbors.similarities[0][is_other]


def plain(value: Any) -> Any:
    """Turn a numpy number into a Python one; leave anything else."""
    return value.item() if isinstance(value, np.generic) else value
