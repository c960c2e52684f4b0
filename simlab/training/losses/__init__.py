"""Losses by name; each file holds a family. `table()` lists them, README.md shows the list."""

from simlab.training.losses._center import Center as Center
from simlab.training.losses._circle import circle as circle
from simlab.training.losses._contrastive import (
    contrastive as contrastive,
    online_contrastive as online_contrastive,
)
from simlab.training.losses._fastap import fastap as fastap
from simlab.training.losses._foreign import ADAPTED as ADAPTED
from simlab.training.losses._making import (
    check_loss as check_loss,
    check_takes_miner as check_takes_miner,
    make_loss as make_loss,
    title_of as title_of,
)
from simlab.training.losses._margins import ArcFace as ArcFace, CosFace as CosFace
from simlab.training.losses._matryoshka import Matryoshka as Matryoshka
from simlab.training.losses._mining import Loss as Loss, Miner as Miner, Mining as Mining
from simlab.training.losses._multi_similarity import multi_similarity as multi_similarity
from simlab.training.losses._nt_xent import nt_xent as nt_xent
from simlab.training.losses._proxy_anchor import ProxyAnchor as ProxyAnchor
from simlab.training.losses._ranking import (
    multiple_negatives_ranking as multiple_negatives_ranking,
    ranking_of_pairs as ranking_of_pairs,
)
from simlab.training.losses._registry import LOSSES as LOSSES
from simlab.training.losses._scored import angle as angle, cosent as cosent, cosine as cosine
from simlab.training.losses._smooth_ap import smooth_ap as smooth_ap
from simlab.training.losses._softmax import Softmax as Softmax
from simlab.training.losses._sum import Sum as Sum
from simlab.training.losses._supcon import supcon as supcon
from simlab.training.losses._table import table as table
from simlab.training.losses._triplet import (
    triplet as triplet,
    triplet_all as triplet_all,
    triplet_semi_hard as triplet_semi_hard,
)
from simlab.training.losses._views import barlow_twins as barlow_twins, vicreg as vicreg
