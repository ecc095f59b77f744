"""How the operator's figures grow with the number of Milvuses: a table and a picture."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.operator.results import Results, Samples, Stage
from bench.publish import table

from glede.milvus.probe import Pace

PICTURE = "images/operator-growth.svg"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 960, 260, 44, 40, 36, 24
STYLE = "font: 12px sans-serif; fill: #333"
COLOURS = ("#2f6f5e", "#d9813a", "#7a8fb0", "#a8371c")
OPERATOR = "the operator"
# Of what the cores can pay for, so much is found where nothing else is in the way.
BOUND = 0.8
NAMED = (OPERATOR, "kube-apiserver", "kube-controller-manager", "kwok")
Row = tuple[str, Callable[[Stage], str]]


def _p50_p99(samples: Samples) -> str:
    return f"{samples.percentile(50):.2f} / {samples.percentile(99):.2f}"


def _spent(stage: Stage, program: str) -> float:
    """Give a program's processor seconds for each Milvus of a wave."""
    return stage.wave.cpu.get(program, 0.0) / stage.wave.count


def _all_spent(stage: Stage) -> float:
    return sum(stage.wave.cpu.values()) / stage.wave.count


def _others(stage: Stage) -> float:
    return _all_spent(stage) - sum(_spent(stage, name) for name in NAMED)


def limit(stage: Stage, cores: int) -> str:
    """Tell what a wave is bounded by."""
    whole = _all_spent(stage)
    dearest = max(NAMED, key=lambda name: _spent(stage, name))
    paid, found = cores / whole, stage.wave.count / stage.wave.whole
    shares = (
        f"{_spent(stage, dearest) / whole:.0%} {dearest}, {_spent(stage, OPERATOR) / whole:.0%} {OPERATOR}"
    )
    bound = "the cores bound a wave" if found >= BOUND * paid else "something else than the cores bounds it"
    return (
        f"The limit: with {stage.count} Milvuses a new one costs the machine {whole * 1000:.0f} ms of "
        f"processor ({shares}). {cores} cores pay for {paid:.1f} of them a second, and {found:.1f} became "
        f"Healthy: {bound}. A new Milvus waits for its turn among the others of its wave, hence the slow end "
        "of *Healthy after available*; edits and repairs of those that serve go before. In a wave's processor"
        f" time is what those that were there take at rest: {stage.rest.share():.0%} of a core with "
        f"{stage.count}, {stage.rest.share(OPERATOR):.0%} by the operator, which asks each one's etcd and "
        f"object store every {Pace().healthy:g} s."
    )


ROWS: tuple[Row, ...] = (
    ("made at once", lambda s: str(s.wave.count)),
    ("... all Healthy, s", lambda s: f"{s.wave.whole:.1f}"),
    ("... Milvuses a second", lambda s: f"{s.wave.count / s.wave.whole:.1f}"),
    ("... Healthy after available, p50 / p99 s", lambda s: _p50_p99(s.wave.healthy)),
    ("... writes for each", lambda s: f"{s.wave.requests.chosen(writes=True).total() / s.wave.count:.1f}"),
    ("... processor ms for each: the operator", lambda s: f"{_spent(s, OPERATOR) * 1000:.0f}"),
    ("... the API server", lambda s: f"{_spent(s, 'kube-apiserver') * 1000:.0f}"),
    ("... the controllers", lambda s: f"{_spent(s, 'kube-controller-manager') * 1000:.0f}"),
    ("... kwok", lambda s: f"{_spent(s, 'kwok') * 1000:.0f}"),
    ("... etcd, MinIO, the scheduler, this benchmark", lambda s: f"{_others(s) * 1000:.0f}"),
    ("edit seen in the Deployment, p50 / p99 s", lambda s: _p50_p99(s.edits)),
    ("Deployment repaired, p50 / p99 s", lambda s: _p50_p99(s.repaired(deployments=True))),
    ("Service, ConfigMap repaired, p50 / p99 s", lambda s: _p50_p99(s.repaired(deployments=False))),
    ("at rest: requests, watches and lease apart", lambda s: str(s.rest.requests.beside_watches)),
    ("... % of a core: the operator", lambda s: f"{s.rest.share(OPERATOR) * 100:.1f}"),
    ("... all programs", lambda s: f"{s.rest.share() * 100:.1f}"),
    ("restart: requests, watches apart", lambda s: str(s.restart.requests.beside_watches)),
    ("... writes", lambda s: str(s.restart.requests.chosen(writes=True).total())),
    ("... to an edit's effect, p50 / p99 s", lambda s: _p50_p99(s.restart.acting)),
    ("RSS, MiB", lambda s: f"{s.rss:.0f}"),
)


def growth(results: Results) -> list[str]:
    """Give the table by numbers of Milvuses, and the picture's place."""
    heads = ["with so many CRs", *(str(stage.count) for stage in results.stages)]
    rows = [[what, *(cell(stage) for stage in results.stages)] for what, cell in ROWS]
    gone = [
        f"{d.count} CRs in {d.milvuses:.1f} s, all that they had in {d.everything:.1f} s"
        for d in results.deletions
    ]
    return [
        f"![Times, processor time and memory by the number of Milvuses]({PICTURE})",
        "",
        *table(heads, rows),
        f"Deleted at once: {'; '.join(gone)}.",
        "",
        limit(results.stages[-1], os.cpu_count() or 1),
    ]


def draw(stages: Sequence[Stage], path: Path) -> None:
    """Write the picture: three graphs by the number of Milvuses, each from zero."""
    graphs: Sequence[tuple[str, dict[str, list[float]]]] = (
        (
            "p99, seconds",
            {
                "edit": [s.edits.percentile(99) for s in stages],
                "Deployment repaired": [s.repaired(deployments=True).percentile(99) for s in stages],
                "restart to effect": [s.restart.acting.percentile(99) for s in stages],
            },
        ),
        (
            "processor ms for each new Milvus",
            {
                name: [_spent(s, program) * 1000 for s in stages]
                for name, program in (("operator", OPERATOR), ("API server", "kube-apiserver"))
            },
        ),
        ("operator's memory, MiB", {"RSS": [s.rss for s in stages]}),
    )
    counts = [stage.count for stage in stages]
    wide = (WIDTH - GAP) / len(graphs)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for place, (title, lines) in enumerate(graphs):
        parts += _graph(place * wide + LEFT, wide - LEFT - GAP, title, counts, lines)
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n")


def _graph(
    left: float, wide: float, title: str, counts: Sequence[int], lines: dict[str, list[float]]
) -> Iterator[str]:
    floor, tall = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP - 14 * len(lines)
    highest = max(value for values in lines.values() for value in values) or 1.0
    yield f'<text x="{left - LEFT + 8:.0f}" y="18" style="{STYLE}">{title}</text>'
    yield f'<path d="M{left:.0f} {floor}h{wide:.0f}" stroke="#333"/>'
    yield _label(left - 4, floor - tall + 4, f"{highest:.3g}", "end")
    for count in counts:
        yield _label(left + wide * count / counts[-1], floor + 16, str(count), "middle")
    for number, (name, values) in enumerate(lines.items()):
        colour = COLOURS[number]
        points = [
            (left + wide * count / counts[-1], floor - tall * value / highest)
            for count, value in zip(counts, values, strict=True)
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points)
        y = TOP + 14 * number
        yield f'<rect x="{left:.0f}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
        yield f'<text x="{left + 15:.0f}" y="{y}" style="{STYLE}">{name}</text>'


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" style="{STYLE}">{text}</text>'
