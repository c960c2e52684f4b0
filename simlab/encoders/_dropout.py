"""Views by dropout: the same item through the same network, with other units left out."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_IS_ON: ContextVar[bool] = ContextVar("dropout of frozen networks", default=False)


class Dropout:
    """What `encoder(..., augment="dropout")` changes: not an item, but how a network sees it.

    Units are drawn for a whole batch at once: which ones an item loses depends on what it is
    encoded with, and so a view is made once and remembered, but not the same on every machine.

    References
    ----------
    Gao, Yao, Chen. *SimCSE: Simple Contrastive Learning of Sentence Embeddings*. 2021.
    arXiv:2104.08821, section 3 (unsupervised).
    """

    __name__ = "dropout"

    def __call__(self, item: Any) -> Any:
        """Leave an item as it is."""
        return item


@contextmanager
def dropping() -> Iterator[None]:
    """Let frozen networks drop units, as they do while they learn.

    Examples
    --------
    >>> with dropping():
    ...     is_dropping()
    True
    >>> is_dropping()
    False
    """
    token = _IS_ON.set(True)
    try:
        yield
    finally:
        _IS_ON.reset(token)


def is_dropping() -> bool:
    """Tell whether frozen networks drop units."""
    return _IS_ON.get()
