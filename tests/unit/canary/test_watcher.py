"""How long pods are watched, what is known meanwhile, and when a watch begins anew."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from glede.canary import Counts, Limits, Subject, Target, Unreadable, Watched, Watcher
from glede.canary.watcher import MOST_PODS, Pace

QUICK = Pace(rounds=20, shortest=0.005, longest=0.01, limit=3)
LIMITS = Limits(error_rate=0.1, latency_ratio=3.0, requests=10)
KITE = ("birds", "kite")


def targets(*names: str) -> tuple[Target, ...]:
    return tuple(Target(name, name, f"{name} of today") for name in names)


SUBJECT = Subject(KITE, "first", targets("new"), targets("old-1", "old-2"), LIMITS, seconds=0.1)


@dataclass
class Pods:
    """Pods that count one request more each time they are read."""

    failing: dict[str, float] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=dict)
    at_once: int = 0
    most_at_once: int = 0

    async def read(self, url: str) -> Counts:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await asyncio.sleep(0)
        finally:
            self.at_once -= 1
        if url in self.broken:
            raise Unreadable(self.broken[url])
        number = self.begun[url] = self.begun.get(url, 1000) + 5
        return Counts(number, number, number * self.failing.get(url, 0.0))


def run(pods: Pods, story: Callable[[Watcher, list[tuple[str, str]]], Awaitable[None]]) -> None:
    async def go() -> None:
        news: list[tuple[str, str]] = []
        watcher = Watcher(pods.read, news.append, pace=QUICK)
        task = asyncio.create_task(watcher.run())
        try:
            async with asyncio.timeout(20):
                await story(watcher, news)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert not [other for other in asyncio.all_tasks() if other is not asyncio.current_task()]

    asyncio.run(go())


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - it is elsewhere that it changes
        await asyncio.sleep(0.001)


def test_pods_that_serve_as_well_are_good_when_their_time_is_over_and_not_before() -> None:
    async def story(watcher: Watcher, news: list[tuple[str, str]]) -> None:
        began = asyncio.get_running_loop().time()
        assert watcher.watched("uid", SUBJECT) == Watched()
        await until(lambda: watcher.watched("uid", SUBJECT).state == "good")
        assert asyncio.get_running_loop().time() - began >= SUBJECT.seconds
        assert "requests failed" in watcher.watched("uid", SUBJECT).words
        assert news == [KITE]

    run(Pods(), story)


def test_pods_that_fail_are_bad_at_once_and_stay_so() -> None:
    pods = Pods(failing={"new": 0.5})

    async def story(watcher: Watcher, news: list[tuple[str, str]]) -> None:
        long = replace(SUBJECT, seconds=1000.0)
        await until(lambda: watcher.watched("uid", long).state == "bad")
        assert watcher.watched("uid", long).words.startswith("50.00 % of ")
        read = pods.begun["new"]
        await asyncio.sleep(0.05)
        assert (pods.begun["new"], news) == (read, [KITE])

    run(pods, story)


def test_what_cannot_be_read_is_told_after_a_whole_watch_and_goes_on_when_it_can() -> None:
    pods = Pods(broken={"new": "no connection"})

    async def story(watcher: Watcher, news: list[tuple[str, str]]) -> None:
        assert watcher.watched("uid", SUBJECT) == Watched()
        await asyncio.sleep(0.03)
        assert watcher.watched("uid", SUBJECT) == Watched()
        await until(lambda: watcher.watched("uid", SUBJECT) == Watched("unread", "new: no connection"))
        pods.broken.clear()
        await until(lambda: watcher.watched("uid", SUBJECT).state == "good")
        assert news == [KITE] * 3

    run(pods, story)


def test_others_that_cannot_be_read_do_not_hold_it_up() -> None:
    async def story(watcher: Watcher, news: list[tuple[str, str]]) -> None:
        await until(lambda: watcher.watched("uid", SUBJECT).state == "good")

    run(Pods(broken={"old-1": "no connection", "old-2": "no connection"}), story)


def test_another_attempt_or_other_pods_begin_anew_and_other_proxies_do_not() -> None:
    pods = Pods(failing={"new": 0.5})

    async def story(watcher: Watcher, news: list[tuple[str, str]]) -> None:
        await until(lambda: watcher.watched("uid", SUBJECT).state == "bad")
        assert watcher.watched("uid", replace(SUBJECT, others=targets("old-3"))).state == "bad"
        pods.failing.clear()
        for other in (
            replace(SUBJECT, attempt="second"),
            replace(SUBJECT, canary=targets("newer")),
            replace(SUBJECT, limits=replace(LIMITS, requests=20)),
        ):
            assert watcher.watched("uid", other) == Watched()
        await until(lambda: watcher.watched("uid", other).state == "good")

    run(pods, story)


def test_a_milvus_that_is_forgotten_is_asked_no_more() -> None:
    pods = Pods()

    async def story(watcher: Watcher, news: list[tuple[str, str]]) -> None:
        watcher.watched("uid", SUBJECT)
        await until(lambda: "new" in pods.begun)
        watcher.forget("uid")
        read = dict(pods.begun)
        await asyncio.sleep(0.05)
        assert pods.begun == read
        watcher.forget("uid")

    run(pods, story)


def test_few_are_read_at_a_time_and_not_all_of_many() -> None:
    pods = Pods()
    names = [f"old-{number}" for number in range(40)]

    async def story(watcher: Watcher, news: list[tuple[str, str]]) -> None:
        many = replace(SUBJECT, others=targets(*names))
        for key in ("one", "two", "three"):
            watcher.watched(key, many)
        await until(lambda: watcher.watched("three", many).state == "good")

    run(pods, story)
    assert pods.most_at_once == QUICK.limit
    assert len(pods.begun) == MOST_PODS + 1
