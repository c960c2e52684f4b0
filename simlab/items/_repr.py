"""How items show themselves: what there is, how evenly, and a few of them."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simlab import _html
from simlab.items._content import counted

if TYPE_CHECKING:
    from simlab.items._items import Items

_SHOWN, _BARS = 8, 48
_PARTS = ("train", "val", "test")


def items_text(items: "Items") -> str:
    """Say in one line how many of what there are."""
    said = f"Items: {items.content.told}"
    if "label" in items.columns:
        said += f", {counted(len(items.label_names), 'label')}"
    if "split" in items.columns:
        counts = pc.value_counts(items.table["split"]).to_pylist()
        parts = sorted((str(entry["values"]), entry["counts"]) for entry in counts)
        said += f" ({', '.join(f'{n:,} {name}' for name, n in parts)})"
    return said


def items_html(items: "Items") -> str:
    """Draw counts, the balance of labels and parts, and a few samples spread over the set."""
    if not len(items):
        return _html.block("Items", note="no items")
    spread = np.unique(np.linspace(0, len(items) - 1, _SHOWN).astype(int))
    has_labels = "label" in items.columns
    labels = items.table["label"].take(pa.array(spread)).to_pylist() if has_labels else []
    samples = [
        _html.figure(items.content[int(row)], lines=[str(labels[place])] if has_labels else [])
        for place, row in enumerate(spread)
    ]
    row = f'<div class="row">{"".join(samples)}</div>'
    body = [_balance(items), _parts(items), row]
    return _html.block(repr(items), *body, note=f"columns: {', '.join(items.columns)}")


def _balance(items: "Items") -> str:
    """Say how many items the labels have, with a bar for each, the largest first."""
    sizes = np.bincount(items.label_codes + 1)  # items without a label come first
    n_without, sizes = int(sizes[0]), sizes[1:]
    if not sizes.size:
        return ""
    order = np.argsort(-sizes, kind="stable")
    most, fewest = int(sizes[order[0]]), int(sizes[order[-1]])
    without = f"; {n_without:,} without a label" if n_without else ""
    if most == fewest:
        return _html.soft(f"{counted(most, 'item')} of each label{without}")
    said = (
        f"items per label: most {most:,} ({items.label_names[order[0]]}), median "
        f"{np.median(sizes):,.0f}, least {fewest:,} ({items.label_names[order[-1]]}){without}"
    )
    return f'<div class="balance">{_bars(sizes[order])}{_html.soft(said)}</div>'


def _bars(sizes: np.ndarray) -> str:
    """Draw sizes as bars side by side; of many, evenly spread ones."""
    if len(sizes) > _BARS:
        sizes = sizes[np.linspace(0, len(sizes) - 1, _BARS).astype(int)]
    heights = np.maximum(np.ceil(100 * sizes / sizes.max()), 4).astype(int)
    return f'<div class="bars">{"".join(f"<i style=height:{one}%></i>" for one in heights)}</div>'


def _parts(items: "Items") -> str:
    """Tabulate the parts of a split: items, labels, and labels that training does not know."""
    if "split" not in items.columns:
        return ""
    splits = items.column("split").astype(str)
    names = sorted(set(splits), key=lambda one: (_PARTS.index(one) if one in _PARTS else 3, one))
    rows, trained = [], set(items.label_codes[splits == "train"])
    for name in names:
        there = set(items.label_codes[splits == name]) - {-1}
        known = [len(there), len(there - trained)] if "label" in items.columns else []
        rows.append([name, int((splits == name).sum()), *known])
    head = ["split", "items", "labels", "unseen in training"]
    return _html.table(head[: len(rows[0])], rows)
