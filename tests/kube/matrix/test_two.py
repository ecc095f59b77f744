"""R9: two operators at a time: one writes in the end, and no field goes back and forth."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.kube.matrix.chronicle import COUNTED, Change, Chronicle, Name, following
from tests.kube.matrix.ends import made_and_gone, settled
from tests.kube.matrix.keeper import kept
from tests.kube.matrix.lives import make_volume
from tests.kube.matrix.manifests import CLUSTER, NAME, STANDALONE, milvus, standalone
from tests.kube.matrix.scene import Scene, staged

from glede.kube.errors import error_from
from glede.kube.objects import LEASE, Key, Object
from glede.milvus.kinds import MILVUS
from glede.milvus.labels import TEMPLATE_ANNOTATION

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

Count = Callable[[int], None]
SPLIT_SECONDS = 5.0
_BY_OTHERS = frozenset(resource.plural for resource in COUNTED) | {MILVUS.plural}


def flapping(changes: Iterable[Change]) -> list[str]:
    """Find the objects that came to be again as they had been before, once they had been otherwise."""
    stands: dict[Name, list[str]] = {}
    for change in changes:
        if change.name.plural in _BY_OTHERS or change.type == "DELETED":
            continue
        found = stands.setdefault(change.name, [])
        text = json.dumps(ours(change.body), sort_keys=True)
        if not found or found[-1] != text:
            found.append(text)
    return [f"{name.plural}/{name.name}" for name, texts in stands.items() if len(set(texts)) < len(texts)]


def ours(body: Object) -> Object:
    """Give what an operator says in an object: no status, and nothing that a controller keeps for itself."""
    metadata = body["metadata"]
    digest = metadata.get("annotations", {}).get(TEMPLATE_ANNOTATION)
    rest = {name: value for name, value in body.items() if name not in {"metadata", "status"}}
    return {**rest, "labels": metadata.get("labels"), "digest": digest}


def made_twice(changes: Iterable[Change]) -> dict[tuple[str, str], int]:
    """Count what was made more than once, pods aside, of which a component has several."""
    found: Counter[tuple[str, str]] = made_and_gone(
        one for one in changes if one.name.plural not in _BY_OTHERS
    )
    return {what: number for what, number in found.items() if number > 1}


async def two_that_both_write(chronicle: Chronicle) -> None:
    """Each has a lease of its own, as where somebody deletes the one: both think that they lead."""
    namespace = await chronicle.namespace()
    for claim in CLUSTER.claims:
        await make_volume(chronicle, namespace, claim)
    async with kept(chronicle, namespace, lease="one") as first:
        scene = Scene(chronicle, namespace, first)
        async with kept(chronicle, namespace, lease="other") as second:
            await scene.settles(CLUSTER.first)
            generation = await scene.apply(CLUSTER.second)
            await asyncio.sleep(SPLIT_SECONDS)
            assert all(one.transport.writes for one in (first, second))
        await scene.until(lambda now: settled(now, NAME, generation))
        await chronicle.silence(namespace, 2.0)
        changes = chronicle.place(namespace).changes
        assert not flapping(changes)
        assert not made_twice(changes)
        before = len(first.transport.writes)
        await chronicle.silence(namespace, 3.0)
        written = first.transport.writes[before:]
        assert not [one for one in written if one.plural != LEASE.plural]
        await scene.deleted()


async def a_lease_lost_in_the_middle_of_a_write(chronicle: Chronicle) -> None:
    """The write is under way for longer than the lease may go without a renewal."""
    async with staged(chronicle) as scene:
        await scene.settles(STANDALONE.first)
        first = scene.keeper.transport
        async with kept(chronicle, scene.namespace):
            first.inject(verb="update", plural=LEASE.plural, error=error_from(500), times=10**6)
            slow = first.inject(verb="apply", plural="deployments", delay=30.0)
            await scene.settles(standalone(image="milvusdb/milvus:v2.6.18", standalone={"replicas": 1}))
            assert slow.times == 0
            assert scene.keeper.deaths == 1, "it kept on without a lease"
            await chronicle.silence(scene.namespace, 2.0)
            changes = scene.chronicle.place(scene.namespace).changes
            assert not flapping(changes)
            assert not made_twice(changes)


def config(value: int) -> Object:
    """Give the standalone with a setting whose change restarts its pod."""
    return {**STANDALONE.first, "config": {"proxy": {"maxNameLength": value}}}


async def a_leader_that_stalls_and_wakes(chronicle: Chronicle) -> None:
    """It stalls in the middle of a pass; another takes over, and takes up a later edit; then it wakes."""
    namespace = await chronicle.namespace()
    for claim in STANDALONE.claims:
        await make_volume(chronicle, namespace, claim)
    async with replica(chronicle, namespace) as process:
        await heard(process, "leading")
        await write(chronicle, namespace, config(100))
        await chronicle.until(namespace, settled)
        async with kept(chronicle, namespace) as keeper:
            scene = Scene(chronicle, namespace, keeper)
            tell(process)
            await asyncio.sleep(0.5)
            await scene.apply(config(101))
            await heard(process, "stalled")
            await scene.until(lambda now: settled(now, NAME, 2))
            await scene.settles(config(102))
            await chronicle.silence(namespace, 1.0)
            tell(process)
            async with asyncio.timeout(20):
                assert await process.wait() != 0, "it went on without the lease"
            await chronicle.silence(namespace, 2.0)
            assert not flapping(chronicle.place(namespace).changes)
            assert not settled(scene.now, NAME, 3)
            await scene.deleted()


async def write(chronicle: Chronicle, namespace: str, spec: Object) -> None:
    await chronicle.user.apply(MILVUS, Key(namespace, NAME), milvus(namespace, spec))


@asynccontextmanager
async def replica(chronicle: Chronicle, namespace: str) -> Any:
    """Run an operator as a process of its own while the block lasts."""
    words = ("-m", "tests.kube.matrix.replica", str(chronicle.kubeconfig), namespace)
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stdin=PIPE, stdout=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def heard(process: Process, word: str) -> None:
    """Wait until a replica says something."""
    assert process.stdout
    async with asyncio.timeout(60):
        assert (await process.stdout.readline()).decode().strip() == word


def tell(process: Process) -> None:
    """Have a replica stall at its next write, or go on."""
    assert process.stdin
    process.stdin.write(b"\n")


async def test_r9_two_operators(ground: Path, count: Count) -> None:
    async with following(ground) as chronicle:
        scenes = (
            two_that_both_write,
            a_lease_lost_in_the_middle_of_a_write,
            a_leader_that_stalls_and_wakes,
        )
        await asyncio.gather(*(scene(chronicle) for scene in scenes))
        count(len(scenes))
