"""Watches pods beside the reconciling, which takes what is known and never waits."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from glede.canary.counts import Counts, Tally
from glede.canary.scrape import Unreadable
from glede.canary.verdict import Limits, judge

_LOG = logging.getLogger(__name__)
Owner = tuple[str, str]
Read = Callable[[str], Awaitable[Counts]]
# So many pods of each side are read: of a hundred alike, eight tell enough.
MOST_PODS = 8


@dataclass(frozen=True, slots=True)
class Pace:
    """A watch has ``rounds`` looks, from ``shortest`` to ``longest`` seconds after one another.

    ``limit`` pods are read at a time, of all that are watched.
    """

    rounds: int = 10
    shortest: float = 1.0
    longest: float = 10.0
    limit: int = 8


@dataclass(frozen=True, slots=True)
class Target:
    """A pod: its name, where its metrics are, and what tells its process from the one before."""

    name: str
    url: str
    process: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What is watched for so many seconds.

    ``owner`` (namespace and name) is told of news. Another ``attempt``, other pods of the canary or other
    limits begin a watch anew; ``others`` may come and go.
    """

    owner: Owner
    attempt: str
    canary: tuple[Target, ...]
    others: tuple[Target, ...]
    limits: Limits
    seconds: float


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known: nothing yet (watching), the verdict (good, bad), or that it cannot be told (unread).

    ``words`` are the figures, what is against the canary, or why its metrics cannot be read.
    """

    state: Literal["watching", "good", "bad", "unread"] = "watching"
    words: str = ""


@dataclass(slots=True, eq=False)
class _Watch:
    """A watch. ``seen`` are the seconds between looks at which every pod of the canary was read."""

    subject: Subject
    known: Watched = field(default_factory=Watched)
    canary: Tally = field(default_factory=Tally)
    others: Tally = field(default_factory=Tally)
    seen: float = 0.0
    blind_since: float | None = None
    last: float | None = None
    task: asyncio.Task[None] | None = None


class Watcher:
    """Has at most one watch for each key.

    ``read`` gives the counts at a URL, or raises Unreadable; it must come to an end by itself.
    """

    def __init__(
        self,
        read: Read,
        on_change: Callable[[Owner], None],
        *,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._on_change, self._clock = read, on_change, clock
        self._pace = pace or Pace()
        self._watches: dict[str, _Watch] = {}
        self._room = asyncio.Semaphore(self._pace.limit)

    def watched(self, key: str, subject: Subject) -> Watched:
        """Give what is known of a subject, and begin to watch it where that is not on. Never waits."""
        watch = self._watches.get(key)
        if watch is None or _identity(watch.subject) != _identity(subject):
            self.forget(key)
            watch = self._watches[key] = _Watch(subject)
            watch.task = asyncio.get_running_loop().create_task(self._run(watch))
        watch.subject = subject
        return watch.known

    def known(self, key: str) -> Watched | None:
        """Give what is known of a watch, without beginning one; None where there is none."""
        watch = self._watches.get(key)
        return watch.known if watch else None

    def forget(self, key: str) -> None:
        """End a watch: nothing depends on it."""
        watch = self._watches.pop(key, None)
        if watch and watch.task:
            watch.task.cancel()

    async def run(self) -> None:
        """Wait for ever; every watch ends when this does."""
        try:
            await asyncio.Event().wait()
        finally:
            tasks = [watch.task for watch in self._watches.values() if watch.task]
            for key in list(self._watches):
                self.forget(key)
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, watch: _Watch) -> None:
        try:
            while watch.known.state in {"watching", "unread"}:
                await self._look(watch)
                await asyncio.sleep(self._pause(watch))
        except Exception as error:
            # A fault of ours must hold the change, and not end the process.
            _LOG.exception("%s/%s: watching a canary failed", *watch.subject.owner)
            self._know(watch, Watched("unread", f"watching failed: {type(error).__name__}"))

    def _pause(self, watch: _Watch) -> float:
        if watch.known.state in {"good", "bad"}:
            return 0.0
        share = watch.subject.seconds / self._pace.rounds
        return min(self._pace.longest, max(self._pace.shortest, share))

    async def _look(self, watch: _Watch) -> None:
        subject = watch.subject
        canary, missing = await self._read_all(subject.canary)
        others, _ = await self._read_all(subject.others)
        now = self._clock()
        if missing or not canary:
            watch.last = None
            watch.blind_since = now if watch.blind_since is None else watch.blind_since
            if now - watch.blind_since >= subject.seconds:
                self._know(watch, Watched("unread", missing or "there is no pod to read"))
            return
        watch.canary.take(canary)
        watch.others.take(others)
        watch.seen += 0.0 if watch.last is None else now - watch.last
        watch.last, watch.blind_since = now, None
        done = watch.seen >= subject.seconds
        verdict = judge(watch.canary.total, watch.others.total, subject.limits, done=done)
        if verdict.bad:
            self._know(watch, Watched("bad", verdict.bad))
        else:
            self._know(watch, Watched("good", verdict.figures) if done else Watched())

    async def _read_all(self, targets: tuple[Target, ...]) -> tuple[Mapping[str, Counts], str]:
        """Read pods; gives their counts by process, and why one could not be read, "" for none."""
        chosen = targets[:MOST_PODS]
        answers = await asyncio.gather(*(self._read_one(target) for target in chosen))
        found = {
            target.process: answer
            for target, answer in zip(chosen, answers, strict=True)
            if isinstance(answer, Counts)
        }
        wrong = [
            f"{target.name}: {answer}"
            for target, answer in zip(chosen, answers, strict=True)
            if not isinstance(answer, Counts)
        ]
        return found, "; ".join(wrong[:1])

    async def _read_one(self, target: Target) -> Counts | Unreadable:
        try:
            async with self._room:
                return await self._read(target.url)
        except Unreadable as error:
            return error

    def _know(self, watch: _Watch, known: Watched) -> None:
        changed = known != watch.known
        watch.known = known
        if changed:
            _LOG.info("%s/%s: canary: %s %s", *watch.subject.owner, known.state, known.words)
            self._on_change(watch.subject.owner)


def _identity(subject: Subject) -> object:
    return subject.owner, subject.attempt, subject.canary, subject.limits, subject.seconds
