"""A search of the operator's own in each Milvus that wants it: for a vector that it knows, all the time."""

from glede.milvus.canarysearch.counts import Counts
from glede.milvus.canarysearch.reader import CanaryReader
from glede.milvus.canarysearch.watch import CanaryWatch

__all__ = ["CanaryReader", "CanaryWatch", "Counts"]
