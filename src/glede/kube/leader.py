"""Leader election by a Lease, by the rules of client-go: of several replicas one works, the others stand by.

Times of others are never compared with a clock of our own: a lease is expired when it has not changed
for its duration, as seen from here. So clocks need not agree, only go at about the same speed.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from glede.kube.errors import ApiError, Conflict, NotFound
from glede.kube.objects import LEASE, Key, Object
from glede.kube.transport import Transport

log = logging.getLogger(__name__)

OnLead = Callable[[], Coroutine[Any, Any, None]]


class LostLease(Exception):  # noqa: N818 - the field's word
    """The lease could not be renewed in time: another replica may lead, so this process has to end."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds: ``lease`` that others wait after a change of the lease, ``renew`` after which a leader that
    could not renew steps down, ``retry`` between attempts. What lies between the first two is left to the
    leader to stop its work, and to its last requests to arrive.
    """

    lease: float = 15.0
    renew: float = 10.0
    retry: float = 2.0

    def __post_init__(self) -> None:
        if not self.lease > self.renew > self.retry > 0:
            raise ValueError(f"{self}: expected lease > renew > retry > 0")


class LeaderElection:
    """One replica's part in an election. ``identity`` must be this process's alone."""

    def __init__(
        self,
        transport: Transport,
        key: Key,
        identity: str,
        *,
        timings: Timings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._key = key
        self._identity = identity
        self._timings = timings or Timings()
        self._clock = clock
        # The lease as it is known to be now, to renew it without reading it first.
        self._lease: Object | None = None
        self._seen: Object = {}
        self._seen_at = 0.0
        self._renewed_at = -math.inf

    @property
    def holds(self) -> bool:
        """Whether the lease is this replica's and was renewed in time, by the clock of now."""
        return self._left() > 0 and self._seen.get("holderIdentity") == self._identity

    async def run(self, on_lead: OnLead) -> None:
        """Wait for the lease, then run ``on_lead`` while renewing it; release it when that has ended.

        Raises LostLease after having cancelled ``on_lead``, and what ``on_lead`` raises. When cancelled,
        cancels ``on_lead`` and releases.
        """
        await self._acquire()
        log.info("leading as %s", self._identity)
        body = asyncio.create_task(on_lead(), name="leading")
        keeping = asyncio.create_task(self._keep(), name="renewing the lease")
        try:
            await asyncio.wait({body, keeping}, return_when=asyncio.FIRST_COMPLETED)
            lost = keeping.exception() if keeping.done() else None
        finally:
            await self._step_down(body, keeping)
        if lost is not None:
            raise lost
        await body

    async def _acquire(self) -> None:
        while True:
            if await self._attempt(self._timings.renew / 2):
                return
            await asyncio.sleep(self._timings.retry)

    async def _keep(self) -> None:
        """Renew for ever. Raises LostLease."""
        while (left := self._left()) > 0:
            await asyncio.sleep(min(self._timings.retry, left))
            held = await self._attempt(min(self._timings.renew / 2, self._left()))
            holder = self._seen.get("holderIdentity")
            if not held and holder != self._identity:
                raise LostLease(f"lease {self._key}: {holder} holds it now; this process has to end")
        raise LostLease(
            f"lease {self._key}: not renewed for {self._timings.renew:g} s; this process has to end. "
            "Look at the connection to the API server and at its load."
        )

    def _left(self) -> float:
        return self._renewed_at + self._timings.renew - self._clock()

    async def _attempt(self, seconds: float) -> bool:
        """Take or renew the lease if it can be done now; tells whether it was."""
        try:
            async with asyncio.timeout(seconds):
                return await self._take()
        except (ApiError, TimeoutError) as error:
            log.warning("lease %s: neither taken nor renewed: %s", self._key, _why(error))
            return False

    async def _take(self) -> bool:
        # The lease counts from before the request: it may have been written at any time since.
        started = self._clock()
        lease = self._lease or await self._read()
        # Until there is an answer, nobody here knows what the lease is.
        self._lease = None
        if lease is None:
            lease = await self._transport.create(LEASE, self._written({}))
        elif self._may_take(lease):
            lease = await self._transport.replace(LEASE, self._key, self._written(lease))
        else:
            return False
        self._observe(lease)
        self._lease = lease
        self._renewed_at = started
        return True

    async def _read(self) -> Object | None:
        try:
            lease = await self._transport.get(LEASE, self._key)
        except NotFound:
            return None
        self._observe(lease)
        return lease

    def _observe(self, lease: Object) -> None:
        spec = lease.get("spec") or {}
        if spec != self._seen:
            self._seen = spec
            self._seen_at = self._clock()

    def _may_take(self, lease: Object) -> bool:
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity")
        duration = spec.get("leaseDurationSeconds") or self._timings.lease
        return not holder or holder == self._identity or self._clock() >= self._seen_at + duration

    def _written(self, lease: Object) -> Object:
        """Give the lease as held by this replica."""
        old = lease.get("spec") or {}
        now = _now()
        renewed = old.get("holderIdentity") == self._identity
        transitions = old.get("leaseTransitions") or 0
        return self._with_spec(
            lease,
            holderIdentity=self._identity,
            leaseDurationSeconds=math.ceil(self._timings.lease),
            acquireTime=old.get("acquireTime", now) if renewed else now,
            renewTime=now,
            leaseTransitions=transitions if renewed or not old else transitions + 1,
        )

    def _with_spec(self, lease: Object, **spec: Any) -> Object:
        metadata = lease.get("metadata") or {"namespace": self._key.namespace, "name": self._key.name}
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {name: value for name, value in metadata.items() if name != "managedFields"},
            "spec": spec,
        }

    async def _step_down(self, body: asyncio.Task[None], keeping: asyncio.Task[None]) -> None:
        """End the body, keeping the lease meanwhile; release it only if the body has ended."""
        body.cancel()
        await asyncio.wait({body, keeping}, return_when=asyncio.FIRST_COMPLETED)
        if not body.done():
            # The lease is lost: others may take it when this time is over.
            await asyncio.wait({body}, timeout=self._timings.lease - self._timings.renew)
        keeping.cancel()
        await asyncio.wait({keeping})
        if body.done():
            await self._release()
        else:
            log.critical("lease %s: lost, but what ran under it did not stop", self._key)

    async def _release(self) -> None:
        """Let the next replica lead at once. Without it, it would wait for the lease to expire."""
        self._renewed_at = -math.inf
        try:
            async with asyncio.timeout(self._timings.renew / 2):
                while not await self._give_up():
                    # A renewal that was broken off arrived after all.
                    self._lease = None
        except (ApiError, TimeoutError) as error:
            log.warning("lease %s: not released: %s", self._key, _why(error))

    async def _give_up(self) -> bool:
        """Write that nobody holds the lease; tells whether that, or another holder, is known."""
        lease = self._lease or await self._read()
        spec = (lease or {}).get("spec") or {}
        if lease is None or spec.get("holderIdentity") != self._identity:
            return True
        now, transitions = _now(), spec.get("leaseTransitions") or 0
        free = self._with_spec(
            lease, leaseDurationSeconds=1, renewTime=now, acquireTime=now, leaseTransitions=transitions
        )
        try:
            await self._transport.replace(LEASE, self._key, free)
        except Conflict:
            return False
        log.info("released the lease %s", self._key)
        return True


def _why(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(error)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
