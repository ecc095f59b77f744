"""Measures retrieval quality: `python -m bench.qa.quality` from the root of the repository.

The first run fetches about 45 MB of Debian documentation packages. `--sets` takes names or prefixes
("report", "tune-zh"), `--systems` parts of system names.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench.publish import publish
from bench.qa import answers
from bench.qa.baselines import Retriever, baselines
from bench.qa.datasets import SETS, Corpus, PackageError, cache_folder, load
from bench.qa.report import Result, render
from bench.qa.systems import glede_systems, open_bench_embedder
from rich.console import Console
from rich.progress import Progress

from glede.qa.embed.base import Embedder

DEPTH = 10

SystemsMaker = Callable[[], list[Retriever]]


def measure(retriever: Retriever, corpus: Corpus, depth: int = DEPTH) -> Result:
    """Index the set's sections and ask all its questions."""
    started = time.perf_counter()
    retriever.index(corpus.sections)
    indexed = time.perf_counter()
    rankings = retriever.search([question.text for question in corpus.questions], depth)
    return Result(retriever.name, corpus, rankings, indexed - started, time.perf_counter() - indexed)


def chosen_sets(wanted: Sequence[str]) -> list[str]:
    """The names that start with one of `wanted`, all without any. Raises ValueError for a stranger."""
    for prefix in wanted:
        if not any(name.startswith(prefix) for name in SETS):
            raise ValueError(
                f"--sets {prefix}: no such set; expected one of {', '.join(SETS)} or a prefix of them"
            )
    return [name for name in SETS if not wanted or any(name.startswith(prefix) for prefix in wanted)]


def chosen_systems(wanted: Sequence[str], embedder: Embedder | None) -> list[Retriever]:
    """New systems whose names contain one of `wanted`, all without any. Raises ValueError for a stranger."""
    systems = [*baselines(), *glede_systems(embedder)]
    for part in wanted:
        if not any(part.lower() in system.name.lower() for system in systems):
            known = ", ".join(system.name for system in systems)
            raise ValueError(f"--systems {part}: no such system; expected a part of one of {known}")
    return [
        system
        for system in systems
        if not wanted or any(part.lower() in system.name.lower() for part in wanted)
    ]


def run(names: Sequence[str], systems: SystemsMaker, limit: int | None, cache: Path) -> list[Result]:
    """Measure each system, made anew for each set, on each set; progress goes to stderr."""
    results = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("sets", total=len(names))
        for name in names:
            progress.update(task, description=f"{name}: reading")
            corpus = load(name, cache)
            if limit is not None:
                corpus = replace(corpus, questions=corpus.questions[:limit])
            with contextlib.ExitStack() as closing:
                for system in systems():
                    closing.callback(system.close)
                    progress.update(task, description=f"{name}: {system.name}")
                    results.append(measure(system, corpus))
            progress.advance(task)
    return results


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.qa.quality", description=__doc__)
    parser.add_argument(
        "--sets", nargs="*", default=[], metavar="NAME", help="sets or prefixes; all by default"
    )
    parser.add_argument("--systems", nargs="*", default=[], metavar="PART", help="parts of system names")
    parser.add_argument(
        "--reference", default="haystack BM25", help="system to compare with, question by question"
    )
    parser.add_argument("--limit", type=int, help="ask only the first N questions of each set")
    parser.add_argument("--out", type=Path, help="also write the report to this file")
    parser.add_argument(
        "--cache", type=Path, default=cache_folder(), help="default: $GLEDE_BENCH_CACHE or ~/.cache"
    )
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Run from the command line; 2 for a wrong argument or a missing package, else 0."""
    arguments = _arguments(given)
    try:
        names = chosen_sets(arguments.sets)
        embedder = open_bench_embedder(arguments.cache)
        chosen_systems(arguments.systems, embedder)
        results = run(
            names, lambda: chosen_systems(arguments.systems, embedder), arguments.limit, arguments.cache
        )
    except (ValueError, PackageError) as error:
        print(error, file=sys.stderr)
        return 2
    report = render(results, arguments.reference)
    if not arguments.sets:
        report += f"\n{answers.report()}"
    publish(report, arguments.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
