"""Several encoders as one: side by side for items of many parts, one per modality for others."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simlab._fingerprint import fingerprint
from simlab.encoders._encoder import Encoder
from simlab.errors import DataError, ShapeError
from simlab.items import MIXED, modality_of


class SeveralEncoder:
    """Encoders by name, which read one item together, or each the items of its kind.

    An item that is a mapping, such as `{"image": picture, "text": caption}`, is read by all:
    vectors are concatenated in the sorted order of the names. Any other item is read by the one
    encoder for its modality; then all must give vectors of one size, in a shared space, or each
    gets a block of its own.

    Parameters
    ----------
    parts : mapping from str to Encoder
    normalize : bool, default=False
        Concatenate unit vectors: parts with large numbers then do not drown the others.
    shared : bool, default=True
        Whether the encoders share a space. If not, a vector has a block of numbers for each
        encoder, as those of items of several parts have, with zeros in the blocks of all but its
        own. So nothing is near across blocks until a head has learned what they have in common.
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
        self,
        parts: Mapping[str, Encoder],
        *,
        normalize: bool = False,
        shared: bool = True,
        name: str | None = None,
    ) -> None:
        if not parts:
            raise DataError("encoder needs at least one part; got an empty mapping")
        self.parts = {part: parts[part] for part in sorted(parts)}
        self.normalize, self.shared = normalize, shared
        self._met: dict[str, int] = {}  # dimensions of vectors seen, for parts that tell none
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
        return fingerprint(told, *self._settings)

    @property
    def fingerprint(self) -> str:
        """Changes with the parts, their names, `normalize` and `shared`."""
        told = {name: part.fingerprint for name, part in self.parts.items()}
        return fingerprint(told, *self._settings)

    @property
    def _settings(self) -> list[Any]:
        return [self.normalize] if self.shared else [self.normalize, "apart"]

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
    def blocks(self) -> dict[str, int] | None:
        """Numbers of each part, one part after the other; None where all share one space.

        Raises
        ------
        DataError
            A part that does not know its dimension.
        """
        if self.shared:
            return None
        told = {name: dim for name, dim in self.dims.items() if dim is not None}
        known = {name: dim for name in self.parts if (dim := told.get(name, self._met.get(name)))}
        if len(known) < len(self.parts):
            name = next(name for name in self.parts if name not in known)
            raise DataError(
                f"the encoder of {name!r} must know its dimension, as others leave room for it; "
                f"let {self.parts[name].name} encode an item first (one of each modality at once "
                "will do), or choose another"
            )
        return known

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
        return SeveralEncoder(exact, normalize=self.normalize, shared=self.shared, name=self.name)

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
        return self.beside(
            {
                name: part.encode([value[name] for value in content])
                for name, part in self.parts.items()
            }
        )

    def _one_each(self, content: list[Any]) -> np.ndarray:
        kinds = np.array([modality_of(value) for value in content])
        found = {
            name: (rows, self.parts[name].encode([content[row] for row in rows]))
            for name, rows in self.rows_by_reader(kinds).items()
        }
        return self.gathered(found)

    def beside(self, vectors: Mapping[str, np.ndarray]) -> np.ndarray:
        """Put the vectors of all parts side by side: shapes (..., dim) to (..., sum of dims)."""
        self._met |= {name: one.shape[-1] for name, one in vectors.items()}
        ready = [self._ready(vectors[name]) for name in self.parts]
        return np.concatenate(ready, axis=-1)

    def gathered(self, found: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Bring together what each encoder read: rows, and vectors of shape (rows, ..., dim).

        Returns
        -------
        ndarray of shape (n, ..., dim)
            In a shared space; or with a block for each encoder, zeros in those of others.

        Raises
        ------
        ShapeError
            The encoders do not share a space.
        DataError
            A block whose size is not known.
        """
        n = sum(len(rows) for rows, _ in found.values())
        here = {name: vectors.shape[-1] for name, (_, vectors) in found.items()}
        self._met |= here
        blocks = self.blocks
        if blocks is None:
            self._check_shared(self.dims | here)
        between = next(iter(found.values()))[1].shape[1:]
        dim = between[-1] if blocks is None else sum(blocks.values())
        whole = np.zeros((n, *between[:-1], dim), dtype=np.float32)
        for name, (rows, vectors) in found.items():
            start = 0 if blocks is None else sum(blocks[one] for one in self.parts if one < name)
            ready = vectors if blocks is None else self._ready(vectors)
            whole[rows, ..., start : start + vectors.shape[-1]] = ready
        return whole

    def _ready(self, vectors: np.ndarray) -> np.ndarray:
        if not self.normalize:
            return vectors
        return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)

    def rows_by_reader(self, modality_of_each: np.ndarray) -> dict[str, np.ndarray]:
        """Tell which rows each encoder reads.

        Raises
        ------
        DataError
            A modality that no encoder reads, or several.
        """
        reader = {modality: self._reader(modality) for modality in np.unique(modality_of_each)}
        name_of_each = np.array([reader[one] for one in modality_of_each.tolist()])
        return {
            name: np.flatnonzero(name_of_each == name) for name in np.unique(name_of_each).tolist()
        }

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
                "to content, and the vectors are put side by side; or give each a block of its own "
                "with shared=False, and learn what they have in common"
            )

    def __repr__(self) -> str:
        return f"SeveralEncoder({', '.join(f'{name}={part}' for name, part in self.parts.items())})"
