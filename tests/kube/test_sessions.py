"""Sessions of processes that are over are ended in a real etcd; all others stay."""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lab.controlplane import free_ports
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


def test_a_pod_that_goes_leaves_nothing_behind_and_takes_nobody_with_it(etcd: Served) -> None:
    async def story(sky: Sky) -> None:
        sky.put(PREFIX + "id", "12")
        sky.put(PREFIX + "strange", "no json", sky.register("querycoord", "rootcoord", at="10.0.0.1"))
        sky.register("mixcoord-2", at="10.0.0.2")
        sky.register("querynode-3", at="10.0.0.11")
        sky.sees("active", address="10.0.0.1", process="a1")
        sky.sees("standby", address="10.0.0.2", process="b1")
        await sky.learned("a1")
        sky.sees("active", address="10.0.0.1", process="a1", deleting=True)
        sky.goes("active", "a1")
        await sky.until(lambda: sky.told == [("active", 1)])
        assert sky.roles() == {"id", "mixcoord-2", "querynode-3"}

    run(etcd, story)


def test_a_role_that_was_taken_late_goes_with_its_pod(etcd: Served) -> None:
    async def story(sky: Sky) -> None:
        sky.sees("a", address="10.0.0.1", process="a1")
        await sky.until(lambda: sky.ender._milvuses[OWNER].task is not None)
        sky.register("rootcoord", at="10.0.0.1")
        sky.goes("a", "a1")
        await sky.until(lambda: not sky.roles())

    run(etcd, story)


def test_a_container_that_begins_anew_keeps_what_it_registers_itself(etcd: Served) -> None:
    async def story(sky: Sky) -> None:
        sky.register("rootcoord", at="10.0.0.1")
        sky.sees("a", address="10.0.0.1", process="a1")
        await sky.learned("a1")
        sky.register("rootcoord-new", at="10.0.0.1")
        sky.sees("a", address="10.0.0.1", process="a2", ended="a1", ready=False)
        await sky.until(lambda: "rootcoord" not in sky.roles())
        sky.sees("a", address="10.0.0.1", process="a2", ended="a1")
        await sky.learned("a2")
        assert sky.roles() == {"rootcoord-new"}
        sky.sees("a", address="10.0.0.1", process="a3", ended="a2", ready=False)
        await sky.until(lambda: sky.told == [("a", 1), ("a", 1)])
        assert not sky.roles()

    run(etcd, story)


def test_an_address_that_another_pod_has_by_now_is_the_others(etcd: Served) -> None:
    async def story(sky: Sky) -> None:
        sky.sees("a", address="10.0.0.1", process="a1")
        await sky.until(lambda: sky.ender._milvuses[OWNER].task is not None)
        sky.register("querynode-9", at="10.0.0.1")
        sky.goes("a", "a1")
        sky.sees("b", address="10.0.0.1", process="b1", ready=False)
        await sky.looked()
        assert sky.roles() == {"querynode-9"}

    run(etcd, story)


@pytest.mark.parametrize("event", ["DELETED", "nothing is heard of it"])
def test_a_pod_whose_end_nobody_has_reported_is_left_to_its_lease(etcd: Served, event: str) -> None:
    async def story(sky: Sky) -> None:
        sky.register("rootcoord", at="10.0.0.1")
        sky.sees("a", address="10.0.0.1", process="a1")
        await sky.learned("a1")
        sky.sees("a", address="10.0.0.1", process="a1", ready=False, deleting=True)
        if event == "DELETED":
            old = view("a", address="10.0.0.1", process="a1", deleting=True)
            sky.ender.of_pod("DELETED", Key("sky", "a"), old, None)
        sky.sees("b", address="10.0.0.2", process="b1")
        await sky.looked()
        assert sky.roles() == {"rootcoord"}
        assert sky.told == []

    run(etcd, story)


def test_an_etcd_that_does_not_answer_is_asked_again(etcd: Served) -> None:
    async def story(sky: Sky) -> None:
        sky.register("rootcoord", at="10.0.0.1")
        sky.sees("a", address="10.0.0.1", process="a1")
        sky.ender.keep(OWNER, registry(f"127.0.0.1:{free_ports(1)[0]}"))
        sky.goes("a", "a1")
        await sky.until(lambda: sky.ender._milvuses[OWNER].tries > 1)
        sky.ender.keep(OWNER, registry(f"127.0.0.1:{free_ports(1)[0]}", etcd.endpoint))
        await sky.until(lambda: not sky.roles())

    run(etcd, story)


def test_sessions_can_be_left_alone(etcd: Served) -> None:
    async def story(sky: Sky) -> None:
        sky.register("rootcoord", at="10.0.0.1")
        sky.sees("a", address="10.0.0.1", process="a1")
        await sky.learned("a1")
        sky.ender.keep(OWNER, None)
        sky.goes("a", "a1")
        await sky.looked()
        assert sky.roles() == {"rootcoord"}

    run(etcd, story)


