"""report: one offline page from values and views."""

import os
from pathlib import Path
from typing import Any

from simlab.errors import DataError
from simlab.reports._page import Figure, Html, Markdown, Part, Widget, page
from simlab.space import Embeddings
from simlab.views import Comparison, Explorer, explore


def report(*values: Any, to: str | Path = "report.html", title: str = "simlab report") -> Path:
    """Write values and views into one HTML file that works with no kernel and no network.

    Maps, galleries and charts go on answering to the pointer; nothing is loaded from elsewhere.

    Parameters
    ----------
    *values
        In the order of the page: any value of simlab (items, runs, scores, neighbors,
        explanations), views (explorer, gallery, comparison), plotly figures, and str, which is
        read as Markdown. Embeddings are shown as an explorer.
    to : str or Path, default="report.html"
        The file; its folder is made if need be, and a file that is there is replaced.
    title : str, default="simlab report"
        The heading of the page.

    Returns
    -------
    Path
        Where the page is.

    Raises
    ------
    DataError
        Nothing to show, or something that cannot be shown.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> report("# Findings", to=f"{folder}/findings.html").name
    'findings.html'
    """
    if not values:
        raise DataError("report needs at least one value or view; got none")
    parts = [part for value in values for part in _parts(value)]
    target = Path(to).expanduser()
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        aside.write_text(page(parts, title=title), encoding="utf-8")
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
    return target


def _parts(value: Any) -> list[Part]:
    from anywidget import AnyWidget

    if isinstance(value, str):
        return [Markdown(value)]
    if isinstance(value, Embeddings):
        return [Widget(explore(value))]
    if isinstance(value, Comparison):
        return [Html(value._repr_html_()), Figure(value.figure())]
    if hasattr(value, "to_plotly_json"):  # before widgets: a FigureWidget is both
        return [Figure(value)]
    if isinstance(value, AnyWidget):
        return [Widget(value.wait() if isinstance(value, Explorer) else value)]
    if hasattr(value, "_repr_html_"):
        return [Html(value._repr_html_())]
    raise DataError(
        f"report shows values and views of simlab, plotly figures and Markdown text; "
        f"got {type(value).__name__}; pass str(value) to show it as text"
    )
