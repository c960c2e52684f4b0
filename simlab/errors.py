"""Every error that simlab raises on purpose, and its one warning.

::

    SimlabError
    ├── ChoiceError(ValueError)          an unknown name; carries what, given and choices
    ├── ShapeError(ValueError)           arrays that do not fit each other
    ├── DataError(ValueError)            content, labels or splits unfit for what is asked
    ├── MissingExtraError(ImportError)   a package of an extra is missing; names the install line
    ├── CacheError(OSError)              a cache that cannot be read or written
    └── RankError(RuntimeError)          another process of a distributed training failed
    SimlabWarning(UserWarning)           a choice that was taken for you

Each sentence says what must hold, what came, and what to do.
"""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Self


class SimlabError(Exception):
    """The root of all errors of simlab."""


class ChoiceError(SimlabError, ValueError):
    """An unknown name where one of a few is expected."""

    given: object
    choices: tuple[str, ...]

    @classmethod
    def of(cls, what: str, given: object, choices: Collection[str]) -> Self:
        """Word the error from its parts, and guess what was meant.

        Examples
        --------
        >>> print(ChoiceError.of("loss", "tripplet", ["supcon", "triplet"]))
        loss must be one of 'supcon', 'triplet'; got 'tripplet'. Did you mean 'triplet'?
        """
        names = sorted(choices)
        near = get_close_matches(str(given), names, n=1)
        hint = f". Did you mean {near[0]!r}?" if near else ""
        error = cls(f"{what} must be one of {', '.join(map(repr, names))}; got {given!r}{hint}")
        error.given, error.choices = given, tuple(names)
        return error


class ShapeError(SimlabError, ValueError):
    """Arrays that do not fit each other."""


class DataError(SimlabError, ValueError):
    """Content, labels or splits that do not allow what is asked."""


class MissingExtraError(SimlabError, ImportError):
    """A package that only an extra installs is missing."""


class CacheError(SimlabError, OSError):
    """A cache that cannot be read or written."""


class RankError(SimlabError, RuntimeError):
    """Another process that works on the same failed."""


class SimlabWarning(UserWarning):
    """A choice that simlab took in place of the user."""
