"""An operator whose watches are behind, stand still, or lose events."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from tests.kube.matrix.chronicle import Chronicle, Name
from tests.kube.matrix.keeper import Keeper, Series, Spoiled

from glede.kube.http import HttpTransport
from glede.kube.informer import Pace
from glede.kube.manager import Manager
from glede.kube.metrics import Metrics
from glede.kube.objects import Key, Resource
from glede.kube.transport import Selection, Transport, WatchEvent
from glede.milvus.operator import build

EVERY = "every kind"
WATCHED = (
    *("milvuses", "secrets", "configmaps", "persistentvolumeclaims", "services", "deployments"),
    *("statefulsets", "pods", "poddisruptionbudgets", "horizontalpodautoscalers", "ingresses"),
    "networkpolicies",
)
FROZEN = math.inf


@dataclass
class Sight:
    """What the operator sees: of each kind, how many events it is behind, and which events never come.

    ``late`` are the kinds that were behind, ``lost`` is what the events that never came were of, and
    ``deletions`` is what was asked to be deleted, by kind and name.
    """

    behind: dict[str, float] = field(default_factory=dict)
    losses: Series = field(default_factory=Series)
    late: set[str] = field(default_factory=set)
    lost: list[tuple[str, str, str]] = field(default_factory=list)
    lost_at: float = 0.0
    deletions: list[Name] = field(default_factory=list)
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def shows(self, plural: str, waiting: int) -> bool:
        """Tell whether the first of so many events that wait is to be shown."""
        behind = self.behind.get(plural, self.behind.get(EVERY, 0))
        if 0 < waiting <= behind:
            self.late.add(plural)
        return waiting > behind

    def release(self) -> None:
        """Show all that was kept back."""
        self.behind = {}
        self.stir()

    def stir(self) -> None:
        """Have watches look whether there is something to show."""
        self._stirred.set()
        self._stirred = asyncio.Event()

    async def stirred(self) -> None:
        """Wait until something may be shown."""
        await self._stirred.wait()

    def loses(self, plural: str, event: WatchEvent) -> bool:
        """Count an event, and tell whether it never comes."""
        before = len(self.losses.struck)
        self.losses.next()
        if len(self.losses.struck) == before:
            return False
        self.lost_at = time.monotonic()
        self.lost.append((event.type, plural, event.object["metadata"]["name"]))
        return True


class Clouded(Spoiled):
    """Shows watches' events as a sight has it."""

    def __init__(self, inner: Transport, keeper: Keeper, sight: Sight) -> None:
        super().__init__(inner, keeper)
        self._sight = sight

    async def watch(
        self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int
    ) -> AsyncGenerator[WatchEvent]:
        waiting: deque[WatchEvent] = deque()
        plural, sight = resource.plural, self._sight
        stream = super().watch(
            resource, selection, resource_version=resource_version, timeout_seconds=timeout_seconds
        )

        async def take() -> None:
            async with aclosing(stream):
                async for event in stream:
                    if event.type == "BOOKMARK" and waiting:
                        continue  # it would be passed on after what came later
                    waiting.append(event)
                    sight.stir()

        taking = asyncio.create_task(take())
        taking.add_done_callback(lambda _: sight.stir())
        try:
            while True:
                while sight.shows(plural, len(waiting)):
                    event = waiting.popleft()
                    if event.type in {"BOOKMARK", "ERROR"} or not sight.loses(plural, event):
                        yield event
                if taking.done() and not waiting:
                    taking.result()
                    return
                await sight.stirred()
        finally:
            taking.cancel()
            await asyncio.wait({taking})

    async def delete(
        self,
        resource: Resource,
        key: Key,
        *,
        uid: str,
        propagation: str = "Background",
        grace: int | None = None,
    ) -> None:
        self._sight.deletions.append(Name(resource.plural, key.name))
        await super().delete(resource, key, uid=uid, propagation=propagation, grace=grace)


class Squinting(Keeper):
    """Runs an operator that sees no better than ``sight``, and looks anew as often as ``pace`` says."""

    def __init__(self, chronicle: Chronicle, namespace: str, pace: Pace | None = None) -> None:
        super().__init__(chronicle, namespace)
        self.sight = Sight()
        self._pace = pace

    async def _build(self, own: HttpTransport) -> Manager:
        self.transport = Clouded(own, self, self.sight)
        manager = await build(self._options, self.transport, Metrics())
        for informer in manager._informers:
            informer.pace = self._pace or informer.pace
        return manager
