"""What must hold of a Milvus that has settled, or is gone, whatever its manifests were."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from glede.kube.objects import Object
from glede.milvus.desired import Ref, ref_of
from glede.milvus.intent import Intent
from glede.milvus.plan import keeps_finalizer
from glede.milvus.resolved import Dependency, Resolved

_WELL = {
    "SpecAccepted": ("True", ""),
    "MilvusUpdated": ("True", ""),
    "MilvusReady": ("True", ""),
    "Ready": ("True", ""),
    "Degraded": ("False", ""),
    "Progressing": ("False", "Complete"),
    "EtcdReady": ("True", ""),
    "StorageReady": ("True", ""),
    "MsgStreamReady": ("True", ""),
}


@dataclass(frozen=True)
class Stage:
    """What a manifest came to, and whether it was waited for."""

    intent: Intent
    settled: bool


def not_settled(body: Object | None, generation: int) -> str:
    """Tell what a status lacks to say that all of a manifest has become so; "" for nothing."""
    status = (body or {}).get("status", {})
    if status.get("observedGeneration", 0) < generation:
        return f"generation {generation} is not observed: {status}"
    conditions = status.get("conditions", [])
    names = [c["type"] for c in conditions]
    found = {c["type"]: c for c in conditions}
    wrong = [f"{name} is told twice" for name in names if names.count(name) > 1]
    if set(names) != set(_WELL):
        wrong.append(f"the conditions are {sorted(names)}")
    for name, (value, reason) in _WELL.items():
        one = found.get(name, {})
        if one.get("status") != value or (reason and one.get("reason") != reason) or not one.get("reason"):
            wrong.append(f"{name}: {one}")
    have, _, want = status.get("ready", "").partition("/")
    if status.get("status") != "Healthy" or have != want:
        wrong.append(f"status {status.get('status')}, ready {status.get('ready')}")
    return "; ".join(wrong)


def leftovers(live: Set[Ref], stages: list[Stage], *, deleted: bool) -> str:
    """Tell what is there and should not be, or the other way round; "" for nothing.

    ``deleted``: the Milvus is gone, and with it all but what its last manifest leaves.
    """
    last = stages[-1].intent
    wanted = set() if deleted else {ref_of(obj) for obj in _objects(last)}
    left = {ref for name in _workloads(stages) for ref in _retained(name, stages, deleted=deleted)}
    strange = [ref for ref in live - wanted - left if not _may_stay(ref, stages, deleted=deleted)]
    lost = list(_must_stay(last) - live) if deleted else []
    words = [f"{ref.kind} {ref.key.name} is not wanted" for ref in sorted(strange, key=str)]
    return "; ".join([*words, *(f"{ref.kind} {ref.key.name} should have been left" for ref in lost)])


def without_keys(live: dict[Ref, Object], intent: Intent) -> str:
    """Tell which key of the object store's own Secret is not there; "" for none."""
    storage = intent.resolved.storage if intent.resolved else None
    if storage is None or not (storage.generated or storage.credentials):
        return ""
    secrets = [body for ref, body in live.items() if (ref.kind, ref.key.name) == ("Secret", storage.secret)]
    there = {key for body in secrets for key in body.get("data") or {}}
    lacking = sorted({*storage.generated, *storage.credentials} - there)
    return f"Secret {storage.secret} lacks {', '.join(lacking)}" if lacking else ""


def too_many_coordinators(intent: Intent, live: dict[Ref, Object]) -> str:
    """Tell which coordinator has several pods though none of them would stand by; "" for none."""
    standby = intent.resolved.standby if intent.resolved else frozenset()
    for workload in intent.resolved.workloads if intent.resolved else ():
        for ref, body in live.items():
            several = (
                ref.kind == "Deployment" and ref.key.name == workload.name and body["spec"]["replicas"] > 1
            )
            alone = workload.component.endswith("coord") and workload.component not in standby
            if several and alone:
                return f"{workload.component} has {body['spec']['replicas']} pods, and none may stand by"
    return ""


def _objects(intent: Intent) -> Iterable[Object]:
    return intent.desired.objects if intent.desired else ()


def _run(resolved: Resolved | None) -> Iterator[Dependency]:
    return (d for d in (resolved.dependencies if resolved else ()) if d.in_cluster)


def _workloads(stages: list[Stage]) -> set[str]:
    return {d.in_cluster.workload for stage in stages for d in _run(stage.intent.resolved) if d.in_cluster}


def _retained(workload: str, stages: list[Stage], *, deleted: bool) -> Iterator[Ref]:
    """Give the objects of a dependency that may be left, now that the manifest does not have it any more."""
    for number, stage in enumerate(reversed(stages)):
        for dependency in _run(stage.intent.resolved):
            plan = dependency.in_cluster
            if plan is None or plan.workload != workload:
                continue
            if number == 0 and not deleted:
                return
            if not plan.deletes_workload:
                for obj in stage.intent.desired.dependencies if stage.intent.desired else ():
                    if obj["metadata"]["name"].startswith(workload):
                        yield ref_of(obj)
            if stage.settled:
                return


def _may_stay(ref: Ref, stages: list[Stage], *, deleted: bool) -> bool:
    """Tell whether a claim or a Secret with keys may be there though nothing wants it now."""
    last = stages[-1].intent.resolved
    emptied = [d.in_cluster.workload for d in _run(last) if d.in_cluster and d.in_cluster.deletes_volumes]
    name = ref.key.name
    if ref.kind == "PersistentVolumeClaim":
        of = [workload for workload in _workloads(stages) if name.startswith(f"data-{workload}-")]
        if not of:
            return name.endswith("-data") and not (deleted and last and keeps_finalizer(last) and not emptied)
        return not (deleted and set(of) & set(emptied))
    if ref.kind == "Secret":
        return any(name == workload for workload in _workloads(stages)) and not (deleted and name in emptied)
    return False


def _must_stay(intent: Intent) -> set[Ref]:
    """Give what the deletion of a Milvus must leave: a dependency that is retained, with the keys to it."""
    found = set()
    for dependency in _run(intent.resolved):
        plan = dependency.in_cluster
        if plan is None or plan.deletes_workload:
            continue
        for obj in intent.desired.dependencies if intent.desired else ():
            if obj["metadata"]["name"].startswith(plan.workload):
                found.add(ref_of(obj))
                if dependency.generated or dependency.credentials:
                    found.add(Ref("Secret", ref_of(obj).key._replace(name=plan.workload)))
    return found
