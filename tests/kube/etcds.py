"""A Milvus whose etcd has three members, and its pods as they come and go; kwok plays nodes and pods."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightkube import Client
from tests.kube.matrix.manifests import NAME, cluster, milvus
from tests.kube.operators import Bench, connected, operating

from glede.kube.objects import POD, Object, uid_of
from glede.kube.transport import Selection

MEMBERS = [f"{NAME}-etcd-{ordinal}" for ordinal in range(3)]
LABELS = f"app.kubernetes.io/name=etcd,app.kubernetes.io/instance={NAME}"
VOLATILE = {"persistence": {"enabled": False}}


def manifest(namespace: str, **values: Any) -> Object:
    """Give a Milvus with an etcd of three members; the rest as small as it can be."""
    spec = cluster(queryNode={"replicas": 1}, proxy={"replicas": 1})
    spec["dependencies"]["etcd"] = {"inCluster": {"values": {**VOLATILE, "replicaCount": 3, **values}}}
    return milvus(namespace, spec)


def is_ready(pod: Object) -> bool:
    conditions = {c["type"]: c["status"] for c in pod.get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def is_evicted(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(c.get("reason") == "EvictionByEvictionAPI" for c in conditions)


@dataclass
class Members:
    """etcd's pods as they come and go: the order in which they were evicted, and the fewest that were ready.

    That a pod goes tells less: kwok may end one a second time, and meet its successor of the same name.
    """

    now: dict[str, Object] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    evicted: set[str] = field(default_factory=set)
    fewest: int = 3

    def take(self, type_: str, pod: Object) -> None:
        name = pod["metadata"]["name"]
        if is_evicted(pod) and uid_of(pod) not in self.evicted:
            self.evicted.add(uid_of(pod))
            self.left.append(name)
        if type_ == "DELETED":
            self.now.pop(name, None)
        else:
            self.now[name] = pod
        self.fewest = min(self.fewest, sum(map(is_ready, self.now.values())))

    def uids(self) -> dict[str, str]:
        return {name: uid_of(pod) for name, pod in sorted(self.now.items())}


@asynccontextmanager
async def watched(bench: Bench) -> AsyncIterator[Members]:
    """Follow etcd's pods while the block lasts."""
    members, selection = Members(), Selection(bench.namespace, LABELS)
    page = await bench.user.list(POD, selection)
    members.now = {pod["metadata"]["name"]: pod for pod in page.items}

    async def follow() -> None:
        version = page.resource_version
        stream = bench.user.watch(POD, selection, resource_version=version, timeout_seconds=600)
        async for event in stream:
            if event.type in {"ADDED", "MODIFIED", "DELETED"}:
                members.take(event.type, event.object)

    task = asyncio.create_task(follow())
    try:
        yield members
    finally:
        task.cancel()


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    for attempt in range(800):
        if await holds():
            return
        assert attempt < 799, what
        await asyncio.sleep(0.05)


async def progressing(bench: Bench, words: str) -> None:
    """Wait until the condition Progressing says something."""

    def holds(found: Object) -> bool:
        conditions = {c["type"]: c for c in found["status"].get("conditions", [])}
        return words in conditions["Progressing"]["message"]

    await bench.until(f"Progressing says {words!r}", holds, NAME)


def play(ground: Path, kube: Client, act: Callable[[Bench], Awaitable[None]]) -> None:
    """Have a Milvus whose etcd has three members, then act."""

    async def run() -> None:
        async with (
            connected(ground, kube.namespace) as bench,
            operating(bench.faulty, bench.namespace, wide=False),
        ):
            await act(bench)

    asyncio.run(run())


async def edit(bench: Bench, **values: Any) -> None:
    await bench.write(manifest(bench.namespace, **values))
