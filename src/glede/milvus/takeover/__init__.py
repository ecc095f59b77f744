"""Taking over a Milvus from milvus-operator: what would be done, decided from what there is. Pure."""

from glede.milvus.takeover.found import Found
from glede.milvus.takeover.move import Move, move_of

__all__ = ["Found", "Move", "move_of"]
