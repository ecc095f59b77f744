"""A change of etcd's template waits for its snapshot; kwok plays the members, a real etcd gives it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab.controlplane import free_ports
from lightkube import Client
from tests.kube import servers, wards
from tests.kube.etcds import MEMBERS, manifest, play, progressing, watched
from tests.kube.matrix.manifests import NAME
from tests.kube.operators import Bench
from tests.kube.servers import ROOT, Served

from glede.kube.objects import EVENT
from glede.milvus import operator
from glede.milvus.probe import Login, ProbeTarget
from glede.milvus.resolved import Dependency, Resolved
from glede.milvus.switches import SNAPSHOTS
from glede.milvus.upkeep import Keeper, Pace, place

pytestmark = pytest.mark.timeout(240)

QUICK = Pace(tick=0.1, again=0.5, required=0.5)


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with servers.etcd(tmp_path_factory.mktemp("etcd")) as served:
        yield served


@pytest.fixture(scope="module")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with servers.minio(tmp_path_factory.mktemp("store")) as served:
        wards.make_bucket(wards.store_of(served))
        yield served


@dataclass
class Places:
    """Where the operator finds the etcd and the store of its Milvuses."""

    etcd: str
    store: str

    def target(self, resolved: Resolved, dependency: Dependency, _secrets: object) -> ProbeTarget:
        meta = resolved.milvus.metadata
        whose = (meta.uid, (meta.namespace, meta.name), dependency.kind)
        if dependency.kind == "etcd":
            return ProbeTarget(*whose, "etcd", (self.etcd,))
        login = Login(*ROOT)
        return ProbeTarget(*whose, "minio", (self.store,), bucket=wards.BUCKET, prefix="files/", login=login)


async def edit(bench: Bench, word: str, turn: str) -> None:
    """Write a Milvus with this word for snapshots, whose members are annotated with this turn."""
    body = manifest(bench.namespace, podAnnotations={"turn": turn})
    body["metadata"]["annotations"][SNAPSHOTS] = word
    await bench.write(body)


async def notes(bench: Bench, reason: str) -> list[str]:
    return [event["message"] for event in await bench.all(EVENT) if event["reason"] == reason]


def test_members_wait_for_the_snapshot_that_is_required_and_go_on_with_it(
    ground: Path, kube: Client, monkeypatch: pytest.MonkeyPatch, etcd: Served, minio: Served
) -> None:
    places = Places(etcd.endpoint, f"127.0.0.1:{free_ports(1)[0]}")
    monkeypatch.setattr(place, "probe_target", places.target)
    monkeypatch.setattr(operator, "Keeper", lambda *parts: Keeper(*parts, pace=QUICK))

    async def act(bench: Bench) -> None:
        await edit(bench, "required", "0")
        await bench.healthy(NAME)
        async with watched(bench) as members:
            before = members.uids()
            await edit(bench, "required", "1")
            await progressing(bench, f"waits for a snapshot of etcd, as {SNAPSHOTS} wants it: object store ")
            assert members.uids() == before
            assert all("its members stay" in note for note in await notes(bench, "EtcdSnapshotFailed"))
            places.store = minio.endpoint
            await bench.healthy(NAME)
            assert members.left == [*reversed(MEMBERS)]
            assert members.fewest == 2
        (note,) = await notes(bench, "EtcdSnapshotMade")
        assert note.startswith("etcd is saved before its members are replaced: sky/files/glede/etcd/2")

    play(ground, kube, act)
    (key,) = wards.keys(wards.store_of(minio))
    assert f"-{NAME}-etcd-" in key
