"""The claim of a log that is a part of Milvus itself."""

from glede.api.milvus.dependencies import VolumeClaim
from glede.milvus.render.labels import instance_labels
from glede.milvus.resolved import Object, Resolved

_SIZE = "5Gi"


def claim_name(resolved: Resolved) -> str | None:
    """Give the name of the claim that holds an embedded log; None where the log goes with its pod."""
    for volume in resolved.log.volumes:
        if "persistentVolumeClaim" in volume:
            return str(volume["persistentVolumeClaim"]["claimName"])
    return None


def claim(resolved: Resolved) -> Object | None:
    """Render that claim; None where there is none, or one that is there already is used.

    It has no owner: what it holds outlives the Milvus.
    """
    name = claim_name(resolved)
    written = _written(resolved)
    if name is None or written.existing_claim:
        return None
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": _SIZE}}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name,
            "namespace": resolved.namespace,
            "labels": {**written.labels, **instance_labels(resolved.milvus)},
            "annotations": written.annotations,
        },
        "spec": {**spec, **written.spec},
    }


def _written(resolved: Resolved) -> VolumeClaim:
    spec = resolved.milvus.spec.dependencies
    logs = {"rocksmq": spec.rocksmq, "natsmq": spec.natsmq, "woodpecker": spec.woodpecker}
    log = logs.get(resolved.log.type)
    persistence = log.persistence if log else None
    return (persistence.persistent_volume_claim if persistence else None) or VolumeClaim()
