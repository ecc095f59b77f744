"""Members of etcd wait for its snapshots and defragmentations, of a real etcd and into a real store."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from lab.controlplane import free_ports
from tests.kube import servers, wards
from tests.kube.servers import ROOT, Served
from tests.unit.milvus.snapshots import changed, intent, ref_key, whole

from glede.kube.objects import Key
from glede.milvus.observed import Observed, Upkeep
from glede.milvus.podviews import PodView
from glede.milvus.probe import ProbeTarget
from glede.milvus.resolved import Resolved
from glede.milvus.switches import DEFRAGMENTATION, SNAPSHOTS
from glede.milvus.upkeep import Keeper, Pace, Told
from glede.milvus.upkeep.sizes import Rule

OLD, NEW = "kite-etcd-old", "kite-etcd-new"
QUICK = Pace(tick=0.02, again=0.1, required=0.1, settle=0.1, look=0.2, calm=5.0, pause=0.5)


@pytest.fixture(scope="module")
def etcds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Served]]:
    with servers.etcds(tmp_path_factory.mktemp("etcds")) as served:
        yield served


@pytest.fixture(scope="module")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with servers.minio(tmp_path_factory.mktemp("store")) as served:
        wards.make_bucket(wards.store_of(served, bucket="kite"))
        yield served


@dataclass
class Sky:
    """A keeper, and what it has told; ``holds`` is what members of etcd wait for now."""

    etcds: list[Served]
    store: str
    annotations: dict[str, str] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    changes: int = 0

    def __post_init__(self) -> None:
        def change(_key: Key) -> None:
            self.changes += 1

        def tell(_reference: Mapping[str, str], told: Told) -> None:
            self.told.append(told)

        self.keeper = Keeper(change, tell, pace=QUICK, rule=Rule(floor=1 << 20))

    def resolved(self) -> Resolved:
        found = intent().resolved
        assert found
        metadata = found.milvus.metadata.model_copy(update={"annotations": self.annotations})
        endpoints = tuple(one.endpoint for one in self.etcds)
        return replace(
            found,
            milvus=found.milvus.model_copy(update={"metadata": metadata}),
            etcd=replace(found.etcd, endpoints=endpoints),
            storage=replace(found.storage, endpoints=(self.store,)),
        )

    def considers(self, *revisions: str, acts: bool = True, ready: int = 3) -> Upkeep:
        """Show the keeper an etcd whose members have these revisions, the first ordinal first."""
        held = changed(whole(intent()), "kite-etcd", revision=NEW, available=ready)
        pods = tuple(
            PodView(ref_key(f"kite-etcd-{at}"), "kite", "etcd", True, False, "", revision=revision)
            for at, revision in enumerate(revisions)
        )
        keys = {"accesskey": ROOT[0].encode(), "secretkey": ROOT[1].encode()}
        observed = Observed(held, pods)
        return self.keeper.consider(self.resolved(), observed, {"kite-minio": keys}, acts=acts)

    async def until(self, holds: Callable[[], Any], what: str) -> None:
        end = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < end, (what, self.told)
            await asyncio.sleep(0.02)

    @property
    def reasons(self) -> list[str]:
        return [one.reason for one in self.told]


def run(sky: Sky, story: Callable[[], Awaitable[None]]) -> None:
    async def go() -> None:
        running = asyncio.create_task(sky.keeper.run())
        try:
            await story()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(go())


def test_members_wait_for_a_snapshot_and_no_longer(etcds: list[Served], minio: Served) -> None:
    sky = Sky(etcds, minio.endpoint)
    store = wards.store_of(minio, bucket="kite")

    async def story() -> None:
        assert sky.considers(NEW, NEW, NEW) == Upkeep()
        # One is away: the snapshot is of the moment when the first can go.
        assert sky.considers(OLD, OLD, OLD, ready=2).holds
        assert sky.considers(OLD, OLD, OLD, acts=False).holds
        await asyncio.sleep(0.2)
        assert not sky.told
        assert sky.considers(OLD, OLD, OLD) == Upkeep("a snapshot of etcd is made first", holds=True)
        await sky.until(lambda: sky.considers(OLD, OLD, OLD) == Upkeep(), "no snapshot")
        assert sky.changes
        # The same change goes on, and begins no other.
        assert sky.considers(OLD, OLD, NEW, ready=2) == Upkeep()
        assert sky.considers(NEW, NEW, NEW) == Upkeep()
        assert sky.reasons == ["EtcdSnapshotMade"]

    run(sky, story)
    (key,) = await_keys(store)
    assert f"kite/{key}, " in sky.told[0].message
    assert wards.is_whole(wards.read(store, key))


def await_keys(store: ProbeTarget) -> list[str]:
    return [key for key in wards.keys(store) if key.endswith(f"-{NEW}.db")]


def test_a_store_that_is_away_holds_nothing_up_for_ever(etcds: list[Served]) -> None:
    sky = Sky(etcds, f"127.0.0.1:{free_ports(1)[0]}")

    async def story() -> None:
        assert sky.considers(OLD, OLD, OLD).holds
        said = set()

        def goes() -> bool:
            found = sky.considers(OLD, OLD, OLD)
            said.add(found.words.partition(": object store")[0])
            return not found.holds

        await sky.until(goes, "held for ever")
        tries = [f"a snapshot of etcd is made first; {count} of 3 tries failed" for count in (1, 2)]
        assert said == {"a snapshot of etcd is made first", *tries, "without a snapshot of etcd"}
        assert sky.reasons == ["EtcdSnapshotFailed"]
        assert sky.told[0].type == "Warning"
        assert sky.told[0].message.endswith("connection refused; its members are replaced without a snapshot")
        # The next change is tried anew.
        assert sky.considers(NEW, NEW, NEW) == Upkeep()
        assert sky.considers(OLD, OLD, OLD).holds

    run(sky, story)


def test_a_snapshot_that_is_required_is_waited_for(etcds: list[Served], minio: Served) -> None:
    sky = Sky(etcds, f"127.0.0.1:{free_ports(1)[0]}", {SNAPSHOTS: "required"})

    async def story() -> None:
        await sky.until(lambda: sky.considers(OLD, OLD, OLD).holds and len(sky.told) > 3, "not tried again")
        held = sky.considers(OLD, OLD, OLD)
        assert held.holds
        assert held.words.startswith(f"waits for a snapshot of etcd, as {SNAPSHOTS} wants it: object store")
        assert set(sky.reasons) == {"EtcdSnapshotFailed"}
        assert "members stay" in sky.told[0].message
        sky.store = minio.endpoint
        await sky.until(lambda: not sky.considers(OLD, OLD, OLD).holds, "not made")
        assert sky.reasons[-1] == "EtcdSnapshotMade"

    run(sky, story)


def test_snapshots_can_be_turned_off(etcds: list[Served], minio: Served) -> None:
    sky = Sky(etcds, minio.endpoint, {SNAPSHOTS: "off"})

    async def story() -> None:
        assert sky.considers(OLD, OLD, OLD) == Upkeep()
        await asyncio.sleep(0.2)
        assert not sky.told

    run(sky, story)


def test_etcd_is_defragmented_when_all_is_well_and_replaced_only_after(
    etcds: list[Served], minio: Served
) -> None:
    sky = Sky(etcds, minio.endpoint, {DEFRAGMENTATION: "off"})
    wards.fill(etcds[0], 20)
    wards.empty(*etcds)

    async def story() -> None:
        sky.considers(NEW, NEW, NEW)
        sky.keeper.quiet(sky.resolved().milvus.metadata.uid, True)
        await asyncio.sleep(0.5)
        sky.annotations.clear()
        # One is not ready, the Milvus is paused, something else is being rolled.
        for told in ({"ready": 2}, {"acts": False}):
            sky.considers(NEW, NEW, NEW, **told)
            await asyncio.sleep(0.5)
        sky.keeper.quiet(sky.resolved().milvus.metadata.uid, False)
        sky.considers(NEW, NEW, NEW)
        await asyncio.sleep(0.5)
        sky.keeper.unknown(sky.resolved().milvus.metadata.uid)
        sky.keeper.quiet(sky.resolved().milvus.metadata.uid, True)
        await asyncio.sleep(0.5)
        assert not sky.told
        sky.keeper.quiet(sky.resolved().milvus.metadata.uid, True)
        await sky.until(lambda: sky.considers(NEW, NEW, NEW).busy, "not begun")
        # A change comes in between: the member at work is waited for, and no other is begun.
        held = sky.considers(OLD, OLD, OLD)
        assert held == Upkeep("etcd is being defragmented", holds=True, busy=True)
        await sky.until(lambda: sky.reasons == ["EtcdDefragmented"], "not told")
        assert "a member of etcd defragmented, from " in sky.told[0].message
        assert "broken off: something is being rolled" in sky.told[0].message
        await sky.until(lambda: not sky.considers(OLD, OLD, OLD).holds, "held for ever")
        assert sky.reasons == ["EtcdDefragmented", "EtcdSnapshotMade"]
        # What it was lately done to is left alone.
        sky.considers(NEW, NEW, NEW)
        await asyncio.sleep(1.0)
        assert len(sky.told) == 2

    run(sky, story)
    assert sum(wards.sizes(one)[0] > 20_000_000 for one in etcds) == 2


def test_a_milvus_that_is_gone_is_forgotten(etcds: list[Served], minio: Served) -> None:
    sky = Sky(etcds, minio.endpoint)

    async def story() -> None:
        assert sky.considers(OLD, OLD, OLD).holds
        sky.keeper.forget(sky.resolved().milvus.metadata.uid)
        await asyncio.sleep(0.3)
        assert not sky.told
        assert not sky.keeper._milvuses

    run(sky, story)
