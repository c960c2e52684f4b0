"""The curve of abstention: how right the answers are, the fewer are given."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from simlab.errors import DataError
from simlab.space import Check
from simlab.views._theme import COLORS, plain_layout

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def abstention(checks: Check | Mapping[str, Check]) -> "Figure":
    """Draw the share of right answers over the share of queries that are answered.

    Parameters
    ----------
    checks : Check or mapping of str to Check
        Made by `index.check`; of several, one curve each. The dot is the calibrated threshold.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    DataError
        Nothing to draw, or something else than checks.

    References
    ----------
    Geifman, El-Yaniv. *Selective Classification for Deep Neural Networks*. NeurIPS 2017.
    arXiv:1705.08500.

    Examples
    --------
    >>> from simlab import Index, embed, encoder, load
    >>> digits = embed(load("striped-digits"), encoder("pixels"), progress=False)
    >>> index = Index(digits[:900]).calibrate(digits[900:], target={"f1": "best"})
    >>> len(abstention(index.calibration.reached).data)
    2
    """
    from plotly.graph_objects import Figure, Scatter

    named = dict(checks) if isinstance(checks, Mapping) else {"answers": checks}
    if not named or not all(isinstance(one, Check) for one in named.values()):
        raise DataError(
            "abstention draws checks, which index.check makes; got "
            f"{', '.join(type(one).__name__ for one in named.values()) or 'none'}"
        )
    told = "%{x:.0%} answered, %{y:.1%} right<br>confidence from %{customdata:.3f}"
    figure = Figure()
    for place, (name, one) in enumerate(named.items()):
        curve, color = one.abstention, COLORS[place % len(COLORS)]
        line = {"color": color, "shape": "hv"}
        figure.add_trace(
            Scatter(
                x=curve["coverage"],
                y=curve["precision"],
                customdata=curve["threshold"],
                name=name,
                mode="lines",
                line=line,
                hovertemplate=told,
            )
        )
        answered = curve[curve["threshold"] >= one.threshold]
        figure.add_trace(
            Scatter(
                x=answered["coverage"].tail(1),
                y=answered["precision"].tail(1),
                name=f"{name}, at the threshold",
                mode="markers",
                marker={"color": color, "size": 10},
            )
        )
    figure.update_layout(
        **plain_layout(),
        title="Fewer answers, more of them right",
        xaxis={"title": "share of queries answered", "range": [0, 1], "tickformat": ".0%"},
        yaxis={"title": "share of right answers", "range": [0, 1.02], "tickformat": ".0%"},
    )
    return figure
