"""Workers that call a reconciler for keys of a queue, and put back what failed."""

import asyncio
import logging
import time
from typing import Protocol

from glede.kube.errors import ApiError, Conflict, TooManyRequests, Unavailable
from glede.kube.logs import bound
from glede.kube.metrics import Metrics
from glede.kube.objects import Key
from glede.kube.queue import QueueClosedError, WorkQueue

# What the API server asks to wait is heard up to this, lest a proxy's whim stops the work for hours.
LONGEST_WAIT = 60.0

log = logging.getLogger(__name__)


class Reconciler(Protocol):
    """Brings one object to its desired state. Called for a key whenever something about it changed."""

    async def reconcile(self, key: Key) -> float | None:
        """Do it; gives the seconds until it wants to be called again, if it does.

        Whatever it raises is logged and the key is tried again, later each time.
        """
        ...


class _DeadlineError(Exception):
    """A pass took too long."""


class Controller:
    """Runs a reconciler with several workers; ``name`` is the kind it reconciles, in logs and metrics.

    A pass that takes longer than ``deadline`` seconds is cancelled and counts as failed.
    """

    def __init__(
        self,
        name: str,
        queue: WorkQueue,
        reconciler: Reconciler,
        *,
        workers: int = 10,
        deadline: float = 60.0,
        metrics: Metrics | None = None,
    ) -> None:
        self.name = name
        self.queue = queue
        self._reconciler = reconciler
        self._workers = workers
        self._deadline = deadline
        self._metrics = metrics or Metrics()
        self._metrics.track_queue(name, lambda: queue.depth, queue.oldest_age)

    async def run(self) -> None:
        """Work until the queue is closed and every pass has ended."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._work(), name=f"{self.name} worker {number}")

    async def _work(self) -> None:
        while True:
            try:
                key = await self.queue.get()
            except QueueClosedError:
                return
            with bound(kind=self.name, namespace=key.namespace, name=key.name):
                await self._pass(key)
            if _cancelled():
                # The reconciler caught what was meant for the worker.
                raise asyncio.CancelledError

    async def _pass(self, key: Key) -> None:
        started = time.monotonic()
        try:
            again = await self._reconcile(key)
        except Exception as error:
            result = self._failed(key, error)
        else:
            result = "success"
            self.queue.forget(key)
            if again is not None:
                self.queue.add_after(key, again)
        finally:
            self.queue.done(key)
        self._metrics.reconciled(self.name, result, time.monotonic() - started)

    async def _reconcile(self, key: Key) -> float | None:
        """Call the reconciler within the deadline. Raises what it raises, and _DeadlineError."""
        deadline = asyncio.timeout(self._deadline)
        try:
            async with deadline:
                return await self._reconciler.reconcile(key)
        except TimeoutError as error:
            if deadline.expired():
                raise _DeadlineError(f"not done within {self._deadline:g} s") from error
            raise
        except asyncio.CancelledError as error:
            # A task that the reconciler waited for was cancelled, not this worker. Passed on, it would end
            # the worker without anybody noticing.
            if _cancelled():
                raise
            raise RuntimeError("what the reconciler waited for was cancelled") from error

    def _failed(self, key: Key, error: Exception) -> str:
        """Put a key back and log why; gives the result for the metrics."""
        wait = (error.retry_after or 0.0) if isinstance(error, ApiError) else 0.0
        delay = self.queue.retry(key, at_least=min(wait, LONGEST_WAIT))
        self._metrics.queue_retries_total.labels(self.name).inc()
        if isinstance(error, Conflict | TooManyRequests | Unavailable):
            log.info("trying again in %.2f s: %s", delay, error)
            return "retry"
        if isinstance(error, _DeadlineError):
            log.warning("trying again in %.2f s: %s", delay, error)
            return "deadline"
        log.error("reconciling failed, trying again in %.2f s", delay, exc_info=error)
        return "error"


def _cancelled() -> bool:
    worker = asyncio.current_task()
    return worker is not None and worker.cancelling() > 0
