"""Several encoders as one: side by side for items of many parts, one per modality for others."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simlab._fingerprint import fingerprint
from simlab.encoders._encoder import Encoder
from simlab.errors import DataError, ShapeError

MIXED = "mixed"
"""The modality of items that are mappings from the names of their parts to content."""


class SeveralEncoder:
    """Encoders by name, which read one item together, or each the items of its kind.

    An item that is a mapping, such as `{"image": picture, "text": caption}`, is read by all:
    vectors are concatenated in the sorted order of the names. Any other item is read by the one
    encoder for its modality; then all must give vectors of one size, in a shared space.

    Parameters
    ----------
    parts : mapping from str to Encoder
    normalize : bool, default=False
        Concatenate unit vectors: parts with large numbers then do not drown the others.
    name : str, optional
        By default the names of the parts.

    Examples
    --------
    >>> from simlab.encoders import encoder
    >>> both = encoder({"shape": "pixels", "color": "pixels"})
    >>> both.encode([{"shape": np.zeros(2), "color": np.ones(1)}])
    array([[1., 0., 0.]], dtype=float32)
    """

    def __init__(
        self, parts: Mapping[str, Encoder], *, normalize: bool = False, name: str | None = None
    ) -> None:
        if not parts:
            raise DataError("encoder needs at least one part; got an empty mapping")
        self.parts = {part: parts[part] for part in sorted(parts)}
        self.normalize = normalize
        self.name = name or " + ".join(part.name for part in self.parts.values())

    @property
    def modalities(self) -> frozenset[str]:
        """What any part reads, and items of several parts."""
        return frozenset({MIXED}).union(*(part.modalities for part in self.parts.values()))

    @property
    def identity(self) -> str:
        """Changes with the parts, without versions of libraries."""
        own = {name: getattr(part, "identity", None) for name, part in self.parts.items()}
        told = {name: own[name] or part.fingerprint for name, part in self.parts.items()}
        return fingerprint(told, self.normalize)

    @property
    def fingerprint(self) -> str:
        """Changes with the parts, their names and `normalize`."""
        told = {name: part.fingerprint for name, part in self.parts.items()}
        return fingerprint(told, self.normalize)

    @property
    def dims(self) -> dict[str, int | None]:
        """Numbers per vector of each part; None where a part does not know."""
        return {name: getattr(part, "dim", None) for name, part in self.parts.items()}

    @property
    def dim(self) -> int | None:
        """Numbers per vector of an item of several parts: the sum of `dims`."""
        known = [dim for dim in self.dims.values() if dim is not None]
        return sum(known) if len(known) == len(self.parts) else None

    @property
    def precision(self) -> str:
        """That of the parts: `"float32"` if all are precise."""
        found = {getattr(part, "precision", "float32") for part in self.parts.values()}
        return "float32" if found == {"float32"} else "bfloat16"

    def exact(self) -> "SeveralEncoder":
        """Give the same encoders in float32."""
        exact: dict[str, Any] = {
            name: part.exact() if hasattr(part, "exact") else part
            for name, part in self.parts.items()
        }
        return SeveralEncoder(exact, normalize=self.normalize, name=self.name)

    def encode(self, content: Sequence[Any]) -> np.ndarray:
        """Place items.

        Raises
        ------
        DataError
            An item lacks a part; items with and without parts together; a modality that no
            encoder reads, or several.
        ShapeError
            Items are read by one encoder each, and these do not share a space.
        """
        content = list(content)
        with_parts = sum(isinstance(value, Mapping) for value in content)
        if with_parts == len(content):
            return self._side_by_side(content)
        if with_parts:
            raise DataError(
                f"either all items are mappings from names to content, or none; got {with_parts} "
                f"of {len(content)}; encode them apart"
            )
        return self._one_each(content)

    def _side_by_side(self, content: list[Any]) -> np.ndarray:
        for name in self.parts:
            missing = [row for row, value in enumerate(content) if value.get(name) is None]
            if missing:
                raise DataError(
                    f"every item must have the part {name!r}; {len(missing)} of {len(content)} "
                    f"have none (first at row {missing[0]}, which has "
                    f"{sorted(content[missing[0]])}); fill them or leave these items out"
                )
        vectors = [
            part.encode([value[name] for value in content]) for name, part in self.parts.items()
        ]
        return np.concatenate([_unit(one) if self.normalize else one for one in vectors], axis=1)

    def _one_each(self, content: list[Any]) -> np.ndarray:
        self._check_shared(self.dims)
        rows_of: dict[str, list[int]] = {}
        for row, value in enumerate(content):
            rows_of.setdefault(modality_of(value), []).append(row)
        found = {
            name: (rows, self.parts[name].encode([content[row] for row in rows]))
            for name, rows in self._rows_by_reader(rows_of).items()
        }
        self._check_shared({name: vectors.shape[1] for name, (_, vectors) in found.items()})
        joined = np.concatenate([vectors for _, vectors in found.values()])
        order = np.concatenate([rows for rows, _ in found.values()])
        return joined[np.argsort(order)]

    def _rows_by_reader(self, rows_of: dict[str, list[int]]) -> dict[str, list[int]]:
        """Bring together what one encoder reads."""
        found: dict[str, list[int]] = {}
        for modality, rows in rows_of.items():
            found.setdefault(self._reader(modality), []).extend(rows)
        return found

    def _reader(self, modality: str) -> str:
        if modality in self.parts and modality in self.parts[modality].modalities:
            return modality
        readers = [name for name, part in self.parts.items() if modality in part.modalities]
        if len(readers) != 1:
            got = f"{len(readers)} do: {', '.join(map(repr, readers))}" if readers else "none does"
            raise DataError(
                f"one encoder must read {modality} items; of {', '.join(map(repr, self.parts))} "
                f"{got}; give items as mappings from these names to content, or name one of the "
                f"encoders {modality!r}"
            )
        return readers[0]

    def _check_shared(self, dims: Mapping[str, int | None]) -> None:
        known = {name: dim for name, dim in dims.items() if dim is not None}
        if len(set(known.values())) > 1:
            said = ", ".join(f"{name} {dim:,}" for name, dim in known.items())
            raise ShapeError(
                "items of one modality each need encoders of one shared space, with equal "
                f"dimensions; got {said}; give items as mappings from {', '.join(map(repr, dims))} "
                "to content, and the vectors are put side by side"
            )

    def __repr__(self) -> str:
        return f"SeveralEncoder({', '.join(f'{name}={part}' for name, part in self.parts.items())})"


def modality_of(value: Any) -> str:
    """Tell what a single item is.

    Examples
    --------
    >>> modality_of("a fox"), modality_of(np.zeros(3))
    ('text', 'array')
    """
    if isinstance(value, str):
        return "text"
    return "image" if hasattr(value, "getpixel") else "array"


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
