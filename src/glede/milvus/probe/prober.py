"""Keeps asking external dependencies beside the reconciling, which takes the last answer and never waits."""

import asyncio
import heapq
import itertools
import logging
import time
from collections import Counter
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
    dropped: bool = False


_Line = list[tuple[float, int, _Entry]]


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
        # By Milvus, then by kind. With a thousand of them no step may look at each.
        self._entries: dict[str, dict[str, _Entry]] = {}
        self._lines: dict[bool, _Line] = {False: [], True: []}  # what waits, by whether it failed
        self._busy: Counter[bool] = Counter()  # what is being asked, by whether it failed
        self._numbers = itertools.count()
        self._wake = asyncio.Event()

    def result(self, target: ProbeTarget) -> ProbeResult | None:
        """Give the last answer for exactly this target; None when there is none yet. Never waits."""
        entry = self._entries.get(target.uid, {}).get(target.kind)
        if entry is None or entry.target != target:
            self._drop(target.uid, target.kind)
            entry = _Entry(target, self._clock())
            self._entries.setdefault(target.uid, {})[target.kind] = entry
            self._wait_for_turn(entry)
            self._wake.set()
        return entry.result

    def keep(self, uid: str, kinds: Collection[str]) -> None:
        """Stop asking for those dependencies of a Milvus that are not of these kinds."""
        for kind in [kind for kind in self._entries.get(uid, ()) if kind not in kinds]:
            self._drop(uid, kind)

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
            entries = [entry for of_one in self._entries.values() for entry in of_one.values()]
            tasks = [entry.task for entry in entries if entry.task]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _start_due(self) -> float | None:
        """Start what is due as far as there is room; gives the seconds until the next is due."""
        now = self._clock()
        while self._busy.total() < self._pace.limit and (entry := self._next_due(now)):
            self._start(entry)
        waiting = [line[0][0] - now for line in self._lines.values() if line]
        return min((wait for wait in waiting if wait > 0), default=None)

    def _next_due(self, now: float) -> _Entry | None:
        """Take the entry that has been due for longest out of its line, of those that may be asked."""
        # What failed takes its whole patience each time: it must leave room for the others.
        full = self._busy[True] >= max(1, self._pace.limit // 2)
        heads: list[_Line] = []
        for failed, line in self._lines.items():
            while line and line[0][2].dropped:
                heapq.heappop(line)
            if line and line[0][0] <= now and not (failed and full):
                heads.append(line)
        return heapq.heappop(min(heads))[2] if heads else None

    def _start(self, entry: _Entry) -> None:
        failed = bool(entry.failures)

        def ended(_task: asyncio.Task[None]) -> None:
            # Also of a task that was cancelled before it began.
            self._busy[failed] -= 1
            self._wake.set()

        self._busy[failed] += 1
        entry.task = asyncio.create_task(self._run(entry))
        entry.task.add_done_callback(ended)

    def _wait_for_turn(self, entry: _Entry) -> None:
        heapq.heappush(self._lines[bool(entry.failures)], (entry.due, next(self._numbers), entry))

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
        self._take(entry, result)

    def _take(self, entry: _Entry, result: ProbeResult) -> None:
        entry.failures = 0 if result.ok else entry.failures + 1
        entry.due = self._clock() + self._pause(entry)
        changed = result != entry.result
        entry.result = result
        if entry.dropped:
            return
        self._wait_for_turn(entry)
        if changed:
            self._on_change(entry.target.owner)

    def _pause(self, entry: _Entry) -> float:
        if not entry.failures:
            return self._pace.healthy
        longer: float = self._pace.unhealthy * 2 ** min(entry.failures - 1, 10)
        return min(longer, self._pace.healthy)

    def _drop(self, uid: str, kind: str) -> None:
        entry = self._entries.get(uid, {}).pop(kind, None)
        if entry:
            entry.dropped = True
            if entry.task:
                entry.task.cancel()
        if not self._entries.get(uid, True):
            del self._entries[uid]

    async def _probe(self, target: ProbeTarget) -> ProbeResult:
        return await probe(target, seconds=self._pace.patience)
