"""Ends the sessions of processes that are over, off the reconcile path.

A process that was killed, and in Milvus 2.3 also one that was told to stop, leaves its sessions behind until
their leases run out. Until then nobody takes its place: a standby does not become active, a container that
begins anew cannot register, and data of a query node are not loaded elsewhere.

Only what is certain is acted on: the node has reported the container's end, and the lease was seen while
that container ran at its address, or the pod goes for good and nothing else runs there. What cannot be told,
such as a pod on a node that is lost, is left to its lease.

The other way round, a process that runs on though a session of its is over is put down.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from glede.kube.objects import Key
from glede.milvus.podviews import PodView
from glede.milvus.probe.target import UnhealthyError, UnreachableError
from glede.milvus.sessions.outcasts import Outcast, Outcasts
from glede.milvus.sessions.registry import Registry, Session

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds: how long after a pod became ready its sessions are looked at, and the pause between tries
    to end some; how often that is tried, and of how many Milvuses at a time.

    What is well is looked at each ``patrol``, and each ``alarm`` for ``alarmed`` after a container's end. A
    process may run without a session that it had for ``patience``: it has a little to do before it ends.
    ``settled`` is longer than leases are.
    """

    settle: float = 5.0
    again: float = 1.0
    tries: int = 5
    limit: int = 8
    patrol: float = 60.0
    alarm: float = 3.0
    alarmed: float = 60.0
    patience: float = 5.0
    settled: float = 60.0


@dataclass(frozen=True, slots=True)
class Over:
    """A process that has ended, where it ran, and whether nothing follows it there."""

    process: str
    pod: str
    address: str
    final: bool


PutDown = Callable[[Outcast], Awaitable[None]]


@dataclass(slots=True, eq=False)
class _Milvus:
    """What is known of one: what runs at which address and in which pod, each process's leases, and what is
    to be done. Until ``alarmed`` it is looked at often.
    """

    registry: Registry | None = None
    running: dict[str, str] = field(default_factory=dict)
    pods: dict[str, Outcast] = field(default_factory=dict)
    outcasts: Outcasts | None = None
    alarmed: float = 0.0
    leases: dict[str, set[str]] = field(default_factory=dict)
    over: dict[str, Over] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None
    task: asyncio.Task[None] | None = None
    tries: int = 0


