"""Measures the operator of Milvus: `python -m bench.operator.run` from the root; about half an hour.

It needs the lab's programs of level ``api``, kwok and MinIO, and no root.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from bench.operator.growth import PICTURE, draw
from bench.operator.measures import SETTLE_SECONDS, Bench, name_of
from bench.operator.process import Operator
from bench.operator.report import render
from bench.operator.results import Results, Stage
from bench.operator.watcher import watching
from bench.operator.world import World, install, running_world
from bench.publish import publish
from lab.binaries import ensure

from glede.kube.http import Bounds, HttpTransport

# So often the garbage collector looks for new kinds. Until then it asks for the owner of every object.
COLLECTOR_SECONDS = 40.0
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "minio")


async def measure(world: World, arguments: argparse.Namespace, results: Results) -> None:
    """Take all measurements; progress goes to stderr."""
    user = HttpTransport.connect(world.lab.kubeconfig, manager="user")
    eyes = HttpTransport.connect(world.lab.kubeconfig, manager="watcher", bounds=Bounds(silence=3600))
    try:
        await install(user)
        print(f"{time.strftime('%H:%M:%S')} the garbage collector learns of the kinds", file=sys.stderr)
        await asyncio.sleep(COLLECTOR_SECONDS)
        log = arguments.log or world.lab.places.logs / "glede-operator.log"
        async with watching(eyes) as watcher:
            compiled = world.lab.places.root / "compiled"
            with Operator(world.operator, compiled, log) as operator:
                await operator.ready()
                await _measure(Bench(world, operator, user, watcher), arguments, results)
                operator.stop()
    finally:
        await user.aclose()
        await eyes.aclose()


async def _measure(bench: Bench, arguments: argparse.Namespace, results: Results) -> None:
    await asyncio.sleep(2 * SETTLE_SECONDS)
    results.rss_empty = bench.operator.rss
    first, *more = arguments.counts
    results.stages.append(await _stage(bench, 0, first, arguments, results))
    await _deleted(bench, first, results)
    there = 0
    for count in more:
        results.stages.append(await _stage(bench, there, count, arguments, results))
        there = count
    if there:
        await _deleted(bench, there, results)


async def _stage(
    bench: Bench, there: int, count: int, arguments: argparse.Namespace, results: Results
) -> Stage:
    """Make so many Milvuses that there are ``count``, and take all measurements with them."""
    with _step(results, f"{count} Milvuses"):
        wave = await bench.wave(range(there, count))
    names = [name_of(number) for number in range(count)]
    with _step(results, f"{count}: at rest"):
        rest = await bench.rest(arguments.rest)
    with _step(results, f"{count}: edits"):
        edits = await bench.edits(names[: arguments.samples])
    with _step(results, f"{count}: repairs"):
        repairs = await bench.repairs(names[: arguments.samples])
    rss = max(wave.rss, bench.operator.rss)
    with _step(results, f"{count}: restarts"):
        restart = await bench.restart(names[: arguments.restarts])
    return Stage(count, wave, rest, edits, repairs, restart, rss)


async def _deleted(bench: Bench, there: int, results: Results) -> None:
    """Make one Milvus more, which the operator knows since its restart, and delete them all."""
    with _step(results, f"deletion of {there + 1}"):
        await bench.wave(range(there, there + 1))
        results.deletions.append(await bench.delete_all())


@contextmanager
def _step(results: Results, name: str) -> Iterator[None]:
    """Tell of a step, and note what others used of the machine meanwhile."""
    print(f"{time.strftime('%H:%M:%S')} {name}", file=sys.stderr, flush=True)
    busy, own, begin = _machine(), _own(), time.perf_counter()
    yield
    used = (_machine() - busy - (_own() - own)) / (time.perf_counter() - begin) / (os.cpu_count() or 1)
    results.others[name] = max(0.0, used)


def _machine() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def _own() -> float:
    """Give the processor seconds of this process and of all that it started."""
    own = psutil.Process()
    total = 0.0
    for process in [own, *own.children(recursive=True)]:
        times = process.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.operator.run", description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the report to this file")
    parser.add_argument("--log", type=Path, help="keep the operator's log in this file")
    parser.add_argument(
        "--counts",
        type=int,
        nargs="+",
        default=[50, 200, 500, 1000],
        help="numbers of Milvuses, each more than the one before; default: %(default)s",
    )
    parser.add_argument(
        "--samples", type=int, default=30, help="edits, and repairs of each sort; default: %(default)s"
    )
    parser.add_argument("--restarts", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--rest", type=float, default=60.0, help="seconds at rest; default: %(default)s")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    words = sys.argv[1:] if given is None else given
    arguments = _arguments(words)
    results = Results(shlex.join(["python", "-m", "bench.operator.run", *words]), os.getloadavg()[0])
    ensure(PROGRAMS, lambda line: print(line, file=sys.stderr))
    with running_world() as world:
        asyncio.run(measure(world, arguments, results))
    publish(render(results), arguments.out)
    if arguments.out:
        draw(results.stages, arguments.out.parent / PICTURE)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
