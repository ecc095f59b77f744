"""Events about objects, for ``kubectl describe``. They are best effort: work never waits for one."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from uuid import uuid4

from glede.kube.errors import ApiError, Conflict, NotFound
from glede.kube.metrics import Metrics
from glede.kube.objects import EVENT, Key, Object
from glede.kube.queue import WorkQueue
from glede.kube.transport import Transport

SAME_SECONDS = 600.0
PATCH_SECONDS = 30.0
MOST_SERIES = 4096
MOST_WAITING = 1000
MOST_ATTEMPTS = 5
MESSAGE_BYTES = 1024
# A name has 253 characters at most; a dot and 16 hex digits tell events of one object apart.
NAME_CHARACTERS = 230

EventType = Literal["Normal", "Warning"]

log = logging.getLogger(__name__)


class _Matter(NamedTuple):
    """What makes two events the same."""

    uid: str
    reason: str
    message: str


@dataclass(slots=True)
class _Series:
    """An event that happened ``count`` times, and how much of that is written."""

    key: Key
    body: Object
    matter: _Matter
    first: datetime
    last: datetime
    last_at: float
    count: int = 1
    created: bool = False
    written: int = 0
    written_at: float = 0.0
    attempts: int = 0


class Recorder:
    """Records Events of ``component``, written by ``run``.

    The same reason and message about the same object within ten minutes only raises the count, which is
    written every 30 s at most.
    """

    def __init__(
        self,
        transport: Transport,
        component: str,
        instance: str,
        *,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._component = component
        self._instance = instance
        self._total = (metrics or Metrics()).events_total
        self._clock = clock
        self._queue = WorkQueue(clock=clock)
        self._by_key: dict[Key, _Series] = {}
        self._by_matter: dict[_Matter, Key] = {}

    def event(
        self,
        regarding: Object,
        type: EventType,  # noqa: A002 - the field's name
        reason: str,
        message: str,
        action: str = "Reconcile",
    ) -> None:
        """Record an event, from the event loop's thread; never waits, never fails for want of room.

        ``regarding`` has apiVersion, kind, namespace (none for a cluster's object), name and uid; a message
        is cut to 1024 bytes.
        """
        matter = _Matter(regarding.get("uid") or "", reason, _cut(message))
        now = self._clock()
        known = self._by_key.get(self._by_matter.get(matter, Key("", "")))
        if known is not None and now - known.last_at < SAME_SECONDS:
            known.count += 1
            known.last, known.last_at = datetime.now(UTC), now
            self._total.labels(type, "counted").inc()
            if known.created:
                self._queue.add_after(known.key, known.written_at + PATCH_SECONDS - now)
        elif self._queue.depth >= MOST_WAITING:
            self._total.labels(type, "dropped").inc()
        else:
            self._total.labels(type, "new").inc()
            self._begin(self._series(regarding, type, matter, action))

    async def run(self) -> None:
        """Write what is recorded, for ever."""
        while True:
            await self._pass(await self._queue.get())

    async def drain(self) -> None:
        """Try once to write what waits now, after ``run`` was cancelled."""
        while (key := self._queue.take()) is not None:
            await self._pass(key)

    async def _pass(self, key: Key) -> None:
        try:
            if (series := self._by_key.get(key)) is not None and series.written < series.count:
                await self._write(series)
        finally:
            self._queue.done(key)

    def _begin(self, series: _Series) -> None:
        while len(self._by_key) >= MOST_SERIES:
            self._forget(next(iter(self._by_key.values())))
        self._by_key[series.key] = series
        self._by_matter[series.matter] = series.key
        self._queue.add(series.key, urgent=False)

    def _series(self, regarding: Object, type_: EventType, matter: _Matter, action: str) -> _Series:
        namespace = regarding.get("namespace") or "default"
        key = Key(namespace, f"{regarding['name'][:NAME_CHARACTERS]}.{uuid4().hex[:16]}")
        body = {
            "apiVersion": EVENT.api_version,
            "kind": EVENT.kind,
            "metadata": key._asdict(),
            "involvedObject": {name: value for name, value in regarding.items() if value},
            "type": type_,
            "reason": matter.reason,
            "message": matter.message,
            "action": action,
            "source": {"component": self._component, "host": self._instance},
            "reportingComponent": self._component,
            "reportingInstance": self._instance,
        }
        now = datetime.now(UTC)
        return _Series(key, body, matter, first=now, last=now, last_at=self._clock())

    async def _write(self, series: _Series) -> None:
        type_, count = series.body["type"], series.count
        changing = {"count": count, "lastTimestamp": _time(series.last)}
        try:
            if series.created:
                await self._transport.patch(EVENT, series.key, changing)
            else:
                body = {**series.body, **changing, "firstTimestamp": _time(series.first)}
                await self._transport.create(EVENT, body)
        except NotFound:
            # Events live for an hour; or its namespace is gone, and then creating fails for good.
            self._failed(series, retry=series.created)
            series.created = False
        except Conflict:
            # The name is this series' own: an earlier attempt was carried out though no answer came.
            series.created = True
            self._failed(series, retry=True)
        except ApiError as error:
            log.warning("event %s about %s: not written: %s", series.matter.reason, series.key, error)
            self._failed(series, retry=error.status in (0, 429) or error.status >= 500)
        else:
            series.created, series.written, series.written_at = True, count, self._clock()
            series.attempts = 0
            self._queue.forget(series.key)
            self._total.labels(type_, "written").inc()
            if series.count > count:
                self._queue.add_after(series.key, PATCH_SECONDS)

    def _failed(self, series: _Series, *, retry: bool) -> None:
        series.attempts += 1
        if retry and series.attempts < MOST_ATTEMPTS:
            self._queue.retry(series.key)
            return
        self._total.labels(series.body["type"], "failed").inc()
        self._forget(series)

    def _forget(self, series: _Series) -> None:
        self._by_key.pop(series.key, None)
        self._queue.forget(series.key)
        if self._by_matter.get(series.matter) == series.key:
            del self._by_matter[series.matter]


def _cut(message: str) -> str:
    data = message.encode(errors="replace")
    if len(data) <= MESSAGE_BYTES:
        return data.decode()
    return data[: MESSAGE_BYTES - len("…".encode())].decode(errors="ignore") + "…"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
