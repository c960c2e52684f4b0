"""One set of items after another, with the ids and labels that they have."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from simlab.errors import DataError
from simlab.items._joining import joined
from simlab.items._links import NO_LINKS
from simlab.items._sources import with_modality

if TYPE_CHECKING:
    from simlab.items._items import Items


def appended(items: "Items", more: "Items") -> "Items":
    """Put `more` behind `items`; equal labels mean the same, and what is not known is missing.

    What was said of pairs and groups is kept where both say the same.

    Raises
    ------
    DataError
        An id that both have; ids, labels or columns of other types; arrays of other shapes.

    Examples
    --------
    >>> from simlab.items import Items
    >>> fox, car = (Items.from_arrays([name], labels=[name], ids=[name]) for name in ("fox", "car"))
    >>> appended(fox, car).labels.tolist()
    ['fox', 'car']
    """
    twice = set(items.ids.tolist()) & set(more.ids.tolist())
    if twice:
        raise DataError(
            f"items that are added must have ids of their own; {len(twice)} of {len(more)} are "
            f"there already (first: {min(twice, key=str)!r}); leave them out with "
            "items.without(ids)"
        )
    content = joined([items.content, more.content])
    try:
        table = pa.concat_tables([items.table, more.table], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"items that are added must have ids, labels and columns of the same types; {error}"
        ) from None
    links = items.links if items.links is more.links else NO_LINKS
    return replace(items, content=content, table=with_modality(table, content), links=links)
