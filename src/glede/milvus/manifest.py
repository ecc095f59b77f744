"""A manifest as it was read, once for each of its versions."""

from dataclasses import dataclass
from typing import Any

from glede.api.milvus.convert import ManifestProblem, read_milvus
from glede.api.milvus.spec import Metadata, Milvus
from glede.kube.objects import Key
from glede.milvus.references import secrets_named
from glede.milvus.resolved import Problem

PAUSED = "milvus.io/pause-reconcile"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was read. One that cannot be read has its name and status alone, and a problem."""

    milvus: Milvus
    problems: tuple[Problem, ...] = ()

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return key_of_milvus(self.milvus)

    @property
    def noticed(self) -> bool:
        """Whether its status tells of this very manifest: nobody edited or deleted it meanwhile."""
        metadata = self.milvus.metadata
        seen = self.milvus.status.get("observedGeneration")
        return metadata.deletion_timestamp is None and seen == metadata.generation

    def secrets(self) -> list[str]:
        """Give the Secrets that it names, as NAMESPACE/NAME."""
        namespace = self.milvus.metadata.namespace
        return [f"{namespace}/{name}" for name in secrets_named(self.milvus)]


def key_of_milvus(milvus: Milvus) -> Key:
    """Give namespace and name."""
    return Key(milvus.metadata.namespace, milvus.metadata.name)


def is_paused(milvus: Milvus) -> bool:
    """Tell whether nothing is to be done for a Milvus, but its state told."""
    return milvus.metadata.annotations.get(PAUSED) == "true"


def reference_of(milvus: Milvus) -> dict[str, str]:
    """Give what an Event is about."""
    meta = milvus.metadata
    return {
        "apiVersion": milvus.api_version,
        "kind": milvus.kind,
        "namespace": meta.namespace,
        "name": meta.name,
        "uid": meta.uid,
    }


def read(obj: dict[str, Any]) -> Manifest:
    """Read an object of the API server."""
    try:
        return Manifest(read_milvus(obj))
    except ManifestProblem as problem:
        metadata = Metadata.model_validate(obj["metadata"])
        milvus = Milvus(metadata=metadata, status=obj.get("status") or {})
        faults = (Problem("invalid", fault.field, fault.message) for fault in problem.faults)
        return Manifest(milvus, tuple(faults))
