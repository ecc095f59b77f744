"""Replicas that stand for election, and a world for them in virtual time."""

import asyncio
import copy
import selectors
from collections.abc import Callable
from typing import Any

from glede.kube.errors import Conflict, NotFound, Unavailable
from glede.kube.leader import LeaderElection, Timings
from glede.kube.objects import Key, Object, Resource
from glede.kube.transport import Transport


class Replicas:
    """Electors of one lease by name; ``leading`` tells who leads, and that it is never two is checked."""

    def __init__(self) -> None:
        self.leading: list[str] = []
        self.ever: list[str] = []

    def body(self, name: str, stopping: float = 0.0) -> Callable[[], Any]:
        async def on_lead() -> None:
            assert self.leading == []
            self.leading.append(name)
            self.ever.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(stopping)
                self.leading.remove(name)

        return on_lead

    def start(self, name: str, transport: Transport, key: Key, timings: Timings) -> asyncio.Task[None]:
        election = LeaderElection(transport, key, name, timings=timings)
        return asyncio.create_task(election.run(self.body(name)))


async def stopped(task: asyncio.Task[None], seconds: float = 20) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=seconds)
    assert task.cancelled()


class _Skipping(selectors.DefaultSelector):
    """Waits in no time: it sets the clock forward instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing will ever happen"
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose seconds take no time."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


class Leases:
    """One lease with optimistic locking, as an API server keeps it."""

    def __init__(self) -> None:
        self.lease: Object | None = None
        self.version = 0

    def get(self) -> Object:
        if self.lease is None:
            raise NotFound(404, "NotFound", "no lease")
        return copy.deepcopy(self.lease)

    def write(self, obj: Object) -> Object:
        current = self.lease["metadata"]["resourceVersion"] if self.lease else None
        if obj["metadata"].get("resourceVersion") != current:
            raise Conflict(409, "Conflict", "another version")
        self.version += 1
        self.lease = copy.deepcopy(obj)
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        return self.get()


# From when, for how long, and how many seconds a request and its answer take then.
Outage = tuple[float, float, float, float]


class Link:
    """The way of one replica to the leases. A request that is given up may still arrive, later."""

    def __init__(self, leases: Leases, outages: list[Outage]) -> None:
        self._leases = leases
        self._outages = outages
        self._under_way: set[asyncio.Task[Object]] = set()

    async def get(self, _resource: Resource, _key: Key) -> Object:
        return await self._send(self._leases.get)

    async def create(self, _resource: Resource, obj: Object) -> Object:
        return await self._send(lambda: self._leases.write(obj))

    async def replace(self, _resource: Resource, _key: Key, obj: Object) -> Object:
        return await self._send(lambda: self._leases.write(obj))

    async def _send(self, call: Callable[[], Object]) -> Object:
        now = asyncio.get_running_loop().time()
        there, back = 0.01, 0.01
        for start, length, slow_there, slow_back in self._outages:
            if start <= now < start + length:
                there, back = slow_there, slow_back

        async def arrive() -> Object:
            await asyncio.sleep(there)
            return call()

        request = asyncio.create_task(arrive())
        self._under_way.add(request)
        request.add_done_callback(self._arrived)
        try:
            async with asyncio.timeout(10):
                answer = await asyncio.shield(request)
                await asyncio.sleep(back)
        except TimeoutError as error:
            raise Unavailable(0, "Timeout", "no answer") from error
        return answer

    def _arrived(self, request: asyncio.Task[Object]) -> None:
        self._under_way.discard(request)
        if not request.cancelled():
            request.exception()
