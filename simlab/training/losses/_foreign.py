"""The losses that pytorch-metric-learning computes: those without a dense version here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from simlab.training._by_name import foreign_class, parameters_of, with_parts
from simlab.training.losses._mining import Loss

_SIZES = ("num_classes", "embedding_size", "descriptors_dim", "l", "K")


@dataclass(frozen=True)
class Foreign:
    """One class of theirs."""

    name: str
    make: str
    needs: str
    when: str
    paper: str
    defaults: tuple[tuple[str, Any], ...] = ()
    """What it asks for and we choose."""
    takes_mined: bool = True

    @property
    def parameters(self) -> list[str]:
        """What can be chosen; distance and reducer also by name."""
        return parameters_of(self._class, without=_SIZES)

    def of(self, embeddings: Tensor, labels: Tensor, parameters: dict[str, Any]) -> Loss:
        """Make it for as many classes and dimensions; labels are 0 to n - 1."""
        n_classes, dim = int(labels.max()) + 1, embeddings.shape[1]
        known = parameters_of(self._class)
        sizes = dict(zip(_SIZES, (n_classes, dim, dim, dim, n_classes), strict=True))
        asked = {name: size for name, size in sizes.items() if name in known}
        chosen = {**dict(self.defaults), **with_parts(parameters, reason=self._reason)}
        loss = self._class(**asked, **chosen).to(embeddings)
        return _OfMetaClasses(loss) if self.make == "ManifoldLoss" else loss

    @property
    def _class(self) -> Callable[..., Any]:
        return foreign_class("losses", self.make, reason=self._reason)

    @property
    def _reason(self) -> str:
        return f"loss {self.name!r}"


class _OfMetaClasses(nn.Module):
    """Give labels to `ManifoldLoss` in the place where it looks for them."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Take each label for a meta class of its own."""
        return self.loss(embeddings, None, labels)


_LABELS, _CENTERS = "labels", "labels, centers"

