"""Members of dependencies are replaced one at a time; kwok plays nodes and pods."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from lightkube import Client
from tests.kube.etcds import LABELS, MEMBERS, edit, play, progressing, until, watched
from tests.kube.matrix.manifests import NAME
from tests.kube.operators import Bench

from glede.kube.objects import PDB, POD, STATEFUL_SET, Key, Resource, uid_of

pytestmark = pytest.mark.timeout(240)

NOWHERE = {"no-node": "has-this"}
QUOTA = Resource("", "v1", "resourcequotas", "ResourceQuota")
# So long nothing happens that would have happened: a pass takes far less than a second.
A_WHILE = 3.0


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
            # The last one goes for the template that fails, and again for the one that mends it.
            assert members.left == [MEMBERS[2], *reversed(MEMBERS)]
            assert members.fewest == 2

    play(ground, kube, act)


@pytest.mark.parametrize(
    ("ours", "words"),
    [
        ({"create": False}, f"{MEMBERS[2]} stays: Cannot evict pod as it would violate"),
        ({}, f"{MEMBERS[2]} stays: This pod has more than one PodDisruptionBudget"),
    ],
)
def test_a_budget_of_others_has_the_last_word_and_is_told(
    ground: Path, kube: Client, ours: dict[str, object], words: str
) -> None:
    async def act(bench: Bench) -> None:
        await edit(bench, pdb=ours)
        await bench.healthy(NAME)
        async with watched(bench) as members:
            before = members.uids()
            async with budget(bench):
                await edit(bench, pdb=ours, podAnnotations={"turn": "1"})
                await progressing(bench, words)
                await asyncio.sleep(A_WHILE)
                assert members.uids() == before
            await bench.healthy(NAME)
            assert members.fewest == 2
            assert not set(members.uids().values()) & set(before.values())

    play(ground, kube, act)


@asynccontextmanager
async def budget(bench: Bench) -> AsyncIterator[None]:
    """Have a budget that lets no member of etcd go while the block lasts."""
    key = Key(bench.namespace, "theirs")
    labels = dict(pair.split("=") for pair in LABELS.split(","))
    body = {
        "apiVersion": "policy/v1",
        "kind": PDB.kind,
        "metadata": {"name": key.name, "namespace": key.namespace},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": labels}},
    }
    made = await bench.user.apply(PDB, key, body)
    try:
        yield
    finally:
        await bench.user.delete(PDB, key, uid=uid_of(made))


@pytest.mark.parametrize("least", [3, "100%"])
def test_a_budget_that_never_lets_one_go_is_for_drains_alone(
    ground: Path, kube: Client, least: int | str
) -> None:
    async def act(bench: Bench) -> None:
        await edit(bench, pdb={"minAvailable": least})
        await bench.healthy(NAME)
        async with watched(bench) as members:
            before = members.uids()
            await edit(bench, pdb={"minAvailable": least}, podAnnotations={"turn": "1"})
            await bench.healthy(NAME)
            assert members.fewest == 2
            assert members.left == []
            after = members.uids()
            assert after.keys() == before.keys()
            assert not set(after.values()) & set(before.values())

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
