"""Colors and chart settings: one place, told apart by color-blind readers."""

from typing import Any

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#332288", "#999933")
"""Okabe and Ito (2008) without yellow and black, then Tol (2021)."""


def plain_layout() -> dict[str, Any]:
    """Give the settings of every plotly chart: no decoration, readable in light and dark."""
    return {
        "template": "none",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": "#7d858c"},
        "margin": {"l": 40, "r": 10, "t": 40, "b": 40},
        "legend": {"orientation": "h", "y": -0.2},
    }
