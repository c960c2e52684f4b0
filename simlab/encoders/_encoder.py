"""Encoder: what places content in a space; `encoder` makes one from a name or a model."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from simlab.errors import ChoiceError, DataError


@runtime_checkable
class Encoder(Protocol):
    """Whatever turns content into vectors. A Run is one too.

    Attributes
    ----------
    name : str
        How people call it.
    modalities : frozenset of str
        What it reads: `"image"`, `"text"`, `"array"`.
    fingerprint : str
        Names weights, configuration and preprocessing; a change of any of them changes it.

    Examples
    --------
    Any object with these three attributes and the method is an encoder:

    >>> class Length:
    ...     name, modalities, fingerprint = "length", frozenset({"text"}), "length-1"
    ...
    ...     def encode(self, content):
    ...         return np.array([[len(text)] for text in content], dtype=np.float32)
    >>> isinstance(Length(), Encoder)
    True
    """

    @property
    def name(self) -> str:
        """How people call it."""
        ...

    @property
    def modalities(self) -> frozenset[str]:
        """What it reads."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever the vectors may."""
        ...

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Place content in the space.

        Parameters
        ----------
        content : sequence of n PIL images, str or ndarray

        Returns
        -------
        ndarray of shape (n, dim), float32
        """
        ...


def encoder(
    model: Any,
    *,
    augment: Callable[[Any], Any] | str | None = None,
    cut: str | None = None,
    **options: Any,
) -> Encoder:
    """Make an encoder.

    Parameters
    ----------
    model : str, Path, torch.nn.Module, transformer of scikit-learn, mapping, or Encoder
        - `"efficientnet-lite0"`: pictures; ImageNet weights; 2,016 dimensions from the last
          layer and four intermediate stages. Option `size` (pixels, default 128).
        - `"minilm"`: sentences; all-MiniLM-L6-v2, 384 dimensions.
        - `"wordllama"`: texts; a static table of word vectors, very fast, 256 dimensions.
        - `"pixels"`: the numbers themselves, without any learning. Option `size` for pictures.
        - a folder with a model of sentence-transformers or transformers, or a `.vec` file.
        - a SentenceTransformer.
        - a model of transformers: option `processor` (its tokenizer, image processor, or both),
          `pooling` and `max_tokens`.
        - a model of timm: with its own preprocessing.
        - a model with `encode_image` and `encode_text`, as open_clip's: options `preprocess` and
          `tokenizer`.
        - any other torch module: fed the stacked items (arrays become float tensors). Option
          `preprocess`, a function from one item to a tensor, or `collate`, one from a list of
          items to what the module takes.
        - a fitted transformer or pipeline of scikit-learn.
        - Embeddings: their items have their vectors, others none.
        - a mapping from names to any of these: side by side for items that are mappings from
          these names to content, else one per modality. Options `normalize` and `shared`.
        - an Encoder is returned as it is; it takes no options.

        ENCODERS.md in this room has a line for each. Those of torch take `device` and
        `precision`.
    augment : callable or "dropout", optional
        From one item (PIL image, str or ndarray) to a changed one that means the same: a flipped
        or cropped picture, a text with a word left out. It draws from `random`, `numpy.random`
        or `torch`. Items keep their vectors; `embed` and `fit` make views of them with `views=`.
        With `"dropout"` items stay as they are, and a network drops units as while it learns
        (SimCSE, Gao et al. 2021, arXiv:2104.08821).
    cut : str, optional
        The last layer that stays frozen when `fit` also trains layers of the encoder: a name of
        its `named_modules()` or the end of one, such as `"_blocks.12"` or `"layer.3"`; or how
        many layers are above it, `"last:2"`; `"last:all"` keeps pixels or token numbers. The
        activations behind it are what `embed` then remembers; the vectors stay the same. For
        `"efficientnet-lite0"`, `"minilm"`, a SentenceTransformer or a model of transformers
        (option `max_tokens`, default 64: longer texts are shortened, with a warning) and torch
        modules whose items come first in every tensor; in float32.
    **options
        Of the encoder named.

    Returns
    -------
    Encoder

    Raises
    ------
    ChoiceError
        Unknown name; or a cut that names no module, or several.
    DataError
        A model that cannot be cut there; the error says what to do.
    MissingExtraError
        The package of the model is missing; the error says how to install it.
    TypeError
        Something that cannot encode, or an option that this encoder does not have.

    Examples
    --------
    >>> encoder("pixels")
    PixelEncoder(name='pixels', size=16)
    """
    for_cut = {name: options.pop(name) for name in _FOR_CUT & {*options} if cut is not None}
    if isinstance(model, str) and model not in _READY:
        model = _place(model)
    made: Any = _READY[model](**options) if isinstance(model, str) else _wrap(model, options)
    if cut is not None and not hasattr(getattr(made, "plain", made), "cut_at"):
        raise TypeError(
            "cut needs an encoder with layers: 'efficientnet-lite0', 'minilm', a torch module, a "
            f"SentenceTransformer or a model of transformers; got {made!r}"
        )
    if cut is not None and made.precision != "float32":
        raise DataError(
            f"an encoder that is cut must run in float32; got precision={made.precision!r}; the "
            "layers above it could not learn on rounded activations"
        )
    if augment is not None:
        from simlab.encoders._dropout import Dropout
        from simlab.encoders._views import AugmentedEncoder

        if isinstance(augment, str) and augment != "dropout":
            raise ChoiceError.of("augment", augment, ["dropout"])
        made = AugmentedEncoder(made, augment if callable(augment) else Dropout())
    return made if cut is None else made.cut_at(cut, **for_cut)


def _place(name: str) -> Path:
    """Take what is no name of an encoder as a path, if it looks like one."""
    place = Path(name).expanduser()
    if len(place.parts) > 1 or place.exists():
        return place
    raise ChoiceError.of("encoder", name, _READY)


def _wrap(model: Any, options: dict[str, Any]) -> Encoder:
    from simlab.encoders.models._kinds import wrap

    return wrap(model, options)


def _efficientnet(**options: Any) -> Encoder:
    from simlab.encoders.models._image import EfficientNetEncoder

    return EfficientNetEncoder(**options)


def _minilm(**options: Any) -> Encoder:
    from simlab.encoders.models._text import minilm

    return minilm(**options)


def _wordllama(**options: Any) -> Encoder:
    from simlab.encoders.models._text import WordLlamaEncoder

    return WordLlamaEncoder(**options)


def _pixels(**options: Any) -> Encoder:
    from simlab.encoders.models._pixels import PixelEncoder

    return PixelEncoder(**options)


_FOR_CUT = {"max_tokens"}
"""Options that only a cut has."""
_READY: dict[str, Callable[..., Encoder]] = {
    "efficientnet-lite0": _efficientnet,
    "minilm": _minilm,
    "pixels": _pixels,
    "wordllama": _wordllama,
}
