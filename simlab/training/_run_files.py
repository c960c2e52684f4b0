"""A run on disk, one folder, written aside and renamed.

`run.json`, `head.safetensors`, and `loss.safetensors` if the loss has learned something.
"""

import json
import math
import shutil
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import torch
from torch import nn

from simlab.encoders import CutEncoder, Encoder, encoder as ready_encoder, last_of
from simlab.errors import DataError
from simlab.training._adapters import Adapters, adapters_in, adapters_of
from simlab.training._config import FitConfig
from simlab.training._pacing import Pace
from simlab.training._records import plain, restored, told_object
from simlab.training._top import TopHead
from simlab.training.heads import make_head, named
from simlab.training.losses import title_of

if TYPE_CHECKING:
    import pandas as pd

    from simlab.training._run import Run

_FORMAT = 1
_OPTIONS = ("size", "cut", "max_tokens")
"""Of ready encoders."""
_OF_CUTS = ("cut", "max_tokens")


def save(run: "Run", folder: Path) -> None:
    from safetensors.torch import save_file

    if folder.exists():
        raise FileExistsError(f"a run is written to a new folder; {str(folder)!r} exists already")
    aside = folder.with_name(f"{folder.name}.{uuid4().hex[:8]}.part")
    aside.mkdir(parents=True)
    try:
        weights = {
            name: tensor.clone().contiguous().cpu()  # cloned: weights of one's own may be tied
            for name, tensor in _kept(run.head).items()
        }
        save_file(weights, aside / "head.safetensors")
        if run.loss_state:
            state = {name: one.contiguous().cpu() for name, one in run.loss_state.items()}
            save_file(state, aside / "loss.safetensors")
        text = json.dumps(_record(run), indent=2, default=_plain)
        (aside / "run.json").write_text(text, encoding="utf-8")
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _kept(head: nn.Module) -> dict[str, torch.Tensor]:
    return head.kept_state() if isinstance(head, TopHead) else head.state_dict()


def _record(run: "Run") -> dict[str, Any]:
    history = [
        {name: None if math.isnan(value) else value for name, value in row.items()}
        for row in run.history.to_dict("records")
    ]
    return {
        "format": _FORMAT,
        "encoder": {
            **_recipe(run.base),
            "identity": _identity(run.base),
            "top": run.head.identity if isinstance(run.head, TopHead) else None,
        },
        "config": {name: plain(value) for name, value in vars(run.config).items()},
        "history": history,
        "seen_labels": sorted(run.seen_labels),
        "best_epoch": run.best_epoch,
        "seconds": run.seconds,
        "finished": run.finished,
        "refitted": run.refitted,
    }


def _hashable(label: Any) -> Any:
    """Read a combination of labels, which JSON made a list."""
    return tuple(label) if isinstance(label, list) else label


def _identity(encoder: Encoder) -> str:
    """Name what was trained on; a newer library below it may still be used."""
    return getattr(encoder, "identity", encoder.fingerprint)


def _plain(number: Any) -> Any:
    """Turn a numpy number, such as a seed from np.arange, into a plain one."""
    return number.item()


def load(folder: Path, encoder: Encoder | None, head: nn.Module | None = None) -> "Run":
    from simlab.training._run import Run

    record, weights, loss_state = _read(folder)
    try:
        told = record["encoder"]["name"], record["encoder"]["identity"]
        told_by = {name: restored(value) for name, value in record["config"].items()}
        config = FitConfig(**told_by)
        known = {
            "history": _history(record["history"]),
            "loss_state": loss_state,
            "seen_labels": frozenset(map(_hashable, record["seen_labels"])),
            **{name: record[name] for name in ("best_epoch", "seconds", "finished", "refitted")},
        }
    except (KeyError, TypeError, ValueError) as error:
        raise _no_run(folder, error) from None
    learns = config.train not in ("auto", "head")  # "auto": written before there were cuts
    whole = _whole(record["encoder"], encoder, learns=learns)
    top = whole.top if learns and isinstance(whole, CutEncoder) else None
    base = whole if top is None else whole.base
    names = adapters_in(weights, "top.")
    is_same = _identity(base) == told[1] and learns == (top is not None)
    own = None if top is None else (top.identity if names else top.code())
    if not is_same or own != record["encoder"].get("top"):
        raise DataError(
            f"the run was trained on {told[0]!r} with other weights or settings "
            f"than the {whole.name!r} given; pass the same encoder with encoder="
        )
    if named(config.head) is None:
        config = replace(config, head=_given(config, head))
    elif head is not None:
        raise DataError(
            f"the run was trained with the head {title_of(config.head)!r}, which is made by its "
            "name; leave out head="
        )
    try:
        whole_head = _head(config, weights, top, adapters_of(config.train, names))
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        if head is not None:
            raise _other_head(head, error) from None
        raise _no_run(folder, error) from None
    return Run(base=base, head=whole_head, config=config, **known)


