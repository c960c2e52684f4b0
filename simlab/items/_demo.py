"""Demo sets that ship with simlab: real pictures and texts, and one set with a known trap."""

from collections.abc import Callable

import numpy as np

from simlab._folders import data_folder
from simlab.errors import ChoiceError
from simlab.items._items import Items


def load(name: str | None = None) -> Items | tuple[str, ...]:
    """Load a demo set; without a name, list them.

    Parameters
    ----------
    name : str, optional
        - `"emoji-styles"`: 2,000 pictures of 400 emoji in 5 art styles; label = emoji.
        - `"wordnet-glosses"`: 3,840 definitions of nouns; label = one of 24 kinds of thing.
        - `"striped-digits"`: 1,797 digits of 8 by 8 pixels, each crossed by a bright row and a
          bright column that mean nothing; label = digit.

    Returns
    -------
    Items, or tuple of str when no name is given

    Raises
    ------
    ChoiceError
        No demo set has this name.

    Examples
    --------
    >>> load()
    ('emoji-styles', 'striped-digits', 'wordnet-glosses')
    >>> load("striped-digits")
    Items: 1,797 arrays of shape (8, 8), 10 labels
    """
    if name is None:
        return tuple(sorted(_SETS))
    if name not in _SETS:
        raise ChoiceError.of("demo set", name, _SETS)
    return _SETS[name]()


def _emoji_styles() -> Items:
    return _from_parquet("emoji-styles", content="image", label="name")


def _wordnet_glosses() -> Items:
    return _from_parquet("wordnet-glosses", content="gloss", label="label")


def _from_parquet(name: str, *, content: str, label: str) -> Items:
    import pandas as pd

    frame = pd.read_parquet(data_folder() / f"{name}.parquet")
    return Items.from_frame(frame, content=content, label=label, id="id")


def _striped_digits() -> Items:
    from sklearn.datasets import load_digits

    digits = load_digits()
    pictures = digits.images.astype(np.float32)
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(8, size=(2, len(pictures)))
    each = np.arange(len(pictures))
    pictures[each, rows, :] = 16.0
    pictures[each, :, columns] = 16.0
    ids = [f"digit-{row}" for row in each]
    return Items.from_arrays(pictures, labels=digits.target, ids=ids)


_SETS: dict[str, Callable[[], Items]] = {
    "emoji-styles": _emoji_styles,
    "striped-digits": _striped_digits,
    "wordnet-glosses": _wordnet_glosses,
}
