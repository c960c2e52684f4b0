"""Content to vectors, remembered: encoders, `encoder` and `embed`."""

from simlab.encoders._embed import embed as embed
from simlab.encoders._encoder import Encoder as Encoder, encoder as encoder
from simlab.encoders._housekeeping import Cache as Cache
