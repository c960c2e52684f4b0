"""Models made for a hub: loaded from this machine alone and quietly; what their tokenizers know."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def offline() -> Iterator[None]:
    """Ask no hub."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before


@contextmanager
def no_progress_bar() -> Iterator[None]:
    """Load without a bar: it would stay in the notebook and say nothing."""
    from transformers.utils import logging as told

    shown = told.is_progress_bar_enabled()
    told.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            told.enable_progress_bar()


def words_of(tokenizer: Any) -> dict[str, Any]:
    """Take what a tokenizer knows, without how it padded its last batch."""
    fast = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not hasattr(fast, "to_str"):
        return dict(tokenizer.get_vocab()) if hasattr(tokenizer, "get_vocab") else {}
    known = json.loads(fast.to_str())
    return {name: value for name, value in known.items() if name not in {"padding", "truncation"}}
