"""What is to be done next, decided from what is wanted and what there is; nothing else is looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glede.kube.objects import Key
from glede.milvus.desired import Desired, Ref, ref_of
from glede.milvus.growth import Larger, claim_of, growth
from glede.milvus.health import Health
from glede.milvus.members import next_member
from glede.milvus.observed import DependencyState, Observed
from glede.milvus.resolved import Dependency, InClusterPlan, Resolved
from glede.milvus.rollout import Rollout, rollout
from glede.milvus.views import PodView

Object = dict[str, Any]

# What Milvus reads when it starts, and is found by.
_BEFORE_PODS = frozenset({"ConfigMap", "Service"})
_PODS = frozenset({"Deployment", "HorizontalPodAutoscaler"})
# Kinds that are not deleted by not being wanted any more: volumes follow pvcDeletion only.
_NEVER_PRUNED = frozenset({"PersistentVolumeClaim"})


@dataclass(frozen=True, slots=True)
class Deletion:
    """An object to delete, with the uid that it must still have."""

    ref: Ref
    uid: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Secrets to make up, objects to apply in this order, objects to delete; why others wait.

    ``grow`` are claims that are to ask for more, ``remake`` what is deleted without its pods and made again
    in the next step, ``evict`` the one pod that is to make room for its successor.

    ``more`` tells that there is another step right after this one. ``digests`` are those of objects to apply,
    where they are known.
    """

    generate: tuple[Dependency, ...] = ()
    grow: tuple[Larger, ...] = ()
    apply: tuple[Object, ...] = ()
    delete: tuple[Deletion, ...] = ()
    remake: tuple[Deletion, ...] = ()
    evict: PodView | None = None
    waits: str = ""
    more: bool = False
    digests: Mapping[Ref, str] = field(default_factory=dict, compare=False, repr=False)


def plan(
    resolved: Resolved, wanted: Desired, observed: Observed, states: Sequence[DependencyState], health: Health
) -> Plan:
    """Decide the next step.

    Milvus is first started when all of its dependencies are there: one that starts before them crashes, and
    waits longer and longer between its tries. Once it runs, changes no longer wait for dependencies, but each
    Deployment for its turn.

    Before its pods come all other objects, in a step of their own: where many are made at a time, the pods of
    the first would delay the objects of the last.
    """
    turns = rollout(resolved, wanted, observed)
    started = any(observed.workload(ref_of(obj)) for obj in wanted.milvus if obj["kind"] == "Deployment")
    missing = "; ".join(
        f"{state.dependency.type}: {state.message}" for state in states if not (state.ready and state.whole)
    )
    waits = missing if not started else ""
    unread = [d for d in resolved.dependencies if d.generated and d.secret not in resolved.secret_digests]
    first = not started and not any(
        obj["kind"] in _BEFORE_PODS and ref_of(obj) in observed.held for obj in wanted.milvus
    )
    held_back = set(_PODS) if waits or unread or first else set()
    if unread:
        # Pods carry a digest of it: those made before it is read would be made again at once.
        held_back.add("StatefulSet")
    volumes = growth(resolved, observed)
    due = [obj for obj in wanted.objects if obj["kind"] not in held_back and ref_of(obj) not in turns.waiting]
    return Plan(
        generate=tuple(d for d in unread if _secret_is_missing(resolved, d, observed)),
        grow=tuple(volumes.claims),
        apply=tuple(applied for obj in due if (applied := volumes.applied(obj)) is not None),
        delete=tuple(_stale(resolved, wanted, observed, turns, serving=health.serving)),
        remake=tuple(Deletion(ref, uid) for ref, uid in volumes.anew.items()),
        evict=next_member(states),
        waits=waits,
        more=not started and (first or not (waits or unread)),
        digests={ref: digest for ref, digest in wanted.digests.items() if ref not in volumes.kept},
    )


def _secret_is_missing(resolved: Resolved, dependency: Dependency, observed: Observed) -> bool:
    return Ref("Secret", Key(resolved.namespace, dependency.secret or "")) not in observed.held


def _stale(
    resolved: Resolved, wanted: Desired, observed: Observed, turns: Rollout, *, serving: bool
) -> list[Deletion]:
    """Find what this very Milvus owns and no longer wants.

    Old Deployments go in their turn, or when the new ones serve where there are no turns.
    """
    refs = {ref_of(obj) for obj in wanted.objects}
    generated = {dependency.secret for dependency in resolved.dependencies if dependency.generated}
    found = []
    for ref, held in sorted(observed.held.items(), key=lambda item: (item[0].kind, item[0].key)):
        owned = held.owned
        if ref in refs or owned.deleting or owned.owner != resolved.milvus.metadata.uid:
            continue
        if ref.kind in _NEVER_PRUNED or (ref.kind == "Secret" and ref.key.name in generated):
            continue
        its_turn = serving if turns.leaving is None else ref in turns.leaving
        if ref.kind != "Deployment" or its_turn:
            found.append(Deletion(ref, owned.uid))
    return found


def makers_of_volumes(resolved: Resolved, observed: Observed) -> list[tuple[Deletion, bool]]:
    """Give the StatefulSets whose claims go with the Milvus, and whether each is being deleted.

    While one of them is there, it may make another claim, which nobody would delete.
    """
    found = []
    for dependency in _emptied(resolved):
        ref = Ref("StatefulSet", Key(resolved.namespace, dependency.workload))
        held = observed.held.get(ref)
        if held and held.owned.owner == resolved.milvus.metadata.uid:
            found.append((Deletion(ref, held.owned.uid), held.owned.deleting))
    return found


def volumes_to_delete(resolved: Resolved, observed: Observed) -> list[Deletion]:
    """Give the claims that go with the Milvus: those whose dependency says pvcDeletion."""
    found = []
    for ref, held in observed.held.items():
        if ref.kind != "PersistentVolumeClaim" or held.owned.deleting:
            continue
        embedded = _deletes_embedded(resolved) and ref.key.name == f"{resolved.name}-data"
        if embedded or any(claim_of(ref.key.name, dependency.workload) for dependency in _emptied(resolved)):
            found.append(Deletion(ref, held.owned.uid))
    return found


def keeps_finalizer(resolved: Resolved) -> bool:
    """Tell whether a deletion has work to do that owner references do not do: volumes that go too."""
    return bool(_emptied(resolved)) or _deletes_embedded(resolved)


def _emptied(resolved: Resolved) -> list[InClusterPlan]:
    """Give the dependencies that we run and whose volumes go with the Milvus."""
    return [d.in_cluster for d in resolved.dependencies if d.in_cluster and d.in_cluster.deletes_volumes]


def _deletes_embedded(resolved: Resolved) -> bool:
    log = resolved.milvus.spec.dependencies
    embedded = {"rocksmq": log.rocksmq, "natsmq": log.natsmq, "woodpecker": log.woodpecker}.get(
        resolved.log.type
    )
    persistence = embedded.persistence if embedded else None
    return bool(persistence and persistence.enabled and persistence.pvc_deletion)
