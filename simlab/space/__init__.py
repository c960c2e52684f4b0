"""Where items lie: embeddings, neighbors, scores and maps. Numpy only, no torch."""

from simlab.space._anomalies import (
    AnomalyDetector as AnomalyDetector,
    anomaly_detector as anomaly_detector,
)
from simlab.space._calibration import Calibration as Calibration
from simlab.space._changes import Changes as Changes, changes as changes
from simlab.space._check import Check as Check
from simlab.space._classify import Classification as Classification
from simlab.space._confusions import Confusions as Confusions, confusions as confusions
from simlab.space._diagnose import Diagnosis as Diagnosis, diagnose as diagnose
from simlab.space._embeddings import Embeddings as Embeddings, Source as Source
from simlab.space._findings import Findings as Findings
from simlab.space._graded import RELEVANT as RELEVANT, relevance_rates as relevance_rates
from simlab.space._health import (
    alignment as alignment,
    effective_rank as effective_rank,
    hubness as hubness,
    uniformity as uniformity,
    variances as variances,
)
from simlab.space._index import Index as Index
from simlab.space._mine import mine as mine
from simlab.space._near import near_duplicates as near_duplicates
from simlab.space._neighbors import Neighbors as Neighbors, neighbor_row as neighbor_row
from simlab.space._open_set import open_set_scores as open_set_scores
from simlab.space._paired import (
    BETTER as BETTER,
    NOT_SEEN as NOT_SEEN,
    WORSE as WORSE,
    paired as paired,
)
from simlab.space._projections import project as project
from simlab.space._retrieval import retrieval_rates as retrieval_rates
from simlab.space._score import score as score
from simlab.space._scores import Scores as Scores
from simlab.space._seeds import mean_of_seeds as mean_of_seeds
from simlab.space._suspects import Suspects as Suspects, suspects as suspects
