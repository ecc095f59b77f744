"""Ingest by uploads: pages a second, how soon a page can be found, and what searches suffer meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from bench.qa.datasets.handbook import HANDBOOK
from bench.speed.leaves import leaf_word, write_leaves
from bench.speed.load import Bounds, Load, drive
from bench.speed.service import Service, write_manifest
from bench.speed.serving import asker
from bench.speed.text import Source

PAGES = 200
SEED = 424_242
POLL_SECONDS = 0.05
LONGEST_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Ingested:
    """Files taken in from the first upload until all are ready."""

    files: str
    embedder: str
    pages: int
    chunks: int
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Appearance:
    """Seconds from the upload's start until a page of the PDF is found, and until vectors are there too."""

    embedder: str
    first_page: float
    last_page: float
    ready: float


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One client's searches before, during and after the ingest of the PDF with embedding."""

    before: Load
    during: Load
    after: Load


async def measure_ingest(folder: Path, embedder: str, source: Source) -> tuple[list[Ingested], Appearance]:
    """Take in the handbook, then the PDF, by an otherwise idle service."""
    pdf = _pdf(folder, source)
    with Service(write_manifest(folder, embedder)) as service:
        async with _client(service) as client:
            files = sorted(path for path in HANDBOOK.glob("*/*") if path.is_file())
            handbook = await _timed(client, service, files)
            began = time.perf_counter()
            appears = asyncio.create_task(_appears(client, pdf.name, began))
            leaves = await _timed(client, service, [pdf])
            first, last = await appears
    rows = [
        Ingested(f"handbook, {len(files)} files", embedder, *handbook),
        Ingested(f"PDF of {PAGES} pages", embedder, *leaves),
    ]
    return rows, Appearance(embedder, first, last, leaves[2])


async def measure_disturbance(
    folder: Path, questions: Sequence[str], source: Source, bounds: Bounds
) -> Disturbance:
    """Let one client search while the PDF is taken in with embedding, and on the idle service."""
    pdf = _pdf(folder, source)
    with Service(write_manifest(folder, "minilm")) as service:
        async with _client(service) as client, asker(service.url, "search") as ask:
            files = sorted(path for path in HANDBOOK.glob("*/*") if path.is_file())
            await _timed(client, service, files)
            before = await drive(ask, questions, 1, bounds, service.cpu_seconds)
            taken = asyncio.create_task(_timed(client, service, [pdf]))
            whole = Bounds(1_000_000, LONGEST_SECONDS, taken.done)
            during = await drive(ask, questions, 1, whole, service.cpu_seconds)
            await taken
            after = await drive(ask, questions, 1, bounds, service.cpu_seconds)
    return Disturbance(before, during, after)


def _pdf(folder: Path, source: Source) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "leaves.pdf"
    write_leaves(path, PAGES, source, SEED)
    return path


@asynccontextmanager
async def _client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=60, headers={"Connection": "close"}) as client:
        yield client


async def _timed(
    client: httpx.AsyncClient, service: Service, files: Sequence[Path]
) -> tuple[int, int, float, float]:
    """Upload files and wait until all are ready: pages, chunks, wall seconds, processor seconds."""
    cpu, begin = service.cpu_seconds(), time.perf_counter()
    waiting = {await _upload(client, path) for path in files}
    pages = chunks = 0

    async def all_ready() -> bool:
        nonlocal pages, chunks
        for document in sorted(waiting):
            view = (await client.get(f"/v1/documents/{document}")).raise_for_status().json()
            if view["status"] == "failed":
                raise RuntimeError(f"{view['name']} was not ingested: {view['error']}")
            if view["status"] != "ready":
                return False
            waiting.discard(document)
            pages, chunks = pages + view["pages"], chunks + view["chunks"]
        return True

    await _until(all_ready, "all files are ready", 4 * POLL_SECONDS)
    return pages, chunks, time.perf_counter() - begin, service.cpu_seconds() - cpu


async def _upload(client: httpx.AsyncClient, path: Path) -> str:
    data = await asyncio.to_thread(path.read_bytes)
    # Two languages have files of one name; the folder's name keeps them apart.
    name = f"{path.parent.name}-{path.name}" if path.is_relative_to(HANDBOOK) else path.name
    answer = await client.post("/v1/documents", files={"file": (name, data)})
    return str(answer.raise_for_status().json()["id"])


async def _appears(client: httpx.AsyncClient, name: str, began: float) -> tuple[float, float]:
    """Wait until the first and the last page are found; seconds since ``began``."""
    seconds = []
    for number in (1, PAGES):

        async def found(number: int = number) -> bool:
            answer = await client.post("/v1/search", json={"query": leaf_word(number)})
            hits: list[dict[str, Any]] = answer.raise_for_status().json()["hits"]
            return any(hit["document"] == name and hit["page"] == number for hit in hits)

        await _until(found, f"page {number} of {name} is found", POLL_SECONDS)
        seconds.append(time.perf_counter() - began)
    return seconds[0], seconds[1]


async def _until(true: Callable[[], Awaitable[bool]], what: str, pause: float) -> None:
    end = time.monotonic() + LONGEST_SECONDS
    while not await true():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {LONGEST_SECONDS:g} s until {what}")
        await asyncio.sleep(pause)