_ALL = (
    Foreign(
        "angular",
        "AngularLoss",
        _LABELS,
        "triplets judged by the angle at the stranger: no margin in units of distance",
        "Wang et al. 2017, arXiv:1708.01682",
    ),
    Foreign(
        "dynamic-soft-margin",
        "DynamicSoftMarginLoss",
        _LABELS,
        "triplets weighted by how unusual they are so far: no margin to choose; local features",
        "Zhang, Rusinkiewicz, ICCV 2019",
    ),
    Foreign(
        "generalized-lifted-structure",
        "GeneralizedLiftedStructureLoss",
        _LABELS,
        "all friends and strangers of an item in one soft maximum each",
        "Hermans et al. 2017, arXiv:1703.07737",
    ),
    Foreign(
        "histogram",
        "HistogramLoss",
        _LABELS,
        "parts the similarities of friends from those of strangers; large batches; "
        "fails where items coincide",
        "Ustinova, Lempitsky 2016, arXiv:1611.00822",
        (("n_bins", 100),),
    ),
    Foreign(
        "instance",
        "InstanceLoss",
        _LABELS,
        "classifies items among the batch; theirs takes the number of a label for a position: "
        "prefer nt-xent",
        "Zheng et al. 2017, arXiv:1711.05535",
        takes_mined=False,
    ),
    Foreign(
        "intra-pair-variance",
        "IntraPairVarianceLoss",
        _LABELS,
        "evens out similarities of friends and of strangers; beside another loss",
        "Yu, Tao, ICCV 2019",
    ),
    Foreign(
        "large-margin-softmax",
        "LargeMarginSoftmaxLoss",
        _CENTERS,
        "the first softmax with an angular margin; arcface is easier to train",
        "Liu et al. 2016, arXiv:1612.02295",
    ),
    Foreign(
        "lifted-structure",
        "LiftedStructureLoss",
        _LABELS,
        "each pair of friends against all strangers of both",
        "Song et al. 2015, arXiv:1511.06452",
    ),
    Foreign(
        "manifold",
        "ManifoldLoss",
        _CENTERS,
        "similarity along a random walk over the batch and the centers; few classes",
        "Aziere, Todorovic, CVPR 2019",
        takes_mined=False,
    ),
    Foreign(
        "margin",
        "MarginLoss",
        _LABELS,
        "a fixed or learned border between friends and strangers; with a distance-weighted miner",
        "Wu et al. 2017, arXiv:1706.07567",
    ),
    Foreign(
        "n-pairs",
        "NPairsLoss",
        _LABELS,
        "one pair of each label against the pairs of all others",
        "Sohn, NeurIPS 2016",
    ),
    Foreign(
        "nca",
        "NCALoss",
        _LABELS,
        "raises the chance that a neighbor drawn at random is a friend",
        "Goldberger et al., NeurIPS 2004",
    ),
    Foreign(
        "p2s-grad",
        "P2SGradLoss",
        _CENTERS,
        "squared error of the cosines to centers: no margin and no scale to choose",
        "Zhang et al. 2019, arXiv:1905.02479",
        takes_mined=False,
    ),
    Foreign(
        "pnp",
        "PNPLoss",
        _LABELS,
        "counts strangers before each friend; memory grows with the cube of the batch",
        "Li et al. 2021, arXiv:2102.04640",
        takes_mined=False,
    ),
    Foreign(
        "proxy-nca",
        "ProxyNCALoss",
        _CENTERS,
        "each item among one center of each class; proxy-anchor weighs hard items more",
        "Movshovitz-Attias et al. 2017, arXiv:1703.07464",
    ),
    Foreign(
        "ranked-list",
        "RankedListLoss",
        _LABELS,
        "keeps friends in a ball and strangers out of it, the near ones weighted most",
        "Wang et al. 2019, arXiv:1903.03238",
        (("margin", 0.4), ("Tn", 5)),
        takes_mined=False,
    ),
    Foreign(
        "signal-to-noise-ratio-contrastive",
        "SignalToNoiseRatioContrastiveLoss",
        _LABELS,
        "contrastive with the noise of a pair as its distance; lengths count",
        "Yuan et al. 2019, arXiv:1904.02616",
    ),
    Foreign(
        "soft-triple",
        "SoftTripleLoss",
        _CENTERS,
        "several centers per class: classes that fall into groups",
        "Qian et al. 2019, arXiv:1909.05235",
    ),
    Foreign(
        "sphere-face",
        "SphereFaceLoss",
        _CENTERS,
        "a multiplied angle to normalized centers; arcface is easier to train",
        "Liu et al. 2017, arXiv:1704.08063",
    ),
    Foreign(
        "sub-center-arc-face",
        "SubCenterArcFaceLoss",
        _CENTERS,
        "arcface with several centers per class: noisy labels",
        "Deng et al., ECCV 2020",
    ),
    Foreign(
        "threshold-consistent-margin",
        "ThresholdConsistentMarginLoss",
        _LABELS,
        "makes one threshold fit all classes; beside another loss",
        "Zhang et al. 2023, arXiv:2307.04047",
    ),
    Foreign(
        "triplet-margin",
        "TripletMarginLoss",
        _LABELS,
        "triplet-all with swapped anchors, triplets drawn at random or another distance",
        "Schroff et al. 2015, arXiv:1503.03832",
    ),
    Foreign(
        "tuplet-margin",
        "TupletMarginLoss",
        _LABELS,
        "each friend against all strangers, with an angular margin; NaN where friends coincide",
        "Yu, Tao, ICCV 2019",
    ),
)

ADAPTED = {one.name: one for one in _ALL}
COVERED = (
    "ArcFaceLoss",
    "CircleLoss",
    "ContrastiveLoss",
    "CosFaceLoss",
    "FastAPLoss",
    "MultiSimilarityLoss",
    "NTXentLoss",
    "NormalizedSoftmaxLoss",
    "ProxyAnchorLoss",
    "SmoothAPLoss",
    "SupConLoss",
    "VICRegLoss",
)
"""Theirs that have an equal here, under the name of ours."""
