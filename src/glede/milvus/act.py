"""Carrying out a plan: Secrets made up, objects applied, objects deleted."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from glede.api.milvus.spec import Milvus
from glede.kube.applied import Applier
from glede.kube.errors import ApiError, Conflict, Invalid, NotFound
from glede.kube.fields import applied_fields
from glede.kube.objects import (
    DEPLOYMENT,
    PVC,
    SERVICE,
    STATEFUL_SET,
    Key,
    Resource,
    key_of,
    uid_of,
)
from glede.kube.transport import Selection, Transport
from glede.milvus.desired import Ref, ref_of
from glede.milvus.keys import amend, generate
from glede.milvus.kinds import MANAGER, MILVUS, RESOURCES
from glede.milvus.labels import MILVUS_LABEL, TEMPLATE_ANNOTATION
from glede.milvus.manifest import key_of_milvus
from glede.milvus.moments import soonest
from glede.milvus.observed import Observed
from glede.milvus.plan import Deletion, Plan
from glede.milvus.revival import Reviver
from glede.milvus.room import RoomMaker
from glede.milvus.sizes import grow, resize
from glede.milvus.views import Held, WorkloadView, held

log = logging.getLogger(__name__)

Object = dict[str, Any]
FINALIZER = "milvus.milvus.io/finalizer"
# Holds the number of pods between our letting go of it and the autoscaler's first change.
_HANDOVER = "glede-handover"
_KEY_BYTES = 24
# What others made is in use: a Service that leads elsewhere, or other pods on its volumes, would end that.
_NEVER_TAKEN = frozenset({"Service", "StatefulSet"})
# A field that is unknown or wrong, a right or a kind that is missing: asking again at once is of no use.
_REFUSALS = frozenset({400, 403, 404, 422})
# A budget that allows no eviction now may do so when it has counted its pods anew.
EVICTION_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a plan: which objects the API server refuses as they are rendered, with reasons; "": none.

    ``budget`` is why a member is not replaced now; "": nothing keeps it. ``revival`` is after how many
    seconds pods that wait in vain may be made anew; None for none.
    """

    refused: str = ""
    budget: str = ""
    revival: float | None = None

    @property
    def again(self) -> float | None:
        """After how many seconds an eviction or a revival is to be tried again, None for none."""
        return soonest(EVICTION_SECONDS if self.budget else None, self.revival)


@contextmanager
def _noting(refused: list[str], what: str) -> Iterator[None]:
    """Note what the API server refuses, and go on."""
    try:
        yield
    except ApiError as error:
        if error.status not in _REFUSALS:
            raise
        refused.append(f"{what}: {error.message}")


