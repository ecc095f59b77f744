"""An operator that starts anew, knowing nothing, whenever it dies; and what goes wrong with its writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from tests.kube.faulty import WRITES, Crash, FaultyTransport, Request
from tests.kube.matrix.chronicle import Chronicle
from tests.kube.operators import TOOL_IMAGE

from glede.kube.errors import ApiError, NotFound, error_from
from glede.kube.http import HttpTransport
from glede.kube.leader import LostLease
from glede.kube.manager import Manager
from glede.kube.metrics import Metrics
from glede.kube.objects import LEASE, Key, uid_of
from glede.kube.transport import Transport
from glede.milvus.kinds import MANAGER
from glede.milvus.operator import Options, build

T = TypeVar("T")

# The lease is renewed by the clock, and events are best effort: neither is a step towards a goal.
_UNCOUNTED = frozenset({"leases", "events"})
STOP_SECONDS = 60.0


class Trouble(NamedTuple):
    """What comes of a write: no process any more (no error), or an error; ``applied``: after it was done."""

    name: str
    error: ApiError | None = None
    applied: bool = False


CRASH = Trouble("crash", None, applied=True)
ANSWERS = (
    Trouble("409", error_from(409, {"reason": "Conflict", "message": "injected"})),
    Trouble("429", error_from(429, {"reason": "TooManyRequests", "message": "injected"}, 0.2)),
    Trouble("500", error_from(500, {"reason": "InternalError", "message": "injected"})),
    Trouble("lost reply", error_from(0, {"reason": "Lost", "message": "injected"}), applied=True),
)


@dataclass
class Series:
    """Trouble with write number ``at``, and with every ``each``-th after it, whoever makes them."""

    trouble: Trouble | None = None
    at: int = 0
    each: int = 0
    number: int = 0
    struck: set[int] = field(default_factory=set)

    def next(self) -> Trouble | None:
        """Count a write; gives the trouble that it has."""
        self.number += 1
        later = self.number - self.at
        if later == 0 or (self.each > 0 and later > 0 and later % self.each == 0):
            self.struck.add(self.number)
            return self.trouble
        return None

    async def halt(self) -> None:
        """Hold the answer to the write that was counted last; here, no write's."""


class Spoiled(FaultyTransport):
    """Has trouble with its writes as a series says."""

    def __init__(self, inner: Transport, keeper: Keeper) -> None:
        super().__init__(inner)
        self._keeper = keeper

    async def _pass(self, request: Request, send: Callable[[], Awaitable[T]]) -> T:
        if request.verb not in WRITES or request.plural in _UNCOUNTED:
            return await super()._pass(request, send)
        trouble = self._keeper.series.next()
        if trouble and trouble.error and not trouble.applied:
            raise trouble.error
        answer = await super()._pass(request, send)
        await self._keeper.series.halt()
        if trouble:
            self.crashed = trouble.error is None
            raise trouble.error or Crash
        return answer


class Keeper:
    """Runs an operator on one namespace as a Deployment does."""

    def __init__(self, chronicle: Chronicle, namespace: str, **options: Any) -> None:
        self.deaths = 0
        self.series = Series()
        self.begun = asyncio.Event()
        self._stopped = False
        self.transport: Spoiled
        self.manager: Manager | None = None
        self._chronicle = chronicle
        usual: dict[str, Any] = {"host": "127.0.0.1", "port": 0, "tool_image": TOOL_IMAGE}
        self._options = Options(namespaces=(namespace,), own_namespace=namespace, **usual | options)

    async def run(self) -> None:
        """Run until ``stop``."""
        while True:
            own = HttpTransport.connect(self._chronicle.kubeconfig, manager=MANAGER)
            try:
                self.manager = await self._build(own)
                self.begun.set()
                if self._stopped:  # while this one was being built: nobody else would tell it
                    return
                await self.manager.run()
            except* (Crash, LostLease):
                # On a machine that is too busy the lease may be lost too; that is a death like any other.
                self.deaths += 1
            finally:
                await own.aclose()
            if self._stopped:
                return
            await self._free_the_lease()

    async def _build(self, own: HttpTransport) -> Manager:
        """Put a new process together over its own connections."""
        self.transport = Spoiled(own, self)
        return await build(self._options, self.transport, Metrics())

    async def _free_the_lease(self) -> None:
        """Stand for the time after which a dead leader's lease expires."""
        user, key = self._chronicle.user, Key(self._options.own_namespace, self._options.lease)
        try:
            lease = await user.get(LEASE, key)
            await user.delete(LEASE, key, uid=uid_of(lease))
        except NotFound:
            return

    async def restart(self) -> None:
        """End the process as SIGTERM does, and wait until another has begun."""
        self.begun.clear()
        if self.manager:
            self.manager.stop()
        await self.begun.wait()

    def stop(self) -> None:
        """Stop it as SIGTERM does."""
        self._stopped = True
        if self.manager:
            self.manager.stop()


K = TypeVar("K", bound=Keeper)


@asynccontextmanager
async def kept(chronicle: Chronicle, namespace: str, **options: Any) -> AsyncIterator[Keeper]:
    """Keep an operator running while the block lasts; ``options`` are those of ``Options``."""
    async with running(Keeper(chronicle, namespace, **options)) as keeper:
        yield keeper


@asynccontextmanager
async def running(keeper: K) -> AsyncIterator[K]:
    """Run a keeper while the block lasts."""
    task = asyncio.create_task(keeper.run())
    begun = asyncio.create_task(keeper.begun.wait())
    try:
        await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
        yield keeper
    finally:
        keeper.stop()
        begun.cancel()
        async with asyncio.timeout(STOP_SECONDS):
            await task
