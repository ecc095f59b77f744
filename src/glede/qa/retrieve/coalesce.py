"""Coalescing: questions that wait for the same kind of call share one.

An embedded Milvus spends most of a search on what a batch shares, and an encoder likes batches. No
time window is needed: while one call runs, the next questions gather, and the next call takes them all.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

Group = TypeVar("Group", bound=Hashable)
Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Waiting(Generic[Group, Item, Answer]):
    group: Group
    item: Item
    answer: "asyncio.Future[Answer]"
    since: float
    waited: Callable[[float], None]


class Coalescer(Generic[Group, Item, Answer]):
    """Runs ``call(group, items)`` in a thread of its own, at most ``lanes`` at a time.

    Items of different groups (tenants, filters) never share a call. A call that raises fails the
    items that were in it, and no others. Belongs to one event loop.
    """

    def __init__(
        self,
        name: str,
        call: Callable[[Group, Sequence[Item]], Sequence[Answer]],
        largest: int,
        lanes: int = 1,
    ) -> None:
        self._call = call
        self._largest = largest
        self._free = lanes
        self._waiting: deque[_Waiting[Group, Item, Answer]] = deque()
        self._threads = ThreadPoolExecutor(lanes, thread_name_prefix=name)
        self._running: set[asyncio.Task[None]] = set()

    async def submit(
        self, group: Group, item: Item, waited: Callable[[float], None] = lambda _seconds: None
    ) -> Answer:
        """Queue one item and wait for its answer; ``waited`` is told the seconds before its call began."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(group, item, answer, time.perf_counter(), waited))
        self._start()
        return await answer

    def close(self) -> None:
        """End the threads; waiting items are cancelled."""
        for waiting in self._waiting:
            waiting.answer.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> None:
        while self._free and self._waiting:
            batch = self._take()
            if batch:
                self._free -= 1
                task = asyncio.create_task(self._run(batch))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    def _take(self) -> list[_Waiting[Group, Item, Answer]]:
        """Take the first item's group, leaving askers who have gone, and the others in order."""
        batch: list[_Waiting[Group, Item, Answer]] = []
        left: deque[_Waiting[Group, Item, Answer]] = deque()
        for waiting in self._waiting:
            if waiting.answer.done():
                continue
            if len(batch) < self._largest and (not batch or waiting.group == batch[0].group):
                batch.append(waiting)
            else:
                left.append(waiting)
        self._waiting = left
        return batch

    async def _run(self, batch: list[_Waiting[Group, Item, Answer]]) -> None:
        loop = asyncio.get_running_loop()
        begin = time.perf_counter()
        for waiting in batch:
            waiting.waited(begin - waiting.since)
        items = [waiting.item for waiting in batch]
        try:
            answers = await loop.run_in_executor(self._threads, self._call, batch[0].group, items)
            for waiting, answer in zip(batch, answers, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(answer)
        except Exception as error:
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)
        finally:
            self._free += 1
            self._start()
