"""diagnose: everything about one space, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from simlab import _html
from simlab.errors import ChoiceError, DataError
from simlab.space._embeddings import Embeddings
from simlab.space._index import Index
from simlab.space._neighbors import Neighbors
from simlab.space.diagnosis._confusions import Confusions, confusions
from simlab.space.diagnosis._findings import Findings
from simlab.space.diagnosis._hardest import hardest
from simlab.space.diagnosis._hubs import hubs
from simlab.space.diagnosis._measures import measures
from simlab.space.diagnosis._suspects import Suspects, suspects

if TYPE_CHECKING:
    import pandas as pd

_HEALTHY = {
    "spread": "near 1",
    "uniformity": "low",
    "alignment": "low",
    "effective_rank": "near the dimensions",
    "hubness": "below 2",
    "anti_hubs": "near 0",
}


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis:
    """What is to be known of one space; made by `diagnose`.

    Attributes
    ----------
    name : str
        Of the encoder or run.
    measures : pandas.DataFrame
        `measure`, `value`, `low` and `high` (95% interval), `n` (items looked at):

        - `spread`: 1 minus the mean cosine similarity of two items, in [0, 2]; near 1 is healthy.
        - `uniformity`, `alignment`: see `simlab.space.uniformity` and `alignment`; lower is
          better. These three are of at most 2,000 items, drawn at random; the intervals draw items.
        - `effective_rank`: see `simlab.space.effective_rank`. No interval: items drawn twice
          would lower it.
        - `hubness`: skewness of how often items are neighbors, see `simlab.space.hubness`.
          Its interval draws items, with the occurrences that they have.
        - `anti_hubs`: share of items that are no query's neighbor (interval: Wilson).
    neighbors : Neighbors
        The k nearest of every query.
    confusions : Confusions or None
        Which labels are mixed up.
    hardest : Findings or None
        Queries that find least.
    hubs : Findings
        Items that are neighbors of unusually many.
    suspects : Suspects or None
        Items that may be mislabeled, outliers or near duplicates.
    undefined : mapping of str to str
        Why a part is None.

    Examples
    --------
    >>> from simlab.items import Items
    >>> items = Items.from_arrays(["a", "b", "c", "d"], labels=["x", "x", "y", "y"])
    >>> space = Embeddings(np.array([[1, 0], [1, 0.1], [0, 1], [1, 0.5]]), items)
    >>> found = diagnose(space, k=1)
    >>> round(found.value("anti_hubs"), 2), found.hardest.frame["map@r"].tolist()
    (0.25, [0.0, 1.0, 1.0, 1.0])
    """

    name: str
    measures: "pd.DataFrame"
    neighbors: Neighbors
    confusions: Confusions | None
    hardest: Findings | None
    hubs: Findings
    suspects: Suspects | None
    undefined: Mapping[str, str]

    def value(self, measure: str) -> float:
        """Read one measure, for example `found.value("hubness")`."""
        if measure not in set(self.measures["measure"]):
            raise ChoiceError.of("measure", measure, self.measures["measure"].tolist())
        return float(self.measures.set_index("measure").loc[measure, "value"])

    def __repr__(self) -> str:
        found = (self.confusions, self.hubs, self.suspects)
        told = [repr(part) for part in found if part is not None]
        lines = [
            f"  {one.measure:<14} {one.value:7.3f}{_ends(one)}"
            for one in self.measures.itertuples()
        ]
        return "\n".join([f"Diagnosis of {self._what}", *lines, *(f"  {line}" for line in told)])

    @property
    def _what(self) -> str:
        queries, near = len(self.neighbors.queries), self.neighbors
        where = "" if near.gallery is near.queries else f" in a gallery of {len(near.gallery):,}"
        return f"{self.name}: {queries:,} items{where}, {near.k} neighbors each"

    def _repr_html_(self) -> str:
        rows = [
            [one.measure, f"{one.value:.3f}", _ends(one).strip(), _HEALTHY[one.measure], one.n]
            for one in self.measures.itertuples()
        ]
        head = ["measure", "value", "95% interval", "healthy", "items"]
        found = (self.confusions, self.hardest, self.hubs, self.suspects)
        parts = [_html.table(head, rows)]
        parts += [
            f"<p><b>{escape(repr(part))}</b></p>{getattr(part, 'html', '')}"
            for part in found
            if part is not None
        ]
        parts += [_html.soft(f"no {part}: {why}") for part, why in self.undefined.items()]
        return _html.block(f"Diagnosis of {self._what}", *parts)


def diagnose(
    embeddings: Embeddings,
    *,
    gallery: Embeddings | None = None,
    k: int = 10,
    metric: str = "map@r",
    most: int = 24,
) -> Diagnosis:
    """Learn what is to be known of one space: measures, confusions, hard queries, hubs, suspects.

    Every item is a query once and never finds itself. Memory grows with items times `k`.

    Parameters
    ----------
    embeddings : Embeddings
        The queries; with labels more can be told. Pass held-out items to learn of a training:
        `after.where(split="test")`.
    gallery : Embeddings, optional
        Where to search; by default the queries themselves. Measures of pairs of items (`spread`,
        `uniformity`, `alignment`, `effective_rank`) are of the queries.
    k : int, default=10
        Neighbors of each query; at most as many as there are are looked at.
    metric : str, default="map@r"
        What tells a hard query: any metric of `simlab.score` that each query has of its own.
    most : int, default=24
        How many of the hardest queries and of the hubs are kept.

    Returns
    -------
    Diagnosis
        Without labels, confusions and hardest queries are None; with several labels per item,
        groups, pairs or several sources, where a neighbor is right by degrees or it is not known
        whether it is, confusions are None; with a gallery, suspects are None. `.undefined` says
        why.

    Raises
    ------
    DataError
        Fewer than two items, repeated ids, `k` or `most` below 1.
    ChoiceError
        No such metric, or one of all queries together.

    See Also
    --------
    simlab.space.changes : what differs between two spaces.

    Examples
    --------
    >>> from simlab import embed, encoder, load
    >>> digits = embed(load("striped-digits")[:300], encoder("pixels"), cache=False)
    >>> found = diagnose(digits)
    >>> found.hardest.frame["id"][0], found.hubs.frame["id"][0]
    ('digit-33', 'digit-114')
    """
    if len(embeddings) < 2:  # noqa: PLR2004
        raise DataError(f"diagnose needs at least two items; got {len(embeddings)}")
    if min(k, most) < 1:
        raise DataError(f"k and most must be at least 1; got k={k}, most={most}")
    where = embeddings if gallery is None else gallery
    near = Index(where).search(embeddings, min(k, len(where) - 1), exclude_self=True)
    undefined = _undefined(near)
    hard = None
    if "hardest" not in undefined:
        try:
            hard = hardest(near, metric=metric, most=most)
        except DataError as error:  # nothing is known of which items are alike, or none are
            undefined["hardest"] = str(error)
    return Diagnosis(
        name=embeddings.source.name if embeddings.source is not None else "embeddings",
        measures=measures(embeddings, near),
        neighbors=near,
        confusions=None if "confusions" in undefined else confusions(near),
        hardest=hard,
        hubs=hubs(near, most=most),
        suspects=None if "suspects" in undefined else suspects(embeddings),
        undefined=undefined,
    )


def _undefined(near: Neighbors) -> dict[str, str]:
    """Tell what cannot be asked of these items, and why."""
    queries, gallery = near.queries.items, near.gallery.items
    known, links = queries.similarity, queries.links
    found = {}
    if queries.labels is None or gallery.labels is None:
        found["confusions"] = "the items have no labels"
    elif queries.has_several_labels:
        found["confusions"] = "with several labels each, neighbors are right by degrees"
    elif any(one is not None for one in (known.group, known.side, known.source, known.pairs)):
        found["confusions"] = "of some pairs of items it is not known whether they are alike"
    if links.pairs is not None and links.group is None:
        found["hardest"] = "pairs with scores have no value per query"
    if near.gallery is not near.queries:
        found["suspects"] = "they are asked for within one set: simlab.space.suspects(gallery)"
    return found


def _ends(one: "pd.Series") -> str:
    return "" if np.isnan(one.low) else f"  [{one.low:.3f}, {one.high:.3f}]"
