"""A move in words, as it is printed before anything is done."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from glede.milvus.takeover.edits import shown
from glede.milvus.takeover.found import name_of, release_of, wanted
from glede.milvus.takeover.move import Move
from glede.milvus.takeover.workloads import Part, Rename

_WEIGHT = ("unknown", "unsupported", "warning")


def lines_of(move: Move) -> Iterator[str]:
    """Tell a move, line by line: what is refused, or what is done, and what else there is to know."""
    found = move.found
    version = (found.milvus["metadata"].get("labels") or {}).get("milvus.io/operator-version", "")
    yield f"Milvus {found.name} in namespace {found.namespace}, from milvus-operator {version}".rstrip()
    if not move.needed:
        yield "  is Glede's already: nothing is to be taken over"
        return
    refusals = (f"{problem.field}: {problem.message}" for problem in move.refusals)
    yield from _section("Refused: nothing is changed until this is", refusals)
    if move.resolved is not None:
        yield from _section("Steps", _numbered(_steps(move)))
        yield from _section("Pods, in this order", map(_pods, move.parts))
        yield from _section("Left alone", _left_alone(move))
        yield from _section("Settings that change in the ConfigMap", move.settings)
    title = "Written into the spec by milvus-operator, and followed as they stand"
    yield from _section(title, move.defaults)
    yield from _section("To know", _notes(move))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield ""
        yield title
        yield from (f"  {line}" for line in found)


def _numbered(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        yield f"{number:2} {line}"


def _steps(move: Move) -> Iterator[str]:
    for item in move.idle:
        yield f"delete     Deployment {name_of(item)}: it has no pod, and is not needed here"
    for rename in move.renames:
        yield f"rename     {_rename(rename)}; no pod restarts"
    for item in move.hand_over:
        yield f"take over  {item['kind']} {name_of(item)}: {_handed(item)}"
    count = len(move.pods)
    if count:
        yield f"label      {count} pods: so that the operator sees them; no pod restarts"
    yield f"edit       Milvus {move.found.name}: annotation glede.io/adopted, from which on the operator acts"
    for edit in move.edits:
        yield f"edit       Milvus {move.found.name}: spec.{edit.field}: {shown(edit.value)}: {edit.reason}"
    yield "replace    pods by the operator, component by component, below"


def _rename(rename: Rename) -> str:
    old = f"from {name_of(rename.old)}" if rename.old else "which has none any more"
    return f"Deployment {rename.name}: it gets ReplicaSet {name_of(rename.replica_set)}, {old}"


def _handed(obj: Mapping[str, Any]) -> str:
    if obj["kind"] == "Service":
        spec = obj["spec"]
        ports = ", ".join(f"{p['port']}:{p['nodePort']}" for p in spec["ports"] if p.get("nodePort"))
        kept = f"address {spec.get('clusterIP', 'none')}" + (f" and node ports {ports}" if ports else "")
        return f"in place, with its {kept}; no pod restarts"
    return "in place; no pod restarts"


def _pods(part: Part) -> str:
    count = f"{part.pods} {'pod' if part.pods == 1 else 'pods'}"
    if not part.pods:
        return f"{part.workload.component}: none, so none restarts"
    if part.seconds:
        return (
            f"{part.workload.component}: {count} stopped, then started: without it for about {part.seconds} "
            "s, and for as long as the old one takes to stop, since both may not be there at one time"
        )
    return f"{part.workload.component}: {count} replaced one at a time, one more and never one fewer"


def _left_alone(move: Move) -> Iterator[str]:
    for item in move.found.installed:
        pods = "" if item["kind"] == "PersistentVolumeClaim" else f", {wanted(item)} pods, none restarts"
        yield f"{item['kind']} {name_of(item)}: of the Helm release {release_of(item)}{pods}"

    for item in move.left:
        yield f"{item['kind']} {name_of(item)}: not needed here, and gone with the Milvus"


def _notes(move: Move) -> Iterator[str]:
    if any(".external" in edit.field for edit in move.edits):
        yield (
            "What Helm installed outlives the Milvus from then on, whatever deletionPolicy says, until you "
            "uninstall it by Helm. Leave inCluster in the spec for the way back; it has no effect."
        )
    coordinators = [p for p in move.parts if p.workload.component.endswith("coord") and p.pods]
    if any(not part.seconds for part in coordinators):
        yield "When a coordinator is replaced, searches wait some seconds until the new one takes over."
    if move.resolved and move.resolved.milvus.spec.availability.network_policy:
        yield (
            "NetworkPolicies are new: port 9091 answers scrapers only if they or their namespace have the "
            "label glede.io/scrape=true; or set spec.availability.networkPolicy: false."
        )
    for item in move.found.autoscalers:
        target = item["spec"]["scaleTargetRef"]["name"]
        if any(r.old and name_of(r.old) == target for r in move.renames):
            yield f"HorizontalPodAutoscaler {name_of(item)} scales {target}, which is renamed: correct it."
    if move.flush_first:
        yield "The log goes with its pod: what is not flushed then is lost."
    for problem in sorted(move.problems, key=lambda problem: _WEIGHT.index(problem.kind)):
        yield f"{problem.kind} {problem.field}: {problem.message}"
