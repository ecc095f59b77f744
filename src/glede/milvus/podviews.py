"""Narrow views of pods and nodes: what decisions need, and no more of it in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glede.kube.objects import Key, key_of, uid_of
from glede.milvus.labels import FENCED, MILVUS_LABEL, component_of, is_canary
from glede.milvus.readable import readable

Object = dict[str, Any]

# Set by Kubernetes on the pods of StatefulSets.
_REVISION_LABEL = "controller-revision-hash"
_BACK_OFF = "CrashLoopBackOff"
# Characters of what is told of one pod.
_MOST = 300


@dataclass(frozen=True, slots=True)
class PodView:
    """A pod: whether it is ready, and what keeps it from being so.

    ``process`` is the container of Milvus that runs in it, by its ID, and ``ended`` the last one that is
    certainly over; ``ran`` is the image that one of its containers was started from. "" stands for none.
    ``revision`` tells which template of a StatefulSet it was made from; ``fenced``: it shall hold nothing.
    ``backing_off``: Milvus's container has ended too often, and the kubelet lets it wait for its next start.
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
    canary: bool = False
    backing_off: bool = False

    @property
    def host(self) -> str:
        """Its address as a URL has it."""
        return f"[{self.address}]" if ":" in self.address else self.address


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node that may take pods, perhaps after a drain."""

    name: str
    zone: str
    usable: bool


def pod(obj: Object) -> PodView:
    """Project a pod."""
    meta, status = obj["metadata"], obj.get("status", {})
    labels = meta.get("labels", {})
    conditions = {c["type"]: c for c in status.get("conditions", [])}
    containers = status.get("containerStatuses", [])
    component = component_of(labels)
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
        canary=is_canary(labels),
        backing_off=main.get("state", {}).get("waiting", {}).get("reason") == _BACK_OFF,
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
