"""Batches larger than one step can hold: remembered, in chunks, and over several processes."""

from simlab.training.large._chunks import in_chunks as in_chunks
from simlab.training.large._gather import (
    RankBatches as RankBatches,
    gathered as gathered,
    n_ranks as n_ranks,
)
from simlab.training.large._memory import Memory as Memory
