"""External dependencies are asked by their own protocols: real etcds and stores, and broken endpoints."""

import asyncio
import base64
import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.binaries import find_binary
from lab.certificates import Authority
from lab.controlplane import free_ports
from tests.kube import servers
from tests.kube.servers import ROOT, Handler, Served, faulty, http

from glede.milvus.probe import Login, ProbeResult, ProbeTarget, Tls, probe
from glede.milvus.resolved import DependencyKind


def target(kind: DependencyKind, type_: str, *endpoints: str, **values: object) -> ProbeTarget:
    found = ProbeTarget("uid", ("ns", "a"), kind, type_, endpoints)
    return dataclasses.replace(found, **values)  # type: ignore[arg-type]


def etcd_at(*endpoints: str, **values: object) -> ProbeTarget:
    return target("etcd", "etcd", *endpoints, **{"prefix": "by-dev", **values})


def store_at(*endpoints: str, **values: object) -> ProbeTarget:
    usual = {"bucket": "milvus-bucket", "prefix": "files/", "login": Login(*ROOT)}
    return target("storage", "minio", *endpoints, **{**usual, **values})


def asked(wanted: ProbeTarget, seconds: float = 5.0) -> ProbeResult:
    return asyncio.run(probe(wanted, seconds=seconds))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with servers.etcd(tmp_path_factory.mktemp("etcd")) as served:
        yield served


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with servers.minio(tmp_path_factory.mktemp("store")) as served:
        yield served


def test_etcd_is_well(etcd: Served) -> None:
    found = asked(etcd_at(etcd.endpoint))
    assert (found.ok, found.reason) == (True, "EtcdReady")
    assert found.message.startswith("etcd 3.")


def test_one_etcd_endpoint_that_is_well_is_enough_and_the_dead_one_is_told(etcd: Served) -> None:
    dead = f"127.0.0.1:{free_ports(1)[0]}"
    found = asked(etcd_at(dead, etcd.endpoint))
    assert found.ok
    assert found.message.endswith(f"; {dead}: connection refused")


def test_credentials_for_an_etcd_without_users_are_no_fault(etcd: Served) -> None:
    assert asked(etcd_at(etcd.endpoint, login=Login("root", "x"))).ok


def test_etcd_with_users(tmp_path: Path) -> None:
    with servers.etcd(tmp_path) as served:
        for user in ("root", "milvus"):
            served.post("/v3/auth/user/add", {"name": user, "password": f"{user}-pass"})
        served.post("/v3/auth/role/add", {"name": "root"})
        served.post("/v3/auth/user/grant", {"user": "root", "role": "root"})
        served.post("/v3/auth/enable", {})
        # A user may be allowed nothing but its own keys: etcd's quorum has answered all the same.
        for user in ("root", "milvus"):
            assert asked(etcd_at(served.endpoint, login=Login(user, f"{user}-pass"))).ok
        wrong = asked(etcd_at(served.endpoint, login=Login("root", "not-the-password")))
        assert (wrong.ok, wrong.reason) == (False, "EtcdNotReady")
        assert "refuses the user or password" in wrong.message
        assert "not-the-password" not in wrong.message
        without = asked(etcd_at(served.endpoint))
        assert (without.ok, without.reason) == (False, "EtcdNotReady")
        assert "user name is empty" in without.message


def test_etcd_out_of_space_is_not_ready(tmp_path: Path) -> None:
    with servers.etcd(tmp_path, None, **{"quota-backend-bytes": str(1 << 20)}) as served:
        body: dict[str, object] = {
            "key": base64.b64encode(b"k").decode(),
            "value": base64.b64encode(b"v" * (1 << 20)).decode(),
        }
        for _ in range(4):
            with contextlib.suppress(AssertionError):
                served.post("/v3/kv/put", body)
        found = asked(etcd_at(served.endpoint))
        assert (found.ok, found.reason) == (False, "EtcdNotReady")
        assert "NOSPACE" in found.message


