"""Keeps asking external dependencies beside the reconciling, which takes the last answer and never waits."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from glede.milvus.probe.asking import SECONDS, probe
from glede.milvus.probe.target import NOT_READY, ProbeResult, ProbeTarget

_LOG = logging.getLogger(__name__)
Owner = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often is asked, in seconds: what is well each ``healthy``; what is not first after ``unhealthy``,
    then after twice as long each time until ``healthy``.

    At most ``limit`` are asked at a time, and half as many of those that failed when last asked. ``patience``
    is how long an endpoint may take to answer.
    """

    healthy: float = 30.0
    unhealthy: float = 5.0
    limit: int = 16
    patience: float = SECONDS


@dataclass(slots=True, eq=False)
class _Entry:
    target: ProbeTarget
    due: float
    result: ProbeResult | None = None
    failures: int = 0
    task: asyncio.Task[None] | None = None


class Prober:
    """Holds the last answer for each target that was asked about.

    ``on_change`` gets a Milvus's namespace and name when an answer of one of its dependencies is another one.
    An answer belongs to one Milvus and to exactly the target it was asked with, credentials included.
    """

    def __init__(
        self,
        on_change: Callable[[Owner], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        pace: Pace | None = None,
        ask: Callable[[ProbeTarget], Awaitable[ProbeResult]] | None = None,
    ) -> None:
        self._on_change = on_change
        self._clock = clock
        self._pace = pace or Pace()
        self._ask = ask or self._probe
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._wake = asyncio.Event()

    def result(self, target: ProbeTarget) -> ProbeResult | None:
        """Give the last answer for exactly this target; None when there is none yet. Never waits."""
        place = (target.uid, target.kind)
        entry = self._entries.get(place)
        if entry is None or entry.target != target:
            self._drop(place)
            entry = self._entries[place] = _Entry(target, self._clock())
            self._wake.set()
        return entry.result

    def keep(self, uid: str, kinds: Collection[str]) -> None:
        """Stop asking for those dependencies of a Milvus that are not of these kinds."""
        for place in [place for place in self._entries if place[0] == uid and place[1] not in kinds]:
            self._drop(place)

    def forget(self, uid: str) -> None:
        """Stop asking for a Milvus that is gone."""
        self.keep(uid, ())

    async def run(self) -> None:
        """Ask what is due, for ever."""
        try:
            while True:
                # Cleared first: what becomes due meanwhile wakes the wait below.
                self._wake.clear()
                wait = self._start_due()
                try:
                    async with asyncio.timeout(wait):
                        await self._wake.wait()
                except TimeoutError:
                    continue
        finally:
            tasks = [entry.task for entry in self._entries.values() if entry.task]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _start_due(self) -> float | None:
        """Start what is due as far as there is room; gives the seconds until the next is due."""
        now = self._clock()
        idle = sorted((e for e in self._entries.values() if not e.task), key=lambda e: e.due)
        busy = [entry for entry in self._entries.values() if entry.task]
        room = self._pace.limit - len(busy)
        # What failed takes its whole patience each time: it must leave room for the others.
        bad_room = max(1, self._pace.limit // 2) - sum(1 for entry in busy if entry.failures)
        waiting: list[float] = []
        for entry in idle:
            if entry.due > now:
                waiting.append(entry.due - now)
            elif room > 0 and (not entry.failures or bad_room > 0):
                entry.task = asyncio.create_task(self._run(entry))
                room -= 1
                bad_room -= 1 if entry.failures else 0
        return min(waiting, default=None)

    async def _run(self, entry: _Entry) -> None:
        try:
            result = await self._ask(entry.target)
        except Exception as error:
            # A fault of ours must not end the asking; its text might hold what was asked with.
            _LOG.error("asking %s failed: %s", entry.target.type, type(error).__name__)
            words = f"asking failed: {type(error).__name__}"
            result = ProbeResult(ok=False, reason=NOT_READY[entry.target.kind], message=words)
        finally:
            entry.task = None
            self._wake.set()
        self._take(entry, result)

    def _take(self, entry: _Entry, result: ProbeResult) -> None:
        entry.failures = 0 if result.ok else entry.failures + 1
        entry.due = self._clock() + self._pause(entry)
        changed = result != entry.result
        entry.result = result
        place = (entry.target.uid, entry.target.kind)
        if changed and self._entries.get(place) is entry:
            self._on_change(entry.target.owner)

    def _pause(self, entry: _Entry) -> float:
        if not entry.failures:
            return self._pace.healthy
        longer: float = self._pace.unhealthy * 2 ** min(entry.failures - 1, 10)
        return min(longer, self._pace.healthy)

    def _drop(self, place: tuple[str, str]) -> None:
        entry = self._entries.pop(place, None)
        if entry and entry.task:
            entry.task.cancel()

    async def _probe(self, target: ProbeTarget) -> ProbeResult:
        return await probe(target, seconds=self._pace.patience)
