"""Names, labels and owners: those of milvus-operator, so that its objects are taken over in place."""

from collections.abc import Mapping

from glede.api.milvus.spec import Milvus
from glede.milvus.labels import CANARY_SUFFIX, COMPONENT_LABEL, GROUP_LABEL
from glede.milvus.resolved import Object, Resolved, Workload

SERVICE_LABEL = "milvus.io/service"
_PREFIX = "app.kubernetes.io"


def instance_labels(milvus: Milvus) -> dict[str, str]:
    """Give the labels that all objects and pods of a Milvus have."""
    return {
        f"{_PREFIX}/instance": milvus.metadata.name,
        f"{_PREFIX}/name": "milvus",
        f"{_PREFIX}/managed-by": "milvus-operator",
    }


def component_labels(milvus: Milvus, component: str) -> dict[str, str]:
    """Give the labels that all pods of a component have, whatever their group."""
    return instance_labels(milvus) | {COMPONENT_LABEL: component}


def selector(resolved: Resolved, workload: Workload) -> dict[str, str]:
    """Give the labels that a Deployment finds its pods by. They can never be changed."""
    suffix = CANARY_SUFFIX if workload.canary else ""
    labels = component_labels(resolved.milvus, f"{workload.component}{suffix}")
    return labels | ({GROUP_LABEL: workload.group} if workload.group else {})


def service_selector(milvus: Milvus) -> dict[str, str]:
    """Give the labels of the pods that clients talk to."""
    return instance_labels(milvus) | {SERVICE_LABEL: "true"}


def serves_clients(component: str) -> bool:
    """Tell whether clients talk to a component."""
    return component in ("proxy", "standalone")


def owner_reference(milvus: Milvus) -> Object:
    """Give the reference by which an object goes with its Milvus."""
    return {
        "apiVersion": milvus.api_version,
        "kind": milvus.kind,
        "name": milvus.metadata.name,
        "uid": milvus.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def owned(
    resolved: Resolved,
    name: str,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Object:
    """Give the metadata of an object that goes with its Milvus; the Milvus's own labels win."""
    return {
        "name": name,
        "namespace": resolved.namespace,
        "labels": {**(labels or {}), **instance_labels(resolved.milvus)},
        "annotations": dict(annotations or {}),
        "ownerReferences": [owner_reference(resolved.milvus)],
    }
