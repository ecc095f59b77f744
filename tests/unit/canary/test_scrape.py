"""Reading a page of metrics: the lines that matter, whatever else it has."""

import asyncio
from collections.abc import Callable

import httpx2
import pytest

from glede.canary import Unreadable, fetch, scrape

FAMILIES, PROOF = ("wings{",), "bird_"
PAGE = 'bird_age 3\nwings{side="left"} 1\nfeathers{side="left"} 7\nwings{side="right"} 2\n'


def read(answer: Callable[[httpx2.Request], httpx2.Response]) -> str:
    async def go() -> str:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as client:
            return await fetch(client, "http://pod:9091/metrics", FAMILIES, PROOF)

    return asyncio.run(go())


def with_text(text: str, status: int = 200) -> Callable[[httpx2.Request], httpx2.Response]:
    return lambda _request: httpx2.Response(status, stream=httpx2.ByteStream(text.encode()))


def test_only_the_lines_of_the_families_are_kept() -> None:
    assert read(with_text(PAGE)) == 'wings{side="left"} 1\nwings{side="right"} 2\n'


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (with_text(PAGE, 503), "it answers with status 503"),
        (with_text("<html>\n"), "it has no metric that begins with bird_"),
        (with_text(""), "it has no metric that begins with bird_"),
        (with_text("a" * (1 << 17)), "it answers with too much"),
    ],
)
def test_what_is_no_page_of_metrics_is_told(
    answer: Callable[[httpx2.Request], httpx2.Response], words: str
) -> None:
    with pytest.raises(Unreadable, match=words):
        read(answer)


def test_more_than_can_be_kept_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "MOST_KEPT", 1000)
    assert read(with_text(PAGE + 'feathers{side="left"} 7\n' * 1000))
    with pytest.raises(Unreadable, match="too much"):
        read(with_text(PAGE * 100))


def test_a_pod_that_does_not_answer_is_waited_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "PATIENCE", 0.05)

    async def go() -> None:
        async def hang(_request: httpx2.Request) -> httpx2.Response:
            await asyncio.sleep(20)
            raise AssertionError

        async with httpx2.AsyncClient(transport=httpx2.MockTransport(hang)) as client:
            await fetch(client, "http://pod:9091/metrics", FAMILIES, PROOF)

    with pytest.raises(Unreadable, match=r"no answer in 0\.05 seconds"):
        asyncio.run(go())


def test_a_connection_that_fails_is_told_without_the_librarys_words() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("[Errno 111]", request=request)

    def break_off(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("", request=request)

    with pytest.raises(Unreadable, match=r"^no connection$"):
        read(refuse)
    with pytest.raises(Unreadable, match=r"no whole answer \(ReadError\)"):
        read(break_off)
