"""The speed report in Markdown: environment, aims, and a table for each question asked of the service."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bench.publish import table
from bench.qa.report import environment
from bench.speed.coalescing import Pair
from bench.speed.ingest import PAGES, Appearance, Disturbance, Ingested
from bench.speed.load import Load
from bench.speed.serving import Cell, Start
from bench.speed.steps import Step

AIM_SEARCH_MS = 50.0
AIM_SEARCH_CHUNKS = 5000
AIM_FIRST_PAGE_SECONDS = 3.0
PERCENTILES = (50, 95, 99)

METHOD = """\
Every number is from one run of

    {command}

on one machine, where the load generator shares the {cores} cores with the service. The column *others* is
the share of the cores that neither of them used but other programs did: read a row with a large one as an
upper bound, and compare within a table only. Clients are closed loops: each sends its next question when it
has the last answer. Each row follows a warm-up and ends after {questions} questions or {seconds:g} seconds.
*CPU ms* is the processor time of the service and its children, divided by the questions answered.

The text is real sentences in a random order, from {source}.
**The vectors of the documents are synthetic in the tables of questions**: real MiniLM vectors, moved at
random and made unit length again, since to embed 20,000 chunks would take most of the run. What such a search
finds means nothing, and quality is measured elsewhere. The questions are embedded by MiniLM for real, each
one anew. In the tables of ingest every vector is real. The index is the embedded Milvus Lite."""


@dataclass(slots=True)
class Results:
    """What was measured; a part that was left out is empty."""

    command: str
    source: str
    questions: int
    seconds: float
    starts: list[Start] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    ingested: list[Ingested] = field(default_factory=list)
    appearances: list[Appearance] = field(default_factory=list)
    disturbance: Disturbance | None = None


def render(results: Results) -> str:
    """The whole report."""
    method = METHOD.format(
        command=results.command,
        cores=os.cpu_count(),
        questions=results.questions,
        seconds=results.seconds,
        source=results.source,
    )
    today = datetime.now(UTC).date().isoformat()
    lines = ["# Speed", "", f"{today}. {environment()}.", "", method, "", *_aims(results)]
    for title, call in (("Search", "search"), ("Ask (extractive answers)", "ask")):
        lines += _serving(title, [cell for cell in results.cells if cell.call == call])
    lines += _starts(results.starts)
    lines += _steps(results.steps)
    lines += _coalescing(results.pairs)
    lines += _ingest(results.ingested, results.appearances)
    lines += _disturbance(results.disturbance)
    return "\n".join(lines).rstrip() + "\n"


def _aims(results: Results) -> list[str]:
    rows = []
    for cell in results.cells:
        near = AIM_SEARCH_CHUNKS <= cell.chunks < 1.2 * AIM_SEARCH_CHUNKS
        if cell.call == "search" and cell.load.clients == 1 and near:
            found = cell.load.percentile(95)
            what = f"search p95, one client, {cell.chunks:,} chunks"
            rows.append([what, f"< {AIM_SEARCH_MS:g} ms", f"{found:.0f} ms", _met(found < AIM_SEARCH_MS)])
    for seen in results.appearances:
        what = f"first page of a {PAGES}-page PDF found, embedder {seen.embedder}"
        found = seen.first_page
        aim = f"< {AIM_FIRST_PAGE_SECONDS:g} s"
        rows.append([what, aim, f"{found:.1f} s", _met(found < AIM_FIRST_PAGE_SECONDS)])
    return ["## Aims", "", *table(["what", "aim", "found", "met"], rows)] if rows else []


def _met(met: bool) -> str:
    return "yes" if met else "**no**"


def _serving(title: str, cells: Sequence[Cell]) -> list[str]:
    rows = [[f"{cell.chunks:,}", str(cell.load.clients), *_load_cells(cell.load)] for cell in cells]
    return [f"## {title}", "", *table(["chunks", "clients", *_LOAD_HEADS], rows)] if rows else []


def _starts(starts: Sequence[Start]) -> list[str]:
    rows = [[f"{start.chunks:,}", f"{start.seconds:.1f}"] for start in starts]
    text = "From the start of `glede serve` on a filled folder until `/readyz` answers."
    return ["## Start", "", text, "", *table(["chunks", "seconds"], rows)] if rows else []


def _steps(steps: Sequence[Step]) -> list[str]:
    rows = [[f"{step.chunks:,}", step.name, *_load_cells(step.load)] for step in steps]
    text = (
        "One client in this process, without HTTP. The first rows are steps made alone; what the last one "
        "costs beyond their sum is Glede's own: passages read, fused and reranked."
    )
    return (
        ["## One question, step by step", "", text, "", *table(["chunks", "step", *_LOAD_HEADS], rows)]
        if rows
        else []
    )


def _coalescing(pairs: Sequence[Pair]) -> list[str]:
    rows = []
    for pair in pairs:
        for name, load in (("shared", pair.shared), ("one a question", pair.single)):
            rows.append([f"{pair.chunks:,}", str(load.clients), name, *_load_cells(load)])
        ratios = [
            f"{pair.shared.percentile(share) / pair.single.percentile(share):.2f}" for share in PERCENTILES
        ]
        rate = pair.shared.rate / pair.single.rate
        cpu = pair.shared.cpu_ms / pair.single.cpu_ms
        rows.append(["", "", "*ratio*", *ratios, f"{rate:.2f}", f"{cpu:.2f}", "", "", ""])
    text = (
        "Questions that wait at the same time share one call to the encoder and to each leg of the index. "
        "The retriever in this process, without HTTP, with shared calls and without, by turns."
    )
    made = table(["chunks", "clients", "calls", *_LOAD_HEADS], rows)
    return ["## Shared calls", "", text, "", *made] if rows else []


def _ingest(ingested: Sequence[Ingested], appearances: Sequence[Appearance]) -> list[str]:
    rows = [
        [
            row.files,
            row.embedder,
            str(row.pages),
            str(row.chunks),
            f"{row.seconds:.1f}",
            f"{row.pages / row.seconds:.1f}",
            f"{row.chunks / row.seconds:.1f}",
            f"{row.cpu_seconds:.1f}",
        ]
        for row in ingested
    ]
    heads = ["files", "embedder", "pages", "chunks", "seconds", "pages/s", "chunks/s", "CPU s"]
    text = (
        "From the first upload until every file is ready, the worker that parses and the one that embeds "
        "beside each other, both behind questions (niceness 10). MiniLM embeds English only; half of the "
        "handbook is Chinese. A page of Markdown, HTML or Word is a section."
    )
    lines = ["## Ingest", "", text, "", *table(heads, rows)] if rows else []
    seen = [
        [one.embedder, f"{one.first_page:.1f}", f"{one.last_page:.1f}", f"{one.ready:.1f}"]
        for one in appearances
    ]
    heads = ["embedder", "first page found, s", "last page found, s", "all vectors there, s"]
    text = f"The PDF of {PAGES} pages, from the start of its upload. Pages are found by their words first."
    return [*lines, text, "", *table(heads, seen)] if seen else lines


def _disturbance(found: Disturbance | None) -> list[str]:
    if found is None:
        return []
    phases = (("before", found.before), ("during", found.during), ("after", found.after))
    rows = [[name, *_load_cells(load)] for name, load in phases]
    ratios = [
        f"{found.during.percentile(share) / found.after.percentile(share):.2f}" for share in PERCENTILES
    ]
    rows.append(["*during / after*", *ratios, f"{found.during.rate / found.after.rate:.2f}", "", "", "", ""])
    text = (
        f"One client searches before, during and after the ingest of the PDF of {PAGES} pages with MiniLM. "
        "The CPU time of the middle row has ingest's in it and is left out of the ratio."
    )
    return ["## Search beside ingest", "", text, "", *table(["ingest", *_LOAD_HEADS], rows)]


_LOAD_HEADS = ("p50 ms", "p95 ms", "p99 ms", "questions/s", "CPU ms", "others", "answered", "failed")


def _load_cells(load: Load) -> list[str]:
    return [
        *(f"{load.percentile(share):.0f}" for share in PERCENTILES),
        f"{load.rate:.1f}",
        f"{load.cpu_ms:.1f}",
        f"{load.others:.0%}",
        str(len(load.latencies)),
        f"**{load.failed}**" if load.failed else "0",
    ]
