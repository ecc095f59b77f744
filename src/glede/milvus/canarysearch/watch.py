"""Searches every Milvus that wants it, beside the reconciling, which takes what is known and never waits."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from glede.milvus.canarysearch.asking import Asker
from glede.milvus.canarysearch.collection import Finding
from glede.milvus.canarysearch.counts import Counts
from glede.milvus.canarysearch.record import Record, answered, is_on_trial, is_open, moved, remembered
from glede.milvus.canarysearch.target import CanaryTarget
from glede.milvus.moments import this_moment, written

_LOG = logging.getLogger(__name__)
Owner = tuple[str, str]


class Asks(Protocol):
    """Asks one Milvus; an Asker."""

    target: CanaryTarget

    async def search(self) -> Finding:
        """Search once."""

    async def make(self) -> str:
        """Make the collection and fill it; gives what was wrong."""

    async def fill(self) -> str:
        """Insert the rows; gives what was wrong."""

    async def drop(self) -> str:
        """Drop the collection; gives what was wrong."""


@dataclass(frozen=True, slots=True)
class CanaryPace:
    """How often is searched, in seconds: ``quick`` while a rollout is on its way, else ``slow``.

    At most ``limit`` are asked at a time, and half as many of those that were not ok when last asked: what
    does not answer takes its whole time-out. A collection that was just made may be unready for ``making``.
    """

    quick: float = 1.0
    slow: float = 15.0
    limit: int = 32
    making: float = 60.0


@dataclass(slots=True, eq=False)
class _Entry:
    asks: Asks
    record: Record
    at: str = ""
    quick: bool = False
    trial: bool = False
    # Until when a collection that was made here may be unready, and whether it ever answered.
    making: float = 0.0
    answered: bool = False
    filled: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a Milvus is at: the component that is being replaced, and whether a rollout is on its way at all.

    ``generation`` is that of its manifest, ``proven`` whether it was well by that once.
    """

    at: str
    rolling: bool
    generation: int
    proven: bool


class CanaryWatch:
    """Holds what is known of each Milvus that is searched.

    ``on_change`` gets a Milvus's namespace and name when what is known of it may change what it does next.
    """

    def __init__(
        self,
        on_change: Callable[[Owner], None],
        counts: Counts,
        *,
        clock: Callable[[], float] = time.monotonic,
        pace: CanaryPace | None = None,
        asker: Callable[[CanaryTarget], Asks] = Asker,
    ) -> None:
        self._on_change = on_change
        self._counts = counts
        self._clock = clock
        self._pace = pace or CanaryPace()
        self._asker = asker
        self._entries: dict[str, _Entry] = {}
        self._leaving: dict[str, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(self._pace.limit)
        self._room_of_bad = asyncio.Semaphore(max(1, self._pace.limit // 2))

    def record(self, target: CanaryTarget, turn: Turn, told: Mapping[str, Any]) -> Record:
        """Give what is known now, and search on; ``told`` is what the status has of an earlier time."""
        entry = self._entries.get(target.uid)
        if entry is None:
            self._leaving.pop(target.uid, None)
            entry = self._entries[target.uid] = _Entry(self._asker(target), remembered(told))
            self._counts.begin(target.owner)
            entry.task = asyncio.create_task(self._follow(entry))
        elif entry.asks.target != target:
            entry.asks = self._asker(target)
        entry.record, entry.at = moved(entry.record, turn.at, turn.generation), turn.at
        if turn.rolling and not entry.quick:
            entry.wake.set()
        entry.quick = turn.rolling
        entry.trial = is_on_trial(entry.record, turn.generation, proven=turn.proven)
        return entry.record

    def moment(self) -> float:
        """Give this moment on the clock of the records."""
        return self._clock()

    def leave(self, target: CanaryTarget) -> bool:
        """Search no more, and drop the collection, once; tells whether that is over, well or not."""
        entry = self._entries.get(target.uid)
        self._end(target.uid)
        known = self._leaving.get(target.uid)
        if known is None:
            # As the user of before, where that is known: this manifest may name none.
            asks = entry.asks if entry else self._asker(target)
            self._leaving[target.uid] = asyncio.create_task(self._drop(asks))
        # Kept when it is done: a pass asks twice, and knows of the status that it wrote only later.
        return known is not None and known.done()

    def forget(self, uid: str) -> None:
        """Search a Milvus no more that is gone, or stopped."""
        self._end(uid)
        if task := self._leaving.pop(uid, None):
            task.cancel()

    def _end(self, uid: str) -> None:
        entry = self._entries.pop(uid, None)
        if entry:
            self._counts.forget(entry.asks.target.owner)
            if entry.task:
                entry.task.cancel()

    async def run(self) -> None:
        """Wait for ever, and end all searches then."""
        try:
            await asyncio.Event().wait()
        finally:
            tasks = [entry.task for entry in self._entries.values() if entry.task]
            tasks += self._leaving.values()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, entry: _Entry) -> None:
        while True:
            begin = self._clock()
            entry.wake.clear()
            room = self._room_of_bad if entry.record.fault else self._room
            async with room:
                finding = await self._ask(entry)
            self._take(entry, finding)
            pause = self._pause(entry, finding) - (self._clock() - begin)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, pause)):
                    await entry.wake.wait()

    def _pause(self, entry: _Entry, finding: Finding) -> float:
        settling = entry.record.row > 0 and not entry.record.well
        if entry.quick or settling or finding.result == "making":
            return self._pace.quick
        # Those that began at one moment, as all do with the operator, drift apart.
        return self._pace.slow * random.uniform(0.9, 1.0)  # noqa: S311 - no secret

    async def _ask(self, entry: _Entry) -> Finding:
        try:
            return await self._step(entry)
        except Exception as error:
            # A fault of ours must not end the searching; its text might hold what was asked with.
            _LOG.error("a canary search failed: %s", type(error).__name__)
            return Finding("error", f"searching failed: {type(error).__name__}")

    async def _step(self, entry: _Entry) -> Finding:
        """Search; where there is no collection, make it.

        Nothing is made while a change is on trial: it may be what lost the collection, or its rows.
        """
        finding = await entry.asks.search()
        if finding.missing and not entry.trial:
            wrong = await entry.asks.make()
            if wrong:
                return Finding("error", wrong)
            entry.making, entry.filled = self._clock() + self._pace.making, True
            return finding if entry.answered else Finding("making")
        if finding.result == "ok":
            entry.answered = True
            return finding
        making = not entry.answered and self._clock() < entry.making
        if finding.result == "empty" and not (entry.answered or entry.filled or entry.at or entry.trial):
            # Made by an operator that ended before it was filled, or its rows are gone.
            entry.filled = True
            wrong = await entry.asks.fill()
            return Finding("error", wrong) if wrong else finding
        return Finding("making") if making else finding

    def _take(self, entry: _Entry, finding: Finding) -> None:
        target, before, moment = entry.asks.target, entry.record, self._clock()
        if self._entries.get(target.uid) is not entry:
            return
        self._counts.add(target.owner, finding.result)
        now = written(this_moment())
        entry.record = answered(before, finding, entry.at, now=now, moment=moment)
        news = (entry.record.finding, entry.record.well, is_open(entry.record, moment))
        if news != (before.finding, before.well, is_open(before, moment)):
            self._on_change(target.owner)

    async def _drop(self, asks: Asks) -> None:
        wrong = await asks.drop()
        if wrong:
            _LOG.warning("%s: %s; drop it by hand", "/".join(asks.target.owner), wrong)
        # Only once this task is done is there news.
        asyncio.get_running_loop().call_soon(self._on_change, asks.target.owner)
