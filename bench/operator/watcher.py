"""Sees what happens in the cluster over a connection of its own, and when."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.operator.world import NAMESPACE

from glede.kube.http import HttpTransport
from glede.kube.objects import (
    CONFIG_MAP,
    DEPLOYMENT,
    HPA,
    INGRESS,
    NETWORK_POLICY,
    PDB,
    POD,
    PVC,
    SERVICE,
    STATEFUL_SET,
    Object,
    Resource,
)
from glede.kube.transport import Selection
from glede.milvus.kinds import MILVUS
from glede.milvus.labels import MILVUS_LABEL

OWNED = (CONFIG_MAP, SERVICE, DEPLOYMENT, PDB, HPA, NETWORK_POLICY, INGRESS, PVC, STATEFUL_SET)
LONGEST_SECONDS = 7200
PATIENCE = 120.0


class Moment(NamedTuple):
    """An event of a watch; ``at`` is when it was read, by the process's clock."""

    at: float
    type: str
    kind: str
    object: Object

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.object["metadata"]["name"])

    @property
    def milvus(self) -> str:
        """The Milvus that the object belongs to or is."""
        return milvus_of(self.kind, self.object)


def milvus_of(kind: str, obj: Object) -> str:
    """Give the Milvus that an object belongs to or is."""
    metadata = obj["metadata"]
    return str(metadata["name"] if kind == MILVUS.kind else metadata.get("labels", {}).get(MILVUS_LABEL, ""))


Holds = Callable[[Moment], bool]


@dataclass
class Watcher:
    """What was seen, in order, what is there ``now`` by kind and name, and who waits for what."""

    moments: list[Moment] = field(default_factory=list)
    now: dict[str, dict[str, Object]] = field(default_factory=lambda: defaultdict(dict))
    _waiting: list[tuple[Holds, asyncio.Future[Moment]]] = field(default_factory=list)
    _last: float = 0.0

    def expect(self, holds: Holds) -> asyncio.Future[Moment]:
        """Give what will be the first moment from now on of which ``holds`` is true."""
        future: asyncio.Future[Moment] = asyncio.get_running_loop().create_future()
        self._waiting.append((holds, future))
        return future

    def all(self, kind: str, milvus: str | None = None) -> list[Object]:
        """Give the objects of a kind that are there now, of one Milvus or of all."""
        found = self.now[kind].values()
        return [obj for obj in found if milvus is None or milvus_of(kind, obj) == milvus]

    @property
    def empty(self) -> bool:
        """Tell whether nothing is there."""
        return not any(self.now.values())

    def one(self, kind: str, milvus: str) -> Object:
        """Give the only object of a kind that a Milvus has."""
        (found,) = self.all(kind, milvus)
        return found

    async def until(self, what: str, holds: Callable[[], bool], seconds: float = PATIENCE) -> float:
        """Wait until something holds of what is there; gives the time. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError(f"{what}: not so within {seconds:g} s")
            await asyncio.sleep(0.03)
        return time.perf_counter()

    async def quiet(self, seconds: float, patience: float = PATIENCE) -> None:
        """Wait until nothing has happened for some seconds."""
        begin = time.perf_counter()
        await self.until(
            "quiet", lambda: time.perf_counter() - max(self._last, begin) > seconds, patience + seconds
        )

    def take(self, type_: str, kind: str, obj: Object) -> None:
        """Take in an event."""
        moment = Moment(time.perf_counter(), type_, kind, obj)
        self._last = moment.at
        self.moments.append(moment)
        if type_ == "DELETED":
            self.now[kind].pop(moment.name, None)
        else:
            self.now[kind][moment.name] = obj
        for waiting in list(self._waiting):
            holds, future = waiting
            if future.done() or holds(moment):
                self._waiting.remove(waiting)
                if not future.done():
                    future.set_result(moment)


@asynccontextmanager
async def watching(transport: HttpTransport) -> AsyncIterator[Watcher]:
    """Watch the namespace's Milvuses, pods and what the operator makes, while the block lasts."""
    watcher = Watcher()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_follow(transport, kind, watcher)) for kind in (MILVUS, POD, *OWNED)]
        yield watcher
        for task in tasks:
            task.cancel()


async def _follow(transport: HttpTransport, resource: Resource, watcher: Watcher) -> None:
    labels = None if resource is MILVUS else MILVUS_LABEL
    selection = Selection(NAMESPACE, labels)
    version = (await transport.list(resource, selection)).resource_version
    while True:
        # The API server ends a watch that is slower than a thousand deletions; nothing is missed between two.
        stream = transport.watch(
            resource, selection, resource_version=version, timeout_seconds=LONGEST_SECONDS
        )
        async for event in stream:
            version = event.object["metadata"]["resourceVersion"]
            if event.type != "BOOKMARK":
                event.object["metadata"].pop("managedFields", None)
                watcher.take(event.type, resource.kind, event.object)
