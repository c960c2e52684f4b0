"""Natural pairs: two parts of an item belong together, as a picture and its caption do."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from simlab.errors import ChoiceError, DataError
from simlab.items._content import distinct
from simlab.items._joining import joined
from simlab.items._links import components
from simlab.items._mixed import Mixed
from simlab.items._sources import with_modality

if TYPE_CHECKING:
    from simlab.items._items import Items


def as_pairs(items: "Items", first: str | None = None, second: str | None = None) -> "Items":
    """Take two parts of each item as a pair: they belong together, and no label is needed.

    A picture is compared with captions and a question with answers, never with its like: so
    training learns, and `simlab.score` measures, whether each finds the other. What pairs connect
    is one class, and its number the label: of five pictures with one caption all are found by it.

    Parameters
    ----------
    first, second : str, optional
        Names of two parts; items of two parts need none.

    Returns
    -------
    Items
        The distinct contents of both parts, with the column `role`: the name of the part. Ids
        get it at their end. Other columns come along (those of the first item with this
        content), the labels as `class`.

    Raises
    ------
    ChoiceError
        The items have no such part.
    DataError
        Items of one part, or of more than two without names; a part of a split that shares
        content with another.

    See Also
    --------
    Items.from_pairs : Two lists of things that belong together.

    Examples
    --------
    >>> from simlab.items import Items
    >>> said = {"question": ["how far?", "how old?"], "answer": ["two miles", "two years"]}
    >>> pairs = Items.from_arrays(said).as_pairs()
    >>> pairs
    Items: 4 texts, 2 labels
    >>> pairs.column("role").tolist(), pairs.labels.tolist()
    (['question', 'question', 'answer', 'answer'], [0, 1, 0, 1])
    """
    one, other = names = _two_parts(items, first, second)
    assert isinstance(items.content, Mixed)  # noqa: S101 (two parts were found)
    contents = [items.content.parts[name] for name in names]
    (own_rows, own), (other_rows, others) = map(distinct, contents)
    others = others + len(own_rows)
    rows = np.concatenate([own_rows, other_rows])
    _check_split(items, rows, own, others)
    content = joined([contents[0].take(own_rows), contents[1].take(other_rows)])
    role = np.repeat([one, other], [len(own_rows), len(other_rows)])
    ids = [f"{name}/{part}" for name, part in zip(items.ids[rows], role, strict=True)]
    columns = {"id": pa.array(ids), "label": pa.array(components(own, others, len(rows)))}
    table = items.table.take(pa.array(rows))
    if "label" in items.columns:
        columns["class"] = table["label"]
    kept = [name for name in items.columns if name not in {*columns, "role", "seen"}]
    columns |= {"role": pa.array(role)} | {name: table[name] for name in kept}
    return replace(
        items,
        content=content,
        table=with_modality(pa.table(columns), content),
        links=replace(items.links, pairs=None, side="role"),
    )


def _two_parts(items: "Items", *names: str | None) -> tuple[str, str]:
    for name in names:
        if name is not None and name not in items.parts:
            raise ChoiceError.of("part", name, items.parts)
    told = [name for name in names if name is not None] or list(items.parts)
    if len(set(told)) != 2:  # noqa: PLR2004
        raise DataError(
            f"pairs need two parts of each item; got {told} of {list(items.parts)}; name two, or "
            "make pairs of two lists with Items.from_pairs"
        )
    return told[0], told[1]


def _check_split(items: "Items", rows: np.ndarray, *ends: np.ndarray) -> None:
    """Refuse a split that equal content leads around."""
    if "split" not in items.columns:
        return
    parts = items.column("split")
    for end in ends:
        wrong = np.flatnonzero(parts[rows[end]] != parts)
        if wrong.size:
            row = int(wrong[0])
            raise DataError(
                f"a pair must lie in one part of the split; {items.ids[row]!r} ({parts[row]}) "
                f"shares content with {items.ids[rows[end][row]]!r} ({parts[rows[end][row]]}); "
                "make the pairs first, then split them: items.as_pairs().split()"
            )
