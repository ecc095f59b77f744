"""Who is searched, how often, and what becomes of the collection."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import CollectorRegistry

from glede.milvus.canarysearch import CanaryWatch, Counts
from glede.milvus.canarysearch.collection import Finding
from glede.milvus.canarysearch.target import CanaryTarget
from glede.milvus.canarysearch.watch import CanaryPace, Turn

MISSING = Finding("error", "collection not found", missing=True)
EMPTY, OK = Finding("empty", "nothing"), Finding("ok")
REST = Turn("", rolling=False, generation=1, proven=True)
ROLLING = Turn("proxy", rolling=True, generation=1, proven=False)
QUICK = CanaryPace(quick=0.01, slow=0.01, limit=4, making=60.0)


def target(number: int = 1, endpoint: str = "kite-milvus.birds.svc:19530") -> CanaryTarget:
    return CanaryTarget(f"uid-{number}", ("birds", f"kite-{number}"), endpoint)


class Milvus:
    """Gives one answer after another, and the last one for ever; counts what else it is asked."""

    def __init__(self, *answers: Finding, wrong: str = "") -> None:
        self.answers, self.wrong = list(answers), wrong
        self.done: Counter[str] = Counter()
        self.at_a_time = self.most = 0
        self.targets: list[CanaryTarget] = []

    def __call__(self, target: CanaryTarget) -> "Asks":
        self.targets.append(target)
        return Asks(self, target)


class Asks:
    def __init__(self, milvus: Milvus, target: CanaryTarget) -> None:
        self.milvus, self.target = milvus, target

    async def search(self) -> Finding:
        milvus = self.milvus
        milvus.done["search"] += 1
        milvus.at_a_time += 1
        milvus.most = max(milvus.most, milvus.at_a_time)
        await asyncio.sleep(0.002)
        milvus.at_a_time -= 1
        return milvus.answers.pop(0) if len(milvus.answers) > 1 else milvus.answers[0]

    async def make(self) -> str:
        self.milvus.done["make"] += 1
        return self.milvus.wrong

    async def fill(self) -> str:
        self.milvus.done["fill"] += 1
        return ""

    async def drop(self) -> str:
        self.milvus.done["drop"] += 1
        return self.milvus.wrong


class Watched:
    def __init__(self, milvus: Milvus, pace: CanaryPace) -> None:
        self.news: list[tuple[str, str]] = []
        self.registry = CollectorRegistry()
        self.watch = CanaryWatch(self.news.append, Counts(self.registry), pace=pace, asker=milvus)

    def counted(self, number: int = 1) -> dict[str, float]:
        found = dict[str, float]()
        for result in ("ok", "empty", "short", "late", "error", "making"):
            labels = {"milvus_namespace": "birds", "milvus_name": f"kite-{number}", "result": result}
            value = self.registry.get_sample_value("glede_milvus_canary_total", labels)
            found |= {} if value is None else {result: value}
        return found


def run(milvus: Milvus, story: Callable[[Watched], Awaitable[None]], pace: CanaryPace = QUICK) -> None:
    async def go() -> None:
        watched = Watched(milvus, pace)
        task = asyncio.create_task(watched.watch.run())
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(20):
                await story(watched)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert len(asyncio.all_tasks()) == 1, "a search outlives the operator"

    asyncio.run(go())


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - it is elsewhere that it changes
        await asyncio.sleep(0.001)


def test_a_missing_collection_is_made_and_what_it_says_till_then_counts_for_nothing() -> None:
    milvus = Milvus(MISSING, EMPTY, Finding("error", "not loaded"), OK, EMPTY)

    async def story(watched: Watched) -> None:
        watched.watch.record(target(), REST, {})
        assert watched.counted() == dict.fromkeys(("ok", "empty", "short", "late", "error"), 0)
        await until(lambda: watched.counted()["empty"] >= 2)
        assert watched.counted()["error"] == 0
        assert milvus.done["make"] == 1
        assert milvus.done["fill"] == 0, "once it has answered, nothing is put into it"

    run(milvus, story)


def test_a_collection_that_was_left_unfilled_is_filled_once() -> None:
    milvus = Milvus(EMPTY)

    async def story(watched: Watched) -> None:
        watched.watch.record(target(), REST, {})
        await until(lambda: milvus.done["search"] >= 5)
        assert milvus.done["fill"] == 1

    run(milvus, story)


def test_nothing_is_put_into_it_while_a_component_is_replaced() -> None:
    milvus = Milvus(EMPTY)

    async def story(watched: Watched) -> None:
        watched.watch.record(target(), ROLLING, {})
        await until(lambda: milvus.done["search"] >= 5)
        assert milvus.done["fill"] == 0

    run(milvus, story)


@pytest.mark.parametrize("answer", [EMPTY, MISSING])
def test_a_change_on_trial_does_not_get_back_what_it_may_have_lost(answer: Finding) -> None:
    milvus = Milvus(answer)
    held = Turn("", rolling=True, generation=7, proven=False)

    async def story(watched: Watched) -> None:
        watched.watch.record(
            target(), held, {"result": "ok", "since": "2026-11-27T05:00:00Z", "generation": 7}
        )
        await until(lambda: milvus.done["search"] >= 5)
        assert (milvus.done["make"], milvus.done["fill"]) == (0, 0)
        assert watched.counted()[answer.result] >= 4

    run(milvus, story)


def test_one_that_cannot_be_made_is_an_error_and_tried_again() -> None:
    milvus = Milvus(MISSING, wrong="glede_canary: create: code 65535: no right")

    async def story(watched: Watched) -> None:
        watched.watch.record(target(), REST, {})
        await until(lambda: watched.counted()["error"] >= 2)
        record = watched.watch.record(target(), REST, {})
        assert record.fault == Finding("error", "glede_canary: create: code 65535: no right")

    run(milvus, story)


def test_one_that_is_dropped_by_somebody_counts_as_an_error_and_is_made_again() -> None:
    milvus = Milvus(OK, MISSING, OK)

    async def story(watched: Watched) -> None:
        watched.watch.record(target(), REST, {})
        await until(lambda: watched.counted()["ok"] >= 3)
        assert watched.counted()["error"] == 1
        assert milvus.done["make"] == 1

    run(milvus, story)


def test_a_rollout_is_watched_closely_from_its_first_moment() -> None:
    milvus = Milvus(OK)

    async def story(watched: Watched) -> None:
        watched.watch.record(target(), REST, {"result": "ok", "since": "2026-11-27T05:00:00Z"})
        await until(lambda: milvus.done["search"] == 1)
        await asyncio.sleep(0.05)
        assert milvus.done["search"] == 1, "at rest it waits a minute here"
        watched.watch.record(target(), ROLLING, {})
        await until(lambda: milvus.done["search"] >= 4)

    run(milvus, story, CanaryPace(quick=0.01, slow=60.0))


def test_news_are_told_and_nothing_else() -> None:
    milvus = Milvus(OK, OK, OK, OK, OK, OK, EMPTY, EMPTY)

    async def story(watched: Watched) -> None:
        watched.watch.record(target(), REST, {})
        await until(lambda: watched.counted()["empty"] >= 3)
        # The first answer, the gate that opens, and the first that is empty.
        assert watched.news == [("birds", "kite-1")] * 3

    run(milvus, story)


def test_one_that_is_gone_is_forgotten_with_its_counts() -> None:
    milvus = Milvus(OK)

    async def story(watched: Watched) -> None:
        watched.watch.record(target(), REST, {})
        await until(lambda: milvus.done["search"] >= 2)
        watched.watch.forget("uid-1")
        assert watched.counted() == {}
        await asyncio.sleep(0.01)
        before = milvus.done["search"]
        await asyncio.sleep(0.05)
        assert milvus.done["search"] == before
        assert milvus.done["drop"] == 0

    run(milvus, story)


def test_one_that_is_switched_off_is_dropped_as_the_user_of_before() -> None:
    milvus = Milvus(OK, wrong="no right")

    async def story(watched: Watched) -> None:
        watched.watch.record(target(endpoint="before:1"), REST, {})
        await until(lambda: milvus.done["search"] >= 1)
        watched.news.clear()
        assert not watched.watch.leave(target(endpoint="after:1"))
        assert not watched.watch.leave(target(endpoint="after:1"))
        await until(lambda: bool(watched.news))
        for _ in range(3):
            assert watched.watch.leave(target(endpoint="after:1")), "it was tried; the log has what was wrong"
        assert milvus.done["drop"] == 1
        assert [found.endpoint for found in milvus.targets] == ["before:1"]

    run(milvus, story)


def test_another_login_is_used_from_the_next_search_on() -> None:
    milvus = Milvus(OK)

    async def story(watched: Watched) -> None:
        watched.watch.record(target(endpoint="before:1"), REST, {})
        await until(lambda: watched.counted()["ok"] >= 3)
        record = watched.watch.record(target(endpoint="after:1"), REST, {})
        assert record.row >= 3
        assert [found.endpoint for found in milvus.targets] == ["before:1", "after:1"]

    run(milvus, story)


def test_at_most_a_few_are_asked_at_a_time_and_half_of_it_where_they_fail() -> None:
    milvus = Milvus(EMPTY)

    async def story(watched: Watched) -> None:
        for number in range(50):
            watched.watch.record(target(number), ROLLING, {})
        await until(lambda: milvus.done["search"] >= 150)
        assert milvus.most <= 4 + 2
        milvus.most = 0
        await until(lambda: milvus.done["search"] >= 250)
        assert milvus.most <= 2
        assert all(watched.counted(number)["empty"] >= 2 for number in range(50))

    run(milvus, story)
