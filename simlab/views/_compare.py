"""compare: several spaces of the same items side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

from simlab.errors import ChoiceError, DataError
from simlab.space import Embeddings, mean_of_seeds, score
from simlab.views._compare_runs import told
from simlab.views._comparison import Comparison


def compare(
    spaces: Mapping[str, Embeddings | Sequence[Embeddings]],
    *,
    against: str | None = None,
    metric: str = "map@r",
) -> Comparison:
    """Put any number of spaces of the same items side by side, and tell which are better.

    Where the items were split, only the test items are scored. Each space is compared with the
    baseline query by query; a difference is called better or worse only where a paired test says
    so, corrected for all comparisons of the table (see `simlab.space.paired`).

    Parameters
    ----------
    spaces : mapping of str to Embeddings or sequence of Embeddings
        At least one; all of the same items, for example
        `{"frozen": sl.embed(items, encoder), "triplet": sl.embed(items, run)}`. A list holds
        several seeds of one setting: queries are averaged over them, and their spread is told.
    against : str, optional
        The baseline; the first space by default.
    metric : str, default="map@r"
        What the spaces are compared by and sorted by: a column of `Scores.per_query`. It is one,
        as every further test would need another correction.

    Returns
    -------
    Comparison
        A view; `comparison.frame`, `.differences`, `.parameters` and `.classes` hold the figures,
        `comparison.changes(name)` the queries whose answers changed.

    Raises
    ------
    DataError
        Nothing to compare, spaces of different items, labels or splits, or several runs of one
        name that differ in more than their seed.
    ChoiceError
        A baseline or metric that is not there.

    Examples
    --------
    >>> from simlab import embed, encoder, load
    >>> digits = load("striped-digits")[:100].split(by="item")
    >>> comparison = compare({"pixels": embed(digits, encoder("pixels"), cache=False)})
    >>> comparison.frame["metric"].tolist()
    ['recall@1', 'recall@5', 'recall@10', 'map@r', 'r-precision']
    """
    if not spaces:
        raise DataError("compare needs at least one space; got none")
    seeds = {name: _as_seeds(name, given) for name, given in spaces.items()}
    first_name = next(iter(seeds))
    against = first_name if against is None else against
    if against not in seeds:
        raise ChoiceError.of("against", against, seeds)
    first = seeds[first_name][0]
    for name, several in seeds.items():
        for space in several:
            _check_alike(name, space, first_name, first)
    held_out = "test" in _column(first, "split")
    scored = {
        name: tuple(space.where(split="test") if held_out else space for space in several)
        for name, several in seeds.items()
    }
    n = len(scored[first_name][0])
    each = {name: tuple(score(space) for space in several) for name, several in scored.items()}
    return Comparison(
        spaces=scored,
        scores={name: mean_of_seeds(several) for name, several in each.items()},
        each=each,
        against=against,
        metric=metric,
        note=f"{n:,} test items" if held_out else f"all {n:,} items given",
    )


def _as_seeds(name: Any, given: Embeddings | Sequence[Embeddings]) -> tuple[Embeddings, ...]:
    """Read one space or several seeds, which may differ in their seed alone."""
    seeds = (given,) if isinstance(given, Embeddings) else tuple(given)
    if not isinstance(name, str) or not seeds:
        raise DataError(
            f"compare needs a name (str) and at least one Embeddings each; got {name!r}: {given!r}"
        )
    settings = [told(space.source, seed=False) for space in seeds]
    apart = sorted({key for one in settings for key in one if one[key] != settings[0].get(key)})
    if apart:
        raise DataError(
            f"the runs of {name!r} may differ in their seed alone; they differ in "
            f"{', '.join(apart)}; give each setting a name of its own"
        )
    return seeds


def _check_alike(name: str, space: Embeddings, first_name: str, first: Embeddings) -> None:
    for known in ("id", "label", "split"):
        if _column(space, known) != _column(first, known):
            raise DataError(
                f"compare needs the same items in every space; the {known}s of {name!r} "
                f"({len(space)} items) differ from those of {first_name!r} ({len(first)} "
                "items); embed the same items"
            )


def _column(space: Embeddings, name: str) -> list[Any]:
    """Read what is known of the items; nothing where there is no such column."""
    return space.items.column(name).tolist() if name in space.items.columns else []
