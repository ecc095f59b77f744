"""Sessions of Milvus's processes in its etcd: they end with their process, and a process ends with them."""

from glede.milvus.sessions.ender import Ender, Over, Pace
from glede.milvus.sessions.outcasts import LOST, Outcast
from glede.milvus.sessions.place import KEEP_SESSIONS, registry_of
from glede.milvus.sessions.registry import Registry, Session

__all__ = [
    "KEEP_SESSIONS",
    "LOST",
    "Ender",
    "Outcast",
    "Over",
    "Pace",
    "Registry",
    "Session",
    "registry_of",
]
