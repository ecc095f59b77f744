"""What it brings that questions which wait at the same time share calls: the retriever with and without."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.speed.load import Bounds, Load, drive
from bench.speed.service import write_manifest

from glede.api.manifest import load_documentqa
from glede.qa.engine import DEFAULT_TENANT, Engine
from glede.qa.retrieve.retriever import LARGEST_BATCH, Retriever
from glede.qa.store.base import Scope

CLIENTS = (16, 64)
ROUNDS = 2
HITS = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """The same load with shared calls and with one call a question."""

    chunks: int
    shared: Load
    single: Load


@contextmanager
def engine_on_copy(folder: Path) -> Iterator[Engine]:
    """Open an engine in this process on a copy of ``folder``."""
    copy = folder.with_name(f"{folder.name}-copy")
    shutil.copytree(folder / "data", copy / "data")
    engine = Engine.open(load_documentqa(write_manifest(copy, "minilm")))
    try:
        yield engine
    finally:
        engine.close()
        shutil.rmtree(copy)


async def measure_coalescing(
    engine: Engine, chunks: int, questions: Sequence[str], bounds: Bounds
) -> list[Pair]:
    """Drive two retrievers over the same engine by turns, so that both meet the same neighbours."""
    return [await _pair(engine, chunks, questions, clients, bounds) for clients in CLIENTS]


async def _pair(engine: Engine, chunks: int, questions: Sequence[str], clients: int, bounds: Bounds) -> Pair:
    loads: dict[int, Load] = {}
    for _ in range(ROUNDS):
        for largest in (LARGEST_BATCH, 1):
            load = await _drive(engine, questions, clients, bounds, largest)
            loads[largest] = _joined(loads[largest], load) if largest in loads else load
    return Pair(chunks, loads[LARGEST_BATCH], loads[1])


async def _drive(
    engine: Engine, questions: Sequence[str], clients: int, bounds: Bounds, largest: int
) -> Load:
    retriever = Retriever(engine.database, engine.store, engine.embedder, largest_batch=largest)
    scope = Scope(DEFAULT_TENANT)

    async def ask(question: str) -> None:
        await retriever.retrieve(question, scope, HITS)

    try:
        return await drive(ask, questions, clients, bounds, time.process_time)
    finally:
        retriever.close()


def _joined(first: Load, second: Load) -> Load:
    return replace(
        first,
        latencies=[*first.latencies, *second.latencies],
        seconds=first.seconds + second.seconds,
        cpu_seconds=first.cpu_seconds + second.cpu_seconds,
        others=(first.others + second.others) / 2,
    )
