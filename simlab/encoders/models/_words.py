"""Word vectors, as fastText and GloVe give them: a text is the mean of its words."""

import gzip
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from simlab._fingerprint import fingerprint
from simlab.errors import ChoiceError, DataError, ShapeError, SimlabWarning

_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
_POOLINGS = ("max", "mean", "min")


class WordVectors:
    """A table of word vectors as an encoder of texts.

    Words are looked up as they stand, then in lower case, then by their parts if `subwords` is
    given; others are left out. A text without any known word gets zeros, with a warning.

    Parameters
    ----------
    words : sequence of n str
        Distinct.
    vectors : ndarray of shape (n, dim)
    weights : mapping from str to float, optional
        How much a word counts in the mean (such as its IDF); 1 for words not in it.
    subwords : (int, int), optional
        Shortest and longest character n-grams, as fastText cuts them of `<word>`: an unknown word
        is the mean of those n-grams that are in the table.
    pooling : str or sequence of str, default="mean"
        `"mean"`, `"max"`, `"min"`, or several of them side by side.
    tokenize : callable, optional
        From a text to its words; by default letters and digits, with hyphens and apostrophes
        between them.
    name : str, default="word-vectors"

    Raises
    ------
    ChoiceError
        Unknown pooling.
    DataError
        A word that occurs twice, or numbers that are not finite.
    ShapeError
        Not one vector per word.

    Examples
    --------
    >>> table = WordVectors(["red", "fox"], np.eye(2))
    >>> table.encode(["Red fox", "a fox"])
    array([[0.5, 0.5],
           [0. , 1. ]], dtype=float32)
    """

    modalities = frozenset({"text"})

    def __init__(
        self,
        words: Sequence[str],
        vectors: Any,
        *,
        weights: Mapping[str, float] | None = None,
        subwords: tuple[int, int] | None = None,
        pooling: str | Sequence[str] = "mean",
        tokenize: Callable[[str], Sequence[str]] | None = None,
        name: str = "word-vectors",
    ) -> None:
        self._words = [str(word) for word in words]
        self._vectors = _table(vectors, len(self._words))
        self._row_of = {word: row for row, word in enumerate(self._words)}
        if len(self._row_of) < len(self._words):
            seen: set[str] = set()
            twice = next(word for word in self._words if word in seen or seen.add(word))  # type: ignore[func-returns-value]
            raise DataError(f"every word must have one vector; got {twice!r} more than once")
        self._weights = dict(weights or {})
        self.subwords = subwords
        self.pooling = (pooling,) if isinstance(pooling, str) else tuple(pooling)
        for one in self.pooling:
            if one not in _POOLINGS:
                raise ChoiceError.of("pooling", one, _POOLINGS)
        self._tokenize = tokenize or _WORD.findall
        self._is_own = tokenize is not None
        self.name = name

    @classmethod
    def read(cls, path: str | Path, *, limit: int | None = None, **options: Any) -> Self:
        """Read a text file of word vectors (`.vec`, or `.vec.gz`): a word and its numbers a line.

        Parameters
        ----------
        path : str or Path
            A first line with the numbers of words and dimensions, as fastText writes it, is
            skipped.
        limit : int, optional
            Read the first words only; files begin with the most frequent ones.
        **options
            See `WordVectors`; `name` is by default that of the file.

        Raises
        ------
        DataError
            A line that does not hold a word and as many numbers as the others.
        """
        path = Path(path)
        opened: Any = gzip.open if path.suffix == ".gz" else open
        words: list[str] = []
        rows: list[np.ndarray] = []
        with opened(path, "rt", encoding="utf-8", errors="replace", newline="\n") as lines:
            for number, line in enumerate(lines, start=1):
                word, *numbers = line.rstrip().split(" ")
                if number == 1 and len(numbers) == 1 and word.isdigit():
                    continue
                if limit is not None and len(words) >= limit:
                    break
                rows.append(_numbers(numbers, rows, f"line {number} of {str(path)!r}"))
                words.append(word)
        if not words:
            raise DataError(
                f"{str(path)!r} must hold a word and its numbers in each line; got none"
            )
        kept = {word: row for row, word in reversed([*enumerate(words)])}  # the first of equals
        chosen = sorted(kept.values())
        options.setdefault("name", path.name.removesuffix(".gz").removesuffix(".vec"))
        vectors = np.stack([rows[row] for row in chosen])
        return cls([words[row] for row in chosen], vectors, **options)

    def __len__(self) -> int:
        return len(self._words)

    @property
    def dim(self) -> int:
        """Numbers per vector."""
        return self._vectors.shape[1] * len(self.pooling)

    @cached_property
    def fingerprint(self) -> str:
        """Changes with words, vectors, weights and options."""
        tokenize: Any = ""
        if self._is_own:
            from simlab.encoders.fingerprints._settings import describe

            tokenize = describe(self._tokenize)
        options = [sorted(self._weights.items()), self.subwords, self.pooling, _WORD.pattern]
        return fingerprint("words-1", self._words, self._vectors, options, tokenize)

    def encode(self, content: Sequence[str]) -> np.ndarray:
        """Place texts; shape (n, dim)."""
        found = [self._of(text) for text in content]
        n_empty = sum(one is None for one in found)
        if n_empty:
            warnings.warn(
                f"{n_empty} of {len(found)} texts hold no word that {self.name} knows; their "
                "vectors are zero: leave them out, or give subwords= or a larger table",
                SimlabWarning,
                stacklevel=2,
            )
        zeros = np.zeros(self.dim, dtype=np.float32)
        return np.stack([zeros if one is None else one for one in found])

    def _of(self, text: str) -> np.ndarray | None:
        known = [(word, self._vector(word)) for word in self._tokenize(text)]
        rows = [vector for _, vector in known if vector is not None]
        if not rows:
            return None
        table = np.stack(rows)
        weights = np.array([self._weight(word) for word, vector in known if vector is not None])
        parts = [
            _mean(table, weights) if pooling == "mean" else getattr(table, pooling)(axis=0)
            for pooling in self.pooling
        ]
        return np.concatenate(parts).astype(np.float32)

    def _weight(self, word: str) -> float:
        return self._weights.get(word, self._weights.get(word.lower(), 1.0))

    def _vector(self, word: str) -> np.ndarray | None:
        row = self._row_of.get(word, self._row_of.get(word.lower(), -1))
        if row >= 0:
            return self._vectors[row]
        if self.subwords is None:
            return None
        parts = [
            self._row_of[part] for part in _ngrams(word, *self.subwords) if part in self._row_of
        ]
        return self._vectors[parts].mean(axis=0) if parts else None

    def __repr__(self) -> str:
        return f"WordVectors({self.name}, {len(self):,} words, {self.dim} dimensions)"


