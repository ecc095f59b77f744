"""The report in Markdown: the machine, the aims beside upstream's figures, and what is behind each."""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil
from bench.operator.results import Requests, Results, Samples, Wave

PERCENTILES = (50, 95, 99)

METHOD = """\
Every number is from one run of

    {command}

on one machine, which the operator, the API server, Kubernetes' controllers and this benchmark share; the load
was {load:.1f} at the start. The API server and its controllers are real, with the limits on requests that
Kubernetes gives them; kwok plays the nodes and pods, which are Ready at once. Each Milvus is standalone, with
an etcd and a MinIO that are real, and keys and a bucket of its own. Moments are those at which a watcher with
a connection of its own, in the benchmark's process, read of them. Requests are counted by the API server's
audit log; Events and the lease, which depend on time more than on work, are counted apart. *Upstream* is
milvus-operator, measured on two cores of the same kind of machine.

The last table tells what share of the cores other programs took meanwhile: where it is large, times are upper
bounds. Fifty Milvuses at once are bounded by the two cores, which the API server and Kubernetes' controllers
use more than the operator does; the table of waves has the processor seconds of each."""

# Aims in seconds, writes and MiB; writes are those of 50 Milvuses.
EXIST, HEALTHY, WRITES, EDIT, REPAIR, ACTING, GONE = 3.0, 1.0, 300, 0.2, 0.3, 2.0, 10.0
MEMORY = {50: ("90 MiB", 90.0), 200: ("", 150.0)}


def render(results: Results) -> str:
    """The whole report."""
    today = datetime.now(UTC).date().isoformat()
    method = METHOD.format(command=results.command, load=results.load)
    lines = ["# The operator's speed", "", f"{today}. {_machine()}.", "", method, "", "## Aims", ""]
    lines += _table(["what", "upstream", "aim", "found", "met"], [*_aims(results)])
    lines += ["## Times", "", *_table(["seconds", "p50", "p95", "p99", "samples"], [*_times(results)])]
    lines += [
        "## Requests",
        "",
        *_table(["when", "writes", "reads", "Events", "lease"], [*_requests(results)]),
    ]
    lines += ["## Waves", "", *_table(_WAVE_HEADS, [_wave(wave) for wave in results.waves])]
    heads = ["step", "cores used by others"]
    lines += _table(heads, [[name, f"{share:.0%}"] for name, share in results.others.items()])
    return "\n".join(lines).rstrip() + "\n"


def _aims(results: Results) -> Iterator[list[str]]:
    wave, edits = results.waves[0], results.edits
    yield _time("all objects exist", "34 / 37 s", EXIST, wave.exist)
    yield _time("Healthy after its Deployment is available", "18-30 s", HEALTHY, wave.healthy)
    writes = wave.requests.chosen(writes=True).total()
    yield _row(f"writes for {wave.count} CRs", "520", f"<= {WRITES}", str(writes), met=writes <= WRITES)
    yield _time("edit seen in the Deployment", "0.16 / 0.40 s", EDIT, edits)
    for what, upstream, named in _REPAIRS:
        chosen = [samples for name, samples in results.repairs.items() if named(name)]
        yield _time(what, upstream, REPAIR, Samples([s for samples in chosen for s in samples.seconds]))
    yield from _at_rest_and_restart(results)
    yield from _memory(results)
    if gone := results.deletion:
        what, found, met = f"deletion of {gone.count} CRs", f"{gone.milvuses:.1f} s", gone.milvuses <= GONE
        yield _row(what, "53 s", f"<= {GONE:g} s", found, met=met)
        yield _row("... until all that they had is collected", "", "", f"{gone.everything:.1f} s")


_REPAIRS: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("deleted or altered Deployment repaired", "4-60 s", lambda name: name.startswith("Deployment")),
    (
        "deleted Service, ConfigMap; altered data",
        "not within 11 minutes",
        lambda name: not name.startswith("Deployment"),
    ),
)


def _at_rest_and_restart(results: Results) -> Iterator[list[str]]:
    if results.rest:
        writes, reads = (results.rest.chosen(writes=one).total() for one in (True, False))
        watches = _watches(results.rest)
        found = f"{writes} writes, {reads - watches} reads, {watches} watches in {results.rest.seconds:.0f} s"
        met = writes == 0 and reads == watches
        yield _row("at rest, beside the lease", "0 and 0 a minute", "watches only", found, met=met)
    if results.restart:
        writes = results.restart.requests.chosen(writes=True).total()
        reads = results.restart.requests.chosen(writes=False).total()
        found = f"{reads + writes} requests, {writes} writes"
        yield _row("restart with all CRs", "71 requests, 0 writes", "0 writes", found, met=writes == 0)
        yield _time("start of the process to an edit's effect", "", ACTING, results.restart.acting)


