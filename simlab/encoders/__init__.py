"""Content to vectors, remembered: encoders, `encoder` and `embed`."""

from importlib import import_module
from typing import TYPE_CHECKING

from simlab.encoders._embed import embed as embed
from simlab.encoders._encoder import Encoder as Encoder, encoder as encoder
from simlab.encoders.models._precomputed import Precomputed as Precomputed
from simlab.encoders.models._several import SeveralEncoder as SeveralEncoder
from simlab.encoders.models._tabular import Tabular as Tabular
from simlab.encoders.models._words import WordVectors as WordVectors
from simlab.encoders.store._housekeeping import Cache as Cache

if TYPE_CHECKING:
    from simlab.encoders.cuts._cut import CutEncoder as CutEncoder
    from simlab.encoders.cuts._layers import last_of as last_of, layers_of as layers_of

_OF_TORCH = {"CutEncoder": "_cut", "last_of": "_layers", "layers_of": "_layers"}


def __getattr__(name: str) -> object:
    """Import torch only for those who use it."""
    if name not in _OF_TORCH:
        raise AttributeError(f"simlab.encoders has no {name!r}")
    return getattr(import_module(f"simlab.encoders.cuts.{_OF_TORCH[name]}"), name)
