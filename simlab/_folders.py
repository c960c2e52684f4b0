"""Where simlab finds its demo data and keeps what it remembers."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent


def _is_checkout() -> bool:
    return (_CHECKOUT / "pyproject.toml").exists() and (_CHECKOUT / "data").is_dir()


def data_folder() -> Path:
    """Return the folder of the demo sets: in the wheel, or `data/` of a checkout."""
    installed = _PACKAGE / "_data"
    return installed if installed.is_dir() else _CHECKOUT / "data"


def cache_folder() -> Path:
    """Return the folder of the cache.

    `SIMLAB_CACHE` wins; a checkout keeps it in `data/cache`; otherwise it is `simlab` in the
    user's cache folder (`XDG_CACHE_HOME`, by default `~/.cache`).
    """
    if chosen := os.environ.get("SIMLAB_CACHE"):
        return Path(chosen).expanduser()
    if _is_checkout():
        return _CHECKOUT / "data" / "cache"
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "simlab"
