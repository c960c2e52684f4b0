"""How items show themselves: what there is, and a few of them."""

from typing import TYPE_CHECKING

import numpy as np

from simlab import _html

if TYPE_CHECKING:
    from simlab.items._items import Items

_SHOWN = 8


def items_html(items: "Items") -> str:
    """Draw counts and a few samples, evenly spread over the set."""
    if not len(items):
        return _html.block("Items", note="no items")
    spread = np.unique(np.linspace(0, len(items) - 1, _SHOWN).astype(int))
    labels = items.labels
    samples = [
        _html.figure(items.content[int(row)], lines=[] if labels is None else [str(labels[row])])
        for row in spread
    ]
    row = f'<div class="row">{"".join(samples)}</div>'
    return _html.block(repr(items), row, note=f"columns: {', '.join(items.columns)}")
