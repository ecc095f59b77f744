"""A Milvus is taken over from milvus-operator while it serves; kwok plays the pods, all else is real."""

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from lab.api import ApiLab, api_lab
from tests.compat.theirs import WORKER, Theirs, operator
from tests.compat.witness import Witness, watching
from tests.kube.operators import install_definitions, operating

from glede.kube import objects
from glede.kube.http import HttpTransport
from glede.kube.objects import Key, Object, Resource, key_of, uid_of, version_of
from glede.kube.transport import Selection
from glede.milvus.kinds import MANAGER, MILVUS, RESOURCES
from glede.milvus.render.labels import owner_reference
from glede.milvus.manifest import read

pytestmark = pytest.mark.timeout(480)

WAIT_SECONDS = 120.0
NAMESPACE = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
VOLUME = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
KINDS = (
    *(r for r in RESOURCES.values() if r != objects.POD_MONITOR),
    objects.POD,
    objects.REPLICA_SET,
    MILVUS,
)
COMMAND = "from glede.cli.kubectl import run; run()"


class Ended(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


@dataclass
class Scene:
    """A Milvus of milvus-operator's in a namespace of its own."""

    lab: ApiLab
    user: HttpTransport
    theirs: Theirs
    manager: HttpTransport

    @property
    def namespace(self) -> str:
        return self.theirs.namespace

    async def adopt(self, *words: str, name: str = "", kubeconfig: Path | None = None) -> Ended:
        """Run ``kubectl glede adopt``."""
        places = ["-n", self.namespace, "--kubeconfig", str(kubeconfig or self.lab.kubeconfig)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            COMMAND,
            "adopt",
            name or self.theirs.name,
            *places,
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "COLUMNS": "200"},
        )
        out, err = await process.communicate()
        return Ended(process.returncode or 0, out.decode(), err.decode())

    async def milvus(self) -> Object:
        return await self.user.get(MILVUS, Key(self.namespace, self.theirs.name))

    async def all(self, resource: Resource) -> list[Object]:
        return (await self.user.list(resource, Selection(self.namespace))).items

    async def versions(self) -> dict[tuple[str, str], str]:
        """Give the resourceVersions of all objects."""
        return {
            (resource.kind, key_of(item).name): version_of(item)
            for resource in KINDS
            for item in await self.all(resource)
        }

    async def until(self, what: str, holds: Callable[[], Any]) -> None:
        end = time.monotonic() + WAIT_SECONDS
        while not await holds():
            assert time.monotonic() < end, f"{what}: not within {WAIT_SECONDS:g} s"
            await asyncio.sleep(0.1)

    async def settled(self) -> bool:
        """Tell whether all that was made has all its pods."""
        for resource in (objects.DEPLOYMENT, objects.STATEFUL_SET):
            for item in await self.all(resource):
                told, count = item.get("status", {}), item["spec"]["replicas"]
                if told.get("observedGeneration") != item["metadata"]["generation"]:
                    return False
                if told.get("availableReplicas", 0) != count:
                    return False
        return True

    async def make(self) -> None:
        """Make what milvus-operator and Helm would have made, and wait until it runs."""
        await self.user.create(NAMESPACE, {**_kind(NAMESPACE), "metadata": {"name": self.namespace}})
        for claim in self.theirs.claims:
            await self.user.create(VOLUME, _volume(self.namespace, claim))
        key = Key(self.namespace, self.theirs.name)
        await self.user.create(MILVUS, self.theirs.manifest())
        written = await self.manager.patch(MILVUS, key, self.theirs.written())
        await self.manager.patch(MILVUS, key, {"status": self.theirs.status()}, subresource="status")
        owner = owner_reference(read(written).milvus)
        for body in (*self.theirs.installed(), *self.theirs.objects(owner)):
            await self.manager.create(RESOURCES[body["kind"]], body)
        await self.until("what milvus-operator made runs", self.settled)


def _kind(resource: Resource) -> Object:
    return {"apiVersion": resource.api_version, "kind": resource.kind}


