"""Whole processes on a real API server: warm standby, hand-over, health, and ends (rules 3, 8, 9)."""

import asyncio
import contextlib
import gc
import json
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
from lab.api import ApiLab
from lightkube import Client
from tests.kube.faulty import FaultyTransport
from tests.kube.live import eventually
from tests.kube.sky import Sky, flying, get, on_an_api_server

from glede.kube.controller import Controller
from glede.kube.errors import NotFound, error_from
from glede.kube.leader import LostLease, Timings
from glede.kube.manager import GC_THRESHOLDS, Manager, Settings, TaskEndedError
from glede.kube.objects import Key, Object
from glede.kube.queue import WorkQueue


@pytest.fixture(autouse=True)
def collector_as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_a_standby_is_warm_and_takes_over_when_the_leader_stops(api: ApiLab, kube: Client) -> None:
    async def body(sky: Sky) -> None:
        one, two = sky.toy("one"), sky.toy("two")
        kite = await sky.kite("first")
        async with flying(one) as (leading,):
            await sky.nest_becomes(kite, by="one", colour="red")
            async with flying(two):
                await eventually(two.informer.synced.is_set)
                await sky.kite("first", colour="white")
                await sky.nest_becomes(kite, by="one", colour="white")
                await eventually(lambda: two.informer.store.get(kite) == {"colour": "white"})
                for toy, leads in ((one, "1.0"), (two, "0.0")):
                    assert await get(toy, "/healthz") == (200, "ok\n")
                    assert await get(toy, "/readyz") == (200, "ok\n")
                    status, text = await get(toy, "/metrics")
                    assert status == 200
                    assert f"glede_operator_leader {leads}" in text
                    assert 'glede_operator_watch_age_seconds{resource="configmaps"}' in text
                assert two.nests.begun == []
                one.manager.stop()
                await leading
                # The lease lasts ten minutes: only its release lets the other have it now.
                await sky.nest_becomes(kite, by="two", colour="white")
                assert await sky.holder() == "two"
        assert await sky.holder() is None

    on_an_api_server(api, kube, body)


def test_a_pass_that_raises_is_tried_again_and_counted(api: ApiLab, kube: Client) -> None:
    async def body(sky: Sky) -> None:
        toy = sky.toy("one")
        async with flying(toy):
            kite = await sky.kite("clumsy", failures="3")
            await sky.nest_becomes(kite, by="one", colour="red")
            assert toy.nests.begun.count(kite) >= 4
            _, text = await get(toy, "/metrics")
            assert 'glede_operator_reconcile_total{controller="Kite",result="error"} 3.0' in text
            assert 'glede_operator_queue_retries_total{controller="Kite"} 3.0' in text

    on_an_api_server(api, kube, body)


def test_rule_3_a_hung_informer_turns_health_red(api: ApiLab, kube: Client) -> None:
    skipped = 0.0

    async def body(sky: Sky) -> None:
        nonlocal skipped
        deaf = FaultyTransport(sky.transport)
        toy = sky.toy("one", deaf, clock=lambda: time.monotonic() + skipped)
        async with flying(toy):
            await eventually(toy.informer.synced.is_set)
            deaf.hold("configmaps")
            kite = await sky.kite("unseen")
            skipped = 200.0
            status, text = await get(toy, "/healthz")
            assert status == 503
            assert text.startswith("watch of configmaps: nothing was heard for 2")
            deaf.release("configmaps")
            await sky.nest_becomes(kite, by="one", colour="red")
            assert await get(toy, "/healthz") == (200, "ok\n")

    on_an_api_server(api, kube, body)


def test_a_replica_that_cannot_list_is_not_ready_and_does_not_lead(api: ApiLab, kube: Client) -> None:
    async def body(sky: Sky) -> None:
        blind = FaultyTransport(sky.transport)
        blind.inject(verb="list", error=error_from(403), times=10**6)
        toy = sky.toy("one", blind)
        async with flying(toy):
            await eventually(lambda: toy.manager.server is not None)
            await asyncio.sleep(0.5)
            assert await get(toy, "/readyz") == (503, "watch of configmaps: not listed yet\n")
            with pytest.raises(NotFound):
                await sky.holder()

    on_an_api_server(api, kube, body)


async def returns() -> None:
    await asyncio.sleep(0.01)


async def raises() -> None:
    raise ZeroDivisionError


async def is_cancelled_from_within() -> None:
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await task


ENDINGS = [(returns, TaskEndedError), (raises, ZeroDivisionError), (is_cancelled_from_within, TaskEndedError)]


