"""A process that runs on without one of its sessions is put down, and no other."""

from pathlib import Path

from lab.controlplane import free_ports
from tests.kube import servers
from tests.kube.registered import OWNER, Sky, etcd, registry, run
from tests.kube.servers import Served

__all__ = ["etcd"]


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


def test_a_role_that_is_laid_down_under_a_lease_that_lasts_is_not_missed(etcd: Served) -> None:
    async def story(sky: Sky) -> None:
        sky.register("mixcoord-7", "mixcoord", at="10.0.0.1")
        sky.sees("a", address="10.0.0.1", process="a1")
        await sky.looked()
        sky.delete("mixcoord-7")
        await sky.looked()
        assert sky.put_down == []

    run(etcd, story)


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
