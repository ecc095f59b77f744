"""Asking goes on beside the reconciling: nobody waits or is starved, nothing is shared between Milvuses."""

import asyncio
import dataclasses
import itertools
from collections.abc import Awaitable, Callable

import pytest

from glede.milvus.probe import Login, Pace, Prober, ProbeResult, ProbeTarget
from glede.milvus.probe.prober import Owner

WELL = ProbeResult(True, "EtcdReady", "etcd")
ILL = ProbeResult(False, "EtcdNotReady", "no quorum")
FAST = Pace(healthy=0.02, unhealthy=0.01)

Ask = Callable[[ProbeTarget], Awaitable[ProbeResult]]


def target(uid: str = "1", endpoint: str = "e:2379", login: Login | None = None) -> ProbeTarget:
    return ProbeTarget(uid, ("ns", f"milvus-{uid}"), "etcd", "etcd", (endpoint,), login=login)


class Bench:
    """A prober that runs, and what it told."""

    def __init__(self, ask: Ask, pace: Pace = FAST) -> None:
        self.told: list[Owner] = []
        self.asked: list[ProbeTarget] = []
        self._ask = ask
        self._moved = asyncio.Event()
        self.prober = Prober(self._tell, pace=pace, ask=self._count)

    def _tell(self, owner: Owner) -> None:
        self.told.append(owner)
        self._moved.set()

    async def _count(self, wanted: ProbeTarget) -> ProbeResult:
        self.asked.append(wanted)
        self._moved.set()
        return await self._ask(wanted)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._moved.clear()
                await self._moved.wait()


def run(ask: Ask, story: Callable[[Bench], Awaitable[None]], pace: Pace = FAST) -> None:
    async def go() -> None:
        bench = Bench(ask, pace)
        running = asyncio.create_task(bench.prober.run())
        try:
            await story(bench)
            assert not running.done()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(go())


async def well(_wanted: ProbeTarget) -> ProbeResult:
    return WELL


def test_the_first_answer_comes_later_and_is_told() -> None:
    async def story(bench: Bench) -> None:
        assert bench.prober.result(target()) is None
        await bench.until(lambda: bool(bench.told))
        assert bench.prober.result(target()) == WELL
        assert bench.told == [("ns", "milvus-1")]

    run(well, story)


def test_the_same_answer_again_is_not_told_and_another_is() -> None:
    answers = [WELL, WELL, ILL, ILL, WELL]

    async def ask(_wanted: ProbeTarget) -> ProbeResult:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def story(bench: Bench) -> None:
        bench.prober.result(target())
        await bench.until(lambda: len(bench.told) == 3 and len(bench.asked) >= 7)
        assert bench.told == [("ns", "milvus-1")] * 3

    run(ask, story)


@pytest.mark.parametrize(
    "other",
    [target(login=Login("root", "a")), target(endpoint="other:2379"), target(uid="2")],
    ids=["credentials", "endpoint", "milvus"],
)
def test_an_answer_is_for_exactly_what_was_asked(other: ProbeTarget) -> None:
    async def story(bench: Bench) -> None:
        bench.prober.result(target())
        await bench.until(lambda: bool(bench.told))
        assert bench.prober.result(other) is None
        await bench.until(lambda: len(bench.told) == 2)
        assert bench.prober.result(other) == WELL

    run(well, story)


def test_changed_credentials_end_the_question_with_the_old_ones() -> None:
    cancelled = []

    async def ask(wanted: ProbeTarget) -> ProbeResult:
        if wanted.login is None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.append(wanted)
        return WELL

    async def story(bench: Bench) -> None:
        bench.prober.result(target())
        await bench.until(lambda: bool(bench.asked))
        new = target(login=Login("root", "new"))
        bench.prober.result(new)
        await bench.until(lambda: bool(bench.told))
        assert cancelled == [target()]
        assert bench.prober.result(new) == WELL

    run(ask, story)


