"""Sessions in a real etcd, and an Ender that follows pods."""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import pytest
from tests.kube import servers
from tests.kube.servers import Served

from glede.kube.objects import Key
from glede.milvus.podviews import PodView
from glede.milvus.probe import Login, ProbeTarget
from glede.milvus.probe.gateway import coded
from glede.milvus.sessions import Ender, Outcast, Over, Pace, Registry

OWNER = Key("sky", "kite")
PREFIX = "kite/meta/session/"
QUICK = Pace(
    settle=0.01, again=0.05, tries=100, patrol=0.05, alarm=0.02, alarmed=0.2, patience=0.3, settled=0.2
)


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with servers.etcd(tmp_path_factory.mktemp("etcd")) as served:
        yield served


@dataclass
class Sky:
    """Sessions in an etcd, and an Ender that follows pods."""

    etcd: Served
    ender: Ender
    told: list[tuple[str, int]]
    put_down: list[str] = field(default_factory=list)

    def register(self, *roles: str, at: str) -> str:
        """Register roles as a process of Milvus does, under one lease; gives the lease."""
        lease = str(self.etcd.post("/v3/lease/grant", {"TTL": 600})["ID"])
        for role in roles:
            session = {"ServerID": 7, "ServerName": role, "Address": f"{at}:53100", "Exclusive": True}
            self.put(PREFIX + role, json.dumps(session), lease)
        return lease

    def put(self, key: str, value: str, lease: str = "0") -> None:
        body: dict[str, object] = {"key": coded(key), "value": coded(value), "lease": lease}
        self.etcd.post("/v3/kv/put", body)

    def delete(self, role: str) -> None:
        self.etcd.post("/v3/kv/deleterange", {"key": coded(PREFIX + role)})

    def expire(self, lease: str) -> None:
        self.etcd.post("/v3/lease/revoke", {"ID": lease})

    def roles(self) -> set[str]:
        body: dict[str, object] = {"key": coded(PREFIX), "range_end": coded("kite/meta/session0")}
        found = self.etcd.post("/v3/kv/range", body).get("kvs", [])
        assert isinstance(found, list)
        return {base64.b64decode(pair["key"]).decode().removeprefix(PREFIX) for pair in found}

    def sees(self, name: str, **values: object) -> None:
        self.ender.of_pod("MODIFIED", Key("sky", name), None, view(name, **values))

    def goes(self, name: str, process: str) -> None:
        self.sees(name, address="10.0.0.1", ended=process, ready=False, deleting=True)

    async def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < end
            await asyncio.sleep(0.01)

    async def learned(self, process: str) -> None:
        await self.until(lambda: process in self.ender._milvuses[OWNER].leases)

    async def looked(self) -> None:
        """Wait until nothing is left to do, and a while longer."""
        milvus = self.ender._milvuses[OWNER]
        await self.until(lambda: not milvus.over and milvus.task is not None and milvus.task.done())
        await asyncio.sleep(4 * QUICK.patience)


def view(name: str, **values: object) -> PodView:
    usual = {"component": "mixcoord", "ready": True, "deleting": False, "trouble": ""}
    return PodView(**{"key": Key("sky", name), "milvus": "kite", **usual, **values})  # type: ignore[arg-type]


async def nobody(outcast: Outcast) -> None:
    raise AssertionError(f"{outcast} is put down")


def registry(*endpoints: str, login: Login | None = None) -> Registry:
    return Registry(ProbeTarget("1", ("sky", "kite"), "etcd", "etcd", endpoints, login=login), PREFIX)


def run(etcd: Served, story: Callable[[Sky], Awaitable[None]]) -> None:
    async def go() -> None:
        told: list[tuple[str, int]] = []
        put_down: list[str] = []

        async def put(outcast: Outcast) -> None:
            put_down.append(outcast.key.name)

        def tell(_key: Key, over: Over, count: int) -> None:
            told.append((over.pod, count))

        ender = Ender(put, pace=QUICK, told=tell)
        ender.keep(OWNER, registry(etcd.endpoint))
        running = asyncio.create_task(ender.run())
        try:
            await story(Sky(etcd, ender, told, put_down))
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    etcd.post("/v3/kv/deleterange", {"key": coded("kite/"), "range_end": coded("kite0")})
    asyncio.run(go())
