"""Fitted transformers and pipelines of scikit-learn as encoders."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from simlab._fingerprint import digest
from simlab.encoders.fingerprints._libraries import Versioned
from simlab.encoders.fingerprints._walk import packages
from simlab.errors import DataError, ShapeError
from simlab.items import modality_of

_NO_STATE = frozenset({"_stop_words_id", "memory", "n_jobs", "transform_input", "verbose"})
"""What changes by use, or says nothing of the vectors."""


class SklearnEncoder(Versioned):
    """A fitted transformer, such as TF-IDF with a truncated SVD, or a scaler with a PCA.

    Parameters
    ----------
    transformer : object with `transform`
        Fitted, on the training items only. Arrays are flattened for it.
    name : str, optional
        By default the classes of its steps.
    modalities : collection of str, optional
        By default texts if its first step reads texts, else arrays.

    Raises
    ------
    DataError
        It is not fitted.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> SklearnEncoder(PCA(1).fit(np.eye(3))).encode([np.ones(3)]).shape
    (1, 1)
    """

    def __init__(
        self,
        transformer: Any,
        *,
        name: str | None = None,
        modalities: Sequence[str] | None = None,
    ) -> None:
        steps = _steps(transformer)
        self.name = name or " + ".join(_kind(step) for step in steps)
        _check_fitted(transformer, self.name)
        self._transformer = transformer
        default = ("text",) if hasattr(steps[0], "build_analyzer") else ("array",)
        self.modalities = frozenset(modalities or default)

    @property
    def libraries(self) -> frozenset[str]:
        """scikit-learn, numpy, scipy, and the packages of its steps."""
        steps = _steps(self._transformer)
        given = [one for step in steps for one in vars(step).values() if callable(one)]
        return packages(*steps, *given) | {"numpy", "scipy", "sklearn"}

    @property
    def dim(self) -> int:
        """Numbers per vector: the features that the last step gives."""
        try:
            return len(self._transformer.get_feature_names_out())
        except (AttributeError, NotImplementedError, ValueError):
            return self.encode([self._probe()]).shape[1]

    def _probe(self) -> Any:
        return "a" if "text" in self.modalities else np.zeros(self._transformer.n_features_in_)

    @property
    def identity(self) -> str:
        """Changes with the class, the parameters and the fitted attributes of every step.

        Computed anew each time: the transformer belongs to the user and may be fitted again.
        """
        from simlab.encoders.fingerprints._settings import describe

        return digest(describe(_state(self._transformer))).hex()

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Place texts or arrays; shape (n, features).

        Raises
        ------
        ShapeError
            The transformer does not return one vector per item.
        """
        vectors = self._transformer.transform(self._table(list(content)))
        if hasattr(vectors, "toarray"):
            vectors = vectors.toarray()
        vectors = np.asarray(vectors, dtype=np.float32)
        if vectors.ndim != 2 or len(vectors) != len(content):  # noqa: PLR2004
            raise ShapeError(
                f"{self.name} must return one vector per item; got {vectors.shape} for "
                f"{len(content)} items"
            )
        return vectors

    def _table(self, content: list[Any]) -> Any:
        if modality_of(content[0]) != "array":
            return content
        rows = np.stack([np.asarray(value).ravel() for value in content])
        names = getattr(self._transformer, "feature_names_in_", ())
        if len(names) != rows.shape[1]:
            return rows
        import pandas as pd

        return pd.DataFrame(rows, columns=names)  # as it was fitted: otherwise it warns

    def __repr__(self) -> str:
        return f"SklearnEncoder({self.name})"


def _check_fitted(transformer: Any, name: str) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(transformer)
    except NotFittedError:
        raise DataError(
            f"{name} must be fitted before it encodes; fit it on the training items only, so that "
            "test items stay unseen: transformer.fit(list(items.where(split='train').content))"
        ) from None


def _steps(transformer: Any) -> list[Any]:
    """List the steps of a pipeline, also of those within it; of a union its first part stands."""
    if hasattr(transformer, "steps"):
        return [
            step
            for _, part in transformer.steps
            if part not in (None, "passthrough")
            for step in _steps(part)
        ] or [transformer]
    if hasattr(transformer, "transformer_list"):
        return _steps(transformer.transformer_list[0][1])
    return [transformer]


def _state(value: Any) -> Any:
    """Say what a transformer has learned, as values that can be hashed."""
    if hasattr(value, "get_params") and not isinstance(value, type):
        kept = {name: one for name, one in vars(value).items() if name not in _NO_STATE}
        return [type(value), {name: _state(one) for name, one in kept.items()}]
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        value = value.tolist()
    if isinstance(value, dict):
        return _of_dict(value)
    if isinstance(value, list | tuple):
        return [_state(one) for one in value]
    if _is_compiled(value):
        return [_state(one) for one in value.__reduce_ex__(2) if not hasattr(one, "__next__")]
    return value


def _of_dict(value: dict[Any, Any]) -> Any:
    if all(type(one) in (int, str) for pair in value.items() for one in pair):
        return repr(sorted(value.items(), key=repr))  # a vocabulary: hashed at once
    return {name: _state(one) for name, one in value.items()}


def _is_compiled(value: Any) -> bool:
    """Tell the trees and neighbors of scikit-learn, which have no attributes to look at."""
    own = type(value).__module__.partition(".")[0] == "sklearn"
    return own and not isinstance(value, type) and not hasattr(value, "__dict__")


def _kind(value: Any) -> str:
    return type(value).__name__
