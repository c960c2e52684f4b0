"""Items from the samples of Quaterion."""

from collections.abc import Iterable
from typing import Any

from simlab.errors import DataError
from simlab.items._items import Items

_OF_GROUPS, _OF_PAIRS = ("obj", "group"), ("obj_a", "obj_b", "score", "subgroup")


def from_quaterion(samples: Iterable[Any]) -> Items:
    """Make items from `SimilarityGroupSample` or `SimilarityPairSample` objects of Quaterion.

    Quaterion itself is not needed: what has the attributes of a sample is one.

    Parameters
    ----------
    samples : iterable
        All with `obj` and `group`; or all with `obj_a`, `obj_b`, `score` and `subgroup`. Objects
        are texts, PIL images, arrays, or `pathlib.Path` of pictures.

    Returns
    -------
    Items
        Groups become labels, one item per sample. Pairs become the distinct objects and what is
        known of them: the score of each pair, 0 between objects of two subgroups, and nothing
        more within a subgroup.

    Raises
    ------
    DataError
        No samples, samples of two kinds or none; an object in two subgroups; a score outside
        [0, 1].

    Examples
    --------
    >>> from types import SimpleNamespace as Sample
    >>> from_quaterion([Sample(obj="a lime", group=3), Sample(obj="a lemon", group=3)])
    Items: 2 texts, 1 label
    >>> pairs = [
    ...     Sample(obj_a="cake", obj_b="muffin", score=0.9, subgroup=10),
    ...     Sample(obj_a="lemon", obj_b="lime", score=0.7, subgroup=11),
    ... ]
    >>> from_quaterion(pairs).similarity.relevance([0], [1, 2, 3]).round(1)
    array([[0. , 0.9, 0. ]], dtype=float32)
    """
    samples = list(samples)
    if not samples:
        raise DataError("from_quaterion needs at least one sample; got none")
    names = _OF_GROUPS if hasattr(samples[0], "obj") else _OF_PAIRS
    for row, sample in enumerate(samples):
        missing = [name for name in names if not hasattr(sample, name)]
        if missing:
            raise DataError(
                f"samples must all have {', '.join(_OF_GROUPS)}, or all {', '.join(_OF_PAIRS)}; "
                f"got {type(sample).__name__} without {', '.join(missing)} at row {row}"
            )
    columns = [[getattr(sample, name) for sample in samples] for name in names]
    if names is _OF_GROUPS:
        objects, groups = columns
        return Items.from_arrays(objects, labels=groups)
    return Items.from_pairs(*columns)
