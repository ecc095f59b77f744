"""Query nodes that somebody has fenced: the coordinator moves off what they hold, and loads nothing more."""

from glede.milvus.fences.fencer import PACE, Fencer
from glede.milvus.fences.management import FenceAnswer, FenceTarget, ask_fences

__all__ = ["PACE", "FenceAnswer", "FenceTarget", "Fencer", "ask_fences"]
