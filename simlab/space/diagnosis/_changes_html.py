"""How changes show themselves: what each query gained and lost."""

from simlab import _html
from simlab.space._neighbors import Neighbors


def gains_and_losses(before: Neighbors, after: Neighbors, names: tuple[str, str]) -> str:
    """Draw each query, then the neighbors that it found anew, then those that it lost."""
    if not len(before):
        return _html.soft(f"no query has another number of right neighbors in {names[1]}")
    note = _html.soft(
        f"queries that changed most from {names[0]} to {names[1]}, among their {before.k} nearest: "
        "the query, neighbors gained, neighbors lost"
    )
    return note + "".join(_row(*pair) for pair in zip(before, after, strict=True))


def _row(before: Neighbors, after: Neighbors) -> str:
    items = before.queries.items
    own = [] if items.labels is None else [str(items.labels[0])]
    cells = _html.figure(items.content[0], kind="query", mark="query", lines=own)
    cells += _found(after, before, "gained") + _found(before, after, "lost")
    return f'<div class="row">{cells}</div>'


def _found(one: Neighbors, other: Neighbors, word: str) -> str:
    """Draw the neighbors that the other answer does not have."""
    known = set(other.ids[0].tolist())
    found = one.gallery.items[one.positions[0]]
    cells = ""
    for rank, name in enumerate(one.ids[0].tolist()):
        if name in known:
            continue
        is_same = one.matches is not None and one.matches[0, rank]
        mark = f"{word} {'✓ same' if is_same else '✗ other'}"
        lines = [] if found.labels is None else [str(found.labels[rank])]
        kind = "yes" if is_same else "no"
        cells += _html.figure(found.content[rank], kind=kind, mark=mark, lines=lines)
    return cells