def _watches(requests: Requests) -> int:
    return sum(count for (verb, _), count in requests.counts.items() if verb == "watch")


def _memory(results: Results) -> Iterator[list[str]]:
    yield _row("RSS, no CR", "66 MiB", "", f"{results.rss_empty:.0f} MiB")
    first = results.waves[0].count
    sizes = {first: max(results.waves[0].rss, results.rss_end)}
    sizes |= {wave.count: wave.rss for wave in results.waves[1:]}
    for count, rss in sizes.items():
        upstream, aim = MEMORY.get(count, ("", None))
        met = None if aim is None else rss <= aim
        yield _row(f"RSS, {count} CRs", upstream, f"<= {aim:g} MiB" if aim else "", f"{rss:.0f} MiB", met=met)


def _time(what: str, upstream: str, aim: float, samples: Samples) -> list[str]:
    p50, p99 = samples.percentile(50), samples.percentile(99)
    found = f"{p50:.2f} / {p99:.2f} s"
    return _row(f"{what}, p50 / p99", upstream, f"p99 <= {aim:g} s", found, met=p99 <= aim)


def _row(what: str, upstream: str, aim: str, found: str, *, met: bool | None = None) -> list[str]:
    return [what, upstream, aim, found, {None: "", True: "yes", False: "**no**"}[met]]


def _times(results: Results) -> Iterator[list[str]]:
    named: dict[str, Samples] = {}
    for wave in results.waves:
        named[f"{wave.count} CRs at once: all objects exist"] = wave.exist
        named[f"{wave.count} CRs at once: Healthy after the Deployment is available"] = wave.healthy
        named[f"{wave.count} CRs at once: Healthy after the pod is Ready"] = wave.healthy_pod
    named["edit of a CR until its Deployment shows it"] = results.edits
    named |= {f"repaired: {name}": samples for name, samples in results.repairs.items()}
    if results.restart:
        named["process started until ready"] = results.restart.ready
        named["process started until an edit made before shows"] = results.restart.acting
    for name, samples in named.items():
        shares = (f"{samples.percentile(share):.3f}" for share in PERCENTILES)
        yield [name, *shares, str(len(samples.seconds))]


def _requests(results: Results) -> Iterator[list[str]]:
    for wave in results.waves:
        yield _request_row(f"{wave.count} CRs created", wave.requests)
    if results.rest:
        yield _request_row("at rest", results.rest)
    if results.restart:
        yield _request_row("restart with nothing to do", results.restart.requests)


def _request_row(when: str, requests: Requests) -> list[str]:
    rest = requests.chosen(writes=True, best_effort=True)
    rest += requests.chosen(writes=False, best_effort=True)
    events, lease = (sum(n for (_, r), n in rest.items() if r == kind) for kind in ("events", "leases"))
    words = f"{when}, {requests.seconds:.0f} s"
    parts = (_counted(requests.chosen(writes=writes)) for writes in (True, False))
    return [words, *parts, str(events), str(lease)]


def _counted(counts: Counter[tuple[str, str]]) -> str:
    """Name requests by verb and resource, the most first."""
    words = [f"{count} {verb} {resource}" for (verb, resource), count in counts.most_common()]
    return f"{counts.total()}: {', '.join(words)}" if words else "0"


_WAVE_HEADS = ("CRs", "objects of a CR", "all Healthy, s", "RSS, MiB", "processor seconds, by program")


def _wave(wave: Wave) -> list[str]:
    kinds = ", ".join(f"{count} {kind}" for kind, count in wave.kinds.items())
    spent = sorted(wave.cpu.items(), key=lambda item: -item[1])
    programs = ", ".join(f"{name} {seconds:.1f}" for name, seconds in spent if seconds >= 0.05)
    return [str(wave.count), kinds, f"{wave.whole:.1f}", f"{wave.rss:.0f}", programs]


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.exists() else ""
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    processor = model.group(1) if model else platform.machine()
    memory = psutil.virtual_memory().total / (1 << 30)
    return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(heads)} |", f"|{'|'.join(' --- ' for _ in heads)}|"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]
