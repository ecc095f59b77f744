"""How many query nodes are needed is read from a real etcd, as Milvus notes it there."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.controlplane import free_ports
from tests.kube import servers
from tests.kube.loaded import Notes
from tests.kube.servers import Handler, Served

from glede.milvus.loads import Needed, ask_needed, catalogue
from glede.milvus.probe import Login, ProbeResult, ProbeTarget, gateway

ROOTS = (f"kite-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with servers.etcd(tmp_path_factory.mktemp("etcd")) as served:
        yield served


@pytest.fixture
def notes(etcd: Served) -> Notes:
    return Notes(etcd, next(ROOTS))


def asked(notes: Notes, *endpoints: str, login: Login | None = None) -> ProbeResult:
    places = endpoints or (notes.etcd.endpoint,)
    target = ProbeTarget("1", ("sky", "kite"), "etcd", "etcd", places, login=login, prefix=notes.prefix)
    return asyncio.run(ask_needed(target))


def needed(notes: Notes) -> tuple[int, str]:
    found = asked(notes)
    assert isinstance(found, Needed), found
    return found.nodes, found.collection


def test_the_collection_with_the_most_replicas_decides_for_as_long_as_it_is_loaded(notes: Notes) -> None:
    assert needed(notes) == (0, "")
    notes.create(470, "books")
    notes.create(471, "Bücher und mehr")
    assert needed(notes) == (0, "")
    notes.load(470, 1)
    assert needed(notes) == (1, "books (470)")
    notes.load(471, 3)
    assert needed(notes) == (3, "Bücher und mehr (471)")
    notes.release(471)
    assert needed(notes) == (1, "books (470)")
    notes.release(470)
    assert needed(notes) == (0, "")


def test_of_several_that_need_as_many_the_same_is_told_each_time(notes: Notes) -> None:
    for number in (99, 100, 47):
        notes.load(number, 2)
    assert needed(notes) == (2, "47")


def test_a_collection_of_another_database_and_one_whose_name_is_not_found(notes: Notes) -> None:
    notes.create(470, "lions", database=4711)
    notes.create(1, "books")
    notes.load(470, 2)
    assert needed(notes) == (2, "lions (470)")
    notes.drop("root-coord/database/collection-info/4711/470")
    assert needed(notes) == (2, "470")


def test_another_milvus_in_the_same_etcd_counts_for_itself(etcd: Served) -> None:
    one, other = Notes(etcd, "one"), Notes(etcd, "one-more")
    one.load(1, 1)
    other.load(2, 3)
    assert needed(one) == (1, "1")
    assert needed(other) == (3, "2")


def test_a_replica_that_is_left_of_nothing_loaded_needs_nothing(notes: Notes) -> None:
    notes.load(470, 3)
    notes.drop("querycoord-collection-loadinfo/470")
    assert needed(notes) == (0, "")


def test_more_than_a_page_is_read_and_more_than_is_sensible_is_not(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "PAGE", 3)
    for number in range(1, 8):
        notes.load(number, 1)
    notes.load(5, 2)
    assert needed(notes) == (2, "5")
    monkeypatch.setattr(catalogue, "MOST_PAGES", 2)
    found = asked(notes)
    assert not isinstance(found, Needed)
    assert found.message == "etcd: it has more than 6 keys below querycoord-collection-loadinfo/"


def test_a_page_of_usual_keys_is_no_too_long_answer(notes: Notes) -> None:
    deep = Notes(notes.etcd, "a/root/path/of/a/tidy/administrator/" + next(ROOTS))
    prefix = f"{deep.prefix}querycoord-collection-loadinfo/"
    operations = [
        {"requestPut": {"key": gateway.coded(f"{prefix}{470737468725919927 + number}"), "value": ""}}
        for number in range(catalogue.PAGE + 100)
    ]
    for at in range(0, len(operations), 100):
        deep.etcd.post("/v3/kv/txn", {"success": operations[at : at + 100]})
    deep.load(7, 2)
    assert needed(deep) == (2, "7")


def test_the_first_endpoint_that_answers_is_enough(notes: Notes) -> None:
    notes.load(470, 2)
    dead = f"127.0.0.1:{free_ports(1)[0]}"
    found = asked(notes, dead, notes.etcd.endpoint)
    assert isinstance(found, Needed)
    assert found.nodes == 2


def test_no_answer_is_told(notes: Notes) -> None:
    dead = f"127.0.0.1:{free_ports(1)[0]}"
    assert asked(notes, dead) == ProbeResult(ok=False, reason="", message="etcd: connection refused")


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (servers.black_hole, "no answer in 0.5 seconds"),
        (servers.flood, "it answers with too much"),
        (servers.garbage, "it does not answer as"),
        (servers.http(200, b"[]"), "it does not answer as etcd does"),
        (servers.http(503, b'{"message": "leader changed"}'), "kv/range answers 503: leader changed"),
    ],
)
def test_a_strange_answer_is_told(
    notes: Notes, monkeypatch: pytest.MonkeyPatch, handler: Handler, words: str
) -> None:
    monkeypatch.setattr(gateway, "SECONDS", 0.5)

    async def ask() -> ProbeResult:
        async with servers.faulty(handler) as endpoint:
            target = ProbeTarget("1", ("sky", "kite"), "etcd", "etcd", (endpoint,), prefix=notes.prefix)
            return await ask_needed(target)

    found = asyncio.run(ask())
    assert not found.ok
    assert words in found.message


def test_a_user_who_may_not_read_it_is_told(tmp_path: Path) -> None:
    with servers.etcd(tmp_path) as served:
        for user in ("root", "milvus"):
            served.post("/v3/auth/user/add", {"name": user, "password": user})
        served.post("/v3/auth/role/add", {"name": "root"})
        served.post("/v3/auth/user/grant", {"user": "root", "role": "root"})
        Notes(served).load(470, 2)
        served.post("/v3/auth/enable", {})
        refused = asked(Notes(served), login=Login("milvus", "milvus"))
        assert not refused.ok
        assert "permission denied" in refused.message
        found = asked(Notes(served), login=Login("root", "root"))
        assert isinstance(found, Needed)
        assert found.nodes == 2
