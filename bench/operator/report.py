"""The report in Markdown: the machine, the aims beside upstream's figures, and what is behind each."""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
from bench.operator.growth import growth
from bench.operator.results import Requests, Results, Samples, Stage
from bench.publish import table

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
bounds. The table of waves has the processor seconds of each program, until all is quiet again. After the
first Milvuses all are deleted; then their number grows, and all is measured again with each."""

# Aims in seconds, writes and MiB; writes are those of 50 Milvuses.
EXIST, HEALTHY, WRITES, EDIT, REPAIR, ACTING, GONE = 3.0, 1.0, 300, 0.2, 0.3, 2.0, 10.0
MEMORY = {50: ("90 MiB", 90.0), 200: ("", 150.0)}


def render(results: Results) -> str:
    """The whole report."""
    today = datetime.now(UTC).date().isoformat()
    method = METHOD.format(command=results.command, load=results.load)
    lines = ["# The operator's speed", "", f"{today}. {_machine()}.", "", method, "", "## Aims", ""]
    lines += table(["what", "upstream", "aim", "found", "met"], [*_aims(results)])
    lines += ["## Growth", "", *growth(results), ""]
    lines += ["## Times", "", *table(["seconds", "p50", "p95", "p99", "samples"], [*_times(results)])]
    heads = ["when", "writes", "reads", "Events", "lease"]
    lines += ["## Requests", "", *table(heads, [*_requests(results)])]
    lines += ["## Waves", "", *table(_WAVE_HEADS, [_wave(stage) for stage in results.stages])]
    heads = ["step", "cores used by others"]
    lines += table(heads, [[name, f"{share:.0%}"] for name, share in results.others.items()])
    return "\n".join(lines).rstrip() + "\n"


def _aims(results: Results) -> Iterator[list[str]]:
    first = results.stages[0]
    wave = first.wave
    yield _time("all objects exist", "34 / 37 s", EXIST, wave.exist)
    yield _time("Healthy after its Deployment is available", "18-30 s", HEALTHY, wave.healthy)
    writes = wave.requests.chosen(writes=True).total()
    yield _row(f"writes for {wave.count} CRs", "520", f"<= {WRITES}", str(writes), met=writes <= WRITES)
    yield _time("edit seen in the Deployment", "0.16 / 0.40 s", EDIT, first.edits)
    for what, upstream, deployments in _REPAIRS:
        yield _time(what, upstream, REPAIR, first.repaired(deployments=deployments))
    yield from _at_rest_and_restart(first)
    yield from _memory(results)
    for gone in results.deletions[:1]:
        what, found, met = f"deletion of {gone.count} CRs", f"{gone.milvuses:.1f} s", gone.milvuses <= GONE
        yield _row(what, "53 s", f"<= {GONE:g} s", found, met=met)
        yield _row("... until all that they had is collected", "", "", f"{gone.everything:.1f} s")


_REPAIRS = (
    ("deleted or altered Deployment repaired", "4-60 s", True),
    ("deleted Service, ConfigMap; altered data", "not within 11 minutes", False),
)


def _at_rest_and_restart(stage: Stage) -> Iterator[list[str]]:
    rest, restart = stage.rest.requests, stage.restart
    writes, reads = (rest.chosen(writes=one).total() for one in (True, False))
    asked = rest.beside_watches
    watches = writes + reads - asked
    found = f"{writes} writes, {asked - writes} reads, {watches} watches in {rest.seconds:.0f} s"
    met = asked == 0
    yield _row("at rest, beside the lease", "0 and 0 a minute", "watches only", found, met=met)
    writes, reads = (restart.requests.chosen(writes=one).total() for one in (True, False))
    found = f"{reads + writes} requests, {writes} writes"
    yield _row("restart with all CRs", "71 requests, 0 writes", "0 writes", found, met=writes == 0)
    yield _time("start of the process to an edit's effect", "", ACTING, restart.acting)


def _memory(results: Results) -> Iterator[list[str]]:
    yield _row("RSS, no CR", "66 MiB", "", f"{results.rss_empty:.0f} MiB")
    for stage in results.stages:
        upstream, aim = MEMORY.get(stage.count, ("", None))
        met = None if aim is None else stage.rss <= aim
        limit = f"<= {aim:g} MiB" if aim else ""
        yield _row(f"RSS, {stage.count} CRs", upstream, limit, f"{stage.rss:.0f} MiB", met=met)


def _time(what: str, upstream: str, aim: float, samples: Samples) -> list[str]:
    p50, p99 = samples.percentile(50), samples.percentile(99)
    found = f"{p50:.2f} / {p99:.2f} s"
    return _row(f"{what}, p50 / p99", upstream, f"p99 <= {aim:g} s", found, met=p99 <= aim)


def _row(what: str, upstream: str, aim: str, found: str, *, met: bool | None = None) -> list[str]:
    return [what, upstream, aim, found, {None: "", True: "yes", False: "**no**"}[met]]


def _times(results: Results) -> Iterator[list[str]]:
    named: dict[str, Samples] = {}
    for stage in results.stages:
        made, there = stage.wave.count, f"with {stage.count} CRs"
        named[f"{made} CRs at once, {there}: all objects exist"] = stage.wave.exist
        named[f"... Healthy after the Deployment is available, {there}"] = stage.wave.healthy
        named[f"... Healthy after the pod is Ready, {there}"] = stage.wave.healthy_pod
        named[f"edit of a CR until its Deployment shows it, {there}"] = stage.edits
        named |= {f"repaired: {name}, {there}": samples for name, samples in stage.repairs.items()}
        named[f"process started until ready, {there}"] = stage.restart.ready
        named[f"process started until an edit made before shows, {there}"] = stage.restart.acting
    for name, samples in named.items():
        shares = (f"{samples.percentile(share):.3f}" for share in PERCENTILES)
        yield [name, *shares, str(len(samples.seconds))]


def _requests(results: Results) -> Iterator[list[str]]:
    for stage in results.stages:
        yield _request_row(f"{stage.wave.count} CRs created, {stage.count} in all", stage.wave.requests)
        yield _request_row(f"at rest with {stage.count}", stage.rest.requests)
        yield _request_row(f"restart with {stage.count} and nothing to do", stage.restart.requests)


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


_WAVE_HEADS = ("CRs created, in all", "objects of a CR", "all Healthy, s", "RSS, MiB", "processor seconds")


def _wave(stage: Stage) -> list[str]:
    wave = stage.wave
    kinds = ", ".join(f"{count} {kind}" for kind, count in wave.kinds.items())
    spent = sorted(wave.cpu.items(), key=lambda item: -item[1])
    programs = ", ".join(f"{name} {seconds:.1f}" for name, seconds in spent if seconds >= 0.05)
    return [f"{wave.count}, {stage.count}", kinds, f"{wave.whole:.1f}", f"{wave.rss:.0f}", programs]


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.exists() else ""
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    processor = model.group(1) if model else platform.machine()
    memory = psutil.virtual_memory().total / (1 << 30)
    return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"
