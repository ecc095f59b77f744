"""The upkeep of the etcds that the operator runs: snapshots before changes, and defragmentation."""

from glede.milvus.upkeep.keeper import Keeper, Pace
from glede.milvus.upkeep.words import Told

__all__ = ["Keeper", "Pace", "Told"]