def test_dead_endpoints_do_not_hold_up_others() -> None:
    async def ask(wanted: ProbeTarget) -> ProbeResult:
        if wanted.uid.startswith("dead"):
            await asyncio.sleep(0.05)
            return ILL
        return WELL

    async def story(bench: Bench) -> None:
        dead = [target(f"dead-{number}") for number in range(100)]
        for wanted in dead:
            bench.prober.result(wanted)
        await bench.until(lambda: len(bench.told) == 100)
        # From now on every dead one is due at once, again and again; the new one finds room all the same.
        before = len(bench.asked)
        bench.prober.result(target("new"))
        await bench.until(lambda: ("ns", "milvus-new") in bench.told)
        assert len(bench.asked) - before <= 16

    run(ask, story, dataclasses.replace(FAST, healthy=0.001, unhealthy=0.001))


def test_no_more_are_asked_at_a_time_than_the_limit() -> None:
    busy = most = 0

    async def ask(_wanted: ProbeTarget) -> ProbeResult:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.01)
        busy -= 1
        return WELL

    async def story(bench: Bench) -> None:
        for number in range(30):
            bench.prober.result(target(str(number)))
        await bench.until(lambda: len(bench.told) == 30)
        assert most == 4

    run(ask, story, dataclasses.replace(FAST, limit=4))


def test_a_fault_of_our_own_is_an_answer_and_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def ask(_wanted: ProbeTarget) -> ProbeResult:
        raise RuntimeError("the-password")

    async def story(bench: Bench) -> None:
        bench.prober.result(target())
        await bench.until(lambda: bool(bench.told))
        found = bench.prober.result(target())
        assert found == ProbeResult(False, "EtcdNotReady", "asking failed: RuntimeError")

    run(ask, story)
    assert "asking etcd failed: RuntimeError" in caplog.text
    assert "the-password" not in caplog.text


def test_a_milvus_that_is_gone_is_asked_for_no_more() -> None:
    async def story(bench: Bench) -> None:
        bench.prober.result(target("1"))
        bench.prober.result(target("2"))
        await bench.until(lambda: len(bench.told) == 2)
        bench.prober.forget("1")
        bench.asked.clear()
        await bench.until(lambda: len(bench.asked) > 5)
        assert {wanted.uid for wanted in bench.asked} == {"2"}
        assert bench.prober.result(target("1")) is None

    run(well, story)


def test_a_dependency_that_is_external_no_more_is_dropped() -> None:
    log = dataclasses.replace(target(), kind="log", type="kafka")

    async def story(bench: Bench) -> None:
        bench.prober.result(target())
        bench.prober.result(log)
        await bench.until(lambda: len(bench.told) == 2)
        bench.prober.keep("1", {"log"})
        bench.asked.clear()
        await bench.until(lambda: len(bench.asked) > 3)
        assert {wanted.kind for wanted in bench.asked} == {"log"}

    run(well, story)


def test_what_fails_is_asked_ever_less_often_until_the_usual_pace() -> None:
    now = 0.0
    moments: list[float] = []

    async def ask(_wanted: ProbeTarget) -> ProbeResult:
        moments.append(now)
        return ILL

    async def go() -> None:
        nonlocal now
        prober = Prober(lambda _owner: None, clock=lambda: now, ask=ask)
        prober.result(target())
        for second in range(150):
            now = float(second)
            prober._start_due()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    asyncio.run(go())
    assert [later - earlier for earlier, later in itertools.pairwise(moments)] == [
        5,
        10,
        20,
        30,
        30,
        30,
    ]


def test_what_is_dropped_before_its_question_begins_leaves_its_room_to_others() -> None:
    asked = []

    async def ask(wanted: ProbeTarget) -> ProbeResult:
        asked.append(wanted.uid)
        return WELL

    async def go() -> None:
        prober = Prober(lambda _owner: None, pace=Pace(limit=1), ask=ask)
        first, second = target("1"), target("2")
        prober.result(first)
        prober._start_due()
        prober.forget("1")
        prober.result(second)
        for _ in range(3):
            await asyncio.sleep(0)
            prober._start_due()
        assert asked == ["2"]

    asyncio.run(go())


def test_the_end_ends_every_question() -> None:
    ended = []

    async def ask(wanted: ProbeTarget) -> ProbeResult:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(wanted.uid)
        return WELL

    async def story(bench: Bench) -> None:
        for number in range(3):
            bench.prober.result(target(str(number)))
        await bench.until(lambda: len(bench.asked) == 3)

    run(ask, story)
    assert sorted(ended) == ["0", "1", "2"]
