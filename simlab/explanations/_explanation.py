"""Explanation: the evidence, and which parts bring a query and its neighbors together."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab.explanations._card import explanation_html
from simlab.explanations._evidence import Evidence
from simlab.explanations._parts import part_names
from simlab.space import Neighbors

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class PairMap:
    """What each part of a query and of one neighbor does for their similarity.

    Attributes
    ----------
    neighbor_id : str or int
    neighbor_label : str, int or None
    position : int
        Row of the neighbor in the gallery.
    similarity : float
        Cosine similarity of the two, in [-1, 1].
    query_weights, neighbor_weights : ndarray of shape (rows, columns) or (n parts,), float64
        The fall of that similarity when the part is replaced, the other item staying as it is;
        from -2 to 2. Positive: the part brings the two together. Negative: it holds them apart.
        The figures need not add up to the similarity.
    neighbor_words : tuple of str
        The words of the neighbor, in the order of its weights; empty unless it is a text.
    """

    neighbor_id: Any
    neighbor_label: Any
    position: int
    similarity: float
    query_weights: np.ndarray
    neighbor_weights: np.ndarray
    neighbor_words: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Why these are the neighbors of a query. `simlab.explain` makes it.

    It is plain data: it shows itself without the model that it explains.

    Attributes
    ----------
    neighbors : Neighbors
        Of one query.
    evidence : Evidence
        What the neighbors say, before any look inside the items.
    pairs : tuple of PairMap
        The query with its nearest neighbors, the most similar first.
    encoder_name : str
        Who made the space.
    kind : {"cells", "words", "values"}
        What the parts are.
    words : tuple of str
        The words of the query, in the order of its weights; empty unless it is a text.
    donors : tuple
        Ids of the gallery items that replacements came from; empty for texts, whose words are
        left out.

    Examples
    --------
    >>> from simlab import Index, embed, encoder, explain, load
    >>> pixels = encoder("pixels")
    >>> digits = embed(load("striped-digits")[:50], pixels, cache=False)
    >>> found = Index(digits).search(digits[:1], k=5, exclude_self=True)
    >>> explanation = explain(found, pixels, pairs=1, progress=False)
    >>> explanation.frame.columns.tolist()
    ['neighbor', 'side', 'part', 'weight']
    """

    neighbors: Neighbors
    evidence: Evidence
    pairs: tuple[PairMap, ...]
    encoder_name: str
    kind: str
    words: tuple[str, ...] = ()
    donors: tuple[Any, ...] = ()

    @property
    def scale(self) -> float:
        """The largest weight of all pairs, whatever its sign: the end of the one color scale."""
        weights = [
            side for pair in self.pairs for side in (pair.query_weights, pair.neighbor_weights)
        ]
        return max((float(np.abs(side).max()) for side in weights if side.size), default=0.0)

    @property
    def method(self) -> str:
        """How the weights were measured, in one sentence."""
        if self.kind == "words":
            done = "each word was left out"
        else:
            n = len(self.donors)
            done = f"each {self.kind[:-1]} was replaced by that of {n} other item{'s' * (n != 1)}"
        return f"{done}; the figure is the fall of the similarity"

    @property
    def frame(self) -> "pd.DataFrame":
        """One row per pair, side and part, as a pandas frame.

        The columns are `neighbor` (id), `side` (`"query"` or `"neighbor"`), `part` (the word, or
        the place, counted from 0) and `weight`.
        """
        import pandas as pd

        rows = [
            (pair.neighbor_id, side, name, float(weight))
            for pair in self.pairs
            for side, weights, words in (
                ("query", pair.query_weights, self.words),
                ("neighbor", pair.neighbor_weights, pair.neighbor_words),
            )
            for name, weight in zip(
                words or part_names(weights.shape), weights.ravel(), strict=True
            )
        ]
        return pd.DataFrame(rows, columns=["neighbor", "side", "part", "weight"])

    def __repr__(self) -> str:
        n = len(self.pairs)
        return (
            f"Explanation: {self.evidence.sentence} "
            f"({n} pair{'s' * (n != 1)} by {self.kind}, {self.encoder_name})"
        )

    def _repr_html_(self) -> str:
        return explanation_html(self)
