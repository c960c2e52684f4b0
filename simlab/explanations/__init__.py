"""Why these neighbors: the votes, and the parts of two items that bring them together."""

from simlab.explanations._evidence import Evidence as Evidence
from simlab.explanations._explain import explain as explain
from simlab.explanations._explanation import Explanation as Explanation, PairMap as PairMap
