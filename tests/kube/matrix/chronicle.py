"""All that happens in the cluster while a test runs, in order, and what there is now."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from glede.kube import objects
from glede.kube.errors import NotFound
from glede.kube.http import HttpTransport
from glede.kube.objects import Key, Object, Resource, key_of, version_of
from glede.kube.transport import Selection
from glede.milvus.kinds import MILVUS, RESOURCES

NAMESPACE = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
# Pods and ReplicaSets are made by others; there they tell of restarts that nobody needed.
COUNTED = (objects.POD, objects.REPLICA_SET)
OWNED = tuple(resource for resource in RESOURCES.values() if resource != objects.POD_MONITOR)
# What the cluster itself puts into each namespace.
_FOREIGN = frozenset({("configmaps", "kube-root-ca.crt")})
WAIT_SECONDS = 180.0


class Name(NamedTuple):
    """An object of a namespace."""

    plural: str
    name: str


class Change(NamedTuple):
    """ADDED, MODIFIED or DELETED; versions order the changes of all kinds, since there is one etcd."""

    version: int
    type: str
    name: Name
    body: Object
    at: float


Now = dict[Name, Object]


@dataclass
class Place:
    """One namespace."""

    changes: list[Change] = field(default_factory=list)
    now: Now = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Chronicle:
    """Follows every kind that the operator makes in all namespaces that are made meanwhile."""

    def __init__(self, user: HttpTransport, kubeconfig: Path) -> None:
        self.user = user
        self.kubeconfig = kubeconfig
        self._places: dict[str, Place] = {}

    def place(self, namespace: str) -> Place:
        """Give what is known of a namespace."""
        return self._places.setdefault(namespace, Place())

    async def namespace(self) -> str:
        """Make a namespace. It goes with the API server: to delete one costs more than a whole test."""
        key = Key("", f"matrix-{secrets.token_hex(4)}")
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": key.name}}
        await self.user.create(NAMESPACE, body)
        return key.name

    async def served(self, resource: Resource) -> None:
        """Wait until the API server serves a kind that was just installed."""
        for attempt in range(200):
            try:
                await self.user.list(resource, Selection(), limit=1)
            except NotFound:
                assert attempt < 199, f"{resource.plural} is not served"
                await asyncio.sleep(0.05)
            else:
                return

    async def gone(self, resource: Resource, key: Key) -> None:
        """Wait until an object is gone."""
        for attempt in range(200):
            try:
                await self.user.get(resource, key)
            except NotFound:
                return
            assert attempt < 199, f"{resource.kind} {key} is still there"
            await asyncio.sleep(0.05)

    async def until(self, namespace: str, lacking: Callable[[Now], str]) -> None:
        """Wait until ``lacking`` has nothing to say of a namespace. What it says last is the error's text."""
        place, end = self.place(namespace), time.monotonic() + WAIT_SECONDS
        while words := lacking(place.now):
            assert time.monotonic() < end, f"{namespace}: not within {WAIT_SECONDS:g} s: {words}"
            place.news.clear()
            try:
                await asyncio.wait_for(place.news.wait(), 1.0)
            except TimeoutError:
                continue
            await asyncio.sleep(0.15)

    async def silence(self, namespace: str, seconds: float) -> None:
        """Wait until nothing has changed in a namespace for so long."""
        place = self.place(namespace)
        while True:
            place.news.clear()
            try:
                await asyncio.wait_for(place.news.wait(), seconds)
            except TimeoutError:
                return

    async def follow(self, resource: Resource, begun: asyncio.Event) -> None:
        """Take down the changes of one kind, for ever."""
        selection = Selection(metadata_only=resource in COUNTED)
        version = (await self.user.list(resource, selection, limit=1)).resource_version
        begun.set()
        stream = self.user.watch(resource, selection, resource_version=version, timeout_seconds=3600)
        async for event in stream:
            if event.type in {"ADDED", "MODIFIED", "DELETED"}:
                self._take(resource, event.type, event.object)

    def _take(self, resource: Resource, type_: str, body: Object) -> None:
        key = key_of(body)
        name = Name(resource.plural, key.name)
        if name in _FOREIGN:
            return
        place = self.place(key.namespace)
        body["metadata"].pop("managedFields", None)
        place.changes.append(Change(int(version_of(body)), type_, name, body, time.monotonic()))
        if type_ == "DELETED":
            place.now.pop(name, None)
        else:
            place.now[name] = body
        place.news.set()


@asynccontextmanager
async def following(kubeconfig: Path) -> AsyncIterator[Chronicle]:
    """Keep a chronicle while the block lasts."""
    user = HttpTransport.connect(kubeconfig, manager="user")
    chronicle = Chronicle(user, kubeconfig)
    try:
        async with asyncio.TaskGroup() as group:
            begun = {resource: asyncio.Event() for resource in (*OWNED, *COUNTED, MILVUS)}
            tasks = [group.create_task(chronicle.follow(*pair)) for pair in begun.items()]
            for event in begun.values():
                await event.wait()
            try:
                yield chronicle
            finally:
                for task in tasks:
                    task.cancel()
    finally:
        await user.aclose()
