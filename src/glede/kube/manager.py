"""The process: informers and health on every replica, controllers on the one that leads."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from glede.kube.controller import Controller
from glede.kube.events import Recorder
from glede.kube.fence import Fenced
from glede.kube.health import Health, HealthServer, serve
from glede.kube.informer import Informer
from glede.kube.leader import LeaderElection, Timings
from glede.kube.metrics import Metrics
from glede.kube.objects import Key
from glede.kube.transport import Transport

# Bookmarks come about once a minute, and a watch that hears nothing is given up after 75 s.
WATCH_SECONDS = 180.0
QUEUE_SECONDS = 300.0
DRAIN_SECONDS = 2.0

# After the first sync nearly everything lives for long, and looking at it often costs more than it frees.
GC_THRESHOLDS = (50_000, 25, 50)

log = logging.getLogger(__name__)


class TaskEndedError(Exception):
    """A task that runs as long as the process has ended."""


def _identity() -> str:
    # A pod's host name is its name; the rest tells a restarted container from the one before.
    return f"{socket.gethostname()}_{uuid4().hex[:8]}"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a manager runs: the Lease it is elected by, where health is served (port 0: a free one), and the
    seconds that running passes have to end when the process is stopped.
    """

    lease: Key
    component: str
    identity: str = field(default_factory=_identity)
    host: str = "127.0.0.1"
    port: int = 0
    grace: float = 20.0
    timings: Timings = field(default_factory=Timings)


class Manager:
    """Runs informers, controllers and other tasks until it is stopped or one of them ends.

    Add everything before ``run``. The transport stays the caller's to close.
    """

    def __init__(self, transport: Transport, settings: Settings, metrics: Metrics | None = None) -> None:
        self.metrics = metrics or Metrics()
        self.metrics.leader.set_function(lambda: float(self._leading))
        self.health = Health()
        self.recorder = Recorder(transport, settings.component, settings.identity, metrics=self.metrics)
        self.server: HealthServer | None = None
        self._settings = settings
        self._election = LeaderElection(
            transport, settings.lease, settings.identity, timings=settings.timings
        )
        self._informers: list[Informer[Any]] = []
        self._controllers: list[Controller] = []
        self._tasks: list[tuple[str, Callable[[], Awaitable[None]]]] = [("events", self.recorder.run)]
        self._stopping = asyncio.Event()
        self._leading = False

    def add_informer(self, informer: Informer[Any]) -> None:
        """Run an informer on every replica; controllers start when all are synced."""
        plural = informer.resource.plural
        before = sum(other.resource.plural == plural for other in self._informers)
        # Two selections of one kind are two watches, and either may fall silent.
        label = f"{plural}-{before + 1}" if before else plural
        name = f"watch of {label}"
        self._informers.append(informer)
        self.add_task(name, informer.run)
        self.metrics.track_watch(label, informer.age)
        self.health.register(name, lambda: _too_old("nothing was heard", informer.age(), WATCH_SECONDS))
        self.health.register_ready(name, lambda: None if informer.synced.is_set() else "not listed yet")

    def add_controller(self, controller: Controller) -> None:
        """Run a controller while this replica leads."""
        self._controllers.append(controller)
        self.health.register(
            f"queue of {controller.name}",
            lambda: _too_old("a key has waited", controller.queue.oldest_age(), QUEUE_SECONDS),
        )

    def add_task(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run something on every replica, as long as the process; that it ends is an error."""
        self._tasks.append((name, run))

    def fenced(self, transport: Transport) -> Transport:
        """Give the transport by which controllers write: it refuses where this replica no longer leads."""
        return Fenced(transport, lambda: self._election.holds)

    def stop(self) -> None:
        """Have ``run`` end as SIGTERM does."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until SIGTERM, SIGINT or ``stop``.

        Raises ExceptionGroup when a task ends or fails, with LostLease among them when the lease was lost;
        OSError when the port is taken. The process must then end.
        """
        settings = self._settings
        self.server = serve(settings.host, settings.port, self.metrics.registry, self.health)
        try:
            with _signals(self.stop):
                await self._run_tasks()
        finally:
            self.server.close()

    async def _run_tasks(self) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._for_ever(name, run), name=name)
                for name, run in [*self._tasks, ("leader election", self._stand)]
            ]
            await self._stopping.wait()
            log.info("stopping")
            election = tasks.pop()
            await self._hand_over(election)
            for task in tasks:
                task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self.recorder.drain()

    async def _for_ever(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a task whose end is an error until the process is stopped."""
        try:
            await run()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Its own doing: nobody asked for it, so nobody would notice.
            log.critical("%s was cancelled from within", name)
            raise TaskEndedError(f"{name}: was cancelled from within") from None
        except Exception:
            log.critical("%s failed", name, exc_info=True)
            raise
        if not self._stopping.is_set():
            log.critical("%s ended", name)
            raise TaskEndedError(f"{name}: ended, though the process was not stopped")

    async def _stand(self) -> None:
        """Wait for all informers, then for the lease, then work."""
        for informer in self._informers:
            await informer.synced.wait()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        log.info("synced; standing by")
        await self._election.run(self._lead)

    async def _lead(self) -> None:
        self._leading = True
        try:
            async with asyncio.TaskGroup() as group:
                for controller in self._controllers:
                    group.create_task(self._for_ever(f"controller of {controller.name}", controller.run))
                await self._stopping.wait()
        finally:
            self._leading = False

    async def _hand_over(self, election: asyncio.Task[None]) -> None:
        """Let running passes end within the grace, then have the lease released."""
        for controller in self._controllers:
            controller.queue.close()
        if self._leading:
            await asyncio.wait({election}, timeout=self._settings.grace)
        election.cancel()
        await asyncio.wait({election})


def _too_old(what: str, age: float, limit: float) -> str | None:
    return f"{what} for {age:.0f} s, the limit is {limit:.0f} s" if age >= limit else None


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
