"""What was derived before and stays so: a newer operator or a lost node changes no running Milvus."""

from collections.abc import Mapping

from glede.api.milvus.spec import Milvus
from glede.kube.objects import Key
from glede.milvus.desired import Ref
from glede.milvus.views import Held, WorkloadView

_MEMBERS = {
    "etcd": "dependencies.etcd",
    "minio": "dependencies.storage",
    "kafka": "dependencies.kafka",
}


def numbers(milvus: Milvus, held: Mapping[Ref, Held]) -> dict[str, int]:
    """Give the numbers of earlier times by field: of pods, of nodes, of the members that run."""
    return _running(milvus, held) | _earlier(milvus)


def _earlier(milvus: Milvus) -> dict[str, int]:
    """Give the numbers that were derived before, by field: of pods, and of nodes."""
    entries = milvus.status.get("resolved") or []
    return {
        str(entry["field"]): int(entry["value"])
        for entry in entries
        if "field" in entry and str(entry.get("value", "")).isdecimal()
    }


def _running(milvus: Milvus, held: Mapping[Ref, Held]) -> dict[str, int]:
    """Give the number of members of each dependency that runs, and their vintage.

    Both stay, the number also when it was once written.
    """
    found: dict[str, int] = {}
    for name, field_ in _MEMBERS.items():
        view = held.get(Ref("StatefulSet", Key(milvus.metadata.namespace, f"{milvus.metadata.name}-{name}")))
        if isinstance(view, WorkloadView):
            found |= {f"{field_}.replicas": view.replicas, f"{field_}.vintage": view.vintage}
    return found


def images(milvus: Milvus) -> dict[str, str]:
    """Give the default images that it was made with, by field."""
    entries = milvus.status.get("resolved") or []
    return {
        str(entry["field"]): str(entry.get("value", ""))
        for entry in entries
        if str(entry.get("field", "")).endswith(".image")
    }
