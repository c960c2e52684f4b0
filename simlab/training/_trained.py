"""What learns: a word for it, and the cut below the first layer that does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
from torch import nn

from simlab.encoders import CutEncoder, Encoder, encoder as cut_encoder, last_of
from simlab.errors import ChoiceError, DataError
from simlab.training._adapters import Adapters, adaptable, adapters_of, check_lora

_WORDS = ("all", "auto", "head", "lora", "top")
TRAINED = (*_WORDS, "last:n")


@dataclass(frozen=True)
class Trained:
    """The layers that learn below the head.

    Attributes
    ----------
    cut : CutEncoder
        Whose base stays frozen.
    adapters : Adapters or None
        What learns beside frozen layers above the cut; None where the layers learn themselves.
    """

    cut: CutEncoder
    adapters: Adapters | None = None

    def used(self, rows: np.ndarray) -> "Trained":
        """Leave out adapters of layers that do not run for some activations.

        Raises
        ------
        DataError
            None of them runs.
        """
        if self.adapters is None:
            return self
        ran: list[str] = []
        handles = [
            self.cut.top.get_submodule(name).register_forward_hook(
                lambda *_, name=name: ran.append(name)
            )
            for name in self.adapters.names
        ]
        try:
            self.cut.transform(rows)
        finally:
            for handle in handles:
                handle.remove()
        names = tuple(name for name in self.adapters.names if name in ran)
        if not names:
            raise DataError(
                f"'lora' needs linear layers that run in encoding; of {self.cut.name!r} "
                f"{', '.join(map(repr, self.adapters.names[:3]))} do not; use train='last:1'"
            )
        return replace(self, adapters=replace(self.adapters, names=names))


def choose_trained(told: Any, encoder: Encoder) -> Any:
    """Choose what learns, for `"auto"`: the layers above a cut where there are any.

    Raises
    ------
    ChoiceError
        None of the words.
    TypeError
        A parameter that adapters do not have.
    DataError
        `"top"`, and no layers above a cut that could learn; more than `"top"` for an encoder
        with a cut of its own; parameters of adapters that are out of range.
    """
    name, parameters = _parts(told)
    is_known = name in _WORDS or last_of(name) not in {None, "all"}
    if not is_known or (parameters and name != "lora"):
        raise ChoiceError.of("train", told, TRAINED)
    check_lora(parameters)
    is_cut = isinstance(encoder, CutEncoder)
    can_learn = isinstance(encoder, CutEncoder) and encoder.top.can_learn
    if name == "top" and not can_learn:
        got = "without weights above its cut" if is_cut else "without cut"
        raise DataError(
            f"train='top' needs an encoder with layers to train above a cut; got "
            f"{encoder.name!r} {got}; make it with encoder(..., cut='the last frozen layer'), "
            "or use train='head'"
        )
    if isinstance(encoder, CutEncoder) and _place(name) not in {None, encoder.recipe["cut"]}:
        raise DataError(
            f"train={told!r} cuts the encoder itself; got {encoder!r}, which has a cut; use "
            "train='top' for all above it, or give the encoder without cut="
        )
    if name == "auto":
        return "top" if can_learn else "head"
    return told


def trained_layers(told: Any, encoder: Encoder) -> Trained | None:
    """Cut an encoder below the first layer that learns; None where the head learns alone.

    Parameters
    ----------
    told : str or tuple
        From `choose_trained`.
    encoder : Encoder
        Stays as it is.

    Raises
    ------
    TypeError, DataError
        An encoder that cannot be cut so; adapters without a layer for them.
    """
    name, parameters = _parts(told)
    if name == "head":
        return None
    place = _place(name)
    if place is not None:
        return Trained(_cut(encoder, place))
    if name == "lora":
        return _beside(encoder, parameters)
    assert isinstance(encoder, CutEncoder)  # noqa: S101 (told by choose_trained)
    return Trained(encoder)


def _parts(told: Any) -> tuple[str, dict[str, Any]]:
    """Read a word with its parameters."""
    is_pair = isinstance(told, tuple | list) and len(told) == 2  # noqa: PLR2004
    if is_pair and isinstance(told[1], Mapping):
        return str(told[0]), dict(told[1])
    return str(told), {}


def _place(name: str) -> str | None:
    """Tell where to cut, for the words that say it."""
    if name == "all":
        return "last:all"
    return name if last_of(name) is not None else None


def _cut(encoder: Encoder, place: str) -> CutEncoder:
    if isinstance(encoder, CutEncoder):
        return encoder
    made = cut_encoder(encoder, cut=place)
    assert isinstance(made, CutEncoder)  # noqa: S101 (encoder has a cut)
    return made


def _beside(encoder: Encoder, parameters: dict[str, Any]) -> Trained:
    """Put adapters beside layers, and the cut right below the first of these."""
    targets, last = parameters.get("targets"), parameters.get("last")
    cut = _cut(encoder, "last:all" if last is None else f"last:{last}")
    chosen = adaptable(cut.top, targets)
    if targets is not None and last is None and not isinstance(encoder, CutEncoder):
        cut = _smallest(encoder, cut, list(chosen.values()))
    held = {id(part) for part in chosen.values()}
    names = tuple(name for name, part in cut.top.named_modules() if id(part) in held)
    return Trained(cut, adapters_of(("lora", parameters), names))


def _smallest(encoder: Encoder, whole: CutEncoder, parts: list[nn.Module]) -> CutEncoder:
    """Cut as far up as all of some parts are above."""
    wanted = {id(part) for part in parts}
    for n in count(1):
        try:
            cut = _cut(encoder, f"last:{n}")
        except DataError:  # fewer layers, or a network that cannot be followed
            return whole
        if wanted <= {id(part) for part in cut.top.modules()}:
            return cut
    raise AssertionError  # count has no end
