"""Keeps a store true to the API server: list, replace by difference, watch, and list again when in doubt."""

from __future__ import annotations

import asyncio
import logging
import random as random_module
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, TypeVar

from glede.kube.errors import ApiError, Gone, Unavailable, error_from
from glede.kube.objects import Key, Object, Resource, key_of, uid_of, version_of
from glede.kube.store import Entry, Store, number_of
from glede.kube.transport import Selection, Transport, WatchEvent

T = TypeVar("T")
Handler = Callable[[str, Key, T | None, T | None], None]

log = logging.getLogger(__name__)

BREATH = 50  # objects that are taken in at a stretch before other tasks get their turn
OVERDUE = 30.0  # seconds after which a watch that the API server should have ended is given up


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how long; pairs are a range that is drawn from. All but ``page`` are in seconds.

    ``relist`` bounds how long an event that the API server never sent can be missed.
    """

    page: int = 500
    watch: tuple[float, float] = (300, 600)
    relist: tuple[float, float] = (1800, 3600)
    first_pause: float = 0.5
    longest_pause: float = 30.0


class Informer(Generic[T]):
    """Lists and watches one kind of object into ``store``; ``project`` says what is kept of an object.

    ``project`` sees whole objects; of what it returns, if that is the object, ``managedFields`` are dropped.
    An object that it fails on is logged, counted in ``failures``, and stays as it was. Another ``pace`` may
    be set before ``run``.
    """

    def __init__(
        self,
        transport: Transport,
        resource: Resource,
        selection: Selection,
        project: Callable[[Object], T],
        *,
        clock: Callable[[], float] = time.monotonic,
        random: random_module.Random | None = None,
    ) -> None:
        self.resource = resource
        self.store: Store[T] = Store()
        self.synced = asyncio.Event()
        self.failures = 0
        self._transport = transport
        self._selection = selection
        self._project = project
        self._clock = clock
        self._random = random or random_module.Random()  # noqa: S311 - spreads load, guards nothing
        self.pace = Pace()
        self._handlers: list[Handler[T]] = []
        self._heard = clock()
        self._version: str | None = None  # what the next watch goes on from; None: list first
        self._newest = 0  # the newest version that the API server has told of
        self._relist_at = 0.0

    def add_handler(self, handler: Handler[T]) -> None:
        """Have changes told to ``handler``: event, key, old and new item. It must not block or raise.

        Events: SYNC for what the first list finds; ADDED, MODIFIED and DELETED for every later change,
        found by a watch, by another list or in the answer to an own write, once for each version.
        """
        self._handlers.append(handler)

    def age(self) -> float:
        """Give the seconds since the API server was last heard: an event, a bookmark or a page."""
        return self._clock() - self._heard

    def saw(self, obj: Object) -> None:
        """Put in the answer to an own write of what is selected here, unless the watch is past it already."""
        key, version = key_of(obj), number_of(version_of(obj))
        # Of a version that the watch has passed the store knows better, also when it holds nothing: deleted.
        passed = 0 < version <= self._newest
        if passed or self._selection.namespace not in (None, key.namespace):
            return
        whole = {} if self._selection.metadata_only else obj
        self._take(key, {**whole, "metadata": dict(obj["metadata"])})

    def gone(self, key: Key, uid: str) -> None:
        """Take out an object that the API server says is not there: NotFound, or a Conflict for its uid.

        A deletion that succeeded may only have begun: what comes of it, the watch tells.
        """
        old = self.store.remove(key, uid)
        if old is not None:
            self._tell("DELETED", key, old, None)

    async def run(self) -> None:
        """Follow the API server for ever: whatever it answers, after a pause it is asked again.

        Only an error of the caller's functions ends it.
        """
        failed = 0
        while True:
            began = self._clock()
            clean = await self._turn()
            lasted = self._clock() - began >= self.pace.longest_pause
            # A watch that ends well but at once, again and again, must not become a tight loop either.
            failed = 0 if lasted else failed + 1
            if not (clean and lasted):
                await asyncio.sleep(self._pause(failed))

    async def _turn(self) -> bool:
        """List if need be, and watch until the watch ends; tells whether it ended well."""
        try:
            if self._version is None or self._clock() >= self._relist_at:
                await self._list()
            await self._watch()
        except ApiError as error:
            log.warning("%s: list or watch broke off: %s", self.resource.plural, error)
            if isinstance(error, Gone):
                self._version = None
            return False
        return True

    def _pause(self, failed: int) -> float:
        """Double from the first pause to the longest, and draw from the upper half."""
        pace = self.pace
        longest = min(pace.longest_pause, pace.first_pause * 2.0 ** min(max(failed - 1, 0), 16))
        return longest * self._random.uniform(0.5, 1.0)

    async def _list(self) -> None:
        """Read everything, page by page, and replace the store by the difference."""
        self._version = None
        found: dict[Key, Entry[T] | None] = {}
        continue_: str | None = None
        while True:
            page = await self._transport.list(
                self.resource, self._selection, limit=self.pace.page, continue_=continue_
            )
            self._heard = self._clock()
            for number, obj in enumerate(page.items):
                if number % BREATH == 0:
                    await asyncio.sleep(0)
                key = key_of(obj)
                found[key] = self._entry(key, obj)
            continue_ = page.continue_
            if not continue_:
                break
        self._replace(found, number_of(page.resource_version))
        self._version = page.resource_version
        self._relist_at = self._clock() + self._random.uniform(*self.pace.relist)
        self.synced.set()

    def _replace(self, found: dict[Key, Entry[T] | None], version: int) -> None:
        """Make the store what a list at a version found; what own writes made newer meanwhile stays.

        A key without an entry could not be projected: it is there all the same, and not deleted.
        """
        rewound = version < self._newest  # etcd was restored from a backup: what is newer here never was
        self._newest = version
        for key in self.store:
            old = self.store.entry(key)
            if old and key not in found and (rewound or old.version <= version):
                self.gone(key, old.uid)
        for key, entry in found.items():
            if entry:
                self._put(key, entry, force=rewound)

    async def _watch(self) -> None:
        seconds = int(self._random.uniform(*self.pace.watch))
        stream = self._transport.watch(
            self.resource,
            self._selection,
            resource_version=self._version or "",
            timeout_seconds=seconds,
        )
        try:
            async with asyncio.timeout(seconds + OVERDUE), aclosing(stream):
                async for event in stream:
                    self._heard = self._clock()
                    self._on(event)
        except TimeoutError as error:
            raise Unavailable(0, "Overdue", f"the watch did not end after {seconds} s") from error

    def _on(self, event: WatchEvent) -> None:
        if event.type == "ERROR":
            self._version = None
            raise error_from(int(event.object.get("code") or 500), event.object)
        version = version_of(event.object)
        if event.type == "DELETED":
            self.gone(key_of(event.object), uid_of(event.object))
        elif event.type != "BOOKMARK":
            self._take(key_of(event.object), event.object)
        self._version = version
        self._newest = max(self._newest, number_of(version))

    def _take(self, key: Key, obj: Object) -> None:
        entry = self._entry(key, obj)
        if entry:
            self._put(key, entry)

    def _entry(self, key: Key, obj: Object) -> Entry[T] | None:
        """Project an object, unless that version of it is here; None when that fails."""
        uid, version = uid_of(obj), number_of(version_of(obj))
        old = self.store.entry(key)
        if old and version and (old.uid, old.version) == (uid, version):
            return old
        try:
            item = self._project(obj)
        except Exception as error:  # whatever users put into one object, the others go on
            self.failures += 1
            # Its text may quote the object, which may be a Secret.
            log.error("%s %s: cannot be read (%s)", self.resource.kind, key, type(error).__name__)  # noqa: TRY400
            return None
        obj["metadata"].pop("managedFields", None)
        return Entry(item, uid, version)

    def _put(self, key: Key, entry: Entry[T], *, force: bool = False) -> None:
        old = self.store.entry(key)
        if entry is old or not self.store.put(key, entry, force=force):
            return
        if old and old.uid != entry.uid:
            self._tell("DELETED", key, old.item, None)
            old = None
        if not self.synced.is_set():
            self._tell("SYNC", key, None, entry.item)
        elif old:
            self._tell("MODIFIED", key, old.item, entry.item)
        else:
            self._tell("ADDED", key, None, entry.item)

    def _tell(self, event: str, key: Key, old: T | None, new: T | None) -> None:
        for handler in self._handlers:
            handler(event, key, old, new)
