"""Which encoder a foreign model becomes; told by the names of its classes, importing nothing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simlab.encoders._encoder import Encoder, encoder


def wrap(model: Any, options: dict[str, Any]) -> Encoder:
    """Make an encoder of something that is no name.

    Raises
    ------
    TypeError
        Nothing that could encode, or options for an encoder that is ready.
    """
    kinds = _kinds_of(model)
    if "sentence_transformers.SentenceTransformer" in kinds:
        return _sentences(model, **options)
    if isinstance(model, Encoder) and not isinstance(model, type):
        if options:
            raise TypeError(f"{model.name} is an encoder already; got options {sorted(options)}")
        return model
    for is_kind, make in _MAKERS:
        if not isinstance(model, type) and is_kind(model, kinds):
            return make(model, **options)
    raise TypeError(
        "encoder takes a name, a torch module, a model of sentence-transformers, transformers, "
        "timm, torchvision or open_clip, a fitted transformer of scikit-learn, a dict of encoders, "
        "Embeddings, a folder, or an object with name, modalities, fingerprint and encode; got "
        f"{type(model).__name__}"
    )


def _kinds_of(model: Any) -> set[str]:
    return {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(model).__mro__}


def _sentences(model: Any, **options: Any) -> Encoder:
    from simlab.encoders.models._text import SentenceEncoder

    return SentenceEncoder(model, **options)


def _several(model: Mapping[str, Any], **options: Any) -> Encoder:
    from simlab.encoders.models._several import SeveralEncoder

    return SeveralEncoder({name: encoder(part) for name, part in model.items()}, **options)


def _local(model: Path, **options: Any) -> Encoder:
    from simlab.encoders.models._local import local_encoder

    return local_encoder(model, **options)


def _embeddings(model: Any, **options: Any) -> Encoder:
    from simlab.encoders.models._precomputed import Precomputed

    name = getattr(model.source, "name", "precomputed")
    return Precomputed(model.items, model.vectors, **{"name": name, **options})


def _transformers(model: Any, **options: Any) -> Encoder:
    from simlab.encoders.models._transformers import transformers_encoder

    return transformers_encoder(model, **options)


def _towers(model: Any, **options: Any) -> Encoder:
    from simlab.encoders.models._towers import towers_encoder

    return towers_encoder(model, **options)


def _timm(model: Any, **options: Any) -> Encoder:
    from simlab.encoders.models._each import timm_encoder

    return timm_encoder(model, **options)


def _module(model: Any, **options: Any) -> Encoder:
    from simlab.encoders.models._each import module_encoder

    return module_encoder(model, **options)


def _sklearn(model: Any, **options: Any) -> Encoder:
    from simlab.encoders.models._sklearn import SklearnEncoder

    return SklearnEncoder(model, **options)


def _has(*methods: str) -> Callable[[Any, set[str]], bool]:
    return lambda model, _: all(callable(getattr(model, name, None)) for name in methods)


_MAKERS: tuple[tuple[Callable[[Any, set[str]], bool], Callable[..., Encoder]], ...] = (
    (lambda model, _: isinstance(model, Mapping), _several),
    (lambda model, _: isinstance(model, Path), _local),
    (lambda _, kinds: "simlab.Embeddings" in kinds, _embeddings),
    (lambda _, kinds: "transformers.PreTrainedModel" in kinds, _transformers),
    (_has("encode_image", "encode_text"), _towers),
    (lambda _, kinds: any(kind.startswith("timm.") for kind in kinds), _timm),
    (lambda _, kinds: "torch.Module" in kinds, _module),
    (_has("fit", "get_params", "transform"), _sklearn),
)
"""How models are known, and what they become; the first that fits."""