def _table(vectors: Any, n_words: int) -> np.ndarray:
    table = np.array(vectors, dtype=np.float32)
    if table.ndim != 2 or len(table) != n_words or not n_words:  # noqa: PLR2004
        raise ShapeError(
            f"vectors must have one row per word; got shape {table.shape} for {n_words} words"
        )
    if not np.isfinite(table).all():
        row = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])
        raise DataError(f"word vectors must be finite; got NaN or infinity in row {row}")
    table.flags.writeable = False
    return table


def _numbers(numbers: list[str], before: list[np.ndarray], place: str) -> np.ndarray:
    try:
        row = np.array(numbers, dtype=np.float32)
    except ValueError:
        row = np.empty(0, dtype=np.float32)
    expected = len(before[0]) if before else max(len(row), 1)
    if len(row) != expected:
        raise DataError(
            f"{place} must hold a word and {expected} number{'s' * (expected != 1)}, with spaces "
            f"between; got {len(numbers)} entries behind the first"
        )
    return row


def _mean(table: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = weights.sum()
    return weights @ table / total if total else np.zeros(table.shape[1])


def _ngrams(word: str, shortest: int, longest: int) -> list[str]:
    whole = f"<{word.lower()}>"
    return [
        whole[start : start + n]
        for n in range(shortest, longest + 1)
        for start in range(len(whole) - n + 1)
    ]
