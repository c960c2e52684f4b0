"""Measure while training, at a few hundredths of its cost, whether the space stays healthy."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from simlab.space import Embeddings, alignment, effective_rank, hubness, uniformity, variances
from simlab.training._inputs import Inputs
from simlab.training._samples import matched_samples
from simlab.training._tensors import as_tensor

_STRIDE = 16
"""Gradients are looked at in every so many steps, the first of an epoch among them."""
_NO_GRADIENT = 1e-6
"""Length of the gradient of an item, times the items of its batch, below which it teaches nothing:
a hinge that is satisfied gives exactly 0, rounding less than this."""


class Watch:
    """Look at a fixed sample after every epoch, and at gradients in a few steps of it.

    Parameters
    ----------
    train : Embeddings
        What is learned from.
    held : Embeddings, optional
        The held-out items; without them the sample is of training items and there is no gap.
    metric : str
        What training and held-out items are compared by.
    seed : int
        Of the sample.
    """

    def __init__(
        self,
        train: Embeddings | Inputs,
        held: Embeddings | Inputs | None,
        metric: str,
        *,
        seed: int,
    ) -> None:
        rows, held_rows = matched_samples(train.items, held.items if held else None, seed)
        self._train = _batch(train[rows])
        self._held = None if held is None else _batch(held[held_rows])
        self._metric = metric
        self._steps = self._passes = 0
        self._gradients: list[float] = []
        self._active: list[float] = []
        self._hooks: list[Any] = []

    def listen(self, head: nn.Module, optimizers: Iterable[torch.optim.Optimizer]) -> None:
        """Begin to look at gradients: of the vectors, and of the weights once a step is done.

        Not before it: where Lightning steps by itself, gradients are made within the step.
        """
        self._hooks = [head.register_forward_hook(self._pass)]
        for one in optimizers:
            self._hooks.append(one.register_step_post_hook(lambda *_: self._step(head)))

    def close(self) -> None:
        """Leave head and optimizer as they were."""
        for hook in self._hooks:
            hook.remove()

    def _step(self, head: nn.Module) -> None:
        if self._steps % _STRIDE == 0:
            norms = [one.grad.norm() for one in head.parameters() if one.grad is not None]
            if norms:
                self._gradients.append(float(torch.stack(norms).norm()))
        self._steps += 1

    def _pass(self, _: nn.Module, __: Any, vectors: Tensor) -> None:
        if not vectors.requires_grad:
            return
        if self._passes % _STRIDE == 0:
            vectors.register_hook(self._count_active)
        self._passes += 1

    def _count_active(self, gradient: Tensor) -> None:
        lengths = gradient.detach().float().norm(dim=1) * len(gradient)
        self._active.append(float((lengths > _NO_GRADIENT).float().mean()))

    def measure(self, module: Any) -> dict[str, float]:
        """Rate the space as it is now; gradients are those since the last time, on average."""
        was_training = module.training
        module.eval()
        with torch.no_grad():
            rates = self._rates(module)
        module.train(was_training)
        for name, values in (("active", self._active), ("gradient_norm", self._gradients)):
            rates[name] = float(np.mean(values)) if values else float("nan")
            values.clear()
        self._steps = self._passes = 0
        return rates

    def _rates(self, module: Any) -> dict[str, float]:
        vectors, known = self._train if self._held is None else self._held
        unit = normalize(module(vectors.to(module.device)), dim=1).float().cpu().numpy()
        is_sound = bool(np.isfinite(unit).all())
        rates = _health(unit, known.numpy()) if is_sound else dict.fromkeys(_NAMES, float("nan"))
        if self._held is not None:
            apart = [self._rate(module, sample) for sample in (self._train, self._held)]
            rates[f"gap_{self._metric}"] = apart[0] - apart[1]
        return rates

    def _rate(self, module: Any, sample: tuple[Tensor, Tensor]) -> float:
        vectors, known = sample
        rates = module.rate(vectors.to(module.device), known)
        return rates.get(f"val_{self._metric}", float("nan"))


_NAMES = ("spread", "effective_rank", "alignment", "uniformity", "hubness")


def _health(unit: np.ndarray, known: np.ndarray) -> dict[str, float]:
    """Measure the space itself, by the names of `_NAMES`."""
    told = (
        float(variances(unit).sum()),
        effective_rank(unit),
        alignment(unit, known),
        uniformity(unit),
        hubness(unit),
    )
    return dict(zip(_NAMES, told, strict=True))


def _batch(sample: Embeddings | Inputs) -> tuple[Tensor, Tensor]:
    """Give vectors, and labels or how similar the items are, as `SimilarityModule.rate` has it."""
    known, rows = sample.items.similarity, np.arange(len(sample))
    told = known.codes if known.is_plain else known.relevance(rows, rows)
    return as_tensor(sample.vectors), torch.from_numpy(told)