@pytest.mark.parametrize(("run", "expected"), ENDINGS)
def test_rule_3_a_task_that_ends_ends_the_process(
    api: ApiLab, kube: Client, run: Callable[[], Awaitable[None]], expected: type[Exception]
) -> None:
    async def body(sky: Sky) -> None:
        toy = sky.toy("one")
        begin = asyncio.Event()

        async def later() -> None:
            await begin.wait()
            await run()

        toy.manager.add_task("a task", later)
        async with flying(toy) as (running,):
            await sky.nest_becomes(await sky.kite("kite"), by="one", colour="red")
            begin.set()
            with pytest.raises(ExceptionGroup) as caught:
                await running
        assert caught.group_contains(expected)
        # What led has ended, so another may lead at once.
        assert await sky.holder() is None

    on_an_api_server(api, kube, body)


def test_rule_3_a_watch_that_ends_ends_the_process(api: ApiLab, kube: Client) -> None:
    async def body(sky: Sky) -> None:
        toy = sky.toy("one")

        def careless(event: str, _key: Key, _old: object, _new: object) -> None:
            if event == "ADDED":
                raise LookupError(event)

        toy.informer.add_handler(careless)
        async with flying(toy) as (running,):
            await eventually(toy.informer.synced.is_set)
            await sky.kite("kite")
            with pytest.raises(ExceptionGroup) as caught:
                await running
        assert caught.group_contains(LookupError)

    on_an_api_server(api, kube, body)


def test_rule_8_the_loss_of_the_lease_ends_the_process(api: ApiLab, kube: Client) -> None:
    async def body(sky: Sky) -> None:
        timings = Timings(lease=3, renew=2, retry=0.2)
        cut_off = FaultyTransport(sky.transport)
        one, two = sky.toy("one", cut_off, timings=timings), sky.toy("two", timings=timings)
        kite = await sky.kite("kite")
        async with flying(one) as (losing,):
            await sky.nest_becomes(kite, by="one", colour="red")
            async with flying(two):
                cut_off.inject(plural="leases", error=error_from(0), times=10**6)
                with pytest.raises(ExceptionGroup) as caught:
                    await losing
                assert caught.group_contains(LostLease)
                await sky.nest_becomes(kite, by="two", colour="red")

    on_an_api_server(api, kube, body)


@pytest.mark.parametrize(("grace", "done"), [(20.0, True), (0.2, False)])
def test_a_stop_lets_running_passes_end_within_the_grace(
    api: ApiLab, kube: Client, grace: float, done: bool
) -> None:
    async def body(sky: Sky) -> None:
        toy = sky.toy("one", grace=grace)
        async with flying(toy) as (running,):
            kite = await sky.kite("slow", seconds="2")
            await eventually(lambda: toy.nests.begun == [kite])
            toy.manager.stop()
            await running
        assert await sky.nest(kite) == ({"by": "one", "colour": "red"} if done else {})
        assert await sky.holder() is None

    on_an_api_server(api, kube, body)


def test_a_queue_that_nobody_serves_turns_health_red() -> None:
    now = 0.0

    async def run() -> list[str]:
        nonlocal now
        toy: Manager = Manager(FaultyTransport(None), Settings(Key("kites", "toy"), "toy"))  # type: ignore[arg-type]
        queue = WorkQueue(clock=lambda: now)
        toy.add_controller(Controller("Kite", queue, None))  # type: ignore[arg-type]
        queue.add(Key("kites", "standby"), urgent=True)
        now = 1000.0
        assert toy.health.live() == []
        queue.take()
        queue.add(Key("kites", "stuck"), urgent=True)
        now += 301
        return toy.health.live()

    assert asyncio.run(run()) == ["queue of Kite: a key has waited for 301 s, the limit is 300 s"]


def test_what_was_listed_is_kept_out_of_garbage_collection(api: ApiLab, kube: Client) -> None:
    async def body(sky: Sky) -> None:
        async with flying(sky.toy("one")):
            await sky.nest_becomes(await sky.kite("kite"), by="one", colour="red")
            assert gc.get_freeze_count() > 0
            assert gc.get_threshold() == GC_THRESHOLDS

    on_an_api_server(api, kube, body)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_process_cleanly(api: ApiLab, kube: Client, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.kube.toy", str(api.kubeconfig), kube.namespace, "process"]

    async def body(sky: Sky) -> None:
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        assert process.stderr is not None
        lines: list[Object] = []
        try:
            slow = await sky.kite("slow", seconds="1.5")
            async for line in process.stderr:
                lines.append(json.loads(line))
                if lines[-1]["message"] == "begun":
                    process.send_signal(number)
            code = await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        assert code == 0
        assert await sky.nest(slow) == {"by": "process", "colour": "red"}
        assert await sky.holder() is None
        assert {line["level"] for line in lines} == {"info"}
        begun = next(line for line in lines if line["message"] == "begun")
        assert (begun["kind"], begun["namespace"], begun["name"]) == ("Kite", *slow)

    on_an_api_server(api, kube, body)