def test_etcd_by_tls(tmp_path: Path, authority: Authority) -> None:
    with servers.etcd(tmp_path, authority) as served:
        assert asked(etcd_at(served.endpoint, tls=Tls(authority=served.authority))).ok
        assert asked(etcd_at(served.endpoint, tls=Tls(verify=False))).ok
        unknown = asked(etcd_at(served.endpoint, tls=Tls()))
        assert unknown.reason == "ConnectionFailed"
        assert "certificate is not accepted" in unknown.message


def test_etcd_that_asks_for_a_certificate(tmp_path: Path, authority: Authority) -> None:
    trusted = {"client-cert-auth": "true", "trusted-ca-file": str(authority.pair.certificate)}
    pair = authority.issue("milvus", "milvus")
    own = Tls(
        authority=authority.pair.certificate.read_bytes(),
        certificate=pair.certificate.read_bytes(),
        key=pair.key.read_bytes(),
    )
    (port, peer) = free_ports(2)
    url = f"https://127.0.0.1:{port}"
    served = authority.issue("etcd-strict", "etcd", names=["127.0.0.1"])
    flags = {
        "data-dir": tmp_path / "etcd",
        "listen-client-urls": url,
        "advertise-client-urls": url,
        "listen-peer-urls": f"http://127.0.0.1:{peer}",
        "listen-metrics-urls": f"http://127.0.0.1:{free_ports(1)[0]}",
        "cert-file": served.certificate,
        "key-file": served.key,
        **trusted,
    }
    arguments = [str(find_binary("etcd")), *(f"--{name}={value}" for name, value in flags.items())]
    with servers.running(arguments, {}, servers.answers(f"{flags['listen-metrics-urls']}/health")):
        assert asked(etcd_at(f"127.0.0.1:{port}", tls=own)).ok
        without = asked(
            etcd_at(f"127.0.0.1:{port}", tls=dataclasses.replace(own, certificate=None, key=None))
        )
        assert (without.ok, without.reason) == (False, "ConnectionFailed")


def test_a_bucket_that_is_not_there_is_well(store: Served) -> None:
    found = asked(store_at(store.endpoint))
    assert found == ProbeResult(
        True, "StorageReady", "bucket milvus-bucket is not there yet; Milvus makes it"
    )


@pytest.mark.parametrize("type_", ["minio", "s3"])
@pytest.mark.parametrize("prefix", ["files/", "deep/down+er /ä/", ""])
def test_a_bucket_that_can_be_read(store: Served, type_: str, prefix: str) -> None:
    make_bucket(store, "milvus-bucket-2")
    found = asked(store_at(store.endpoint, type=type_, bucket="milvus-bucket-2", prefix=prefix))
    assert found == ProbeResult(True, "StorageReady", "bucket milvus-bucket-2 can be read")


def make_bucket(store: Served, name: str) -> None:
    folder = (
        Path(str(store.process.args[2])) if store.process and isinstance(store.process.args, list) else None
    )
    assert folder
    (folder / name).mkdir(exist_ok=True)


@pytest.mark.parametrize("login", [Login("nobody", ROOT[1]), Login(ROOT[0], "not-the-secret")])
def test_wrong_keys_are_refused(store: Served, login: Login) -> None:
    found = asked(store_at(store.endpoint, login=login))
    assert (found.ok, found.reason) == (False, "ClientError")
    assert "refuses the access key or secret key" in found.message
    assert "not-the-secret" not in found.message


def test_what_a_store_says_of_a_wrong_region_is_told() -> None:
    body = b"<Error><Code>AuthorizationHeaderMalformed</Code><Message>expecting 'eu-1'\x07</Message></Error>"

    async def go() -> ProbeResult:
        async with faulty(http(400, body)) as endpoint:
            return await probe(store_at(endpoint))

    found = asyncio.run(go())
    assert (found.ok, found.reason) == (False, "ClientError")
    assert found.message.endswith(": AuthorizationHeaderMalformed: expecting 'eu-1'")


