"""A transport that writes only while this replica holds the lease.

Election alone cannot stop a process that stalls (starved, stopped, swapped out) for longer than the lease:
when it wakes, another leads, and a pass that was under way would go on to write what it once decided.
"""

from collections.abc import AsyncGenerator, Callable

from glede.kube.errors import Unavailable
from glede.kube.objects import Key, Object, Resource
from glede.kube.transport import Page, Selection, Transport, WatchEvent


class Fenced:
    """Passes requests on; writes raise Unavailable, unsent, while ``holds`` says no.

    What was sent just before is not held back: the time between ``Timings.renew`` and ``lease`` is for that.
    """

    def __init__(self, inner: Transport, holds: Callable[[], bool]) -> None:
        self._inner = inner
        self._holds = holds

    async def get(self, resource: Resource, key: Key) -> Object:
        """Read one object."""
        return await self._inner.get(resource, key)

    async def list(
        self, resource: Resource, selection: Selection, *, limit: int = 500, continue_: str | None = None
    ) -> Page:
        """Read a page of a list."""
        return await self._inner.list(resource, selection, limit=limit, continue_=continue_)

    def watch(
        self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int
    ) -> AsyncGenerator[WatchEvent]:
        """Give what happens after a version."""
        return self._inner.watch(
            resource, selection, resource_version=resource_version, timeout_seconds=timeout_seconds
        )

    async def apply(
        self,
        resource: Resource,
        key: Key,
        obj: Object,
        *,
        subresource: str | None = None,
        manager: str | None = None,
    ) -> Object:
        """Apply, if this replica leads."""
        self._check("apply", resource, key)
        return await self._inner.apply(resource, key, obj, subresource=subresource, manager=manager)

    async def create(self, resource: Resource, obj: Object, *, subresource: str | None = None) -> Object:
        """Create, if this replica leads."""
        self._check("create", resource, Key("", obj["metadata"]["name"]))
        return await self._inner.create(resource, obj, subresource=subresource)

    async def replace(self, resource: Resource, key: Key, obj: Object) -> Object:
        """Replace, if this replica leads."""
        self._check("update", resource, key)
        return await self._inner.replace(resource, key, obj)

    async def patch(
        self,
        resource: Resource,
        key: Key,
        patch: Object,
        *,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Patch, if this replica leads."""
        self._check("patch", resource, key)
        return await self._inner.patch(resource, key, patch, subresource=subresource, dry_run=dry_run)

    async def delete(
        self,
        resource: Resource,
        key: Key,
        *,
        uid: str,
        propagation: str = "Background",
        grace: int | None = None,
    ) -> None:
        """Delete, if this replica leads."""
        self._check("delete", resource, key)
        await self._inner.delete(resource, key, uid=uid, propagation=propagation, grace=grace)

    def _check(self, verb: str, resource: Resource, key: Key) -> None:
        if not self._holds():
            what = f"{verb} {resource.kind} {key}: not sent, since the lease was not renewed in time"
            raise Unavailable(0, "NotLeading", f"{what} and another replica may lead")
