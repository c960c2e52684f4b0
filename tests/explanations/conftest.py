"""Encoders that can be read at a glance, and a shortcut from items to neighbors."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from simlab.items import Items
from simlab.space import Embeddings, Index


@dataclass(frozen=True)
class FunctionEncoder:
    """Encode by a function from one item to its vector, and count the items."""

    function: Callable
    name: str = "function"
    modalities: frozenset = frozenset({"array", "image", "text"})
    fingerprint: str = "function"
    seen: list = field(default_factory=list)

    def encode(self, content):
        self.seen.extend(content)
        return np.array([self.function(item) for item in content], dtype=np.float32)


@pytest.fixture
def reader():
    """Make an encoder of a function."""
    return FunctionEncoder


@pytest.fixture
def ask():
    """Find the neighbors of the first item among the others."""

    def asked(content, encoder, labels=None, k=None):
        items = Items.from_arrays(content, labels=labels)
        vectors = encoder.encode([items.content[row] for row in range(len(items))])
        encoder.seen.clear()
        embeddings = Embeddings(vectors, items, encoder)
        index = Index(embeddings)
        return index.search(embeddings[:1], k=k or len(items) - 1, exclude_self=True)

    return asked