@dataclass(slots=True)
class Actor:
    """Writes to the API server, and shows the informers at once what it wrote."""

    transport: Transport
    applier: Applier
    gone: Callable[[Resource, Key, str], None]
    room: RoomMaker
    reviver: Reviver

    async def carry_out(self, milvus: Milvus, plan: Plan, observed: Observed) -> Outcome:
        """Carry out a plan, also what comes after something that is refused. Raises ApiError.

        Where another has the names, nothing is done.
        """
        if taken := await self._names_taken(plan, observed):
            return Outcome(taken)
        refused: list[str] = []
        for dependency in plan.generate:
            await generate(self.transport, milvus, dependency)
        for amendment in plan.amend:
            await amend(self.transport, milvus, amendment)
        for larger in plan.grow:
            with _noting(refused, f"{PVC.kind} {larger.key.name}"):
                await grow(self.transport, larger)
        for resized in plan.resize:
            with _noting(refused, f"{DEPLOYMENT.kind} {resized.view.key.name}"):
                await resize(self.transport, self.applier, resized)
        for obj in plan.apply:
            with _noting(refused, f"{obj['kind']} {obj['metadata']['name']}"):
                await self._apply(obj, observed, plan.digests.get(ref_of(obj)))
        for deletion in plan.delete:
            await self.delete(deletion)
        for deletion in plan.end:
            await self.delete(deletion, propagation="Foreground")
        for deletion in plan.remake:
            await self.delete(deletion, propagation="Orphan")
        budget = await self.room.make(milvus.metadata.uid, plan.replace) if plan.replace else ""
        revival = await self.reviver.revive(milvus.metadata.uid, plan.revive) if plan.revive else None
        return Outcome("; ".join(refused), budget, revival)

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a Milvus."""
        self.room.forget(uid)
        self.reviver.forget(uid)

    async def _apply(self, obj: Object, observed: Observed, digest: str | None) -> None:
        ref = ref_of(obj)
        held = observed.held.get(ref)
        live = held.owned if held else None
        if isinstance(held, WorkloadView) and held.owns_replicas and "replicas" not in obj["spec"]:
            await self._hand_over(held)
        if isinstance(held, WorkloadView) and _is_replaced_alone(held, obj):
            obj, digest = {**obj, "spec": {**obj["spec"], "strategy": {"type": "Recreate"}}}, None
        try:
            await self.applier.apply(RESOURCES[ref.kind], obj, live, digest)
        except Invalid:
            part = _standing_in_the_way(obj)
            if part is None or not await self._reset(RESOURCES[ref.kind], obj, part):
                raise
            await self.applier.apply(RESOURCES[ref.kind], obj, live, digest)

    async def _names_taken(self, plan: Plan, observed: Observed) -> str:
        """Tell which names of new Services and StatefulSets are another's; "" for none. Raises ApiError."""
        new = [ref_of(obj) for obj in plan.apply if ref_of(obj) not in observed.held]
        taken = [ref for ref in new if ref.kind in _NEVER_TAKEN and await self._is_taken(ref)]
        if not taken:
            return ""
        names = ", ".join(f"{ref.kind} {ref.key.name}" for ref in taken)
        return (
            f"{names}: made by another; name what runs there as external in spec.dependencies, or give the "
            "Milvus another name. Nothing is changed until then"
        )

    async def _is_taken(self, ref: Ref) -> bool:
        """Tell whether an object is there that we have never applied."""
        try:
            return not applied_fields(await self.transport.get(RESOURCES[ref.kind], ref.key), MANAGER)
        except NotFound:
            return False

    async def _reset(self, resource: Resource, obj: Object, spec: Object) -> bool:
        """Put back a part of a spec that somebody has changed; tells whether that was taken."""
        try:
            await self.transport.patch(resource, key_of(obj), {"spec": spec})
        except (NotFound, Invalid):
            return False
        return True

    async def _hand_over(self, view: WorkloadView) -> None:
        """Keep the number of pods when it becomes an autoscaler's: without an owner it goes back to 1."""
        body = {
            "apiVersion": DEPLOYMENT.api_version,
            "kind": DEPLOYMENT.kind,
            "metadata": {
                "name": view.key.name,
                "namespace": view.key.namespace,
                "uid": view.owned.uid,
                "resourceVersion": view.owned.resource_version,
            },
            "spec": {"replicas": view.replicas},
        }
        await self.transport.apply(DEPLOYMENT, view.key, body, manager=_HANDOVER)

    async def delete(self, deletion: Deletion, *, propagation: str = "Background") -> None:
        """Delete an object, if it still is the one that was meant. Raises ApiError."""
        resource, key = RESOURCES[deletion.ref.kind], deletion.ref.key
        try:
            await self.transport.delete(resource, key, uid=deletion.uid, propagation=propagation)
        except NotFound:
            self.gone(resource, key, deletion.uid)
        except Conflict:
            if await self._is_there(resource, key, deletion.uid):
                raise
            self.gone(resource, key, deletion.uid)

    async def _is_there(self, resource: Resource, key: Key, uid: str) -> bool:
        try:
            return uid_of(await self.transport.get(resource, key)) == uid
        except NotFound:
            return False

    async def listed(self, milvus: Milvus, *resources: Resource) -> dict[Ref, Held]:
        """List what has a Milvus's label as it is now: what is watched may be a moment behind."""
        meta, project = milvus.metadata, held(MANAGER)
        selection = Selection(meta.namespace, f"{MILVUS_LABEL}={meta.name}")
        found: dict[Ref, Held] = {}
        for resource in resources:
            page = await self.transport.list(resource, selection)
            while True:
                found |= {Ref(resource.kind, key_of(obj)): project(obj) for obj in page.items}
                if not page.continue_:
                    break
                page = await self.transport.list(resource, selection, continue_=page.continue_)
        return found

    async def finalizer(self, milvus: Milvus, *, wanted: bool) -> Object | None:
        """Set our finalizer or take it away; gives the object then, None where nothing was written."""
        meta = milvus.metadata
        if (FINALIZER in meta.finalizers) == wanted:
            return None
        if wanted:
            body = _cr({**_identity(milvus), "finalizers": [FINALIZER]})
            return await self.transport.apply(MILVUS, key_of_milvus(milvus), body)
        # Whoever set it, also milvus-operator: an apply could only take away what is ours.
        rest = [name for name in meta.finalizers if name != FINALIZER]
        change = {"uid": meta.uid, "resourceVersion": meta.resource_version, "finalizers": rest}
        # Where its last finalizer went already, it went with that.
        with suppress(NotFound):
            return await self.transport.patch(MILVUS, key_of_milvus(milvus), {"metadata": change})
        return None

    async def status(self, milvus: Milvus, status: Mapping[str, Any]) -> Object:
        """Write a status; gives the object as the API server has it then. Raises Conflict.

        It is of this version of the Milvus and no other: for the status alone the API server passes over a
        uid that differs, and one that was made again meanwhile would have what was said of the one before.
        """
        identity = {**_identity(milvus), "resourceVersion": milvus.metadata.resource_version}
        body = _cr(identity) | {"status": dict(status)}
        return await self.transport.apply(MILVUS, key_of_milvus(milvus), body, subresource="status")


def _standing_in_the_way(obj: Object) -> Object | None:
    """Give the part of a spec that an apply cannot put back, where its kind has one."""
    if obj["kind"] == SERVICE.kind:
        # A port's number is the key of its item: an apply adds ours beside theirs, by a name that is taken.
        return {"ports": obj["spec"]["ports"]}
    if obj["kind"] == STATEFUL_SET.kind:
        # Of another strategy a partition is left, which is nobody's, and does not go with ours.
        return {"updateStrategy": {**obj["spec"]["updateStrategy"], "rollingUpdate": None}}
    return None


def _is_replaced_alone(held: WorkloadView, obj: Object) -> bool:
    """Tell whether the pods of now must be gone before new ones begin, though the new ones could overlap.

    A coordinator that was started without a standby holds the place that the new one would register at.
    """
    later = obj["spec"].get("strategy", {}).get("type")
    template = obj["metadata"].get("annotations", {}).get(TEMPLATE_ANNOTATION)
    return held.recreates and later == "RollingUpdate" and not (held.template == template and held.rolled)


def _identity(milvus: Milvus) -> dict[str, Any]:
    """Name an object with its uid: an apply without it would make a deleted one anew."""
    meta = milvus.metadata
    return {"name": meta.name, "namespace": meta.namespace, "uid": meta.uid}


def _cr(metadata: Mapping[str, Any]) -> Object:
    return {"apiVersion": MILVUS.api_version, "kind": MILVUS.kind, "metadata": dict(metadata)}
