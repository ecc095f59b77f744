"""Sessions of Milvus's processes in its etcd: those of a process that is over are ended at once."""

from glede.milvus.sessions.ender import Ender, Over, Pace
from glede.milvus.sessions.place import KEEP_SESSIONS, registry_of
from glede.milvus.sessions.registry import Registry, Session

__all__ = ["KEEP_SESSIONS", "Ender", "Over", "Pace", "Registry", "Session", "registry_of"]