def _volume(namespace: str, claim: str) -> Object:
    spec = {
        "capacity": {"storage": "10Gi"},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "hostPath": {"path": f"/nowhere/{namespace}-{claim}"},
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": namespace,
            "name": claim,
        },
    }
    return {**_kind(VOLUME), "metadata": {"name": f"{namespace}-{claim}"}, "spec": spec}


@asynccontextmanager
async def scene(lab: ApiLab, **theirs: Any) -> AsyncIterator[Scene]:
    """Have such a Milvus, whole, and Glede's operator beside it."""
    user = HttpTransport.connect(lab.kubeconfig, manager="kubectl")
    manager = HttpTransport.connect(lab.kubeconfig, manager=WORKER)
    own = HttpTransport.connect(lab.kubeconfig, manager=MANAGER)
    found = Scene(lab, user, Theirs(f"vectors-{secrets.token_hex(3)}", **theirs), manager)
    try:
        await found.make()
        async with operating(own, found.namespace, wide=False):
            yield found
    finally:
        for transport in (user, manager, own):
            await transport.aclose()


CLUSTER = {
    "mode": "cluster",
    "image": "milvusdb/milvus:v2.6.11",
    "log": "pulsar",
    "counts": {"mixcoord": 1, "streamingnode": 1, "querynode": 2, "datanode": 1, "proxy": 2},
}
PLAIN = {
    "mode": "cluster",
    "image": "milvusdb/milvus:v2.5.16",
    "log": "kafka",
    "counts": {"mixcoord": 1, "querynode": 2, "datanode": 1, "indexnode": 1, "proxy": 1},
    "rolling": False,
}
STANDALONE = {
    "mode": "standalone",
    "image": "milvusdb/milvus:v2.6.11",
    "log": "woodpecker",
    "counts": {"standalone": 1},
    "service": {"serviceType": "NodePort"},
}
ROCKSMQ = {
    "mode": "standalone",
    "image": "milvusdb/milvus:v2.4.23",
    "log": "rocksmq",
    "counts": {"standalone": 1},
    "rolling": False,
    "dependencies": {"rocksmq": {"persistence": {"enabled": True}}},
}


@dataclass
class Moved:
    """What a whole move came to."""

    dry: Ended
    done: Ended
    again: Ended
    witness: Witness
    milvus: Object
    deployments: dict[str, Object]
    sets: dict[str, tuple[str, str]]
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
            {key_of(i).name: (uid_of(i), str(i["spec"])) for i in await found.all(objects.STATEFUL_SET)},
            alone,
        )


@pytest.fixture(scope="module")
def lab() -> Iterator[ApiLab]:
    """An API server of these tests' own: an operator of another one counts in the whole cluster."""
    with api_lab() as found:
        asyncio.run(install_definitions(found.kubeconfig))
        found.add_fake_nodes([f"ground-{number}" for number in range(3)])
        yield found


MOVES: dict[str, tuple[dict[str, Any], frozenset[str]]] = {
    "cluster": (CLUSTER, frozenset()),
    "cluster without standby": (PLAIN, frozenset({"mixcoord"})),
    "standalone": (STANDALONE, frozenset()),
    "standalone with its log on a volume": (ROCKSMQ, frozenset({"standalone"})),
}


@pytest.fixture(scope="module")
def moves(lab: ApiLab) -> dict[str, Moved | BaseException]:
    """Move all of them at one time, since each mostly waits."""

    async def run() -> list[Moved | BaseException]:
        return await asyncio.gather(*(moved(lab, *move) for move in MOVES.values()), return_exceptions=True)

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
    assert witness.states > 20
    print(found.dry.out, found.done.out, witness.gaps, witness.most, witness.states)
    assert set(witness.gaps) <= MOVES[name][1]
    pods = {n: d["spec"]["template"]["spec"] for n, d in found.deployments.items()}
    assert all(d["metadata"]["annotations"]["glede.io/template"] for d in found.deployments.values())
    assert not any(
        c["name"] == "config" and c.get("args") for p in pods.values() for c in p["initContainers"]
    )
    assert sorted(pods) == sorted(f"kite-milvus-{component}" for component in MOVES[name][0]["counts"])
    assert all("tcpSocket" not in c["startupProbe"] for p in pods.values() for c in p["containers"])
    assert found.milvus["spec"]["dependencies"]["etcd"]["external"] is True
