"""What a Milvus has loaded, read from its etcd: how many query nodes that needs."""

from glede.milvus.loads.catalogue import Needed, ask_needed
from glede.milvus.loads.reader import PACE, LoadReader

__all__ = ["PACE", "LoadReader", "Needed", "ask_needed"]
