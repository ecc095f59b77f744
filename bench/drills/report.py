"""The table of drills: plain Deployments beside the operator."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from bench.drills.drills import DRILLS
from bench.drills.sides import Ours, Plain
from bench.publish import table

METHOD = """\
Made by `make bench-drills`.

Milvus 2.3.5 on the lab's three nodes, once from the plain manifests of `lab/examples/milvus-cluster` (one
etcd, one MinIO, one Kafka, beside each other on a node that drills leave alone), once as a bare
`mode: cluster` by the operator (three etcd, four MinIO, three Kafka). Each ran alone, one after the other;
nodes, clients and benchmark share the cores.

Two collections of 20,000 vectors of 128 numbers, one with one and one with two in-memory replicas, two
clients on each that search without pause, and one client that inserts ten rows five times a second. A search
*failed* when it gave an error within 10 s, is *late* after one second, and *short* with fewer hits than asked
for. *Dark* are seconds in which no search of a collection ended well: where searches hang, few can fail.
*Lost* are rows that were acknowledged and are not found afterwards. *Full strength*: all pods are Ready and
as wanted, and no search is bad any more, counted from the begin of the fault or change, so that a fault's own
time is in it. A dash: not so within 240 s after the fault's end. Planned changes are made twice, first in
the order of the table, then without the faults between them: where what they cost differs, both are shown."""
_BAD = ("failed", "late", "short")


@dataclass
class Figure:
    """What a drill cost a side; ``counts`` are searches by verdict, by in-memory replicas.

    ``dark`` are the seconds in which no search ended well, by in-memory replicas. ``seconds`` are those until
    full strength, None: not reached; ``lost`` rows, None: could not be read. ``turn`` counts from 0.
    """

    drill: str
    side: str
    seconds: float | None
    lost: int | None
    said: str
    counts: dict[int, dict[str, int]]
    dark: dict[int, int]
    errors: list[str] = field(default_factory=list)
    turn: int = 0

    @classmethod
    def read(cls, kept: dict[str, Any]) -> Self:
        """Read one that was kept as JSON."""
        counts = {int(number): found for number, found in kept["counts"].items()}
        dark = {int(number): found for number, found in kept["dark"].items()}
        return cls(**{**kept, "counts": counts, "dark": dark})

    @property
    def key(self) -> tuple[str, str, int]:
        """Tell it from others."""
        return self.drill, self.side, self.turn

    def cells(self) -> list[str]:
        """Give the cells of a row: seconds, bad searches with one and with two in memory, lost rows."""
        bad = [
            f"{'/'.join(str(counts[verdict]) for verdict in _BAD)} ({self.dark[number]} s)"
            for number, counts in self.counts.items()
        ]
        seconds = "-" if self.seconds is None else f"{self.seconds:.0f}"
        return [seconds, *bad, "-" if self.lost is None else str(self.lost)]

    def line(self) -> str:
        """Give it on one line, with what clients met."""
        searches = [str(sum(counts.values())) for counts in self.counts.values()]
        words = [self.side, self.drill, *self.cells(), f"of {'+'.join(searches)}", self.said, *self.errors]
        return "; ".join(word for word in words if word)


def _together(turns: list[list[str]]) -> list[str]:
    """Give the cells of one row of several turns: what they have in common once, what differs by turn."""
    return [cells[0] if len(set(cells)) == 1 else ", ".join(cells) for cells in zip(*turns, strict=True)]


def report(figures: list[Figure]) -> str:
    """Give the report in Markdown."""
    figures = sorted(figures, key=lambda figure: figure.turn)
    heads = ("s to full strength", "1 replica: failed/late/short (s dark)", "2 replicas", "lost")
    titles = (Plain.title, Ours.title)
    rows, notes = [], []
    for drill in DRILLS:
        row = [drill.name]
        for title in titles:
            turns = [figure for figure in figures if (figure.drill, figure.side) == (drill.name, title)]
            row += _together([figure.cells() for figure in turns]) if turns else [""] * len(heads)
            said = "; ".join(dict.fromkeys(figure.said for figure in turns if figure.said))
            notes += [f"- {drill.name}, {title}: {said}."] if said else []
        rows.append(row)
    searches = sum(sum(counts.values()) for figure in figures for counts in figure.counts.values())
    machine = f"{os.cpu_count()} cores, Linux {platform.release().split('-')[0]}"
    lines = [
        "# Drills: plain Deployments and the operator",
        "",
        f"{datetime.now(UTC).date().isoformat()}, {machine}, {searches:,} searches. {METHOD}",
        "",
        *table(["what", *(f"{title}: {head}" for title in titles for head in heads)], rows),
        *notes,
    ]
    return "\n".join(lines).rstrip() + "\n"
