"""Narrow views of what the cluster holds: what decisions need, and no more of it in memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from glede.kube.applied import Owned, project_owned
from glede.kube.objects import Key, key_of, uid_of
from glede.milvus.deadline import Overdue, overdue
from glede.milvus.labels import COMPONENT_LABEL, FENCED, GROUP_LABEL, MILVUS_LABEL, TEMPLATE_ANNOTATION
from glede.milvus.readable import readable

Object = dict[str, Any]

# Set by Kubernetes on the pods of StatefulSets.
_REVISION_LABEL = "controller-revision-hash"
# Characters of what is told of one pod.
_MOST = 300


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
    what a StatefulSet's newest pods are labelled with, and ``claim`` the size that it asks for each of them.
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
    recreates: bool = False
    settled: bool = True
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


@dataclass(frozen=True, slots=True)
class PodView:
    """A pod: whether it is ready, and what keeps it from being so.

    ``process`` is the container of Milvus that runs in it, by its ID, and ``ended`` the last one that is
    certainly over; ``ran`` is the image that one of its containers was started from. "" stands for none.
    ``revision`` tells which template of a StatefulSet it was made from; ``fenced``: it shall hold nothing.
    """

    key: Key
    milvus: str
    component: str
    ready: bool
    deleting: bool
    trouble: str
    address: str = ""
    process: str = ""
    ended: str = ""
    uid: str = ""
    revision: str = ""
    ran: str = ""
    fenced: bool = False


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node that may take pods, perhaps after a drain."""

    name: str
    zone: str
    usable: bool


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
            component=meta.get("labels", {}).get(COMPONENT_LABEL, ""),
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
            settled=settled,
            recreates=spec.get("strategy", {}).get("type") == "Recreate",
            status={name: value for name, value in status.items() if isinstance(value, int)},
        )

    return project


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


def pod(obj: Object) -> PodView:
    """Project a pod."""
    meta, status = obj["metadata"], obj.get("status", {})
    labels = meta.get("labels", {})
    conditions = {c["type"]: c for c in status.get("conditions", [])}
    containers = status.get("containerStatuses", [])
    component = labels.get(COMPONENT_LABEL, "")
    main: Object = next((c for c in containers if c["name"] == component), {})
    return PodView(
        key=key_of(obj),
        milvus=labels.get(MILVUS_LABEL, ""),
        component=component,
        ready=conditions.get("Ready", {}).get("status") == "True",
        deleting="deletionTimestamp" in meta,
        trouble=_trouble([*status.get("initContainerStatuses", []), *containers], conditions),
        address=status.get("podIP", ""),
        process=main.get("containerID", "") if "running" in main.get("state", {}) else "",
        ended=_ended(main),
        uid=uid_of(obj),
        revision=labels.get(_REVISION_LABEL, ""),
        ran=_image(obj, component) if _has_run(main) else "",
        fenced=meta.get("annotations", {}).get(FENCED) == "true",
    )


def _image(obj: Object, container: str) -> str:
    containers = obj.get("spec", {}).get("containers", [])
    return next((str(c.get("image", "")) for c in containers if c["name"] == container), "")


def _has_run(container: Object) -> bool:
    states = (container.get(state, {}) for state in ("state", "lastState"))
    return any(kind in state for state in states for kind in ("running", "terminated"))


def _ended(container: Object) -> str:
    """Give the ID of a container's last run that has ended, as the node saw it."""
    runs = (container.get(state, {}).get("terminated") or {} for state in ("state", "lastState"))
    return next((run["containerID"] for run in runs if run.get("containerID")), "")


def _trouble(statuses: list[Object], conditions: Mapping[str, Object]) -> str:
    """Say in one line what is wrong with a pod: not placed, image not pulled, crashing and with what words.

    "" stands for nothing.
    """
    placed = conditions.get("PodScheduled", {})
    if placed.get("status") == "False" and placed.get("reason") == "Unschedulable":
        return f"cannot be placed: {placed.get('message', '')}"[:_MOST]
    for container in statuses:
        waiting = container.get("state", {}).get("waiting", {})
        reason = waiting.get("reason", "")
        if reason in {"", "PodInitializing", "ContainerCreating"}:
            continue
        ended = container.get("lastState", {}).get("terminated", {})
        code = f", last exit code {ended['exitCode']}" if "exitCode" in ended else ""
        words = _last_line(ended.get("message", "")) or waiting.get("message", "")
        return f"container {container['name']}: {reason}{code}: {words}"[:_MOST]
    return ""


def _last_line(text: str) -> str:
    """Give the last line that says something: of a container that failed, the end of its log is kept."""
    lines = (readable(line, _MOST) for line in reversed(text.splitlines()))
    return next((line for line in lines if line), "")


def node(obj: Object) -> NodeView:
    """Project a node. One that is cordoned still counts: a drain must not make a Milvus smaller."""
    labels = obj["metadata"].get("labels", {})
    refusing = [
        taint
        for taint in obj.get("spec", {}).get("taints", [])
        if taint.get("effect") in {"NoSchedule", "NoExecute"}
        and not taint["key"].startswith("node.kubernetes.io/")
    ]
    return NodeView(obj["metadata"]["name"], labels.get("topology.kubernetes.io/zone", ""), not refusing)


def _milvus(obj: Object) -> str:
    return str(obj["metadata"].get("labels", {}).get(MILVUS_LABEL, ""))
