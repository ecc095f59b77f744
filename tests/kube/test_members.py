"""Members of dependencies are replaced one at a time and their volumes grow; kwok plays nodes and pods."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from lightkube import Client
from tests.kube.matrix.manifests import NAME, cluster, milvus
from tests.kube.operators import Bench, connected, operating

from glede.kube.errors import NotFound
from glede.kube.objects import POD, PVC, STATEFUL_SET, Key, Object, Resource, uid_of
from glede.kube.transport import Selection
from glede.milvus.kinds import MILVUS

pytestmark = pytest.mark.timeout(180)

MEMBERS = [f"{NAME}-etcd-{ordinal}" for ordinal in range(3)]
LABELS = f"app.kubernetes.io/name=etcd,app.kubernetes.io/instance={NAME}"
NOWHERE = {"no-node": "has-this"}
VOLUME = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
QUOTA = Resource("", "v1", "resourcequotas", "ResourceQuota")
CLASS = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
VOLATILE = {"persistence": {"enabled": False}}
# So long nothing happens that would have happened: a pass takes far less than a second.
A_WHILE = 3.0


def manifest(namespace: str, **values: Any) -> Object:
    """Give a Milvus with an etcd of three members; the rest as small as it can be."""
    spec = cluster(queryNode={"replicas": 1}, proxy={"replicas": 1})
    spec["dependencies"]["etcd"] = {"inCluster": {"values": {**VOLATILE, "replicaCount": 3, **values}}}
    return milvus(namespace, spec)


def is_ready(pod: Object) -> bool:
    conditions = {c["type"]: c["status"] for c in pod.get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


@dataclass
class Members:
    """etcd's pods as they come and go: the order in which they went, and the fewest that were ready."""

    now: dict[str, Object] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    fewest: int = 3

    def take(self, type_: str, pod: Object) -> None:
        name = pod["metadata"]["name"]
        before = self.now.get(name)
        if before and is_ready(before) and not is_ready(pod):
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


def test_members_are_replaced_one_by_one_from_the_last(ground: Path, kube: Client) -> None:
    async def act(bench: Bench) -> None:
        await edit(bench)
        await bench.healthy(NAME)
        async with watched(bench) as members:
            before = members.uids()
            await edit(bench, podAnnotations={"turn": "1"})
            await bench.healthy(NAME)
            assert members.left == [*reversed(MEMBERS)]
            assert members.fewest == 2
            after = members.uids()
            assert after.keys() == before.keys()
            assert not set(after.values()) & set(before.values())
            assert all(pod["metadata"]["annotations"]["turn"] == "1" for pod in members.now.values())

    play(ground, kube, act)


def test_none_is_replaced_while_another_is_away(ground: Path, kube: Client) -> None:
    async def act(bench: Bench) -> None:
        await edit(bench)
        await bench.healthy(NAME)
        async with watched(bench) as members, no_new_pods(bench):
            before = members.uids()
            await bench.user.delete(POD, Key(bench.namespace, MEMBERS[0]), uid=before.pop(MEMBERS[0]))
            await edit(bench, podAnnotations={"turn": "1"})
            await progressing(bench, f"one by one are replaced etcd: {MEMBERS[2]}, {MEMBERS[1]}; waits until")
            await asyncio.sleep(A_WHILE)
            assert members.uids() == before
        async with watched(bench) as members:
            await bench.healthy(NAME)
            assert [name for name in members.left if name != MEMBERS[0]] == [MEMBERS[2], MEMBERS[1]]
            assert members.uids().keys() == set(MEMBERS)

    play(ground, kube, act)


@asynccontextmanager
async def no_new_pods(bench: Bench) -> AsyncIterator[None]:
    """Let the namespace take no more pods while the block lasts."""
    key = Key(bench.namespace, "full")
    metadata = {"name": key.name, "namespace": key.namespace}
    body = {"apiVersion": "v1", "kind": QUOTA.kind, "metadata": metadata, "spec": {"hard": {"pods": "0"}}}
    made = await bench.user.apply(QUOTA, key, body)

    async def counted() -> bool:
        return "used" in (await bench.user.get(QUOTA, key)).get("status", {})

    await until(counted, "the quota is not in force")
    try:
        yield
    finally:
        await bench.user.delete(QUOTA, key, uid=uid_of(made))


def test_a_template_that_fails_costs_one_member_and_its_correction_mends_it(
    ground: Path, kube: Client
) -> None:
    async def act(bench: Bench) -> None:
        await edit(bench)
        await bench.healthy(NAME)
        async with watched(bench) as members:
            before = members.uids()
            await edit(bench, nodeSelector=NOWHERE)
            await progressing(bench, "cannot be placed")
            await asyncio.sleep(A_WHILE)
            assert {name: members.uids()[name] for name in MEMBERS[:2]} == {
                name: before[name] for name in MEMBERS[:2]
            }
            assert (await bench.milvus(NAME))["status"]["status"] == "Healthy"
            await edit(bench, podAnnotations={"turn": "1"})
            await bench.healthy(NAME)
            assert members.left == [*reversed(MEMBERS)]
            assert members.fewest == 2

    play(ground, kube, act)


