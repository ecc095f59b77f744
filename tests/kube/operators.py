"""An operator in this process, on the lab's API server; kwok plays the nodes and pods."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kube.faulty import FaultyTransport

from glede.api.milvus.schema import definitions
from glede.kube.http import HttpTransport
from glede.kube.manager import Manager
from glede.kube.metrics import Metrics
from glede.kube.objects import CRD, Key, Object, Resource, key_of
from glede.kube.transport import Selection, Transport
from glede.milvus.kinds import MANAGER, MILVUS
from glede.milvus.operator import Options, build

WAIT_SECONDS = 90.0
TOOL_IMAGE = "ghcr.io/glede/glede-operator:test"


@dataclass
class Bench:
    """A transport of a user's own, beside the operator's, which can be made to fail."""

    user: HttpTransport
    faulty: FaultyTransport
    namespace: str

    async def write(self, manifest: Object) -> Object:
        """Apply a manifest as a user does."""
        body = {**manifest, "metadata": {**manifest["metadata"], "namespace": self.namespace}}
        return await self.user.apply(MILVUS, key_of(body), body)

    async def milvus(self, name: str) -> Object:
        """Read a Milvus."""
        return await self.user.get(MILVUS, Key(self.namespace, name))

    async def condition(self, name: str, type_: str) -> Object:
        """Read one of its conditions; empty where there is none."""
        status = (await self.milvus(name)).get("status", {})
        return next((c for c in status.get("conditions", []) if c["type"] == type_), {})

    async def all(self, resource: Resource, labels: str | None = None) -> list[Object]:
        """List a kind in the namespace."""
        page = await self.user.list(resource, Selection(self.namespace, labels))
        return page.items

    async def until(self, what: str, holds: Callable[[Object], bool], name: str) -> Object:
        """Wait until something holds of a Milvus; gives it then."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            found = await self.milvus(name)
            if holds(found):
                return found
            assert time.monotonic() < end, (
                f"{what}: not within {WAIT_SECONDS:g} s; status: {found.get('status')}"
            )
            await asyncio.sleep(0.05)

    async def healthy(self, name: str) -> Object:
        """Wait until a Milvus is healthy and as its manifest wants it."""

        def holds(found: Object) -> bool:
            status = found.get("status", {})
            current = status.get("observedGeneration") == found["metadata"]["generation"]
            updated = {c["type"]: c["status"] for c in status.get("conditions", [])}.get("MilvusUpdated")
            return bool(current and status.get("status") == "Healthy" and updated == "True")

        return await self.until("Healthy", holds, name)


@asynccontextmanager
async def connected(kubeconfig: Path, namespace: str) -> AsyncIterator[Bench]:
    """Open the user's and the operator's connections."""
    user = HttpTransport.connect(kubeconfig, manager="user")
    own = HttpTransport.connect(kubeconfig, manager=MANAGER)
    try:
        yield Bench(user, FaultyTransport(own), namespace)
    finally:
        await user.aclose()
        await own.aclose()


@asynccontextmanager
async def operating(transport: Transport, namespace: str, *, wide: bool = True) -> AsyncIterator[Manager]:
    """Run an operator while the block lasts: on all namespaces, with the nodes, or on one."""
    options = Options(
        namespaces=() if wide else (namespace,),
        own_namespace=namespace,
        host="127.0.0.1",
        port=0,
        tool_image=TOOL_IMAGE,
    )
    manager = await build(options, transport, Metrics())
    task = asyncio.create_task(manager.run())
    try:
        yield manager
    finally:
        manager.stop()
        await task


async def install_definitions(kubeconfig: Path) -> None:
    """Install the CRDs and wait until they are served."""
    transport = HttpTransport.connect(kubeconfig, manager="install")
    try:
        for body in definitions():
            key = Key("", body["metadata"]["name"])
            await transport.apply(CRD, key, body)
            end = time.monotonic() + WAIT_SECONDS
            while not _established(await transport.get(CRD, key)):
                assert time.monotonic() < end, f"{key.name} is not served"
                await asyncio.sleep(0.05)
    finally:
        await transport.aclose()


def _established(body: dict[str, Any]) -> bool:
    conditions = body.get("status", {}).get("conditions") or []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)
