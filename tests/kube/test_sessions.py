"""Sessions of processes that are over are ended in a real etcd; all others stay."""

import asyncio
from pathlib import Path

import pytest
from lab.controlplane import free_ports
from tests.kube import servers
from tests.kube.registered import OWNER, PREFIX, Sky, etcd, nobody, registry, run, view
from tests.kube.servers import Served

from glede.kube.objects import Key
from glede.milvus.probe import Login
from glede.milvus.probe.gateway import coded
from glede.milvus.sessions import Ender

__all__ = ["etcd"]


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
