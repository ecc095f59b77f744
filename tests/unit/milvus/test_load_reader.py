"""Which etcd is asked what is loaded, for how long, and where asking would tell nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.unit.milvus.fewer import asking

from glede.milvus.loads import LoadReader, Needed
from glede.milvus.observed import Loads
from glede.milvus.probe import Pace, Prober, ProbeResult, ProbeTarget
from glede.milvus.resolved import Resolved

QUICK = Pace(healthy=0.01, unhealthy=0.01)
BOOKS = Needed(ok=True, reason="", message="", nodes=2, collection="books (7)")


def resolved(**components: Any) -> Resolved:
    wanted = asking(1, **components).resolved
    assert wanted is not None
    return wanted


class Etcd:
    """Gives one answer after another, and the last one for ever."""

    def __init__(self, *answers: ProbeResult) -> None:
        self.answers = list(answers)
        self.asked: list[ProbeTarget] = []

    async def ask(self, target: ProbeTarget) -> ProbeResult:
        self.asked.append(target)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def run(etcd: Etcd, story: Callable[[LoadReader, list[tuple[str, str]]], Awaitable[None]]) -> None:
    async def go() -> None:
        news: list[tuple[str, str]] = []
        prober = Prober(news.append, pace=QUICK, ask=etcd.ask)
        task = asyncio.create_task(prober.run())
        try:
            async with asyncio.timeout(20):
                await story(LoadReader(prober), news)
        finally:
            task.cancel()

    asyncio.run(go())


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - it is elsewhere that it changes
        await asyncio.sleep(0.001)


def test_it_is_asked_for_as_long_as_it_matters_and_what_changes_is_told() -> None:
    etcd = Etcd(ProbeResult(ok=False, reason="", message="etcd: connection refused"), BOOKS)

    async def story(reader: LoadReader, news: list[tuple[str, str]]) -> None:
        wanted = resolved()
        assert reader.loads(wanted, {}) is None
        await until(lambda: bool(news))
        await until(lambda: reader.loads(wanted, {}) == Loads(2, "books (7)"))
        assert news == [("birds", "kite")] * 2
        assert {target.prefix for target in etcd.asked} == {"kite/meta/"}
        reader.forget(wanted.milvus.metadata.uid)
        asked = len(etcd.asked)
        await asyncio.sleep(0.05)
        assert len(etcd.asked) == asked
        # What was known before says nothing of now.
        assert reader.loads(wanted, {}) is None

    run(etcd, story)


def test_why_there_is_no_answer_is_told() -> None:
    etcd = Etcd(ProbeResult(ok=False, reason="", message="etcd: connection refused"))

    async def story(reader: LoadReader, news: list[tuple[str, str]]) -> None:
        wanted = resolved()
        await until(lambda: reader.loads(wanted, {}) == Loads(None, why="etcd: connection refused"))

    run(etcd, story)


@pytest.mark.parametrize(
    ("image", "why"),
    [
        *(
            (f"milvusdb/milvus:v{version}", "")
            for version in ("2.2.16", "2.3.5", "2.4.1", "2.5.16", "2.6.18")
        ),
        ("milvusdb/milvus:v3.0.1", "it is not known where Milvus 3.0.1 notes what is loaded"),
        ("milvusdb/milvus:master-20261126", "it is not known where Milvus 3.0.0-master notes what is loaded"),
        ("milvusdb/milvus:nightly", "no version of Milvus is told; set spec.components.version"),
    ],
)
def test_it_is_asked_only_where_it_is_known_to_be_noted(image: str, why: str) -> None:
    etcd = Etcd(BOOKS)

    async def story(reader: LoadReader, news: list[tuple[str, str]]) -> None:
        found = reader.loads(resolved(image=image), {})
        assert found == (Loads(None, why=why) if why else None)
        if not why:
            return
        await asyncio.sleep(0.02)
        assert not etcd.asked

    run(etcd, story)
