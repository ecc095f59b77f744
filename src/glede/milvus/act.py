"""Carrying out a plan: Secrets made up, objects applied, objects deleted."""

import base64
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from glede.api.milvus.spec import Milvus
from glede.kube.applied import Applier
from glede.kube.errors import ApiError, Conflict, Invalid, NotFound
from glede.kube.objects import DEPLOYMENT, PVC, SECRET, SERVICE, Key, Resource, key_of, uid_of
from glede.kube.transport import Selection, Transport
from glede.milvus.desired import Ref, ref_of
from glede.milvus.kinds import MANAGER, MILVUS, RESOURCES
from glede.milvus.labels import MILVUS_LABEL
from glede.milvus.manifest import key_of_milvus
from glede.milvus.observed import Observed
from glede.milvus.plan import Amendment, Deletion, Plan
from glede.milvus.render.labels import owner_reference
from glede.milvus.resolved import Dependency
from glede.milvus.views import Held, WorkloadView, held

Object = dict[str, Any]
FINALIZER = "milvus.milvus.io/finalizer"
# Holds the number of pods between our letting go of it and the autoscaler's first change.
_HANDOVER = "glede-handover"
_KEY_BYTES = 24
# A field that is unknown or wrong, a right or a kind that is missing: asking again at once is of no use.
_REFUSALS = frozenset({400, 403, 404, 422})


class Refused(Exception):  # noqa: N818 - what the API server says
    """The API server refuses an object as it is rendered: field and reason."""


@dataclass(slots=True)
class Actor:
    """Writes to the API server, and shows the informers at once what it wrote."""

    transport: Transport
    applier: Applier
    gone: Callable[[Resource, Key, str], None]

    async def carry_out(self, milvus: Milvus, plan: Plan, observed: Observed) -> None:
        """Carry out a plan.

        Raises Refused after all else was done when the API server refused objects, ApiError when it could not
        be asked.
        """
        refused: list[str] = []
        for dependency in plan.generate:
            await self._generate(milvus, dependency)
        for amendment in plan.amend:
            await self._amend(milvus, amendment)
        for obj in plan.apply:
            try:
                await self._apply(obj, observed, plan.digests.get(ref_of(obj)))
            except ApiError as error:
                if error.status not in _REFUSALS:
                    raise
                refused.append(f"{obj['kind']} {obj['metadata']['name']}: {error.message}")
        for deletion in plan.delete:
            await self.delete(deletion)
        if refused:
            raise Refused("; ".join(refused))

    async def _apply(self, obj: Object, observed: Observed, digest: str | None) -> None:
        ref = ref_of(obj)
        held = observed.held.get(ref)
        live = held.owned if held else None
        if isinstance(held, WorkloadView) and held.owns_replicas and "replicas" not in obj["spec"]:
            await self._hand_over(held)
        try:
            await self.applier.apply(RESOURCES[ref.kind], obj, live, digest)
        except Invalid:
            if ref.kind != SERVICE.kind or not await self._reset_ports(obj):
                raise
            await self.applier.apply(SERVICE, obj, live, digest)

    async def _reset_ports(self, obj: Object) -> bool:
        """Put back a Service's ports whose numbers somebody has changed; tells whether that was taken.

        A number is the key of its item: an apply adds ours beside theirs, by a name that is taken then.
        """
        try:
            await self.transport.patch(SERVICE, key_of(obj), {"spec": {"ports": obj["spec"]["ports"]}})
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

    async def _generate(self, milvus: Milvus, dependency: Dependency) -> None:
        """Make up a Secret once. One that is there already is left alone."""
        name, meta = str(dependency.secret), milvus.metadata
        data = {key: _made_up() for key in dependency.generated}
        body: Object = {
            "apiVersion": SECRET.api_version,
            "kind": SECRET.kind,
            "metadata": {
                "name": name,
                "namespace": meta.namespace,
                "labels": {MILVUS_LABEL: meta.name},
            },
            "type": "Opaque",
            "data": data,
        }
        if dependency.in_cluster and dependency.in_cluster.deletes_volumes:
            body["metadata"]["ownerReferences"] = [owner_reference(milvus)]
        with suppress(Conflict):
            await self.transport.create(SECRET, body)

    async def _amend(self, milvus: Milvus, amendment: Amendment) -> None:
        """Make up the keys that a Secret lacks, and set its owner. Raises Conflict where it has changed."""
        metadata: Object = {"resourceVersion": amendment.resource_version}
        if amendment.owned is not None:
            metadata["ownerReferences"] = [owner_reference(milvus)] if amendment.owned else None
        body: Object = {"metadata": metadata}
        if amendment.keys:
            body["data"] = {key: _made_up() for key in amendment.keys}
        with suppress(NotFound):
            await self.transport.patch(SECRET, amendment.ref.key, body)

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

    async def claims(self, milvus: Milvus) -> dict[Ref, Held]:
        """List the claims with a Milvus's label as they are now: what is watched may be a moment behind."""
        meta, project = milvus.metadata, held(MANAGER)
        found: dict[Ref, Held] = {}
        continue_: str | None = None
        while True:
            selection = Selection(meta.namespace, f"{MILVUS_LABEL}={meta.name}")
            page = await self.transport.list(PVC, selection, continue_=continue_)
            found |= {Ref(PVC.kind, key_of(obj)): project(obj) for obj in page.items}
            continue_ = page.continue_
            if not continue_:
                return found

    async def finalizer(self, milvus: Milvus, *, wanted: bool) -> None:
        """Set our finalizer or take it away."""
        meta = milvus.metadata
        if (FINALIZER in meta.finalizers) == wanted:
            return
        if wanted:
            body = _cr({**_identity(milvus), "finalizers": [FINALIZER]})
            await self.transport.apply(MILVUS, key_of_milvus(milvus), body)
            return
        # Whoever set it, also milvus-operator: an apply could only take away what is ours.
        rest = [name for name in meta.finalizers if name != FINALIZER]
        change = {"uid": meta.uid, "resourceVersion": meta.resource_version, "finalizers": rest}
        # Where its last finalizer went already, it went with that.
        with suppress(NotFound):
            await self.transport.patch(MILVUS, key_of_milvus(milvus), {"metadata": change})

    async def status(self, milvus: Milvus, status: Mapping[str, Any]) -> Object:
        """Write a status; gives the object as the API server has it then."""
        body = _cr(_identity(milvus)) | {"status": dict(status)}
        return await self.transport.apply(MILVUS, key_of_milvus(milvus), body, subresource="status")


def _identity(milvus: Milvus) -> dict[str, Any]:
    """Name an object with its uid: an apply without it would make a deleted one anew."""
    meta = milvus.metadata
    return {"name": meta.name, "namespace": meta.namespace, "uid": meta.uid}


def _cr(metadata: Mapping[str, Any]) -> Object:
    return {"apiVersion": MILVUS.api_version, "kind": MILVUS.kind, "metadata": dict(metadata)}


def _made_up() -> str:
    """Make up a credential, encoded as a Secret's data are."""
    return base64.b64encode(secrets.token_urlsafe(_KEY_BYTES).encode()).decode()
