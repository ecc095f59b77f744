"""A Milvus is taken over from milvus-operator while it serves; kwok plays the pods, all else is real."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from lab.api import ApiLab
from tests.compat.scene import CLUSTER, PLAIN, ROCKSMQ, STANDALONE, Ended, scene
from tests.compat.witness import Witness, watching

from glede.kube import objects
from glede.kube.objects import Object, key_of

pytestmark = pytest.mark.timeout(480)


@dataclass
class Moved:
    """What a whole move came to."""

    dry: Ended
    done: Ended
    again: Ended
    witness: Witness
    milvus: Object
    deployments: dict[str, Object]
    alone: list[str] = field(default_factory=list)


async def moved(lab: ApiLab, theirs: dict[str, Any], recreated: frozenset[str]) -> Moved:
    """Move one over, as the page tells it: the dry run first."""
    async with scene(lab, **theirs) as found, watching(found.user, found.namespace, "kite") as witness:

        async def told() -> bool:
            conditions = (await found.milvus())["status"]["conditions"]
            return any(c.get("reason") == "NotAdopted" for c in conditions)

        await found.until("the operator says that it leaves it alone", told)
        before = await found.versions()
        dry = await found.adopt("--dry-run")
        await asyncio.sleep(2.0)
        after = await found.versions()
        alone = [
            f"{name} changed" for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        ]
        witness.begin(recreated)
        done = await found.adopt()
        again = await found.adopt()
        return Moved(
            dry,
            done,
            again,
            witness,
            await found.milvus(),
            {key_of(item).name: item for item in await found.all(objects.DEPLOYMENT)},
            alone,
        )


MOVES: dict[str, tuple[dict[str, Any], frozenset[str]]] = {
    "cluster": (CLUSTER, frozenset()),
    "cluster without standby": (PLAIN, frozenset({"mixcoord"})),
    "cluster whose standby is new": ({**CLUSTER, "late": True}, frozenset({"mixcoord"})),
    "cluster with two Deployments of everything": (
        {**CLUSTER, "twofold": frozenset(CLUSTER["counts"]), "autoscaled": frozenset({"querynode", "proxy"})},
        frozenset(),
    ),
    "standalone": (STANDALONE, frozenset()),
    "standalone with its log on a volume": (ROCKSMQ, frozenset({"standalone"})),
}


@pytest.fixture(scope="module")
def moves(ground: ApiLab) -> dict[str, Moved | BaseException]:
    """Move all of them at one time, since each mostly waits."""

    async def run() -> list[Moved | BaseException]:
        return await asyncio.gather(
            *(moved(ground, *move) for move in MOVES.values()), return_exceptions=True
        )

    return dict(zip(MOVES, asyncio.run(run()), strict=True))


@pytest.mark.parametrize("name", MOVES)
def test_a_move_keeps_every_component_serving(moves: dict[str, Moved | BaseException], name: str) -> None:
    found = moves[name]
    if isinstance(found, BaseException):
        raise found
    assert (found.dry.code, found.dry.err) == (0, ""), found.dry
    assert not found.alone
    assert (found.done.code, found.done.err) == (0, ""), found.done
    assert "is Glede's already" in found.again.out
    assert found.again.code == 0
    witness = found.witness
    assert not witness.wrong, witness.wrong
    assert witness.states > 10
    recreated = MOVES[name][1]
    assert set(witness.gaps) <= recreated
    assert all(witness.most[component] == witness.before[component] for component in recreated)
    assert all(f"{component}: 1 pod stopped, then started" in found.dry.out for component in recreated)
    pods = {n: d["spec"]["template"]["spec"] for n, d in found.deployments.items()}
    assert all(d["metadata"]["annotations"]["glede.io/template"] for d in found.deployments.values())
    assert not any(
        c["name"] == "config" and c.get("args") for p in pods.values() for c in p["initContainers"]
    )
    assert sorted(pods) == sorted(f"kite-milvus-{component}" for component in MOVES[name][0]["counts"])
    assert all("tcpSocket" not in c["startupProbe"] for p in pods.values() for c in p["containers"])
    assert found.milvus["spec"]["dependencies"]["etcd"]["external"] is True
