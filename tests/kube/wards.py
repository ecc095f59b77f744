"""Real etcds with something in them, and a bucket of a real object store for their snapshots."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from lab.daemons import wait_for
from tests.kube.servers import ROOT, Served

from glede.kube.objects import Key
from glede.milvus.probe import Login, ProbeTarget
from glede.milvus.probe.gateway import coded
from glede.milvus.probe.net import ask, http_client
from glede.milvus.probe.s3 import Call, s3_request
from glede.milvus.upkeep.bucket import Bucket
from glede.milvus.upkeep.place import Ward

BUCKET = "sky"
TICKS = 20


def store_of(served: Served, **values: Any) -> ProbeTarget:
    usual = {"bucket": BUCKET, "prefix": "files/", "login": Login(*ROOT)}
    return ProbeTarget("1", ("sky", "kite"), "storage", "minio", (served.endpoint,), **{**usual, **values})


def etcd_of(*served: Served, login: Login | None = None) -> ProbeTarget:
    endpoints = tuple(one.endpoint for one in served)
    return ProbeTarget("1", ("sky", "kite"), "etcd", "etcd", endpoints, login=login)


def ward(etcd: ProbeTarget, store: ProbeTarget, **values: Any) -> Ward:
    return Ward(Key("sky", "kite"), etcd, store, "kite-etcd", 4 << 30, **values)


def fill(etcd: Served, count: int, *, start: int = 0, size: int = 1 << 20) -> None:
    """Write so many values of so many bytes, each under a key of its own, and keys for ``empty``."""
    for number in range(TICKS):
        etcd.post("/v3/kv/put", {"key": coded(f"tick/{number}"), "value": coded("x")})
    for number in range(start, start + count):
        noise = hashlib.shake_128(str(number).encode()).digest(size)
        value = base64.b64encode(noise).decode()
        etcd.post("/v3/kv/put", {"key": coded(f"fill/{number}"), "value": value})


def empty(*members: Served) -> None:
    """Delete what was filled in, also from the past: its pages are free then, and the file as large."""
    etcd = members[0]
    etcd.post("/v3/kv/deleterange", {"key": coded("fill/"), "range_end": coded("fill0")})
    header = etcd.post("/v3/kv/range", {"key": coded("last")})["header"]
    assert isinstance(header, dict)
    etcd.post("/v3/kv/compaction", {"revision": header["revision"], "physical": True})
    # Each member does it in its own time, and counts pages as free only after the next change; without space
    # that can be a deletion alone.
    for number, _ in enumerate(wait_for("compaction", 20)):
        etcd.post("/v3/kv/deleterange", {"key": coded(f"tick/{number % TICKS}")})
        if all(used < 1 << 20 for _, used in map(sizes, members)):
            return


def sizes(etcd: Served) -> tuple[int, int]:
    """Give the size of a member's database, and what of it is in use."""
    told: Any = etcd.post("/v3/maintenance/status", {})
    return int(told["dbSize"]), int(told["dbSizeInUse"])


def in_bucket(store: ProbeTarget, act: Callable[[Bucket], Awaitable[Any]]) -> Any:
    async def go() -> Any:
        async with http_client(store.tls) as client:
            return await act(Bucket(client, store))

    return asyncio.run(go())


def make_bucket(store: ProbeTarget) -> None:
    in_bucket(store, lambda bucket: bucket._call("PUT", "", {}))


def keys(store: ProbeTarget, prefix: str = "") -> list[str]:
    found: list[str] = in_bucket(store, lambda bucket: bucket.keys(prefix))
    return found


def put(store: ProbeTarget, key: str) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        yield b""

    in_bucket(store, lambda bucket: bucket.put(key, nothing()))


def delete(store: ProbeTarget, key: str) -> None:
    in_bucket(store, lambda bucket: bucket.delete(key))


def unfinished(store: ProbeTarget, key: str) -> bool:
    """Tell whether parts of an object are there that was never finished."""
    answer = in_bucket(store, lambda bucket: bucket._call("GET", "", {"uploads": "", "prefix": key}))
    return b"<Upload>" in answer.body


def read(store: ProbeTarget, key: str) -> bytes:
    """Read an object; a body above the limit of answers is read by the half."""

    async def go() -> bytes:
        body = b""
        async with http_client(store.tls) as client:
            while True:
                request = s3_request(client, store, store.endpoints[0], Call(key=key))
                request.headers["range"] = f"bytes={len(body)}-{len(body) + (1 << 19) - 1}"
                answer = await ask(client, request)
                if answer.status != 206:
                    return body
                body += answer.body

    return asyncio.run(go())


def is_whole(snapshot: bytes) -> bool:
    """Tell whether it is a snapshot as ``etcdutl`` restores it: pages, and the sum of them after."""
    return len(snapshot) % 512 == 32 and hashlib.sha256(snapshot[:-32]).digest() == snapshot[-32:]
