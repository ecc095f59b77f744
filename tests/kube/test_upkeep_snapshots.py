"""A real etcd is saved into a real object store, whole or not at all, and the newest few are kept."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.controlplane import free_ports
from tests.kube import servers, wards
from tests.kube.servers import Handler, Served, faulty

from glede.milvus.probe import Login, ProbeTarget
from glede.milvus.probe.gateway import coded
from glede.milvus.probe.target import UnhealthyError, UnreachableError
from glede.milvus.upkeep.bucket import PART_BYTES
from glede.milvus.upkeep.place import Ward
from glede.milvus.upkeep.saving import KEPT, Saved, save

REVISION = "kite-etcd-6f8c9d7b5"


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with servers.etcd(tmp_path_factory.mktemp("etcd")) as served:
        yield served


@pytest.fixture(scope="module")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with servers.minio(tmp_path_factory.mktemp("store")) as served:
        yield served


@pytest.fixture
def store(minio: Served, request: pytest.FixtureRequest) -> ProbeTarget:
    """A bucket of the test's own."""
    name = f"b{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}"
    found = wards.store_of(minio, bucket=name)
    wards.make_bucket(found)
    return found


def saved(ward: Ward, revision: str = REVISION) -> Saved:
    return asyncio.run(save(ward, revision))


def test_a_snapshot_of_several_parts_is_whole(etcd: Served, store: ProbeTarget) -> None:
    wards.fill(etcd, 20)
    found = saved(wards.ward(wards.etcd_of(etcd), store))
    assert found.key.startswith("files/glede/etcd/2")
    assert found.key.endswith(f"Z-{REVISION}.db")
    assert wards.keys(store) == [found.key]
    held = wards.read(store, found.key)
    assert len(held) == found.size
    assert len(held) > 2 * PART_BYTES
    assert wards.is_whole(held)
    assert not wards.unfinished(store, found.key)


def test_the_newest_are_kept_and_what_is_not_ours_is_left(etcd: Served, store: ProbeTarget) -> None:
    ward = wards.ward(wards.etcd_of(etcd), store)
    others = [
        "files/glede/etcd/20200101T000000Z-falcon-etcd-1.db",
        "files/glede/etcd/20200101T000000Z-kite-etcd-1.db/more",
        "files/glede/etcd/notes & more.txt",
        "files/insert_log/1",
    ]

    for key in [*others, "files/glede/etcd/20200101T000000Z-kite-etcd-1.db"]:
        wards.put(store, key)
    made = [saved(ward, f"kite-etcd-{number}").key for number in range(4)]
    assert len(set(made)) == 4
    assert wards.keys(store) == sorted([*others, *sorted(made)[-KEPT:]])


def test_one_for_the_same_change_is_not_made_again(etcd: Served, store: ProbeTarget) -> None:
    ward = wards.ward(wards.etcd_of(etcd), store)
    first = saved(ward)
    assert saved(ward) == Saved(store.bucket, first.key)
    # What another template had in between is another change.
    saved(ward, "kite-etcd-zz")
    assert saved(ward).size
    old = f"{ward.folder}20200101T000000Z-{REVISION}.db"

    for key in wards.keys(store):
        wards.delete(store, key)
    wards.put(store, old)
    assert saved(ward).size


def test_a_member_that_is_away_is_passed_over(etcd: Served, store: ProbeTarget) -> None:
    away = Served(f"127.0.0.1:{free_ports(1)[0]}", "http")
    assert saved(wards.ward(wards.etcd_of(away, etcd), store)).size


def lines(*pieces: bytes) -> bytes:
    blobs = [{"result": {"blob": base64.b64encode(piece).decode()}} for piece in pieces]
    return "".join(json.dumps(blob) + "\n" for blob in blobs).encode()


def telling(snapshot: bytes) -> Handler:
    """Answer a snapshot to who asks for one, and to a read that nothing is there."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        body = snapshot if b"maintenance/snapshot" in asked else b"{}"
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    return handler


DATA = b"d" * 480 + hashlib.sha256(b"d" * 480).digest()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (lines(DATA[:-1], b"x"), "its snapshot is not whole"),
        (lines(DATA[:100]), "its snapshot is not whole"),
        (b"", "its snapshot is not whole"),
        (lines(DATA[:100]) + b'{"error": {"message": "etcdserver: out of cheese"}}\n', "out of cheese"),
        (b"<html>\n", "does not answer as etcd does"),
        (b"[1]\n", "does not answer as etcd does"),
        (b'{"result": {"blob": "*"}}\n', "does not answer as etcd does"),
        (b"x" * (3 << 20), "too much in one line"),
    ],
)
def test_what_is_not_whole_is_not_kept(store: ProbeTarget, body: bytes, words: str) -> None:
    async def go() -> None:
        async with faulty(telling(body)) as endpoint:
            etcd = ProbeTarget("1", ("sky", "kite"), "etcd", "etcd", (endpoint,))
            with pytest.raises((UnhealthyError, UnreachableError), match=words):
                await save(wards.ward(etcd, store), REVISION)

    asyncio.run(go())
    assert wards.keys(store) == []


def test_a_stream_that_ends_early_is_not_kept(store: ProbeTarget) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        told = lines(DATA) if b"maintenance/snapshot" in asked else b"{}"
        size = len(told) + (told != b"{}")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size + told)
        await writer.drain()

    async def go() -> None:
        async with faulty(cut) as endpoint:
            etcd = ProbeTarget("1", ("sky", "kite"), "etcd", "etcd", (endpoint,))
            with pytest.raises(UnreachableError, match="etcd "):
                await save(wards.ward(etcd, store), REVISION)

    asyncio.run(go())
    assert wards.keys(store) == []


def test_a_store_that_does_not_take_it_is_told(etcd: Served, minio: Served) -> None:
    away = Served(f"127.0.0.1:{free_ports(1)[0]}", "http")
    wrong: list[tuple[ProbeTarget, str]] = [
        (wards.store_of(away), f"object store {away.endpoint}: connection refused"),
        (wards.store_of(minio, login=Login("nobody", "nothing-at-all")), "InvalidAccessKeyId"),
        (wards.store_of(minio, bucket="no-such-bucket"), "NoSuchBucket"),
        (wards.store_of(etcd), "it answers 404"),
    ]
    for target, words in wrong:
        with pytest.raises((UnhealthyError, UnreachableError), match=words):
            saved(wards.ward(wards.etcd_of(etcd), target))


def test_an_etcd_with_users_gives_it_to_root_alone(tmp_path: Path, store: ProbeTarget) -> None:
    with servers.etcd(tmp_path) as served:
        for user in ("root", "milvus"):
            served.post("/v3/auth/user/add", {"name": user, "password": f"{user}-pass"})
            served.post("/v3/auth/role/add", {"name": user})
            served.post("/v3/auth/user/grant", {"user": user, "role": user})
        own = {"permType": 2, "key": coded("kite/"), "range_end": coded("kite0")}
        served.post("/v3/auth/role/grant", {"name": "milvus", "perm": own})
        served.post("/v3/auth/enable", {})
        with pytest.raises(UnhealthyError, match="permission denied"):
            saved(wards.ward(wards.etcd_of(served, login=Login("milvus", "milvus-pass")), store))
        assert wards.keys(store) == []
        assert saved(wards.ward(wards.etcd_of(served, login=Login("root", "root-pass")), store)).size
