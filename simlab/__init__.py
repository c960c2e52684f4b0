"""simlab: a Jupyter-first experimentation toolkit for similarity learning.

*Items* are placed in a space by an *Encoder*; the result is *Embeddings*; `fit` gives a *Run*,
which is again an Encoder; an *Index* finds *Neighbors*; an *Explanation* says why.
Names open their room on first use (PEP 562), so that `import simlab` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simlab.encoders import Encoder as Encoder, embed as embed, encoder as encoder
    from simlab.explanations import Explanation as Explanation, explain as explain
    from simlab.items import Items as Items, load as load
    from simlab.reports import report as report
    from simlab.space import (
        Embeddings as Embeddings,
        Index as Index,
        Neighbors as Neighbors,
        Scores as Scores,
        score as score,
    )
    from simlab.training import Run as Run, fit as fit
    from simlab.views import compare as compare, explore as explore, gallery as gallery

__version__ = "0.1.0.dev0"

__all__ = [
    "Embeddings",
    "Encoder",
    "Explanation",
    "Index",
    "Items",
    "Neighbors",
    "Run",
    "Scores",
    "compare",
    "embed",
    "encoder",
    "explain",
    "explore",
    "fit",
    "gallery",
    "load",
    "report",
    "score",
]

_ROOM_OF = {
    "Embeddings": "space",
    "Encoder": "encoders",
    "Explanation": "explanations",
    "Index": "space",
    "Items": "items",
    "Neighbors": "space",
    "Run": "training",
    "Scores": "space",
    "compare": "views",
    "embed": "encoders",
    "encoder": "encoders",
    "explain": "explanations",
    "explore": "views",
    "fit": "training",
    "gallery": "views",
    "load": "items",
    "report": "reports",
    "score": "space",
}


_ROOMS = (*dict.fromkeys(_ROOM_OF.values()),)


def __getattr__(name: str) -> object:
    """Open a room when it, or one of its names, is first used."""
    if name in _ROOMS:
        return import_module(f"simlab.{name}")
    if name not in _ROOM_OF:
        message = f"simlab has no {name!r}; it offers: {', '.join(__all__)}"
        raise AttributeError(message)
    value = globals()[name] = getattr(import_module(f"simlab.{_ROOM_OF[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
