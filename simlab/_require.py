"""Import a package of an extra, or say how to install it."""

from importlib import import_module
from types import ModuleType

from simlab.errors import MissingExtraError


def require(package: str, *, extra: str, reason: str) -> ModuleType:
    """Import `package`, or raise an error that names the extra.

    Examples
    --------
    >>> require("math", extra="text", reason="counting").__name__
    'math'
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package.partition(".")[0]:
            raise
        raise MissingExtraError(
            f'{reason} needs {package}; install it with: pip install "simlab[{extra}]"'
        ) from None
