"""Search and ask over HTTP: indexes of several sizes, 1 to 64 clients, the service in its own process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
from bench.speed.load import Ask, Bounds, Load, drive
from bench.speed.service import Service, write_manifest

Call = Literal["search", "ask"]

CALLS: tuple[Call, ...] = ("search", "ask")
CLIENTS = (1, 16, 64)
FIELDS: dict[Call, str] = {"search": "query", "ask": "question"}
KEEP_SECONDS = 2.0  # shorter than the server's own, so that no connection is reused as it is closed


@dataclass(frozen=True, slots=True)
class Cell:
    """One call under one load on an index of ``chunks``."""

    call: Call
    chunks: int
    load: Load


@dataclass(frozen=True, slots=True)
class Start:
    """How long a service on an index of ``chunks`` took from its process's start to its first answer."""

    chunks: int
    seconds: float


def grow(manifest: Path, wanted: int) -> int:
    """Fill the manifest's folder up to ``wanted`` chunks, in another process; gives how many it has."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.speed.folder", str(manifest), str(wanted)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"filling {manifest} up to {wanted} chunks failed:\n{done.stderr[-2000:]}")
    return int(done.stdout.split()[-1])


@asynccontextmanager
async def asker(url: str, call: Call) -> AsyncIterator[Ask]:
    """Give a function that asks a question and waits for the whole answer. It raises httpx's errors."""
    limits = httpx.Limits(max_connections=None, keepalive_expiry=KEEP_SECONDS)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:

        async def ask(question: str) -> None:
            answer = await client.post(f"/v1/{call}", json={FIELDS[call]: question})
            answer.raise_for_status()

        yield ask


async def measure_serving(
    manifest: Path, chunks: int, questions: Sequence[str], bounds: Bounds
) -> tuple[Start, list[Cell]]:
    """Start the service on the folder and put every load on it in turn."""
    cells = []
    with Service(manifest) as service:
        for call in CALLS:
            async with asker(service.url, call) as ask:
                for clients in CLIENTS:
                    load = await drive(ask, questions, clients, bounds, service.cpu_seconds)
                    cells.append(Cell(call, chunks, load))
        return Start(chunks, service.start_seconds), cells


def new_manifest(folder: Path) -> Path:
    """Write the manifest of a service with MiniLM for questions."""
    return write_manifest(folder, "minilm")