def test_without_keys_an_answer_of_s3_is_all_that_is_known(store: Served) -> None:
    found = asked(store_at(store.endpoint, login=None))
    assert found.ok
    assert "nothing more is known" in found.message


def test_a_store_by_tls(tmp_path: Path, authority: Authority) -> None:
    with servers.minio(tmp_path, authority) as served:
        assert asked(store_at(served.endpoint, tls=Tls(authority=served.authority))).ok
        assert asked(store_at(served.endpoint, tls=Tls(verify=False))).ok
        assert not asked(store_at(served.endpoint, tls=Tls())).ok
        plain = asked(store_at(served.endpoint))
        assert (plain.ok, plain.reason) == (False, "ClientError")


def test_a_secret_that_is_missing_is_told_without_asking() -> None:
    found = asked(store_at("127.0.0.1:1", missing="Secret x does not exist"))
    assert found == ProbeResult(False, "SecretNotExist", "Secret x does not exist")


TYPES: list[tuple[DependencyKind, str]] = [
    ("etcd", "etcd"),
    ("storage", "minio"),
    ("storage", "azure"),
    ("log", "kafka"),
    ("log", "pulsar"),
]
FAULTS = [
    servers.black_hole,
    servers.trickle,
    servers.flood,
    servers.garbage,
    servers.huge_frame,
    http(200, b"{}"),
    http(200, b"<html>"),
    http(200, b"[" * 100_000),
    http(500, b""),
    http(301, b""),
    http(204, b""),
]


@pytest.mark.parametrize("handler", FAULTS)
@pytest.mark.parametrize(("kind", "type_"), TYPES)
def test_an_endpoint_that_is_something_else_is_not_well(
    kind: DependencyKind, type_: str, handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> ProbeResult:
        async with faulty(handler) as endpoint:
            login = (
                Login("account", base64.b64encode(b"key").decode()) if type_ in {"azure", "kafka"} else None
            )
            wanted = target(kind, type_, endpoint, bucket="b", login=login)
            if type_ == "azure":
                # The account's host name is made of this one; only the system's resolver knows localhost's.
                wanted = dataclasses.replace(wanted, endpoints=(f"localhost:{endpoint.split(':')[1]}",))
            return await probe(wanted, seconds=0.3)

    found = asyncio.run(go())
    if (type_, handler) == ("etcd", FAULTS[5]):
        # An empty object is all that etcd's gateway leaves of a message of zeros.
        assert found.ok
        return
    assert not found.ok
    assert len(found.message) < 300


def test_an_etcd_without_its_gateway_is_asked_for_its_health() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readuntil(b"\r\n\r\n")).splitlines()[0]
        await (http(200, b'{"health":"true"}') if b"/health" in line else http(404, b"not found"))(
            once(b"\r\n\r\n"), writer
        )

    async def go() -> ProbeResult:
        async with faulty(handler) as endpoint:
            return await probe(etcd_at(endpoint))

    assert asyncio.run(go()) == ProbeResult(True, "EtcdReady", "etcd without its JSON gateway")


def once(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


def test_a_name_that_nobody_knows() -> None:
    found = asked(etcd_at("no-such-host.invalid:2379"))
    assert found == ProbeResult(
        False, "ConnectionFailed", "no-such-host.invalid:2379: the name no-such-host.invalid is not known"
    )


def test_a_woodpecker_is_reached() -> None:
    async def go() -> ProbeResult:
        async with faulty(servers.black_hole) as endpoint:
            return await probe(target("log", "woodpecker", endpoint))

    assert asyncio.run(go()) == ProbeResult(True, "ConnectionOK", "reached")


def test_no_representation_shows_a_credential(store: Served) -> None:
    login = Login("the-name", "the-password", "the-token")
    shown = repr(
        store_at(store.endpoint, login=login, tls=Tls(key=b"the-key", certificate=b"the-certificate"))
    )
    assert "the-" not in shown
