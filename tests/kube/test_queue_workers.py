"""Workers that wait for the work queue: none is forgotten, and no two have one key."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from glede.kube.objects import Key
from glede.kube.queue import QueueClosedError, WorkQueue

KEYS = [Key("kites", f"nest-{number}") for number in range(4)]
ONE, TWO, *_ = KEYS


def alone(body: Callable[[WorkQueue], Awaitable[None]]) -> None:
    """Run a coroutine function on a queue of the real clock."""

    async def run() -> None:
        async with asyncio.timeout(10):
            await body(WorkQueue())

    asyncio.run(run())


def test_getters_wait_for_added_and_for_planned_keys() -> None:
    async def body(queue: WorkQueue) -> None:
        getters = [asyncio.create_task(queue.get()) for _ in range(3)]
        await asyncio.sleep(0)
        queue.add_after(KEYS[2], 0.02)
        queue.retry(TWO)
        queue.add(ONE, urgent=True)
        assert sorted(await asyncio.gather(*getters)) == KEYS[:3]

    alone(body)


def test_a_key_planned_while_all_workers_are_busy_is_given_in_time() -> None:
    async def body(queue: WorkQueue) -> None:
        queue.add(ONE, urgent=True)
        assert await queue.get() == ONE
        queue.add_after(TWO, 0.02)
        queue.done(ONE)
        assert await queue.get() == TWO

    alone(body)


def test_a_getter_that_is_cancelled_when_woken_wakes_another() -> None:
    async def body(queue: WorkQueue) -> None:
        first, second = (asyncio.create_task(queue.get()) for _ in range(2))
        await asyncio.sleep(0)
        queue.add(ONE, urgent=True)
        first.cancel()
        assert await second == ONE
        assert first.cancelled()

    alone(body)


def test_rule_4_never_two_workers_for_one_key() -> None:
    async def body(queue: WorkQueue) -> None:
        at_work: set[Key] = set()
        passes: list[Key] = []

        async def worker() -> None:
            while True:
                key = await queue.get()
                assert key not in at_work
                at_work.add(key)
                await asyncio.sleep(0.001)
                passes.append(key)
                at_work.remove(key)
                queue.done(key)

        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(worker()) for _ in range(5)]
            for round_ in range(50):
                for key in KEYS:
                    queue.add(key, urgent=bool(round_ % 2))
                await asyncio.sleep(0)
            while queue.depth or at_work:  # noqa: ASYNC110 - a queue tells nobody that it is empty
                await asyncio.sleep(0.001)
            for one in workers:
                one.cancel()
        # Fewer passes than adds, and the last add is never forgotten.
        assert set(KEYS) == set(passes)
        assert len(passes) < 50 * len(KEYS)

    alone(body)


def test_a_closed_queue_ends_its_workers_and_takes_nothing() -> None:
    async def body(queue: WorkQueue) -> None:
        queue.add(ONE, urgent=True)
        assert await queue.get() == ONE
        getters = [asyncio.create_task(queue.get()) for _ in range(2)]
        await asyncio.sleep(0)
        queue.add_after(TWO, 0.001)
        queue.close()
        for getter in getters:
            with pytest.raises(QueueClosedError):
                await getter
        queue.retry(ONE)
        queue.add(TWO, urgent=True)
        queue.done(ONE)
        with pytest.raises(QueueClosedError):
            await queue.get()
        assert (queue.depth, queue.oldest_age()) == (0, 0)

    alone(body)
