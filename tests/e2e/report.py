"""The table of what each fault cost."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from tests.e2e.plot import draw
from tests.e2e.searching import Answer

PICTURE = "images/cluster.svg"
PERCENTILES = (50, 95, 99)
HEADS = ("what", "s to full strength", "searches", "failed", "late", "short", "p50 ms", "p95 ms", "p99 ms")

METHOD = """\
Made by `make e2e-report`.

Milvus 2.3.5 of `lab/examples/milvus-cluster` on the lab's three nodes, 20,000 vectors of 128 numbers,
one in-memory replica, four clients that search without pause.

A search has *failed* when it gave an error within its 10 s, is *late* after one second, and *short* with
fewer hits than asked for: Milvus answers empty with success while its data move. *Full strength* is when
all pods are Ready and no search is bad any more; it is counted from the fault's begin."""


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: when it began, the seconds until all was whole again, searches by verdict, their seconds."""

    name: str
    began: float
    seconds: float
    counts: dict[str, int]
    latencies: list[float]

    def cells(self) -> list[str]:
        """Give the row's cells."""
        times = [f"{np.percentile(self.latencies, share) * 1000:.0f}" for share in PERCENTILES]
        counts = [str(self.counts[verdict]) for verdict in ("failed", "late", "short")]
        return [self.name, f"{self.seconds:.1f}", str(sum(self.counts.values())), *counts, *times]


def write_report(rows: Sequence[Row], seconds_to_ready: float, answers: Sequence[Answer]) -> str:
    """Give the report in Markdown; with GLEDE_E2E_REPORT it is written there too, its picture in images/."""
    table = [HEADS, ["---"] * len(HEADS), *(row.cells() for row in rows)]
    today = datetime.now(UTC).date().isoformat()
    lines = [
        "# A Milvus cluster from plain manifests, under faults",
        "",
        f"{today}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}. {METHOD}",
        "",
        f"From apply until every pod was Ready: {seconds_to_ready:.0f} s.",
        "",
        f"![Searches a second by what they got, with the faults of the table's rows]({PICTURE})",
        "",
        *(f"| {' | '.join(cells)} |" for cells in table),
    ]
    text = "\n".join(lines) + "\n"
    if target := os.environ.get("GLEDE_E2E_REPORT"):
        path = Path(target)
        path.write_text(text)
        marks = [(row.began, row.name) for row in rows[1:]]
        (path.parent / PICTURE).write_text(draw(answers, marks))
    return text
