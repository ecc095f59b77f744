"""Logs that are part of Milvus itself, and Woodpecker as a service of its own."""

import json
from typing import Any

from glede.milvus.dependencies.endpoints import parse_endpoints
from glede.milvus.dependencies.plan import Asked
from glede.milvus.resolved import Dependency, Object

_VOLUME = "milvus-data"
_PATH = "/var/lib/milvus"
_WOODPECKER_PORT = 18080


def resolve_embedded(asked: Asked, kind: str) -> Dependency:
    """Resolve a log within Milvus: rocksmq, natsmq, woodpecker, or one of the manifest's own (custom)."""
    if kind == "custom":
        return Dependency("log", "custom")
    volumes, mounts = _volume(asked, kind)
    return Dependency("log", kind, settings=queue_settings(kind), volumes=volumes, volume_mounts=mounts)


def queue_settings(kind: str) -> dict[str, Any]:
    """Give the settings by which Milvus, and the merge of its settings, know the log's type."""
    return {"mq": {"type": kind}, "messageQueue": kind}


def _volume(asked: Asked, kind: str) -> tuple[tuple[Object, ...], tuple[Object, ...]]:
    """Give the volume of a log that outlives its pod; none in a cluster, whose pods share none."""
    persistence = getattr(asked.milvus.spec.dependencies, kind).persistence
    if not persistence or not persistence.enabled:
        return (), ()
    if asked.cluster:
        field = f"spec.dependencies.{kind}.persistence"
        asked.notes.unsupported(field, "has no effect in mode cluster: the log is on the object store")
        return (), ()
    claim = persistence.persistent_volume_claim
    name = (claim and claim.existing_claim) or f"{asked.name}-data"
    volume = {"name": _VOLUME, "persistentVolumeClaim": {"claimName": name}}
    return (volume,), ({"name": _VOLUME, "mountPath": _PATH},)


def resolve_woodpecker_service(asked: Asked) -> Dependency:
    """Resolve an external Woodpecker, whose pools Milvus reads as JSON."""
    pools = asked.milvus.spec.dependencies.woodpecker.quorum_buffer_pools
    field = "spec.dependencies.woodpecker.quorumBufferPools"
    if not pools:
        asked.notes.invalid(field, "found none, expected at least one pool with a name and seeds; add it")
    endpoints: list[str] = []
    for index, pool in enumerate(pools):
        if not pool.name:
            asked.notes.invalid(f"{field}[{index}].name", "found none, expected a name; add it")
        place = f"{field}[{index}].seeds"
        endpoints += parse_endpoints(asked.notes, place, pool.seeds, _WOODPECKER_PORT)
    listed = [{"name": pool.name, "seeds": pool.seeds} for pool in pools]
    service = {
        "storage": {"type": "service"},
        "client": {"quorum": {"quorumBufferPools": json.dumps(listed, separators=(",", ":"))}},
    }
    settings = {**queue_settings("woodpecker"), "woodpecker": service}
    return Dependency("log", "woodpecker", endpoints=tuple(endpoints), settings=settings)
