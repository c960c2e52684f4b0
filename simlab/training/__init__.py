"""Heads learned on frozen embeddings: `fit`, Run, and the Lightning parts for power users."""

from importlib import import_module
from typing import TYPE_CHECKING

from simlab.training._config import FitConfig as FitConfig
from simlab.training._fit import fit as fit
from simlab.training._run import Run as Run

if TYPE_CHECKING:
    from simlab.training._data import SimilarityData as SimilarityData
    from simlab.training._module import SimilarityModule as SimilarityModule

_LIGHTNING = {"SimilarityData": "_data", "SimilarityModule": "_module"}


def __getattr__(name: str) -> object:
    """Import Lightning only for those who use it (it takes seconds)."""
    if name not in _LIGHTNING:
        raise AttributeError(f"simlab.training has no {name!r}")
    return getattr(import_module(f"simlab.training.{_LIGHTNING[name]}"), name)
