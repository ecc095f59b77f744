"""The work queue between watches and workers, with the guarantees of client-go's."""

import asyncio
import heapq
import itertools
import random as randomness
import time
from collections import deque
from collections.abc import Callable

from glede.kube.objects import Key

FIRST_DELAY = 0.05
LONGEST_DELAY = 60.0
JITTER = 0.1

# Of so many keys taken in a row, one is an ordinary one, so that a stream of edits starves nobody.
URGENT_IN_A_ROW = 4

# Entries of the heap that may be out of date before it is built anew.
OUT_OF_DATE = 64


class QueueClosedError(Exception):
    """The queue gives no more keys."""


class WorkQueue:
    """Keys to work on, each at most once in the queue and with at most one worker.

    A key added while a worker has it is given once more afterwards. Urgent keys (edits) pass ordinary
    ones (start-up lists). All methods but ``oldest_age`` and ``depth`` belong to the event loop's thread.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self._clock = clock
        self._random = random
        # The time since when a key has waited, in order of arrival.
        self._urgent: dict[Key, float] = {}
        self._ordinary: dict[Key, float] = {}
        self._running: dict[Key, bool] = {}
        self._again: dict[Key, tuple[float, bool]] = {}
        self._due: dict[Key, tuple[float, bool]] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._numbers = itertools.count()
        self._failures: dict[Key, int] = {}
        self._in_a_row = 0
        self._served_since: float | None = None
        self._closed = False
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, key: Key, *, urgent: bool = True, early: bool = False) -> None:
        """Ask for a pass over a key.

        Before the first ``get`` keys are a start-up list, so ordinary, but for those that are ``early`` too.
        """
        if self._closed:
            return
        self._enqueue(key, self._clock(), urgent=urgent and (early or self._served_since is not None))

    def add_after(self, key: Key, seconds: float) -> None:
        """Add a key after some seconds, as an ordinary one.

        A key has one such time, the earliest asked for; a pass before it takes its place.
        """
        self._schedule(key, seconds, urgent=False)

    def retry(self, key: Key, *, at_least: float = 0.0) -> float:
        """Add a key that failed after its back-off, with the priority it had; gives the seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        # 2**16 times the first delay is far above the longest one, and a float holds it.
        delay = min(FIRST_DELAY * 2.0 ** min(failures, 16), LONGEST_DELAY)
        delay *= 1 - JITTER + 2 * JITTER * self._random()
        delay = max(delay, at_least)
        self._schedule(key, delay, urgent=self._running.get(key, False))
        return delay

    def forget(self, key: Key) -> None:
        """Begin a key's back-off anew: it went well."""
        self._failures.pop(key, None)

    async def get(self) -> Key:
        """Wait for a key; the caller owes a ``done``. Raises QueueClosedError once the queue is closed."""
        self._loop = asyncio.get_running_loop()
        self._arm()
        while True:
            if self._closed:
                raise QueueClosedError
            if (key := self.take()) is not None:
                return key
            await self._wait()

    def take(self) -> Key | None:
        """Give a key that is ready, if there is one; the caller owes a ``done``."""
        now = self._clock()
        if self._served_since is None:
            self._served_since = now
        self._release(now)
        ordinary = self._ordinary and (not self._urgent or self._in_a_row >= URGENT_IN_A_ROW)
        line = self._ordinary if ordinary else self._urgent
        if not line:
            return None
        self._in_a_row = 0 if ordinary else self._in_a_row + 1
        key = next(iter(line))
        del line[key]
        self._running[key] = not ordinary
        return key

    def done(self, key: Key) -> None:
        """Give a key back; if it was added meanwhile, it is ready again."""
        del self._running[key]
        if (again := self._again.pop(key, None)) is not None:
            since, urgent = again
            self._enqueue(key, since, urgent=urgent)

    def close(self) -> None:
        """Give no more keys and take none; those given out may still be given back."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        while self._waiters:
            self._wake()

    @property
    def depth(self) -> int:
        """How many keys are ready."""
        return len(self._urgent) + len(self._ordinary)

    def oldest_age(self) -> float:
        """Seconds that the oldest key has been ready, counted from the first ``get``: a standby has none."""
        served = self._served_since
        if served is None or self._closed:
            return 0.0
        # Copies, for a health check reads this in a thread of its own.
        since = [*list(self._urgent.values()), *list(self._ordinary.values())]
        since += [again for again, _ in list(self._again.values())]
        return max(0.0, self._clock() - max(served, min(since))) if since else 0.0

    def _enqueue(self, key: Key, since: float, *, urgent: bool) -> None:
        self._due.pop(key, None)
        if key in self._running:
            earlier, was_urgent = self._again.get(key, (since, False))
            self._again[key] = (earlier, urgent or was_urgent)
        elif key in self._urgent:
            pass
        elif urgent:
            self._urgent[key] = self._ordinary.pop(key, since)
            self._wake()
        elif key not in self._ordinary:
            self._ordinary[key] = since
            self._wake()

    def _schedule(self, key: Key, seconds: float, *, urgent: bool) -> None:
        if self._closed or key in self._urgent or key in self._ordinary or key in self._again:
            return
        due = self._clock() + max(0.0, seconds)
        known, was_urgent = self._due.get(key, (due, False))
        self._due[key] = (min(due, known), urgent or was_urgent)
        if len(self._heap) > 2 * len(self._due) + OUT_OF_DATE:
            self._heap = [(at, next(self._numbers), one) for one, (at, _) in self._due.items()]
            heapq.heapify(self._heap)
        else:
            heapq.heappush(self._heap, (due, next(self._numbers), key))
        self._arm()

    def _release(self, now: float) -> None:
        """Make ready what is due. An entry of the heap whose time is not the key's is out of date."""
        while self._heap and self._heap[0][0] <= now:
            due, _, key = heapq.heappop(self._heap)
            if (planned := self._due.get(key)) is not None and planned[0] == due:
                self._enqueue(key, due, urgent=planned[1])

    def _arm(self) -> None:
        """Have the loop make ready what is due next."""
        if self._loop is None or self._closed:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap:
            self._timer = self._loop.call_later(max(0.0, self._heap[0][0] - self._clock()), self._tick)

    def _tick(self) -> None:
        self._release(self._clock())
        self._arm()

    async def _wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                # It was told of a key that it will not take: another must hear of it.
                self._wake()
            raise

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
