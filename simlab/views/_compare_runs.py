"""What is known of the runs behind spaces: settings, curves, times; told without torch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from simlab.space import Embeddings

if TYPE_CHECKING:
    import pandas as pd


def told(source: Any, *, seed: bool = True) -> dict[str, str]:
    """Tell the settings of a run, or of an encoder just its name.

    Examples
    --------
    >>> from simlab import encoder
    >>> told(encoder("pixels"))
    {'encoder': 'pixels'}
    """
    if source is None:
        return {}
    if not is_run(source):
        return {"encoder": source.name}
    config = {field.name: getattr(source.config, field.name) for field in fields(source.config)}
    kept = {name: _word(value) for name, value in config.items() if seed or name != "seed"}
    return {"encoder": source.base.name, **kept}


def is_run(source: Any) -> bool:
    """Tell whether something was trained, by what it has: this room knows no runs."""
    return hasattr(source, "history") and hasattr(source, "config")


def parameters(spaces: Mapping[str, Sequence[Embeddings]]) -> "pd.DataFrame":
    """Put the settings of all spaces side by side; the seeds of one are listed."""
    import pandas as pd

    rows = {}
    for name, several in spaces.items():
        settings = [told(space.source) for space in several]
        seeds = dict.fromkeys(one["seed"] for one in settings if "seed" in one)
        rows[name] = settings[0] | ({"seed": ", ".join(seeds)} if seeds else {})
    return pd.DataFrame.from_dict(rows, orient="index").fillna("")


def differing(settings: "pd.DataFrame", trained: Sequence[str]) -> list[str]:
    """Name the settings in which runs differ; the encoder also between other spaces."""
    rows = {
        name: settings if name == "encoder" else settings.loc[list(trained)] for name in settings
    }
    return [name for name, known in rows.items() if len(set(known[name])) > 1]


def usual(values: Sequence[str]) -> str | None:
    """Tell the value of more than half, if there is one.

    Examples
    --------
    >>> usual(["30", "30", "10"]), usual(["triplet", "supcon"])
    ('30', None)
    """
    value, count = Counter(values).most_common(1)[0]
    return value if 2 * count > len(values) else None


def histories(spaces: Mapping[str, Sequence[Embeddings]]) -> "dict[str, pd.DataFrame]":
    """Collect the curves of those spaces that were trained; those of several seeds in one frame."""
    import pandas as pd

    found: dict[str, pd.DataFrame] = {}
    for name, several in spaces.items():
        runs = runs_of(several)
        if len(runs) > 1:
            parts = [run.history.assign(seed=run.config.seed) for run in runs]
            found[name] = pd.concat(parts, ignore_index=True)
        elif runs:
            found[name] = runs[0].history
    return found


def runs_of(several: Sequence[Embeddings]) -> list[Any]:
    """Give the runs among the sources."""
    sources: list[Any] = [space.source for space in several]
    return [source for source in sources if is_run(source)]


def _word(value: Any) -> str:
    """Write a setting as a user gives it; of an object its name."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_word(one)}" for name, one in value.items())
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], Mapping):  # noqa: PLR2004
        return f"{_word(value[0])}({_word(value[1])})"
    if isinstance(value, tuple | list):
        return " + ".join(
            " ".join(map(_word, one)) if _is_term(one) else _word(one) for one in value
        )
    if value is None or isinstance(value, bool | int | float):
        return str(value)
    return getattr(value, "__name__", type(value).__name__)


def _is_term(value: Any) -> bool:
    """Tell whether something is a weight and a loss, as sums are given."""
    is_pair = isinstance(value, tuple | list) and len(value) == 2  # noqa: PLR2004
    return is_pair and isinstance(value[0], int | float)
