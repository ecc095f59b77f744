"""A transport that breaks on purpose.

    kube = FaultyTransport(real)
    kube.inject(verb="apply", plural="deployments", error=error_from(409))   # refused, not done
    kube.inject(verb="apply", error=error_from(0), applied=True)             # done, the answer is lost
    kube.inject(verb="list", delay=0.5, times=3)                             # slow
    kube.inject(verb="watch", error=error_from(410), applied=True)           # breaks after its first event
    kube.drop(event="DELETED", plural="pods")                                # never comes
    kube.hold("pods"); ...; kube.release("pods")                             # watches silent, then late
    kube.crash_after(3)                                                      # dies with the answer to write 3

``requests`` and ``writes`` tell what reached the API server.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from glede.kube.objects import Key, Object, Resource, key_of
from glede.kube.transport import Page, Selection, Transport, WatchEvent

T = TypeVar("T")

WRITES = frozenset({"apply", "create", "update", "patch", "delete"})


class Crash(BaseException):
    """The process ends here. No handler of errors sees it: drop all memory and start again."""


class Request(NamedTuple):
    """A request that reached the API server; lists and watches have no key's name."""

    verb: str
    plural: str
    key: Key
    subresource: str | None = None


@dataclass
class Fault:
    """What goes wrong, for requests or events that have all that is named here; ``times`` are left."""

    verb: str | None = None
    plural: str | None = None
    name: str | None = None
    event: str | None = None
    error: BaseException | None = None
    delay: float = 0.0
    applied: bool = False
    times: int = 1

    def meets(self, request: Request, event: str | None = None) -> bool:
        pairs = (
            (self.verb, request.verb),
            (self.plural, request.plural),
            (self.name, request.key.name),
            (self.event, event),
        )
        return self.times > 0 and all(wanted in (None, found) for wanted, found in pairs)


class FaultyTransport:
    """Passes requests to another transport, except for the faults that were asked for.

    Each fault is used up by the first ``times`` requests or events that it fits; older faults go first.
    """

    def __init__(self, inner: Transport) -> None:
        self.requests: list[Request] = []
        self.crashed = False
        self._inner = inner
        self._faults: list[Fault] = []
        self._dropped: list[Fault] = []
        self._writes_left: int | None = None
        self._held: set[str] = set()
        self._released = asyncio.Event()

    @property
    def writes(self) -> list[Request]:
        """What was written, in order."""
        return [request for request in self.requests if request.verb in WRITES]

    def inject(
        self,
        *,
        verb: str | None = None,
        plural: str | None = None,
        name: str | None = None,
        error: BaseException | None = None,
        delay: float = 0.0,
        applied: bool = False,
        times: int = 1,
    ) -> Fault:
        """Let requests be late by ``delay`` seconds, or raise ``error``; ``applied``: after they are done."""
        fault = Fault(verb, plural, name, None, error, delay, applied, times)
        self._faults.append(fault)
        return fault

    def drop(
        self, *, event: str | None = None, plural: str | None = None, name: str | None = None, times: int = 1
    ) -> Fault:
        """Let events of watches never come."""
        fault = Fault("watch", plural, name, event, times=times)
        self._dropped.append(fault)
        return fault

    def hold(self, plural: str) -> None:
        """Make the watches of a kind silent, without an error, until they are released."""
        self._held.add(plural)

    def release(self, plural: str) -> None:
        """Let held watches go on with what they missed."""
        self._held.discard(plural)
        self._released.set()
        self._released = asyncio.Event()

    def crash_after(self, writes: int) -> None:
        """Raise Crash when so many more writes are done, and from then on whatever is asked."""
        self._writes_left = writes
        self.crashed = writes == 0

    async def get(self, resource: Resource, key: Key) -> Object:
        return await self._pass(Request("get", resource.plural, key), lambda: self._inner.get(resource, key))

    async def list(
        self, resource: Resource, selection: Selection, *, limit: int = 500, continue_: str | None = None
    ) -> Page:
        return await self._pass(
            Request("list", resource.plural, Key(selection.namespace or "", "")),
            lambda: self._inner.list(resource, selection, limit=limit, continue_=continue_),
        )

    async def watch(
        self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int
    ) -> AsyncGenerator[WatchEvent]:
        request = Request("watch", resource.plural, Key(selection.namespace or "", ""))
        fault = await self._before(request)
        self.requests.append(request)
        stream = self._inner.watch(
            resource, selection, resource_version=resource_version, timeout_seconds=timeout_seconds
        )
        async with aclosing(stream):
            async for event in stream:
                while resource.plural in self._held:
                    await self._released.wait()
                if not self._is_dropped(request, event):
                    yield event
                if fault and fault.error:
                    raise fault.error

    async def apply(
        self,
        resource: Resource,
        key: Key,
        obj: Object,
        *,
        subresource: str | None = None,
        manager: str | None = None,
    ) -> Object:
        return await self._pass(
            Request("apply", resource.plural, key, subresource),
            lambda: self._inner.apply(resource, key, obj, subresource=subresource, manager=manager),
        )

    async def create(self, resource: Resource, obj: Object, *, subresource: str | None = None) -> Object:
        return await self._pass(
            Request("create", resource.plural, key_of(obj), subresource),
            lambda: self._inner.create(resource, obj, subresource=subresource),
        )

    async def replace(self, resource: Resource, key: Key, obj: Object) -> Object:
        return await self._pass(
            Request("update", resource.plural, key), lambda: self._inner.replace(resource, key, obj)
        )

    async def patch(
        self,
        resource: Resource,
        key: Key,
        patch: Object,
        *,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> Object:
        return await self._pass(
            Request("patch", resource.plural, key, subresource),
            lambda: self._inner.patch(resource, key, patch, subresource=subresource, dry_run=dry_run),
        )

    async def delete(
        self,
        resource: Resource,
        key: Key,
        *,
        uid: str,
        propagation: str = "Background",
        grace: int | None = None,
    ) -> None:
        await self._pass(
            Request("delete", resource.plural, key),
            lambda: self._inner.delete(resource, key, uid=uid, propagation=propagation, grace=grace),
        )

    async def _pass(self, request: Request, send: Callable[[], Awaitable[T]]) -> T:
        fault = await self._before(request)
        answer = await send()
        self.requests.append(request)
        self._count(request)
        if fault and fault.error:
            raise fault.error
        return answer

    async def _before(self, request: Request) -> Fault | None:
        """Wait or raise as a fault says; gives one that is to come after the request."""
        if self.crashed:
            raise Crash
        fault = next((one for one in self._faults if one.meets(request)), None)
        if fault is None:
            return None
        fault.times -= 1
        await asyncio.sleep(fault.delay)
        if fault.error and not fault.applied:
            raise fault.error
        return fault

    def _count(self, request: Request) -> None:
        if self._writes_left is None or request.verb not in WRITES:
            return
        self._writes_left -= 1
        if self._writes_left == 0:
            self.crashed = True
            raise Crash

    def _is_dropped(self, request: Request, event: WatchEvent) -> bool:
        name = (event.object.get("metadata") or {}).get("name", "")
        found = request._replace(key=Key("", name))
        fault = next((one for one in self._dropped if one.meets(found, event.type)), None)
        if fault:
            fault.times -= 1
        return fault is not None
