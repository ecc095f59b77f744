"""Which etcd is kept up, where its snapshots go, and what the manifest says about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from glede.kube.objects import Key
from glede.milvus.dependencies import quota_of
from glede.milvus.manifest import key_of_milvus, reference_of
from glede.milvus.probe import ProbeTarget, probe_target
from glede.milvus.resolved import Resolved
from glede.milvus.switches import Snapshots, defragments, snapshots_of

_S3 = frozenset({"minio", "s3"})


@dataclass(frozen=True, slots=True)
class Ward:
    """An etcd that the operator runs, and whose it is.

    ``reference`` is the Milvus's, for Events. Keys of snapshots begin with ``folder``, which ends with a
    slash; ``workload`` is the StatefulSet, whose revisions have its name first. ``quota`` is in bytes.
    """

    key: Key
    etcd: ProbeTarget
    store: ProbeTarget
    workload: str
    quota: int
    snapshots: Snapshots = "try"
    defragments: bool = True
    reference: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def folder(self) -> str:
        """Where snapshots are: apart from what Milvus looks at and cleans up below its root path."""
        return f"{self.store.prefix}glede/etcd/"

    @property
    def impossible(self) -> str:
        """Why no snapshot can be made at all; "" where one can."""
        if self.store.type not in _S3:
            return f"the object store is {self.store.type}, and snapshots are written by S3 only"
        if self.store.missing:
            return self.store.missing
        if self.store.login is None:
            return "it has no keys of the object store: spec.dependencies.storage.secretRef names no Secret"
        return ""


def ward_of(resolved: Resolved, secrets: Mapping[str, Mapping[str, bytes]]) -> Ward | None:
    """Give it; None where etcd is not the operator's to keep.

    ``secrets`` are the Secrets that the manifest names and that exist: name to key to value.
    """
    plan = resolved.etcd.in_cluster
    if plan is None:
        return None
    annotations = resolved.milvus.metadata.annotations
    return Ward(
        key=key_of_milvus(resolved.milvus),
        etcd=probe_target(resolved, resolved.etcd, secrets),
        store=probe_target(resolved, resolved.storage, secrets),
        workload=plan.workload,
        quota=quota_of(plan),
        snapshots=snapshots_of(annotations),
        defragments=defragments(annotations),
        reference=reference_of(resolved.milvus),
    )
