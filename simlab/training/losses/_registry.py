"""Every loss by its name: what it needs, when to use it, which paper."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor

from simlab.training._by_name import parameters_of
from simlab.training.losses._center import Center
from simlab.training.losses._circle import circle
from simlab.training.losses._contrastive import contrastive, online_contrastive
from simlab.training.losses._fastap import fastap
from simlab.training.losses._margins import ArcFace, CosFace
from simlab.training.losses._matryoshka import Matryoshka
from simlab.training.losses._mining import Loss, takes_mined
from simlab.training.losses._multi_similarity import multi_similarity
from simlab.training.losses._nt_xent import nt_xent
from simlab.training.losses._proxy_anchor import ProxyAnchor
from simlab.training.losses._ranking import multiple_negatives_ranking, ranking_of_pairs
from simlab.training.losses._scored import angle, cosent, cosine
from simlab.training.losses._smooth_ap import smooth_ap
from simlab.training.losses._softmax import Softmax
from simlab.training.losses._supcon import supcon
from simlab.training.losses._triplet import triplet, triplet_all, triplet_semi_hard
from simlab.training.losses._views import barlow_twins, vicreg

_OF_THE_BATCH = {"embeddings", "labels", "mined", "pairs", "scores", "first", "second"}


@dataclass(frozen=True)
class Own:
    """A loss computed here: a function of a batch, or a module."""

    name: str
    make: Any
    needs: str
    when: str
    paper: str

    @property
    def parameters(self) -> list[str]:
        """What can be chosen."""
        if isinstance(self.make, type) and self.make is not Matryoshka:
            return parameters_of(self.make, without={"n_classes", "dim"})
        function = self.make.around if self.make is Matryoshka else self.make
        return parameters_of(function, without=_OF_THE_BATCH)

    @property
    def takes_mined(self) -> bool:
        """Whether it works with a miner."""
        if isinstance(self.make, type):
            return self.make is Matryoshka
        return self.needs == "labels" and takes_mined(self.make)

    def of(self, embeddings: Tensor, labels: Tensor, parameters: dict[str, Any]) -> Loss:
        """Make it for items that lie like this before training; labels are 0 to n - 1."""
        if isinstance(self.make, type):
            return self.make.around(embeddings, labels, **parameters)  # type: ignore[attr-defined]
        return partial(self.make, **parameters) if parameters else self.make


_OF_LABELS = (
    Own(
        "arcface",
        ArcFace,
        "labels, centers",
        "many classes with few items each; the standard of face recognition",
        "Deng et al. 2019, arXiv:1801.07698",
    ),
    Own(
        "center",
        Center,
        "labels, centers",
        "tight classes; pushes nothing apart, so only in a sum",
        "Wen et al., ECCV 2016",
    ),
    Own(
        "circle",
        circle,
        "labels",
        "fine distinctions; pulls each pair the harder, the worse it is",
        "Sun et al. 2020, arXiv:2002.10857",
    ),
    Own(
        "contrastive",
        contrastive,
        "labels",
        "one threshold for friends and strangers is wanted",
        "Hadsell et al., CVPR 2006",
    ),
    Own(
        "cosface",
        CosFace,
        "labels, centers",
        "as arcface, with the margin in the cosine: smoother, a little less strict",
        "Wang et al. 2018, arXiv:1801.09414",
    ),
    Own(
        "fastap",
        fastap,
        "labels",
        "average precision itself; large batches",
        "Cakir et al., CVPR 2019",
    ),
    Own(
        "matryoshka",
        Matryoshka,
        "labels",
        "vectors that may be cut short; around any other loss",
        "Kusupati et al. 2022, arXiv:2205.13147",
    ),
    Own(
        "multi-similarity",
        multi_similarity,
        "labels",
        "a strong all-round choice; weighs hard pairs, with its miner even more",
        "Wang et al. 2019, arXiv:1904.06627",
    ),
    Own(
        "multiple-negatives-ranking",
        multiple_negatives_ranking,
        "labels",
        "matching pairs, such as question and answer; large batches",
        "Henderson et al. 2017, arXiv:1705.00652",
    ),
    Own(
        "nt-xent",
        nt_xent,
        "labels",
        "views of one item as friends (SimCLR); each friend by itself",
        "Chen et al. 2020, arXiv:2002.05709",
    ),
    Own(
        "online-contrastive",
        online_contrastive,
        "labels",
        "contrastive, from the hardest friend and stranger of each item only",
        "Quaterion 2022",
    ),
    Own(
        "proxy-anchor",
        ProxyAnchor,
        "labels, centers",
        "many classes; fast and steady, with small batches, too",
        "Kim et al. 2020, arXiv:2003.13911",
    ),
    Own(
        "smooth-ap",
        smooth_ap,
        "labels",
        "average precision itself, by exact comparisons; after a start with another loss",
        "Brown et al. 2020, arXiv:2007.12163",
    ),
    Own(
        "softmax",
        Softmax,
        "labels, centers",
        "many classes; a plain baseline, hard to beat: classify by the cosine to centers",
        "Zhai, Wu 2018, arXiv:1811.12649",
    ),
    Own(
        "supcon",
        supcon,
        "labels",
        "the default: uses all friends and strangers of a batch at once",
        "Khosla et al. 2020, arXiv:2004.11362",
    ),
    Own(
        "triplet",
        triplet,
        "labels",
        "clean labels; only the hardest triplet of each item counts",
        "Hermans et al. 2017, arXiv:1703.07737",
    ),
    Own(
        "triplet-all",
        triplet_all,
        "labels",
        "some wrong labels; every triplet counts, or those a miner chose",
        "Hermans et al. 2017, arXiv:1703.07737",
    ),
    Own(
        "triplet-semi-hard",
        triplet_semi_hard,
        "labels",
        "noisy labels, or a start that collapses; beside a loss for the hard ones",
        "Schroff et al. 2015, arXiv:1503.03832",
    ),
)
_OF_PAIRS = (
    Own(
        "angle",
        angle,
        "pairs, scores",
        "graded pairs whose cosines saturate; beside cosent",
        "Li, Li 2023, arXiv:2309.12871",
    ),
    Own(
        "cosent",
        cosent,
        "pairs, scores",
        "graded pairs: only the order of the scores counts",
        "Su 2022, kexue.fm/archives/8847",
    ),
    Own(
        "cosine",
        cosine,
        "pairs, scores",
        "graded pairs whose scores are cosines",
        "Reimers, Gurevych 2019, arXiv:1908.10084",
    ),
    Own(
        "ranking-of-pairs",
        ranking_of_pairs,
        "pairs",
        "matching pairs without labels; each against all others of the batch",
        "Henderson et al. 2017, arXiv:1705.00652",
    ),
)
_OF_VIEWS = (
    Own(
        "barlow-twins",
        barlow_twins,
        "two views",
        "no labels and small batches; dimensions that tell different things",
        "Zbontar et al. 2021, arXiv:2103.03230",
    ),
    Own(
        "vicreg",
        vicreg,
        "two views",
        "no labels; as barlow-twins, with each term weighted by itself",
        "Bardes et al. 2021, arXiv:2105.04906",
    ),
)

OF_LABELS: dict[str, Own] = {one.name: one for one in _OF_LABELS}
OF_OTHERS: dict[str, Own] = {one.name: one for one in (*_OF_PAIRS, *_OF_VIEWS)}
LOSSES = (*OF_LABELS,)
"""Losses of labels that are computed here."""
