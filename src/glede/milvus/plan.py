"""What is to be done next, decided from what is wanted and what there is; nothing else is looked at."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glede.kube.objects import Key
from glede.milvus.backoff import kept_waiting
from glede.milvus.desired import Desired, Ref, ref_of
from glede.milvus.growth import Larger, claim_of, growth
from glede.milvus.halt import halt
from glede.milvus.health import Health
from glede.milvus.members import Replacement, next_member
from glede.milvus.modes import mode_change
from glede.milvus.observed import DependencyState, Observed, missing
from glede.milvus.podviews import PodView
from glede.milvus.resolved import Dependency, InClusterPlan, Resolved
from glede.milvus.rollout import Rollout, rollout
from glede.milvus.scalein import scale_in
from glede.milvus.views import Held, WorkloadView

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
class Amendment:
    """What is to change in a Secret of made-up keys, as it was seen: keys that it lacks, and who owns it.

    ``owned``: whether it is to go with the Milvus; None where that stays as it is.
    """

    ref: Ref
    resource_version: str
    keys: tuple[str, ...] = ()
    owned: bool | None = None


@dataclass(frozen=True, slots=True)
class Resized:
    """A Deployment that is to have another number of pods of the template that it has."""

    view: WorkloadView
    replicas: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Secrets to make up or to amend, objects to apply in this order, objects to delete; why others wait.

    ``grow`` are claims that are to ask for more, ``remake`` what is deleted without its pods and made again
    in the next step, ``replace`` the one pod that is to make room for its successor. ``revive`` are pods
    whose containers wait though nothing that they need is missing.

    ``end`` are deleted so that they go after all that they made.

    ``resize`` are Deployments that keep their template for now, and get another number of pods.

    ``more`` tells that there is another step right after this one. ``digests`` are those of objects to apply,
    where they are known.
    """

    generate: tuple[Dependency, ...] = ()
    grow: tuple[Larger, ...] = ()
    amend: tuple[Amendment, ...] = ()
    resize: tuple[Resized, ...] = ()
    apply: tuple[Object, ...] = ()
    delete: tuple[Deletion, ...] = ()
    end: tuple[Deletion, ...] = ()
    remake: tuple[Deletion, ...] = ()
    replace: Replacement | None = None
    revive: tuple[PodView, ...] = ()
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

    Query nodes and streaming nodes that are to go do so one by one, and all components of a Milvus that is
    stopped or started again in an order.

    Before its pods come all other objects, in a step of their own: where many are made at a time, the pods of
    the first would delay the objects of the last.

    Nothing is made beside what an earlier Milvus of the name has left: its pods would work on the new one's
    etcd, and the new one's on volumes that are about to go.
    """
    if observed.remains:
        return Plan(waits=observed.remains)
    turns, mode = rollout(resolved, wanted, observed), mode_change(resolved, observed, states)
    started = any(observed.workload(ref) for _, ref, _ in wanted.deployments())
    waits = missing(states) if not started else ""
    unread = [d for d in resolved.dependencies if d.generated and d.secret not in resolved.secret_digests]
    amend = tuple(_amendments(resolved, observed))
    incomplete = unread or any(one.keys for one in amend)
    first = not started and not any(
        obj["kind"] in _BEFORE_PODS and ref_of(obj) in observed.held for obj in wanted.milvus
    )
    held_back = set(_PODS) if waits or incomplete or first or mode.going else set()
    if incomplete:
        # Pods carry a digest of it: those made before it is whole and read would be made again at once.
        held_back.add("StatefulSet")
    volumes, fewer = growth(resolved, observed), scale_in(resolved, wanted, observed, states)
    whole = halt(resolved, wanted, observed)
    numbers = {**fewer.replicas, **whole.replicas}
    objects = wanted.dependencies if mode.stays else (*wanted.objects, *_canary(wanted, turns))
    due = [obj for obj in objects if obj["kind"] not in held_back and ref_of(obj) not in turns.waiting]
    return Plan(
        generate=tuple(d for d in unread if _secret_is_missing(resolved, d, observed)),
        grow=tuple(volumes.claims),
        amend=amend,
        resize=tuple(_resized(wanted, observed, turns, numbers)),
        apply=tuple(
            applied for obj in due if (applied := volumes.applied(_with_number(obj, numbers))) is not None
        ),
        delete=tuple(
            one
            for one in _stale(resolved, wanted, observed, turns, serving=health.serving)
            if one.ref not in fewer.stays and not mode.stays
        ),
        end=tuple(Deletion(Ref("Deployment", view.key), view.owned.uid) for view in mode.leaving),
        remake=tuple(Deletion(ref, uid) for ref, uid in volumes.anew.items()),
        replace=next_member(states, observed.upkeep, shut=bool(observed.hours.waits)),
        revive=kept_waiting(wanted, observed, states),
        waits=waits,
        more=not started and not mode.going and (first or not (waits or incomplete)),
        digests={
            ref: digest
            for ref, digest in wanted.digests.items()
            if ref not in volumes.kept and ref not in numbers
        },
    )


def _resized(
    wanted: Desired, observed: Observed, turns: Rollout, numbers: Mapping[Ref, int]
) -> Iterator[Resized]:
    """Give what is scaled while something keeps it from its new template, for days perhaps."""
    for _, ref, obj in wanted.deployments():
        view, number = observed.workload(ref), numbers.get(ref, obj["spec"].get("replicas"))
        held = observed.gate and ref in turns.waiting
        if held and view and number is not None and number != view.replicas:
            yield Resized(view, number)


def _with_number(obj: Object, numbers: Mapping[Ref, int]) -> Object:
    """Give a Deployment as it is applied while its number of pods is on its way."""
    number = numbers.get(ref_of(obj))
    return obj if number is None else {**obj, "spec": {**obj["spec"], "replicas": number}}


def _canary(wanted: Desired, turns: Rollout) -> Sequence[Object]:
    """Give the Deployment that is there while a change is watched; none where it is to go."""
    if wanted.canary is None or turns.canary is None:
        return ()
    return (_with_number(wanted.canary, {ref_of(wanted.canary): turns.canary}),)


def _secret_is_missing(resolved: Resolved, dependency: Dependency, observed: Observed) -> bool:
    return Ref("Secret", Key(resolved.namespace, dependency.secret or "")) not in observed.held


def _amendments(resolved: Resolved, observed: Observed) -> Iterator[Amendment]:
    """Find what Secrets of made-up keys lack: a key that the manifest gave once, or an owner."""
    uid = resolved.milvus.metadata.uid
    for dependency in resolved.dependencies:
        ref = Ref("Secret", Key(resolved.namespace, dependency.secret or ""))
        held = observed.held.get(ref)
        ours = dependency.generated or dependency.credentials
        if not ours or held is None or held.owned.deleting:
            continue
        known = resolved.secret_keys.get(ref.key.name)
        lacking = () if known is None else tuple(key for key in dependency.generated if key not in known)
        run = dependency.in_cluster
        # What is rendered, as keys of the manifest are, goes with the pods; made-up ones go with the data.
        goes = bool(run and (run.deletes_workload if dependency.credentials else run.deletes_volumes))
        settled = (held.owned.owner == uid) == goes or held.owned.owner not in (None, uid)
        owned = None if settled else goes
        if lacking or owned is not None:
            yield Amendment(ref, held.owned.resource_version, lacking, owned)


def _stale(
    resolved: Resolved, wanted: Desired, observed: Observed, turns: Rollout, *, serving: bool
) -> list[Deletion]:
    """Find what this very Milvus owns and no longer wants.

    Old Deployments go in their turn, or when the new ones serve where there are no turns.
    """
    refs = {ref_of(obj) for obj in (*wanted.objects, *_canary(wanted, turns))}
    refs |= {Ref("Deployment", view.key) for view in observed.of_other_mode(resolved)[0]}
    generated = {dependency.secret for dependency in resolved.dependencies if dependency.generated}
    found = []
    for ref, held in sorted(observed.held.items(), key=lambda item: (item[0].kind, item[0].key)):
        owned = held.owned
        if ref in refs or owned.deleting or not _is_ours(ref, held, resolved):
            continue
        if ref.kind in _NEVER_PRUNED or (ref.kind == "Secret" and ref.key.name in generated):
            continue
        canary = isinstance(held, WorkloadView) and held.canary
        its_turn = canary or (serving if turns.leaving is None else ref in turns.leaving)
        if ref.kind != "Deployment" or its_turn:
            found.append(Deletion(ref, owned.uid))
    return found


def _is_ours(ref: Ref, held: Held, resolved: Resolved) -> bool:
    """Tell whether this very Milvus made an object: it owns it, or it runs the dependency that it is of.

    What is to outlive the Milvus has no owner.
    """
    if held.owned.owner is None and held.owned.digest and ref.kind == "PodDisruptionBudget":
        return any(d.in_cluster and d.in_cluster.workload == ref.key.name for d in resolved.dependencies)
    return held.owned.owner == resolved.milvus.metadata.uid


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
    """Give the claims that go with the Milvus: those whose dependency says pvcDeletion.

    None goes where what works on them, or what it would read, has been taken from the Milvus
    (--cascade=orphan), and stays.
    """
    emptied = [plan.workload for plan in _emptied(resolved)]
    if any(_is_orphan(ref, held, resolved, emptied) for ref, held in observed.held.items()):
        return []
    found = []
    for ref, held in observed.held.items():
        if ref.kind != "PersistentVolumeClaim" or held.owned.deleting:
            continue
        embedded = _deletes_embedded(resolved) and ref.key.name == f"{resolved.name}-data"
        if embedded or any(claim_of(ref.key.name, workload) for workload in emptied):
            found.append(Deletion(ref, held.owned.uid))
    return found


def _is_orphan(ref: Ref, held: Held, resolved: Resolved, emptied: Sequence[str]) -> bool:
    """Tell whether a thing that would go with its Milvus has another owner, or none, and stays.

    Where no workload was made yet, the settings tell it: they are there before any volume.
    """
    settings = ref.kind == "ConfigMap" and ref.key.name == resolved.name
    goes = settings or ref.kind == "Deployment" or (ref.kind == "StatefulSet" and ref.key.name in emptied)
    return goes and held.owned.owner != resolved.milvus.metadata.uid and not held.owned.deleting


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
