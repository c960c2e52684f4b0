"""How a frame of metrics with their intervals shows itself."""

from typing import TYPE_CHECKING

from simlab import _html

if TYPE_CHECKING:
    import pandas as pd


def told(title: str, frame: "pd.DataFrame") -> str:
    """Write a line for each metric, below a title.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"metric": "recall", "value": 0.5, "low": 0.25, "high": 0.75}
    >>> print(told("Known classes", pd.DataFrame([row])))
    Known classes
                recall 0.500  [0.250, 0.750]
    """
    lines = [
        f"{row.metric:>18} {row.value:.3f}  [{row.low:.3f}, {row.high:.3f}]"
        for row in frame.itertuples()
    ]
    return "\n".join([title, *lines])


def told_html(title: str, frame: "pd.DataFrame", *, note: str) -> str:
    """Write the same as a table, with a note below it."""
    rows = [
        [row.metric, float(row.value), f"{row.low:.3f} to {row.high:.3f}"]
        for row in frame.itertuples()
    ]
    return _html.block(title, _html.table(["metric", "value", "95% interval"], rows), note=note)