def test_a_budget_has_the_last_word(ground: Path, kube: Client) -> None:
    async def act(bench: Bench) -> None:
        await edit(bench, pdb={"minAvailable": 3})
        await bench.healthy(NAME)
        async with watched(bench) as members:
            await edit(bench, pdb={"minAvailable": 3}, podAnnotations={"turn": "1"})
            await progressing(bench, "one by one are replaced")
            await asyncio.sleep(A_WHILE)
            assert members.fewest == 3
            await edit(bench, podAnnotations={"turn": "1"})
            await bench.healthy(NAME)
            assert members.fewest == 2

    play(ground, kube, act)


def test_a_strategy_that_somebody_changed_is_put_back(ground: Path, kube: Client) -> None:
    async def act(bench: Bench) -> None:
        await edit(bench)
        await bench.healthy(NAME)
        key = Key(bench.namespace, f"{NAME}-etcd")
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
        await bench.user.patch(STATEFUL_SET, key, {"spec": {"updateStrategy": rolling}})

        async def holds() -> bool:
            found = await bench.user.get(STATEFUL_SET, key)
            return bool(found["spec"]["updateStrategy"] == {"type": "OnDelete"})

        await until(holds, "the strategy is not put back")

    play(ground, kube, act)


async def storage(bench: Bench, *, grows: bool) -> str:
    """Make a class of volumes, and a volume for each member; gives the class's name."""
    name = f"{bench.namespace}-{'grows' if grows else 'stays'}"
    made = {
        "apiVersion": CLASS.api_version,
        "kind": CLASS.kind,
        "metadata": {"name": name},
        "provisioner": "example.org/none",
        "allowVolumeExpansion": grows,
    }
    await bench.user.apply(CLASS, Key("", name), made)
    for member in MEMBERS:
        spec = {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": name,
            "hostPath": {"path": "/nowhere"},
            "claimRef": {
                "apiVersion": "v1",
                "kind": PVC.kind,
                "namespace": bench.namespace,
                "name": f"data-{member}",
            },
        }
        body = {"apiVersion": "v1", "kind": VOLUME.kind, "metadata": {"name": f"{name}-{member}"}}
        await bench.user.apply(VOLUME, Key("", f"{name}-{member}"), {**body, "spec": spec})
    return name


def on_disk(class_name: str, size: str) -> Object:
    return {"persistence": {"enabled": True, "size": size, "storageClass": class_name}}


async def asked(bench: Bench) -> list[str]:
    """Give the sizes that etcd's claims ask for."""
    claims = await bench.all(PVC, f"glede.io/milvus={NAME}")
    return [claim["spec"]["resources"]["requests"]["storage"] for claim in claims]


async def template_size(bench: Bench) -> str:
    try:
        found = await bench.user.get(STATEFUL_SET, Key(bench.namespace, f"{NAME}-etcd"))
    except NotFound:
        return ""
    [template] = found["spec"]["volumeClaimTemplates"]
    return str(template["spec"]["resources"]["requests"]["storage"])


async def phases(bench: Bench, told: set[str]) -> None:
    """Note each phase that the status tells, for ever."""
    selection = Selection(bench.namespace)
    stream = bench.user.watch(MILVUS, selection, resource_version="", timeout_seconds=600)
    async for event in stream:
        told.add(event.object["status"]["status"])


def test_volumes_grow_and_no_pod_is_touched(ground: Path, kube: Client) -> None:
    async def act(bench: Bench) -> None:
        class_name = await storage(bench, grows=True)
        await edit(bench, **on_disk(class_name, "1Gi"))
        await bench.healthy(NAME)
        told: set[str] = set()
        telling = asyncio.create_task(phases(bench, told))
        async with watched(bench) as members:
            before = members.uids()
            await edit(bench, **on_disk(class_name, "2Gi"))

            async def grown() -> bool:
                return await template_size(bench) == "2Gi"

            await until(grown, "the StatefulSet is not made anew")
            await bench.healthy(NAME)
            assert await asked(bench) == ["2Gi"] * 3
            assert members.uids() == before
            assert members.fewest == 3
        assert (await bench.milvus(NAME))["status"]["volumes"]["etcd"] == "2Gi"
        telling.cancel()
        assert told == {"Healthy"}

        # A volume does not shrink: that manifest is refused, and nothing is touched.
        await edit(bench, **on_disk(class_name, "1Gi"))

        async def refused() -> bool:
            found = await bench.condition(NAME, "SpecAccepted")
            return found["status"] == "False" and "cannot shrink" in found["message"]

        await until(refused, "it is not refused")
        assert await template_size(bench) == "2Gi"

    play(ground, kube, act)


def test_a_class_that_cannot_grow_is_told_and_the_rest_of_the_change_goes_on(
    ground: Path, kube: Client
) -> None:
    async def act(bench: Bench) -> None:
        class_name = await storage(bench, grows=False)
        await edit(bench, **on_disk(class_name, "1Gi"))
        await bench.healthy(NAME)
        async with watched(bench) as members:
            await edit(bench, **on_disk(class_name, "2Gi"), podAnnotations={"turn": "1"})

            async def told() -> bool:
                found = await bench.condition(NAME, "Progressing")
                return found["reason"] == "ApplyFailed" and f"data-{MEMBERS[0]}" in found["message"]

            async def rolled() -> bool:
                return all("turn" in p["metadata"].get("annotations", {}) for p in members.now.values())

            await until(told, "it is not told")
            await until(rolled, "the annotation does not come")
            assert members.fewest == 2
        # As it was: the recorded size is the one that there is, so that going back is no shrinking.
        await edit(bench, **on_disk(class_name, "1Gi"), podAnnotations={"turn": "1"})
        await bench.healthy(NAME)

    play(ground, kube, act)
