"""Where items lie: embeddings, neighbors, scores and maps. Numpy only, no torch."""

from simlab.space._embeddings import Embeddings as Embeddings, Source as Source
from simlab.space._index import Index as Index
from simlab.space._mine import mine as mine
from simlab.space._near import near_duplicates as near_duplicates
from simlab.space._neighbors import Neighbors as Neighbors, neighbor_row as neighbor_row
from simlab.space._projections import project as project
from simlab.space.diagnosis._changes import Changes as Changes, changes as changes
from simlab.space.diagnosis._confusions import Confusions as Confusions, confusions as confusions
from simlab.space.diagnosis._diagnose import Diagnosis as Diagnosis, diagnose as diagnose
from simlab.space.diagnosis._findings import Findings as Findings
from simlab.space.diagnosis._health import (
    alignment as alignment,
    effective_rank as effective_rank,
    hubness as hubness,
    uniformity as uniformity,
    variances as variances,
)
from simlab.space.diagnosis._suspects import Suspects as Suspects, suspects as suspects
from simlab.space.scores._graded import RELEVANT as RELEVANT, relevance_rates as relevance_rates
from simlab.space.scores._paired import (
    BETTER as BETTER,
    NOT_SEEN as NOT_SEEN,
    WORSE as WORSE,
    paired as paired,
)
from simlab.space.scores._retrieval import retrieval_rates as retrieval_rates
from simlab.space.scores._score import score as score
from simlab.space.scores._scores import Scores as Scores
from simlab.space.scores._seeds import mean_of_seeds as mean_of_seeds
from simlab.space.unknown._anomalies import (
    AnomalyDetector as AnomalyDetector,
    anomaly_detector as anomaly_detector,
)
from simlab.space.unknown._calibration import Calibration as Calibration
from simlab.space.unknown._check import Check as Check
from simlab.space.unknown._classify import Classification as Classification
from simlab.space.unknown._open_set import open_set_scores as open_set_scores
