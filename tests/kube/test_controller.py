"""Workers reconcile every key, whatever a reconciler does (rules 3, 4 and 9 of the runtime)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from tests.kube.live import eventually

from glede.kube.controller import Controller
from glede.kube.errors import error_from
from glede.kube.metrics import Metrics
from glede.kube.objects import Key
from glede.kube.queue import WorkQueue

ONE, TWO, THREE = (Key("kites", name) for name in ("one", "two", "three"))

Behaviour = Callable[[Key], Awaitable[float | None]]


@dataclass
class Scripted:
    """Does for each pass over a key what comes next in its script, then nothing."""

    script: dict[Key, list[Behaviour]] = field(default_factory=dict)
    begun: list[Key] = field(default_factory=list)
    ended: list[Key] = field(default_factory=list)

    async def reconcile(self, key: Key) -> float | None:
        self.begun.append(key)
        steps = self.script.get(key)
        again = await steps.pop(0)(key) if steps else None
        self.ended.append(key)
        return again


def raising(error: BaseException) -> Behaviour:
    async def step(_key: Key) -> None:
        raise error

    return step


async def hang(_key: Key) -> None:
    await asyncio.Event().wait()


async def wait_for_a_cancelled_task(_key: Key) -> None:
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await task


class Bench:
    """A controller on a queue of its own, run by the tests' coroutines."""

    def __init__(self, script: dict[Key, list[Behaviour]], *, workers: int = 2, deadline: float = 60) -> None:
        self.queue = WorkQueue()
        self.reconciler = Scripted(script)
        self.metrics = Metrics()
        self.controller = Controller(
            "Kite", self.queue, self.reconciler, workers=workers, deadline=deadline, metrics=self.metrics
        )

    def results(self) -> dict[str, float]:
        samples = next(iter(self.metrics.reconcile_total.collect())).samples
        return {one.labels["result"]: one.value for one in samples if one.name.endswith("_total")}

    def run(self, body: Callable[[], Awaitable[None]], *keys: Key) -> None:
        async def both() -> None:
            for key in keys:
                self.queue.add(key, urgent=True)
            async with asyncio.timeout(30), asyncio.TaskGroup() as group:
                group.create_task(self.controller.run())
                await body()
                self.queue.close()

        asyncio.run(both())

    def run_until_ended(self, *keys: Key) -> list[Key]:
        async def body() -> None:
            await eventually(lambda: all(key in self.reconciler.ended for key in keys))

        self.run(body, *keys)
        return self.reconciler.ended


def test_rule_9_a_slow_pass_does_not_hold_up_others() -> None:
    bench = Bench({ONE: [hang]}, deadline=0.5)
    assert bench.run_until_ended(ONE, TWO, THREE) == [TWO, THREE, ONE]
    assert bench.results() == {"success": 3, "deadline": 1}


def test_rule_9_no_more_passes_at_a_time_than_workers() -> None:
    bench = Bench({key: [hang] for key in (ONE, TWO, THREE)}, workers=2, deadline=0.2)

    async def body() -> None:
        await asyncio.sleep(0.05)
        assert bench.reconciler.begun == [ONE, TWO]
        await eventually(lambda: THREE in bench.reconciler.begun)

    bench.run(body, ONE, TWO, THREE)


def test_a_pass_that_raises_is_tried_again_and_logged_with_its_object(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench({ONE: [raising(RuntimeError("no wind")), raising(ValueError("no sky"))]})
    assert bench.run_until_ended(ONE) == [ONE]
    assert bench.results() == {"success": 1, "error": 2}
    assert bench.queue._failures == {}
    texts = [record.exc_text or str(record.exc_info) for record in caplog.records if record.exc_info]
    assert ["no wind" in texts[0], "no sky" in texts[1]] == [True, True]


@pytest.mark.parametrize("status", [409, 429, 500, 503, 0])
def test_what_the_api_server_asks_to_repeat_is_repeated_quietly(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench({ONE: [raising(error_from(status))]})
    with caplog.at_level(logging.INFO):
        assert bench.run_until_ended(ONE) == [ONE]
    assert bench.results() == {"success": 1, "retry": 1}
    assert {record.levelno for record in caplog.records} == {logging.INFO}


def test_other_refusals_are_errors() -> None:
    bench = Bench({ONE: [raising(error_from(422)), raising(error_from(403))]})
    bench.run_until_ended(ONE)
    assert bench.results() == {"success": 1, "error": 2}


@pytest.mark.parametrize(("asked", "waited"), [(7.0, 7.0), (3600.0, 60.0)])
def test_too_many_requests_waits_as_long_as_asked_within_reason(asked: float, waited: float) -> None:
    delays: list[float] = []
    bench = Bench({ONE: [raising(error_from(429, retry_after=asked))]})
    retry = bench.queue.retry

    def recorded(key: Key, *, at_least: float = 0.0) -> float:
        delays.append(retry(key, at_least=at_least))
        return delays[-1]

    bench.queue.retry = recorded  # type: ignore[method-assign]

    async def body() -> None:
        await eventually(lambda: bool(delays))

    bench.run(body, ONE)
    assert delays == [waited]


def test_rule_3_a_pass_that_is_cancelled_from_within_ends_no_worker() -> None:
    bench = Bench({ONE: [wait_for_a_cancelled_task] * 3}, workers=1)
    assert bench.run_until_ended(ONE) == [ONE]
    assert bench.results() == {"success": 1, "error": 3}


def test_rule_3_a_worker_that_ends_ends_the_controller() -> None:
    class Fatal(BaseException):
        pass

    bench = Bench({ONE: [raising(Fatal())]})
    with pytest.raises(BaseExceptionGroup) as caught:
        bench.run_until_ended(ONE)
    assert caught.group_contains(Fatal)


def test_a_worker_ends_when_cancelled_though_its_reconciler_catches_that() -> None:
    async def stubborn(key: Key) -> None:
        try:
            await hang(key)
        except asyncio.CancelledError:
            return

    bench = Bench({ONE: [stubborn]}, workers=1)

    async def run() -> None:
        bench.queue.add(ONE, urgent=True)
        task = asyncio.create_task(bench.controller.run())
        await eventually(lambda: bench.reconciler.begun == [ONE])
        bench.queue.add(TWO, urgent=True)
        task.cancel()
        await asyncio.wait({task}, timeout=10)
        assert task.cancelled()

    asyncio.run(run())
    assert bench.reconciler.begun == [ONE]


def test_a_pass_says_when_it_wants_to_be_called_again() -> None:
    async def soon(_key: Key) -> float:
        return 0.01

    bench = Bench({ONE: [soon, soon]})

    async def body() -> None:
        await eventually(lambda: bench.reconciler.ended == [ONE, ONE, ONE])
        await asyncio.sleep(0.1)

    bench.run(body, ONE)
    assert bench.reconciler.ended == [ONE, ONE, ONE]


def test_a_closed_queue_lets_the_running_pass_end() -> None:
    async def a_while(_key: Key) -> None:
        await asyncio.sleep(0.1)

    bench = Bench({ONE: [a_while]}, workers=1)

    async def body() -> None:
        await eventually(lambda: bench.reconciler.begun == [ONE])

    bench.run(body, ONE, TWO)
    assert bench.reconciler.ended == [ONE]


def test_queue_gauges_are_shown() -> None:
    bench = Bench({})
    bench.queue.add(ONE, urgent=False)
    assert bench.metrics.registry.get_sample_value("glede_operator_queue_depth", {"controller": "Kite"}) == 1