def test_what_runs_on_without_one_of_its_sessions_is_put_down_once_and_nothing_else(etcd: Served) -> None:
    async def story(sky: Sky) -> None:
        leases = [sky.register(role, at="10.0.0.1") for role in ("querycoord", "rootcoord")]
        sky.register("mixcoord-2", at="10.0.0.2")
        sky.sees("a", address="10.0.0.1", process="a1")
        sky.sees("b", address="10.0.0.2", process="b1")
        sky.sees("never registered", address="10.0.0.3", process="c1")
        await sky.looked()
        sky.register("querycoord-7", "querycoord-8", at="10.0.0.2")
        await sky.looked()
        assert sky.put_down == []
        sky.expire(leases[0])
        await sky.until(lambda: bool(sky.put_down))
        await sky.looked()
        assert sky.put_down == ["a"]

    run(etcd, story)


def test_what_ends_or_registers_again_by_itself_is_not_put_down(etcd: Served) -> None:
    async def story(sky: Sky) -> None:
        leases = [sky.register(f"proxy-{at}", at=at) for at in ("10.0.0.1", "10.0.0.2")]
        sky.sees("a", address="10.0.0.1", process="a1")
        sky.sees("b", address="10.0.0.2", process="b1")
        await sky.looked()
        for lease in leases:
            sky.expire(lease)
        sky.sees("a", address="10.0.0.1", process="a2", ended="a1", ready=False)
        sky.register("proxy-10.0.0.2", at="10.0.0.2")
        await sky.looked()
        assert sky.put_down == []


def test_what_goes_already_may_take_its_time(etcd: Served) -> None:
    async def story(sky: Sky) -> None:
        lease = sky.register("querynode-3", at="10.0.0.1")
        sky.sees("a", address="10.0.0.1", process="a1")
        await sky.looked()
        sky.sees("a", address="10.0.0.1", process="a1", deleting=True)
        sky.expire(lease)
        await sky.looked()
        assert sky.put_down == []

    run(etcd, story)


def test_what_one_before_has_left_at_an_address_is_not_missed(etcd: Served) -> None:
    async def story(sky: Sky) -> None:
        lease = sky.register("querynode-3", at="10.0.0.1")
        sky.sees("a", address="10.0.0.1", process="a2")
        await sky.learned("a2")
        sky.expire(lease)
        await sky.looked()
        assert sky.put_down == []

    run(etcd, story)


def test_sessions_elsewhere_say_nothing_about_processes_of_before(etcd: Served, tmp_path: Path) -> None:
    async def story(sky: Sky) -> None:
        sky.register("rootcoord", at="10.0.0.1")
        sky.sees("a", address="10.0.0.1", process="a1")
        await sky.learned("a1")
        with servers.etcd(tmp_path) as another:
            sky.ender.keep(OWNER, registry(another.endpoint))
            await sky.looked()
            assert sky.put_down == []
            sky.ender.keep(OWNER, registry(f"127.0.0.1:{free_ports(1)[0]}"))
            await sky.looked()
        assert sky.put_down == []

    run(etcd, story)


def test_a_milvus_that_is_gone_is_forgotten(etcd: Served) -> None:
    async def story(sky: Sky) -> None:
        sky.sees("a", address="10.0.0.1", process="a1")
        sky.ender.forget(OWNER)
        assert not sky.ender._milvuses
        old = view("a", address="10.0.0.1", process="a1")
        sky.ender.of_pod("DELETED", Key("sky", "a"), old, None)
        assert not sky.ender._milvuses

    run(etcd, story)


def test_etcd_with_users_is_written_to_as_the_manifest_s_user(tmp_path: Path) -> None:
    with servers.etcd(tmp_path) as served:
        users = (("root", "root"), ("milvus", "milvus"))
        for user, role in users:
            served.post("/v3/auth/user/add", {"name": user, "password": f"{user}-pass"})
            served.post("/v3/auth/role/add", {"name": role})
            served.post("/v3/auth/user/grant", {"user": user, "role": role})
        own = {"permType": 2, "key": coded("kite/"), "range_end": coded("kite0")}
        served.post("/v3/auth/role/grant", {"name": "milvus", "perm": own})
        lease = Sky(served, Ender(nobody), []).register("rootcoord", at="10.0.0.1")
        served.post("/v3/auth/enable", {})

        async def go() -> None:
            place = registry(served.endpoint, login=Login("milvus", "milvus-pass"))
            assert [session.role for session in await place.read()] == ["rootcoord"]
            await place.end(lease)
            assert await place.read() == []
            await place.end(lease)

        asyncio.run(go())
