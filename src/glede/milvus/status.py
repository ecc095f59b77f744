"""The status of a Milvus: upstream's words, and the truth behind them."""

from collections.abc import Mapping, Sequence
from typing import Any

from glede.kube.objects import Key
from glede.milvus.conditions import Condition, flag, merged
from glede.milvus.desired import Ref
from glede.milvus.gate import BEGUN
from glede.milvus.health import dependency_conditions
from glede.milvus.observed import NOTED, TOLD
from glede.milvus.progress import milvus_updated, progressing
from glede.milvus.resolved import Resolved
from glede.milvus.rollback import BACK, LAST_HEALTHY, kept
from glede.milvus.situation import Situation
from glede.milvus.trial import FAILED

_PORT = 19530
FENCED = "QueryNodesFenced"
# Left as they are while a manifest is refused.
_OF_RESOLVED = ("resolved", "endpoint", "ingress", TOLD, BEGUN, NOTED)
_KEPT = (
    "mode",
    "currentImage",
    "currentVersion",
    "toolImage",
    "rollingModeVersion",
    "volumes",
    LAST_HEALTHY,
)


def status(situation: Situation) -> dict[str, Any]:
    """Give the whole status to write."""
    milvus, health = situation.milvus, situation.health
    old = milvus.status
    conditions = merged(situation.now, _conditions(situation), old.get("conditions", []))
    written: dict[str, Any] = {name: old[name] for name in _KEPT if name in old}
    written |= {
        "status": _phase(situation),
        "ready": health.ready,
        "conditions": conditions,
        "observedGeneration": milvus.metadata.generation,
        "toolImage": situation.tool_image,
        **_deployments(situation),
    }
    if situation.back:
        written[BACK] = {"generation": milvus.metadata.generation, "reason": situation.back}
    elif situation.rollout.trial.phase in {"bad", "over"}:
        written[FAILED] = {"generation": milvus.metadata.generation, "reason": situation.overdue}
    if situation.resolved is not None:
        written |= _of_resolved(situation, situation.resolved)
    else:
        written |= {name: old[name] for name in _OF_RESOLVED if name in old}
    return {name: value for name, value in written.items() if value not in ("", None, {}, [])}


def _of_resolved(situation: Situation, resolved: Resolved) -> dict[str, Any]:
    written: dict[str, Any] = {
        "resolved": [{"field": d.field, "value": str(d.value), "reason": d.reason} for d in resolved.derived],
        "endpoint": _endpoint(situation, resolved),
        "ingress": _ingress(situation, resolved),
        "volumes": _volumes(situation, resolved),
        TOLD: dict(situation.observed.searched.told),
        BEGUN: dict(situation.observed.hours.begun),
        NOTED: list(situation.observed.fences.pods) if situation.observed.fences else [],
    }
    if situation.serves_this:
        written["mode"] = situation.milvus.spec.mode
        written["currentImage"] = resolved.image
        written["currentVersion"] = str(resolved.version)
        written[LAST_HEALTHY] = kept(situation.milvus)
    return written


def _volumes(situation: Situation, resolved: Resolved) -> dict[str, str]:
    """Give the size of the volumes of each dependency: as they are, else as they are to be made."""
    found: dict[str, str] = {}
    for dependency in resolved.dependencies:
        plan = dependency.in_cluster
        if plan and plan.volume:
            view = situation.observed.workload(Ref("StatefulSet", Key(resolved.namespace, plan.workload)))
            found[dependency.kind] = (view.claim if view else "") or plan.volume.size
    return found


def _phase(situation: Situation) -> str:
    before = situation.milvus.status.get("status", "")
    if situation.milvus.metadata.deletion_timestamp:
        return "Deleting"
    if situation.stopping:
        return "Stopped" if not _pods(situation) else before or "Pending"
    if situation.health.serving and not situation.health.broken:
        return "Healthy"
    return "Pending" if before in ("", "Pending", "Stopped") else "Unhealthy"


def _pods(situation: Situation) -> int:
    names = {part.component for part in situation.health.parts}
    return sum(pod.component in names for pod in situation.observed.pods)


def _conditions(situation: Situation) -> list[Condition]:
    dependencies = [] if situation.stopping else dependency_conditions(situation.health.dependencies)
    fences = situation.observed.fences
    fenced = (
        [Condition(FENCED, flag(fences.reason == "Fenced"), fences.reason, fences.message)] if fences else []
    )
    return [
        *dependencies,
        _milvus_ready(situation),
        milvus_updated(situation),
        _ready(situation),
        progressing(situation),
        _degraded(situation),
        _accepted(situation),
        *fenced,
    ]


