"""What a Kubernetes object is here: plain JSON data, found by a key, of a kind that knows its path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

Object = dict[str, Any]


class Key(NamedTuple):
    """Where an object is; ``namespace`` is empty for objects that belong to the whole cluster."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object as the API server serves it; ``group`` is empty for the core group."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """The ``apiVersion`` of its objects, such as ``apps/v1`` or ``v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """Give the path of a collection, an object or its subresource; no namespace means all of them."""
        words = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if self.namespaced and namespace:
            words += ["namespaces", namespace]
        words += [self.plural, *(word for word in (name, subresource) if word)]
        return "".join(f"/{quote(word, safe='')}" for word in words)


def key_of(obj: Object) -> Key:
    """Give an object's key. Raises KeyError when it has no name."""
    metadata = obj["metadata"]
    return Key(metadata.get("namespace") or "", metadata["name"])


def uid_of(obj: Object) -> str:
    """Give an object's uid; empty before the API server has seen it."""
    return str(obj["metadata"].get("uid") or "")


def version_of(obj: Object) -> str:
    """Give an object's resourceVersion; empty before the API server has seen it."""
    return str(obj["metadata"].get("resourceVersion") or "")


def owner_uid(obj: Object) -> str | None:
    """Give the uid of the owner that controls an object."""
    owner = _owner(obj)
    return str(owner["uid"]) if owner else None


def owner_kind(obj: Object) -> str:
    """Give the kind of the owner that controls an object; empty where there is none."""
    owner = _owner(obj)
    return str(owner["kind"]) if owner else ""


def _owner(obj: Object) -> Object | None:
    owners = obj["metadata"].get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), None)


POD = Resource("", "v1", "pods", "Pod")
NODE = Resource("", "v1", "nodes", "Node", namespaced=False)
SECRET = Resource("", "v1", "secrets", "Secret")
CONFIG_MAP = Resource("", "v1", "configmaps", "ConfigMap")
SERVICE = Resource("", "v1", "services", "Service")
SERVICE_ACCOUNT = Resource("", "v1", "serviceaccounts", "ServiceAccount")
PVC = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
EVENT = Resource("", "v1", "events", "Event")
DEPLOYMENT = Resource("apps", "v1", "deployments", "Deployment")
REPLICA_SET = Resource("apps", "v1", "replicasets", "ReplicaSet")
STATEFUL_SET = Resource("apps", "v1", "statefulsets", "StatefulSet")
PDB = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
HPA = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
INGRESS = Resource("networking.k8s.io", "v1", "ingresses", "Ingress")
NETWORK_POLICY = Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
LEASE = Resource("coordination.k8s.io", "v1", "leases", "Lease")
POD_MONITOR = Resource("monitoring.coreos.com", "v1", "podmonitors", "PodMonitor")
CRD = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