class Ender:
    """Follows the pods of all Milvuses and ends what their dead processes left in etcd.

    ``put_down`` ends a pod whose process has lost a session; it may raise ApiError.
    """

    def __init__(
        self,
        put_down: PutDown,
        *,
        pace: Pace | None = None,
        told: Callable[[Key, Over, int], None] | None = None,
    ) -> None:
        self._put_down = put_down
        self._pace = pace or Pace()
        self._told = told or _logged
        self._milvuses: dict[Key, _Milvus] = {}
        self._room = asyncio.Semaphore(self._pace.limit)

    def keep(self, key: Key, registry: Registry | None) -> None:
        """Say where a Milvus's sessions are; None: nowhere that they can be ended."""
        milvus = self._milvuses.setdefault(key, _Milvus())
        found, milvus.registry = milvus.registry, registry
        moved = (found.place if found else None) != (registry.place if registry else None)
        if moved:
            # Who was registered there says nothing about who is here.
            milvus.leases.clear()
            milvus.outcasts = None
        if registry and moved and milvus.running:
            self._plan(key, milvus, self._pace.settle)

    def forget(self, key: Key) -> None:
        """Drop a Milvus that is gone."""
        milvus = self._milvuses.pop(key, None)
        if milvus and milvus.timer:
            milvus.timer.cancel()
        if milvus and milvus.task:
            milvus.task.cancel()

    def of_pod(self, _event: str, key: Key, old: PodView | None, new: PodView | None) -> None:
        """Take in a change of a pod: a handler of an informer."""
        view = new or old
        if view is None or not view.milvus:
            return
        owner = Key(key.namespace, view.milvus)
        if new is None:
            self._gone(owner, view)
            return
        milvus = self._milvuses.setdefault(owner, _Milvus())
        if new.ended and new.ended in milvus.running.values():
            self._ended(owner, milvus, new)
        if new.process and new.address:
            milvus.pods.pop(milvus.running.get(new.address, ""), None)
            milvus.running[new.address] = new.process
            if not new.deleting:  # what goes already may take its time
                milvus.pods[new.process] = Outcast(new.key, new.uid)
            if new.ready and new.process not in milvus.leases:
                self._plan(owner, milvus, self._pace.settle)

    def _ended(self, owner: Key, milvus: _Milvus, view: PodView) -> None:
        address = next(at for at, process in milvus.running.items() if process == view.ended)
        del milvus.running[address]
        milvus.pods.pop(view.ended, None)
        milvus.over[view.ended] = Over(view.ended, view.key.name, address, view.deleting)
        milvus.tries = 0
        milvus.alarmed = asyncio.get_running_loop().time() + self._pace.alarmed
        self._plan(owner, milvus, 0.0)

    def _gone(self, owner: Key, view: PodView) -> None:
        """Drop a pod that is there no more. Where its end was not reported, it may still run somewhere."""
        milvus = self._milvuses.get(owner)
        if milvus is None:
            return
        if view.process and milvus.running.get(view.address) == view.process:
            del milvus.running[view.address]
            milvus.pods.pop(view.process, None)
            milvus.leases.pop(view.process, None)
        if milvus.registry is None and not milvus.running:
            self.forget(owner)

    async def run(self) -> None:
        """Wait for ever; what is planned is called off when this ends."""
        try:
            await asyncio.Event().wait()
        finally:
            for key in list(self._milvuses):
                self.forget(key)

    def _plan(self, key: Key, milvus: _Milvus, seconds: float) -> None:
        """Look at a Milvus's sessions after some seconds, or earlier where that is planned already."""
        loop = asyncio.get_running_loop()
        when = loop.time() + seconds
        if milvus.timer and milvus.timer.when() <= when:
            return
        if milvus.timer:
            milvus.timer.cancel()
        milvus.timer = loop.call_at(when, self._start, key, milvus)

    def _start(self, key: Key, milvus: _Milvus) -> None:
        milvus.timer = None
        if milvus.task and not milvus.task.done():
            self._plan(key, milvus, self._pace.again)
            return
        milvus.task = asyncio.create_task(self._look(key, milvus))

    async def _look(self, key: Key, milvus: _Milvus) -> None:
        if milvus.registry is None:
            milvus.over.clear()
            return
        before = dict(milvus.running)
        try:
            async with self._room:
                sessions = await milvus.registry.read()
                self._learn(milvus, before, sessions)
                for over in list(milvus.over.values()):
                    await self._end(key, milvus, milvus.registry, over, sessions)
            await self._patrol(key, milvus, before, sessions)
        except (UnhealthyError, UnreachableError) as error:
            self._failed(key, milvus, error)
        except Exception as error:
            # A fault of ours must not end the following; its text might hold what was asked with.
            _LOG.error("%s: sessions were not looked at: %s", key, type(error).__name__)
            milvus.over.clear()
        self._look_again(key, milvus)

    def _learn(self, milvus: _Milvus, before: dict[str, str], sessions: Iterable[Session]) -> None:
        """Note whose each lease is: of what ran at its address before the sessions were read, and after."""
        known = {lease for leases in milvus.leases.values() for lease in leases}
        for session in sessions:
            process = before.get(session.address)
            if process and process == milvus.running.get(session.address) and session.lease not in known:
                milvus.leases.setdefault(process, set()).add(session.lease)
        kept = {*milvus.running.values(), *milvus.over}
        milvus.leases = {process: found for process, found in milvus.leases.items() if process in kept}

    async def _patrol(
        self, key: Key, milvus: _Milvus, before: dict[str, str], sessions: Iterable[Session]
    ) -> None:
        """Put down what has long lacked a session that it had. Raises ApiError."""
        now = asyncio.get_running_loop().time()
        outcasts = milvus.outcasts = milvus.outcasts or Outcasts(self._pace.settled)
        outcasts.look(
            {
                at: process
                for at, process in before.items()
                if milvus.running.get(at) == process and process in milvus.pods
            },
            sessions,
            now,
        )
        for process in outcasts.overdue(self._pace.patience, now):
            if pod := milvus.pods.get(process):
                await self._put_down(pod)
            outcasts.forget(process)

    def _look_again(self, key: Key, milvus: _Milvus) -> None:
        """Plan the next look at what is not known to be amiss."""
        outcast = milvus.outcasts is not None and milvus.outcasts.suspects
        alarmed = outcast or asyncio.get_running_loop().time() < milvus.alarmed
        if milvus.running:
            self._plan(key, milvus, self._pace.alarm if alarmed else self._pace.patrol)

    async def _end(
        self, key: Key, milvus: _Milvus, registry: Registry, over: Over, sessions: Iterable[Session]
    ) -> None:
        wanted = set(milvus.leases.get(over.process, ()))
        others = {lease for name, held in milvus.leases.items() if name != over.process for lease in held}
        if over.final and over.address not in milvus.running:
            wanted |= {session.lease for session in sessions if session.address == over.address} - others
        left = sorted(wanted & {session.lease for session in sessions})
        for lease in left:
            await registry.end(lease)
        milvus.over.pop(over.process, None)
        milvus.leases.pop(over.process, None)
        if left:
            self._told(key, over, len(left))

    def _failed(self, key: Key, milvus: _Milvus, error: Exception) -> None:
        milvus.tries += 1
        if milvus.over and milvus.tries < self._pace.tries:
            self._plan(key, milvus, self._pace.again)
            return
        if milvus.over:
            _LOG.warning("%s: sessions of dead processes are left to their leases: %s", key, error)
        milvus.over.clear()
        milvus.tries = 0


def _logged(key: Key, over: Over, count: int) -> None:
    _LOG.info("%s: ended %d sessions of pod %s, whose container is over", key, count, over.pod)
