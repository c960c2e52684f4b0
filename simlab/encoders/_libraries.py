"""Libraries whose code a model runs on: known by their versions, where our hashes cannot look."""

import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from simlab._fingerprint import fingerprint

PYTHON = frozenset({"torch", *sys.stdlib_module_names}) - {"__main__"}
LIBRARIES = PYTHON | {"sentence_transformers", "timm", "tokenizers", "torchvision", "transformers"}
"""Whose code is not hashed: it is large, and its version says it all."""


def versioned(identity: str, packages: Iterable[str]) -> str:
    """Name what an encoder gives: what it is, and the versions of the libraries that compute it.

    A new version of torch, pillow or transformers may change the last digits, a resized picture
    or the words that a tokenizer finds; what was remembered before is then no longer found.

    Examples
    --------
    >>> versioned("a", ["numpy"]) == versioned("a", ["numpy", "pyarrow"])
    False
    """
    return fingerprint(identity, {package: _version(package) for package in packages})


def _version(package: str) -> str | None:
    """Version without its build ("2.13.0+cpu" is "2.13.0"); None for what is not installed."""
    told = getattr(sys.modules.get(package), "__version__", None)
    if not isinstance(told, str):
        try:
            told = version(package)
        except PackageNotFoundError:
            return None
    return told.partition("+")[0]
