"""Server-side apply that sends nothing when there is nothing to change.

An object needs no request when the fields that we own in it are just those that we render now. Both sides
are cut down to that: a live object to what ``managedFields`` says we own, with its values; a rendered one is
that part already. So no table of list keys is needed, and foreign fields never count. Whoever else changes
one of our fields, takes it over or removes it, takes it out of our ``managedFields``, and the digest changes.

What is rendered has no null and no empty value, except meaningful ones such as ``emptyDir: {}``, and ports
state their protocol. Where the API server answers with other values than were sent (a default inside an
atomic list that ``canonical`` does not know, an admission webhook), the Applier remembers the answer's
digest: such an object costs one more request after a start, and none afterwards.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from glede.kube.canonical import digest
from glede.kube.errors import NotFound
from glede.kube.fields import applied_fields, owned_part
from glede.kube.objects import Key, Object, Resource, key_of, owner_kind, owner_uid, uid_of, version_of
from glede.kube.transport import Transport

MOST_REMEMBERED = 50_000  # objects: about 300 bytes each

# Given by whoever asks, or by the API server: never a field that is owned.
_IDENTITY = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
)


def owned_digest(obj: Object, manager: str, subresource: str = "") -> str:
    """Digest what a manager owns by Apply in a live object; empty when it owns nothing.

    A PartialObjectMetadata gives a digest of the paths alone where the values are missing.
    """
    fields = applied_fields(obj, manager, subresource)
    return digest(owned_part(obj, fields)) if fields else ""


def rendered_digest(obj: Object) -> str:
    """Digest a rendered object as ``owned_digest`` will find it once it is applied."""
    body = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind", "metadata")}
    metadata = {name: value for name, value in obj["metadata"].items() if name not in _IDENTITY}
    return digest({**body, "metadata": metadata} if metadata else body)


@dataclass(frozen=True, slots=True)
class Owned:
    """What is kept of an object that we own. ``owner`` is the uid of the owner that controls it.

    ``owner_kind`` is that owner's kind. ``partial`` tells that its values were not asked for: its digest is
    of paths alone.
    """

    key: Key
    uid: str
    resource_version: str
    digest: str
    deleting: bool
    owner: str | None
    partial: bool = False
    owner_kind: str = ""


def project_owned(manager: str) -> Callable[[Object], Owned]:
    """Give the projection of objects that a manager applies."""

    def project(obj: Object) -> Owned:
        return Owned(
            key=key_of(obj),
            uid=uid_of(obj),
            resource_version=version_of(obj),
            digest=owned_digest(obj, manager),
            deleting="deletionTimestamp" in obj["metadata"],
            owner=owner_uid(obj),
            owner_kind=owner_kind(obj),
        )

    return project


class _Answer(NamedTuple):
    rendered: str
    whole: str
    metadata_only: str


class Applier:
    """Applies rendered objects by one manager; ``on_written`` gets each answer of the API server."""

    def __init__(
        self, transport: Transport, manager: str, on_written: Callable[[Resource, Object], None]
    ) -> None:
        self._transport = transport
        self._manager = manager
        self._on_written = on_written
        self._answers: OrderedDict[str, _Answer] = OrderedDict()

    async def apply(
        self, resource: Resource, rendered: Object, live: Owned | None, digest: str | None = None
    ) -> bool:
        """Apply an object unless ``live`` shows that it is so already; tells whether a request was sent.

        ``digest`` is its ``rendered_digest`` where the caller has it, which spares it here.
        Raises ApiError; Conflict when the object with the uid of ``live`` is no longer there.
        """
        wanted = digest or rendered_digest(rendered)
        if live and (self._is_so(live, wanted) or await self._is_so_in_full(resource, live, wanted)):
            return False
        answer = await self._send(resource, rendered, live.uid if live else None)
        self._remember(wanted, answer)
        self._on_written(resource, answer)
        return True

    def saw(self, resource: Resource, answer: Object) -> None:
        """Tell of an answer to a write of another kind."""
        self._on_written(resource, answer)

    async def _send(self, resource: Resource, rendered: Object, uid: str | None) -> Object:
        key, body = key_of(rendered), rendered
        if uid:
            # Another object may have the name by now, and must not be taken for this one.
            body = {**rendered, "metadata": {**rendered["metadata"], "uid": uid}}
        return await self._transport.apply(resource, key, body, manager=self._manager)

    def _is_so(self, live: Owned, wanted: str) -> bool:
        if live.digest == wanted:
            self._answers.pop(live.uid, None)
            return True
        answer = self._answers.get(live.uid)
        return (
            answer is not None
            and answer.rendered == wanted
            and live.digest in (answer.whole, answer.metadata_only)
        )

    async def _is_so_in_full(self, resource: Resource, live: Owned, wanted: str) -> bool:
        """Read what is known by its paths alone, once for each version of it and of what is rendered."""
        if not live.partial:
            return False
        try:
            whole = await self._transport.get(resource, live.key)
        except NotFound:
            return False
        if uid_of(whole) != live.uid or owned_digest(whole, self._manager) != wanted:
            return False
        self._remember(wanted, whole)
        return True

    def _remember(self, wanted: str, answer: Object) -> None:
        whole = owned_digest(answer, self._manager)
        metadata_only = owned_digest({"metadata": answer["metadata"]}, self._manager)
        self._answers[uid_of(answer)] = _Answer(wanted, whole, metadata_only)
        self._answers.move_to_end(uid_of(answer))
        while len(self._answers) > MOST_REMEMBERED:
            self._answers.popitem(last=False)