def weight_of(status_: Mapping[str, Any]) -> object:
    """Give what of a status is worth a write at once: all but messages, counters and moments."""
    conditions = [(c.get("type"), c.get("status"), c.get("reason")) for c in status_.get("conditions", [])]
    light = {"conditions", "componentsDeployStatus", "deploymentGroupsDeployStatus", "ready", TOLD}
    return conditions, {name: value for name, value in status_.items() if name not in light}


def _milvus_ready(situation: Situation) -> Condition:
    if situation.stopping:
        left = _pods(situation)
        reason, words = ("MilvusStopping", f"{left} pods are left") if left else ("MilvusStopped", "no pods")
        return Condition("MilvusReady", "False", reason, words)
    if situation.health.serving:
        return Condition("MilvusReady", "True", "ReasonMilvusHealthy", "every component is available")
    return Condition("MilvusReady", "False", "MilvusComponentNotHealthy", situation.health.lacking)


def _ready(situation: Situation) -> Condition:
    health = situation.health
    if situation.stopping:
        return Condition("Ready", "False", "Stopped", "every component is asked for no pod")
    if health.serving and not health.broken:
        return Condition("Ready", "True", "Serving", f"{health.ready} pods are available")
    return Condition("Ready", "False", "NotServing", health.lacking)


def _degraded(situation: Situation) -> Condition:
    health = situation.health
    before = bool(situation.milvus.status.get("currentImage")) or situation.serves_this
    served = before and not situation.stopping
    words = [
        f"{s.dependency.type}: {s.message}" for s in health.dependencies if s.ready is False or not s.whole
    ]
    words += [part.words for part in health.parts if part.available < part.wanted]
    if served and words:
        reason = "DependencyNotReady" if health.broken else "PodsMissing"
        return Condition("Degraded", "True", reason, "; ".join(words))
    return Condition("Degraded", "False", "Whole" if served else "NotServedYet", "")


def _accepted(situation: Situation) -> Condition:
    refused = situation.refused
    chosen = refused or list(situation.problems)
    words = "; ".join(f"{problem.field}: {problem.message}" for problem in chosen)
    if refused:
        return Condition("SpecAccepted", "False", "Invalid", words)
    reason = "AcceptedInPart" if chosen else "Accepted"
    return Condition("SpecAccepted", flag(True), reason, words)


def _deployments(situation: Situation) -> dict[str, Any]:
    """Give each Deployment's state, those of groups apart."""
    whole: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    for view in situation.observed.deployments():
        # Never empty: of a map that loses its last field by server-side apply, null is left.
        counts = dict(view.status) or {"replicas": 0}
        state = {"generation": view.generation, "image": view.image, "status": counts}
        if view.group:
            groups.setdefault(view.component, {})[view.group] = state
        else:
            whole[view.component] = state
    return {"componentsDeployStatus": whole, "deploymentGroupsDeployStatus": groups}


def _service(resolved: Resolved) -> Ref:
    return Ref("Service", Key(resolved.namespace, f"{resolved.name}-milvus"))


def _endpoint(situation: Situation, resolved: Resolved) -> str:
    """Give the address that clients use; "" for a NodePort, and until a load balancer has one."""
    door = next((w.settings for w in resolved.workloads if w.component in {"proxy", "standalone"}), None)
    kind = getattr(door, "service_type", "ClusterIP")
    port = getattr(door, "port", None) or _PORT
    if kind == "ClusterIP":
        return f"{resolved.name}-milvus.{resolved.namespace}:{port}"
    view = situation.observed.entry(_service(resolved))
    addresses: Sequence[Mapping[str, Any]] = view.addresses if view and kind == "LoadBalancer" else ()
    first = next((a.get("ip") or a.get("hostname") for a in addresses), None)
    return f"{first}:{port}" if first else ""


def _ingress(situation: Situation, resolved: Resolved) -> dict[str, Any]:
    view = situation.observed.entry(Ref("Ingress", Key(resolved.namespace, f"{resolved.name}-milvus")))
    return {"loadBalancer": {"ingress": [dict(a) for a in view.addresses]}} if view and view.addresses else {}
