"""A Milvus of milvus-operator's on the lab's API server, Glede's operator beside it, and the command."""

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lab.api import ApiLab
from tests.compat.installed import installed
from tests.compat.theirs import WORKER, Theirs
from tests.kube.operators import operating

from glede.kube import objects
from glede.kube.http import HttpTransport
from glede.kube.objects import Key, Object, Resource, key_of, version_of
from glede.kube.transport import Selection
from glede.milvus.kinds import MANAGER, MILVUS, RESOURCES
from glede.milvus.manifest import read
from glede.milvus.render.labels import owner_reference

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

    async def prepare(self) -> None:
        """Make the namespace, and volumes for the claims in it."""
        await self.user.create(NAMESPACE, {**_kind(NAMESPACE), "metadata": {"name": self.namespace}})
        for claim in self.theirs.claims:
            await self.user.create(VOLUME, _volume(self.namespace, claim))

    async def make(self) -> None:
        """Make what milvus-operator and Helm would have made, and wait until it runs."""
        key = Key(self.namespace, self.theirs.name)
        await self.user.create(MILVUS, self.theirs.manifest())
        written = await self.manager.patch(MILVUS, key, self.theirs.written())
        await self.manager.patch(MILVUS, key, {"status": self.theirs.status()}, subresource="status")
        owner = owner_reference(read(written).milvus)
        for body in (*installed(self.theirs), *self.theirs.objects(owner)):
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
async def scene(lab: ApiLab, *, make: bool = True, **theirs: Any) -> AsyncIterator[Scene]:
    """Have such a Milvus, whole, or a place for one, and Glede's operator beside it."""
    user = HttpTransport.connect(lab.kubeconfig, manager="kubectl")
    manager = HttpTransport.connect(lab.kubeconfig, manager=WORKER)
    own = HttpTransport.connect(lab.kubeconfig, manager=MANAGER)
    found = Scene(lab, user, Theirs(f"vectors-{secrets.token_hex(3)}", **theirs), manager)
    try:
        await found.prepare()
        if make:
            await found.make()
        async with operating(own, found.namespace, wide=False):
            yield found
    finally:
        for transport in (user, manager, own):
            await transport.aclose()


CLUSTER: dict[str, Any] = {
    "mode": "cluster",
    "image": "milvusdb/milvus:v2.6.11",
    "log": "pulsar",
    "counts": {"mixcoord": 1, "streamingnode": 1, "querynode": 2, "datanode": 1, "proxy": 2},
}
PLAIN: dict[str, Any] = {
    "mode": "cluster",
    "image": "milvusdb/milvus:v2.5.16",
    "log": "kafka",
    "counts": {"mixcoord": 1, "querynode": 2, "datanode": 1, "indexnode": 1, "proxy": 1},
    "rolling": False,
}
STANDALONE: dict[str, Any] = {
    "mode": "standalone",
    "image": "milvusdb/milvus:v2.6.11",
    "log": "woodpecker",
    "counts": {"standalone": 1},
    "service": {"serviceType": "NodePort"},
}
ROCKSMQ: dict[str, Any] = {
    "mode": "standalone",
    "image": "milvusdb/milvus:v2.4.23",
    "log": "rocksmq",
    "counts": {"standalone": 1},
    "rolling": False,
    "dependencies": {"rocksmq": {"persistence": {"enabled": True}}},
}
