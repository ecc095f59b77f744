"""Closed-loop load: each client sends its next question when it has the answer to the last."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import psutil

Ask = Callable[[str], Awaitable[None]]
CpuSeconds = Callable[[], float]

WARM_UP_SECONDS = 2.0
WARM_UP_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a run ends, whichever comes first."""

    questions: int
    seconds: float
    ended: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Load:
    """What a run showed: latencies in milliseconds, wall and the answering side's processor seconds.

    ``failed`` counts questions that ended in an error; their times are not among the latencies. ``others`` is
    the share of the machine's cores that neither side of the run used but others did, 0 to 1.
    """

    clients: int
    latencies: Sequence[float]
    seconds: float
    cpu_seconds: float
    others: float
    failed: int = 0

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that ``share`` per cent of the questions did not exceed."""
        return float(np.percentile(np.asarray(self.latencies), share))

    @property
    def rate(self) -> float:
        """Questions answered per second."""
        return len(self.latencies) / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Processor milliseconds per question."""
        return 1000 * self.cpu_seconds / len(self.latencies)


async def drive(
    ask: Ask, questions: Sequence[str], clients: int, bounds: Bounds, cpu_seconds: CpuSeconds
) -> Load:
    """Warm up, then let ``clients`` ask until the bounds.

    Failed answers are counted; the last one's error is raised when there is no other kind.
    """
    turns = cycle(questions)
    warm_up = Bounds(WARM_UP_ROUNDS * clients + 8, WARM_UP_SECONDS)
    await _run(ask, turns.__next__, clients, warm_up)
    machine, own, answering = _machine_busy(), time.process_time(), cpu_seconds()
    begin = time.perf_counter()
    latencies, errors = await _run(ask, turns.__next__, clients, bounds)
    if not latencies:
        raise errors[-1]
    seconds = time.perf_counter() - begin
    used = cpu_seconds() - answering
    # An answering side in this very process is in process_time() already.
    bench = time.process_time() - own
    ours = bench if cpu_seconds is time.process_time else bench + used
    others = (_machine_busy() - machine - ours) / (seconds * (os.cpu_count() or 1))
    return Load(clients, latencies, seconds, used, max(0.0, others), len(errors))


async def _run(
    ask: Ask, question: Callable[[], str], clients: int, bounds: Bounds
) -> tuple[list[float], list[Exception]]:
    latencies: list[float] = []
    errors: list[Exception] = []
    left = bounds.questions
    end = time.perf_counter() + bounds.seconds

    async def client() -> None:
        nonlocal left
        while left > 0 and time.perf_counter() < end and not bounds.ended():
            left -= 1
            begin = time.perf_counter()
            try:
                await ask(question())
            except Exception as error:
                errors.append(error)
            else:
                latencies.append((time.perf_counter() - begin) * 1000)

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())
    return latencies, errors


def _machine_busy() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))
