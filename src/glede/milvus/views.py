"""Narrow views of what the cluster holds: what decisions need, and no more of it in memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from glede.kube.applied import Owned, project_owned
from glede.kube.objects import Key
from glede.milvus.deadline import Overdue, overdue
from glede.milvus.labels import (
    GROUP_LABEL,
    MILVUS_LABEL,
    TEMPLATE_ANNOTATION,
    VINTAGE_ANNOTATION,
    component_of,
    is_canary,
)

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """Any object that the operator rendered."""

    owned: Owned
    milvus: str

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return self.owned.key


@dataclass(frozen=True, slots=True)
class WorkloadView(Held):
    """A Deployment or StatefulSet: what is asked for and how far it has come.

    ``template`` is the digest that it was rendered with. ``rolled``: every pod is of the newest template, and
    they were all available once; that a pod is lost later does not end it. ``overdue`` tells of a rollout
    that missed its deadline. ``settled``: every pod is of one template, and they were all available once, be
    their number on its way to another. ``recreates``: its old pods end before new ones begin. ``revision`` is
    what a StatefulSet's newest pods are labelled with, ``claim`` the size that it asks for each of them, and
    ``vintage`` tells which of our own settings its program has.
    ``canary``: it is its component's second Deployment, while a change is watched.
    """

    component: str
    group: str
    image: str
    current: bool
    replicas: int
    updated: int
    ready: int
    available: int
    total: int
    failure: str
    generation: int
    owns_replicas: bool
    template: str
    rolled: bool
    overdue: Overdue
    paused: bool
    revision: str = ""
    claim: str = ""
    vintage: int = 0
    recreates: bool = False
    settled: bool = True
    canary: bool = False
    status: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def empty(self) -> bool:
        """Whether it has no pod, and shall have none."""
        return not self.replicas and not self.total

    @property
    def complete(self) -> bool:
        """Whether every pod is of the newest template and available, and none of an older one is left."""
        return (
            self.current
            and self.updated == self.replicas
            and self.total == self.replicas
            and self.available >= self.replicas
        )


@dataclass(frozen=True, slots=True)
class EntryView(Held):
    """A Service or Ingress: where it is reached from outside."""

    addresses: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ClaimView(Held):
    """A claim for a volume, and the size that it asks for."""

    size: str


def held(manager: str) -> Callable[[Object], Held]:
    """Give the projection of objects without a state that matters."""
    owned = project_owned(manager)
    return lambda obj: Held(owned(obj), _milvus(obj))


def entry(manager: str) -> Callable[[Object], EntryView]:
    """Give the projection of Services and Ingresses."""
    owned = project_owned(manager)

    def project(obj: Object) -> EntryView:
        balancer = obj.get("status", {}).get("loadBalancer", {})
        return EntryView(owned(obj), _milvus(obj), tuple(balancer.get("ingress", [])))

    return project


def claim(manager: str) -> Callable[[Object], ClaimView]:
    """Give the projection of claims for volumes."""
    owned = project_owned(manager)
    return lambda obj: ClaimView(owned(obj), _milvus(obj), _size(obj))


def workload(manager: str) -> Callable[[Object], WorkloadView]:
    """Give the projection of Deployments and StatefulSets."""
    owned = project_owned(manager)

    def project(obj: Object) -> WorkloadView:
        spec, status, meta = obj["spec"], obj.get("status", {}), obj["metadata"]
        ready = status.get("readyReplicas", 0)
        current = status.get("observedGeneration", 0) >= meta.get("generation", 0)
        conditions = {c["type"]: c for c in status.get("conditions", [])}
        failure, progressing = conditions.get("ReplicaFailure", {}), conditions.get("Progressing", {})
        settled = _settled(status, progressing)
        containers = spec["template"]["spec"].get("containers", [])
        return WorkloadView(
            owned=owned(obj),
            milvus=_milvus(obj),
            component=component_of(meta.get("labels", {})),
            group=meta.get("labels", {}).get(GROUP_LABEL, ""),
            image=containers[0].get("image", "") if containers else "",
            current=current,
            replicas=spec.get("replicas", 1),
            updated=status.get("updatedReplicas", 0),
            ready=ready,
            available=status.get("availableReplicas", 0),
            total=status.get("replicas", 0),
            failure=failure.get("message", "") if failure.get("status") == "True" else "",
            generation=meta.get("generation", 0),
            owns_replicas=_owns_replicas(obj, manager),
            template=meta.get("annotations", {}).get(TEMPLATE_ANNOTATION, ""),
            rolled=current and settled and status.get("replicas", 0) == spec.get("replicas", 1),
            # Until its controller has seen the newest template, its words are about the one before.
            overdue=overdue(obj, manager) if current else Overdue(),
            paused=bool(spec.get("paused")),
            revision=status.get("updateRevision", ""),
            claim=next(map(_size, spec.get("volumeClaimTemplates", [])), ""),
            vintage=_number(meta.get("annotations", {}).get(VINTAGE_ANNOTATION, "")),
            settled=settled,
            recreates=spec.get("strategy", {}).get("type") == "Recreate",
            canary=is_canary(meta.get("labels", {})),
            status={name: value for name, value in status.items() if isinstance(value, int)},
        )

    return project


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0


def _size(claim: Object) -> str:
    return str(claim["spec"].get("resources", {}).get("requests", {}).get("storage", ""))


def _settled(status: Object, progressing: Object) -> bool:
    """Tell whether a Deployment's controller has called its newest template complete.

    Its condition alone does not suffice: going back to an earlier template does not end it.
    """
    same = status.get("updatedReplicas", 0) == status.get("replicas", 0)
    return same and progressing.get("reason") == "NewReplicaSetAvailable"


def _owns_replicas(obj: Object, manager: str) -> bool:
    """Tell whether the number of pods is ours, as it is until an autoscaler sets it."""
    entries = obj["metadata"].get("managedFields", [])
    return any(
        entry.get("manager") == manager
        and entry.get("operation") == "Apply"
        and "f:replicas" in entry.get("fieldsV1", {}).get("f:spec", {})
        for entry in entries
    )


def _milvus(obj: Object) -> str:
    return str(obj["metadata"].get("labels", {}).get(MILVUS_LABEL, ""))