def _given(config: FitConfig, head: nn.Module | None) -> nn.Module:
    """Return the module that stands for a head of which only a description was written."""
    told = f"the run was trained with the head {told_object(config.head)}"
    if head is None:
        raise DataError(f"{told}, which is no ready head; pass a module like it with head=")
    if not isinstance(head, nn.Module):
        raise TypeError(f"{told}; head must be a torch module like it; got {head!r}")
    return head


def _other_head(head: nn.Module, error: Exception) -> DataError:
    return DataError(
        f"head must be a module like the one of the run; the {type(head).__name__} given has "
        f"other weights ({' '.join(str(error).split())})"
    )


def _head(
    config: FitConfig, weights: dict[str, torch.Tensor], top: Any, adapters: Adapters | None
) -> nn.Module:
    head: nn.Module
    if isinstance(config.head, nn.Module):
        head = deepcopy(config.head)
    else:
        center = weights["enter.center" if top is None else "head.enter.center"]
        head = make_head(config.head, torch.zeros(2, len(center)))
    if top is not None:
        head = TopHead(
            top, head, adapters=adapters, pace=Pace.of(config), recompute=config.recompute
        )
    missing = _kept(head).keys() - weights.keys()
    if missing:
        raise KeyError(min(missing))
    # of a top with adapters the other weights are those of the encoder
    head.load_state_dict({**head.state_dict(), **weights} if adapters else weights)
    return head.eval().requires_grad_(requires_grad=False)


def _read(
    folder: Path,
) -> tuple[dict[str, Any], dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        weights = load_file(folder / "head.safetensors")
        of_loss = folder / "loss.safetensors"
        loss_state = load_file(of_loss) if of_loss.exists() else {}
    except (OSError, ValueError, SafetensorError) as error:
        raise _no_run(folder, error) from None
    written = record.get("format") if isinstance(record, dict) else None
    if written != _FORMAT:
        raise DataError(f"run format must be {_FORMAT}; got {written!r}; update simlab")
    return record, weights, loss_state


def _no_run(folder: Path, error: Exception) -> DataError:
    reason = f"{error} is missing" if isinstance(error, KeyError) else error
    return DataError(f"{str(folder)!r} must be a folder written by run.save ({reason})")


def _history(rows: list[dict[str, Any]]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(rows, dtype=float).astype({"epoch": int})


def _recipe(encoder: Encoder) -> dict[str, Any]:
    """Say how to make an encoder again, as far as it can be made by its name."""
    if hasattr(encoder, "recipe"):  # it has a cut
        return encoder.recipe
    return {"name": encoder.name, "size": getattr(encoder, "size", None)}


def _whole(told: dict[str, Any], given: Encoder | None, *, learns: bool) -> Any:
    """Return the encoder of a run, with the cut below what learned."""
    if given is None:
        return _base(told)
    if not learns or isinstance(given, CutEncoder) or last_of(told.get("cut", "")) is None:
        return given
    return ready_encoder(given, **{name: told[name] for name in _OF_CUTS if told.get(name)})


def _base(told: dict[str, Any]) -> Encoder:
    options = {name: told[name] for name in _OPTIONS if told.get(name) is not None}
    try:
        return ready_encoder(told["name"], **options)
    except ValueError:
        raise DataError(
            f"the run was trained on {told['name']!r}, which is no ready encoder; "
            "pass it with encoder="
        ) from None
