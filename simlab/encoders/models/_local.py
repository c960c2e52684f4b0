"""Models in a local folder or file: nothing is asked of a hub."""

from pathlib import Path
from typing import Any

from simlab._require import require
from simlab.encoders._encoder import Encoder
from simlab.encoders.models._hub import no_progress_bar, offline
from simlab.errors import DataError

_WORDS = (".vec", ".vec.gz")


def local_encoder(path: str | Path, **options: Any) -> Encoder:
    """Make an encoder of what was saved at a path.

    Parameters
    ----------
    path : str or Path
        A folder of sentence-transformers or transformers, or a file of word vectors (`.vec`).
    **options
        Of the encoder that it becomes; `device` is by default the best one.

    Raises
    ------
    DataError
        Nothing there, or nothing known.
    MissingExtraError
        Without the packages of `simlab[text]`.
    """
    place = Path(path).expanduser()
    if place.is_file() and place.name.endswith(_WORDS):
        from simlab.encoders.models._words import WordVectors

        return WordVectors.read(place, **options)
    if (place / "modules.json").is_file():
        return _sentences(place, **options)
    if (place / "config.json").is_file():
        return _transformers(place, **options)
    raise DataError(
        "an encoder is read from a folder with modules.json (sentence-transformers) or "
        f"config.json (transformers), or from a .vec file; got {str(path)!r}, which "
        f"{'is none of these' if place.exists() else 'does not exist'}; models of a hub are "
        "downloaded first"
    )


def _sentences(folder: Path, *, device: Any = None, **options: Any) -> Encoder:
    from simlab.encoders.models._text import SentenceEncoder

    library = require("sentence_transformers", extra="text", reason=f"the model in '{folder}'")
    with offline(), no_progress_bar():
        model = library.SentenceTransformer(str(folder), device=device)
    return SentenceEncoder(model, **{"name": folder.name, **options})


def _transformers(folder: Path, *, device: Any = None, **options: Any) -> Encoder:
    library = require("transformers", extra="text", reason=f"the model in '{folder}'")
    from simlab.encoders.models._module import best_device
    from simlab.encoders.models._transformers import transformers_encoder

    with offline(), no_progress_bar():
        model = library.AutoModel.from_pretrained(folder)
        processor = library.AutoProcessor.from_pretrained(folder)
    where = best_device() if device is None else device
    return transformers_encoder(
        model, **{"processor": processor, "name": folder.name, "device": where, **options}
    )
