"""What there is of a Milvus that milvus-operator made, as the API server holds it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from glede.kube.objects import owner_uid, uid_of
from glede.milvus.facts import Facts
from glede.milvus.labels import COMPONENT_LABEL, GROUP_LABEL

Object = dict[str, Any]
RELEASE = "meta.helm.sh/release-name"
RELEASES = ("etcd", "minio", "pulsar", "kafka", "tei")


@dataclass(frozen=True, slots=True)
class Found:
    """One Milvus and the objects around it.

    ``deployments``, ``replica_sets`` and ``pods`` are those with its labels; ``others`` what else
    milvus-operator made for it; ``installed`` what Helm installed for it. ``facts`` are about the cluster.
    """

    milvus: Object
    deployments: tuple[Object, ...] = ()
    replica_sets: tuple[Object, ...] = ()
    pods: tuple[Object, ...] = ()
    others: tuple[Object, ...] = ()
    installed: tuple[Object, ...] = ()
    autoscalers: tuple[Object, ...] = ()
    facts: Facts = field(default_factory=Facts)

    @property
    def name(self) -> str:
        """The Milvus's name."""
        return name_of(self.milvus)

    @property
    def namespace(self) -> str:
        """The Milvus's namespace."""
        return str(self.milvus["metadata"]["namespace"])

    def deployment(self, name: str) -> Object | None:
        """Give a Deployment by its name."""
        return next((item for item in self.deployments if name_of(item) == name), None)

    def slots(self, name: str, component: str, group: str | None) -> list[Object]:
        """Give the Deployments of a component that have another name: milvus-operator may keep two."""
        return [
            item
            for item in self.deployments
            if name_of(item) != name and of_component(item, component, group) and has_slot(item)
        ]

    def orphans(self, component: str, group: str | None) -> list[Object]:
        """Give the ReplicaSets of a component that have pods and no Deployment any more."""
        return [
            item
            for item in self.replica_sets
            if of_component(item, component, group) and owner_uid(item) is None and wanted(item)
        ]

    def of_deployment(self, deployment: Object) -> list[Object]:
        """Give the ReplicaSets of a Deployment that ask for pods."""
        return [item for item in self.replica_sets if owner_uid(item) == uid_of(deployment) and wanted(item)]

    def config_map(self, name: str) -> Object | None:
        """Give the ConfigMap with the settings."""
        return next(
            (item for item in self.others if (item["kind"], name_of(item)) == ("ConfigMap", name)), None
        )

    def release(self, name: str) -> list[Object]:
        """Give the workloads of a release of Helm."""
        return [
            item
            for item in self.installed
            if item["kind"] != "PersistentVolumeClaim" and release_of(item) == f"{self.name}-{name}"
        ]


def release_of(obj: Object) -> str:
    """Give the release of Helm that an object is of; "" for none. A claim has no annotation, but labels."""
    metadata = obj["metadata"]
    labels = metadata.get("labels", {})
    named = metadata.get("annotations", {}).get(RELEASE)
    if named or obj["kind"] != "PersistentVolumeClaim":
        return str(named or "")
    return str(labels.get("release") or labels.get("app.kubernetes.io/instance") or "")


def is_installed(obj: Object, milvus: str) -> bool:
    """Tell whether an object is of one of the releases that milvus-operator makes for a Milvus."""
    return release_of(obj) in {f"{milvus}-{name}" for name in RELEASES}


def name_of(obj: Mapping[str, Any]) -> str:
    """Give an object's name."""
    return str(obj["metadata"]["name"])


def labels_of(obj: Mapping[str, Any]) -> Mapping[str, str]:
    """Give an object's labels."""
    found: Mapping[str, str] = obj["metadata"].get("labels") or {}
    return found


def of_component(obj: Object, component: str, group: str | None) -> bool:
    """Tell whether an object is of a component, and of a group of it or of none."""
    labels = labels_of(obj)
    return (labels.get(COMPONENT_LABEL), labels.get(GROUP_LABEL)) == (component, group)


def has_slot(obj: Object) -> bool:
    """Tell one of two Deployments for the same component from others."""
    return any(name.startswith("milvus.io/") and name.endswith("-group-id") for name in labels_of(obj))


def wanted(obj: Object) -> int:
    """Give how many pods a Deployment, ReplicaSet or StatefulSet asks for."""
    return int(obj["spec"].get("replicas", 1))


def is_complete(deployment: Object) -> bool:
    """Tell whether every pod of a Deployment is of its newest template, and available."""
    told, count = deployment.get("status", {}), wanted(deployment)
    seen = told.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    counts = [told.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return seen and counts == [count] * 3


def container_of(workload: Object, component: str) -> Object:
    """Give the container of Milvus in a workload's template."""
    containers: Iterable[Object] = workload["spec"]["template"]["spec"]["containers"]
    return next((item for item in containers if item["name"] == component), {})
