"""Libraries whose code a model runs on: known by their versions, where our hashes cannot look."""

import sys
from abc import abstractmethod
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, version

from simlab._fingerprint import fingerprint

PYTHON = frozenset({"torch", *sys.stdlib_module_names}) - {"__main__"}
LIBRARIES = PYTHON | {
    *("open_clip", "peft", "scipy", "sentence_transformers", "sklearn", "timm", "tokenizers"),
    *("torchvision", "transformers"),
}
"""Whose code is not hashed: it is large, and its version says it all."""


class Versioned:
    """An encoder that is computed by libraries: its fingerprint names their versions too.

    A new version of torch, pillow or transformers may change the last digits, a resized picture
    or the words that a tokenizer finds; what was remembered before is then no longer found.

    Examples
    --------
    >>> class Sum(Versioned):
    ...     identity, libraries = "sum", ("numpy",)
    >>> Sum().fingerprint == Sum.identity
    False
    """

    @property
    @abstractmethod
    def identity(self) -> str:
        """Weights, configuration and preprocessing: what a saved run asks for."""

    @property
    @abstractmethod
    def libraries(self) -> Collection[str]:
        """The packages whose versions count."""

    @property
    def fingerprint(self) -> str:
        """Changes with the weights, the settings, and the versions of the libraries."""
        return fingerprint(self.identity, {name: _version(name) for name in self.libraries})


def _version(package: str) -> str | None:
    """Version without its build ("2.13.0+cpu" is "2.13.0"); None for what is not installed."""
    told = getattr(sys.modules.get(package), "__version__", None)
    if not isinstance(told, str):
        try:
            told = version(package)
        except PackageNotFoundError:
            return None
    return told.partition("+")[0]
