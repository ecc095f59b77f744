"""What tests against the lab's API server share."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from glede.kube.http import HttpTransport
from glede.kube.informer import Informer, Pace
from glede.kube.objects import CONFIG_MAP, Object
from glede.kube.transport import Selection, Transport, WatchEvent

MANAGER = "glede-test"
QUICK = Pace(page=3, watch=(300, 600), first_pause=0.02, longest_pause=0.2)


@asynccontextmanager
async def connected(kubeconfig: Path, manager: str = MANAGER, **options: Any) -> AsyncIterator[HttpTransport]:
    """Open a transport for the block."""
    transport = HttpTransport.connect(kubeconfig, manager=manager, **options)
    try:
        yield transport
    finally:
        await transport.aclose()


@asynccontextmanager
async def running(*informers: Informer[Any]) -> AsyncIterator[None]:
    """Run informers while the block lasts, from their first list on. An informer that ends is an error."""
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(informer.run()) for informer in informers]
        for informer in informers:
            await asyncio.wait_for(informer.synced.wait(), 30)
        try:
            yield
        finally:
            for task in started:
                task.cancel()


async def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "not so in time"
        await asyncio.sleep(0.02)


def config_map(namespace: str, name: str = "", **data: str) -> Object:
    """Render a ConfigMap; without a name it gets one of its own."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": namespace, "name": name or f"map-{secrets.token_hex(4)}"},
        "data": data or {"a": "1"},
    }


async def events_of(
    transport: Transport, selection: Selection, version: str, seconds: int = 60
) -> list[WatchEvent]:
    """Give the events of a watch until it ends."""
    stream = transport.watch(CONFIG_MAP, selection, resource_version=version, timeout_seconds=seconds)
    async with aclosing(stream):
        return [event async for event in stream]
