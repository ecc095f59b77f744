"""What the canary search makes of the answers of a Milvus; a real one is asked in tests/e2e."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from lab.controlplane import free_ports
from tests.kube import servers
from tests.kube.canaries import PlayedMilvus, played
from tests.kube.servers import Handler

from glede.milvus.canarysearch import asking
from glede.milvus.canarysearch.asking import Asker
from glede.milvus.canarysearch.collection import Finding
from glede.milvus.canarysearch.target import CanaryTarget
from glede.milvus.probe import Login

Tells = Callable[[PlayedMilvus, Asker], Awaitable[None]]


def target(endpoint: str, login: Login | None = None) -> CanaryTarget:
    return CanaryTarget("1", ("birds", "kite"), endpoint, login=login)


def run(tells: Tells, version: int = 1, login: Login | None = None) -> None:
    async def go() -> None:
        async with played(version) as (milvus, endpoint):
            await tells(milvus, Asker(target(endpoint, login)))

    asyncio.run(go())


@pytest.mark.parametrize("version", [1, 2])
def test_the_collection_is_made_and_searched_in_both_versions_of_the_api(version: int) -> None:
    async def tells(milvus: PlayedMilvus, asker: Asker) -> None:
        missing = await asker.search()
        assert (missing.result, missing.missing) == ("error", True)
        assert await asker.make() == ""
        assert [await asker.search() for _ in range(10)] == [Finding("ok")] * 10
        assert await asker.fill() == ""
        assert await asker.search() == Finding("ok"), "rows that are there twice are no fault"
        milvus.mode = "empty"
        assert (await asker.search()).result == "empty"
        milvus.mode = "short"
        found = await asker.search()
        assert (found.result, found.words) == ("short", "a search in glede_canary found 2 rows of 8")
        milvus.mode = "slow"
        assert (await asker.search()).words == "a search in glede_canary took 1.2 s"
        milvus.mode = "ok"
        assert milvus.rows is not None
        milvus.rows = [row for row in milvus.rows if row["number"] != 6]
        results = [await asker.search() for _ in range(8)]
        assert {found.result for found in results} == {"short"}
        assert "a search for row 6 of glede_canary found another one first" in [f.words for f in results]
        assert [await asker.drop(), await asker.drop()] == ["", ""]
        assert (await asker.search()).missing

    run(tells, version)


def test_a_milvus_that_speaks_another_version_from_now_on_is_followed() -> None:
    async def tells(milvus: PlayedMilvus, asker: Asker) -> None:
        await asker.make()
        assert (await asker.search()).result == "ok"
        milvus.speaks(2)
        assert (await asker.search()).result == "ok"

    run(tells)


@pytest.mark.parametrize(
    ("login", "sent"),
    [
        (None, ""),
        (Login("reader", "pass"), "Bearer reader:pass"),
        (Login(token="abc"), "Bearer abc"),
    ],
)
def test_it_comes_with_the_login_that_the_manifest_names(login: Login | None, sent: str) -> None:
    async def tells(milvus: PlayedMilvus, asker: Asker) -> None:
        await asker.make()
        await asker.search()
        assert {token for _path, token in milvus.asked} == {sent}

    run(tells, login=login)


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (servers.black_hole, "was not answered in 0.5 s"),
        (servers.flood, "it answers with too much"),
        (servers.garbage, "it does not answer as"),
        (servers.http(200, b"[]"), "it answers 200, and not as Milvus does"),
        (servers.http(502, b"<html>"), "it answers 502, and not as Milvus does"),
        (servers.http(404, b"404 page not found"), "it has no REST API; is proxy.http.enabled false?"),
        (
            servers.http(200, b'{"code": 1800, "message": "user\\nhasn\'t authenticated"}'),
            "code 1800: user hasn't",
        ),
        (servers.http(200, b'{"code": 200, "data": {"a": 1}}'), "an answer without hits"),
        (servers.http(200, b'{"code": 200, "data": [7]}'), "an answer without hits"),
        (servers.http(200, b'{"code": 200}'), "an answer without hits"),
    ],
)
def test_a_strange_answer_is_an_error_in_words(
    monkeypatch: pytest.MonkeyPatch, handler: Handler, words: str
) -> None:
    monkeypatch.setattr(asking, "SEARCH_SECONDS", 0.5)
    monkeypatch.setattr(asking, "MAKE_SECONDS", 0.5)

    async def ask() -> None:
        async with servers.faulty(handler) as endpoint:
            asker = Asker(target(endpoint, Login("reader", "secret-of-a-test")))
            found, made = await asker.search(), await asker.make()
        assert found.result == "error"
        assert words in found.words
        assert "secret-of-a-test" not in found.words + made
        assert made == "" or made.startswith("glede_canary: create: ")

    asyncio.run(ask())


def test_nobody_there_and_no_such_name_are_errors() -> None:
    async def ask(endpoint: str) -> Finding:
        return await Asker(target(endpoint)).search()

    dead = f"127.0.0.1:{free_ports(1)[0]}"
    assert asyncio.run(ask(dead)) == Finding("error", "a search in glede_canary: connection refused")
    words = asyncio.run(ask("kite-milvus.birds.invalid:19530")).words
    assert words == "a search in glede_canary: the name kite-milvus.birds.invalid is not known"
