"""Managers of nests at work on a real API server, for tests."""

import asyncio
import http.client
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from lab.api import ApiLab
from lightkube import Client
from tests.kube.faulty import FaultyTransport
from tests.kube.live import config_map, connected
from tests.kube.toy import Toy, nest_of

from glede.kube.errors import NotFound
from glede.kube.objects import CONFIG_MAP, LEASE, Key, Object


class Sky:
    """A namespace with kites, reached past all faults."""

    def __init__(self, transport: FaultyTransport, namespace: str) -> None:
        self.transport = transport
        self.namespace = namespace

    def toy(self, identity: str, transport: FaultyTransport | None = None, **options: object) -> Toy:
        return Toy(transport or self.transport, self.namespace, identity, **options)  # type: ignore[arg-type]

    async def kite(self, name: str, **data: str) -> Key:
        kite = config_map(self.namespace, name, **data)
        kite["metadata"]["labels"] = {"kite": "yes"}
        key = Key(self.namespace, name)
        await self.transport.apply(CONFIG_MAP, key, kite)
        return key

    async def nest(self, kite: Key) -> Object:
        try:
            return dict((await self.transport.get(CONFIG_MAP, nest_of(kite)))["data"])
        except NotFound:
            return {}

    async def nest_becomes(self, kite: Key, **expected: str) -> None:
        async with asyncio.timeout(20):
            while await self.nest(kite) != expected:  # noqa: ASYNC110 - it is elsewhere that it changes
                await asyncio.sleep(0.05)

    async def holder(self) -> str | None:
        lease = await self.transport.get(LEASE, Key(self.namespace, "toy"))
        holder: str | None = lease["spec"].get("holderIdentity")
        return holder


@asynccontextmanager
async def flying(*toys: Toy) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run managers; at the end those that still run are stopped, which must go well."""
    tasks = [asyncio.create_task(toy.manager.run()) for toy in toys]
    try:
        yield tasks
    finally:
        running = [task for task in tasks if not task.done()]
        for toy in toys:
            toy.manager.stop()
        await asyncio.wait(tasks, timeout=30)
    for task in running:
        task.result()


def on_an_api_server(api: ApiLab, kube: Client, body: Callable[[Sky], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(90), connected(api.kubeconfig) as transport:
            await body(Sky(FaultyTransport(transport), kube.namespace))

    asyncio.run(run())


async def get(toy: Toy, path: str) -> tuple[int, str]:
    def ask() -> tuple[int, str]:
        assert toy.manager.server is not None
        connection = http.client.HTTPConnection("127.0.0.1", toy.manager.server.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    return await asyncio.to_thread(ask)
