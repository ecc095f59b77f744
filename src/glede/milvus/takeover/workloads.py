"""What becomes of each Deployment: taken over in place or under another name, or deleted where it is idle."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from glede.kube.objects import owner_uid, uid_of
from glede.milvus.labels import MILVUS_LABEL
from glede.milvus.render.clean import without_empty
from glede.milvus.render.labels import owner_reference
from glede.milvus.resolved import Problem, Resolved, Workload
from glede.milvus.takeover.found import (
    Found,
    Object,
    container_of,
    is_complete,
    labels_of,
    name_of,
    wanted,
)
from glede.milvus.takeover.settings import session_seconds

_HASH = "pod-template-hash"
# A process of Milvus that has what it needs is ready within so long.
_START_SECONDS = 30
_WAIT = "wait until milvus-operator is done with its change, then stop it and run this again"


@dataclass(frozen=True, slots=True)
class Rename:
    """A ReplicaSet that gets a Deployment of our name, and the one that it is taken from, if it is there."""

    name: str
    replica_set: Object
    old: Object | None
    body: Object


@dataclass(frozen=True, slots=True)
class Part:
    """What becomes of one workload. ``seconds`` is for how long it has no pod: 0 for never."""

    workload: Workload
    live: Object | None
    rename: Rename | None
    idle: tuple[Object, ...]
    pods: int
    seconds: int
    problems: tuple[Problem, ...] = ()


def part_of(
    found: Found, resolved: Resolved, workload: Workload, rendered: Object, settings: Mapping[str, Any]
) -> Part:
    """Decide for one workload; ``rendered`` is the Deployment that it will be."""
    live = found.deployment(workload.name)
    slots = found.slots(workload.name, workload.component, workload.group)
    busy = [item for item in slots if wanted(item) or item.get("status", {}).get("replicas", 0)]
    idle = tuple(item for item in slots if item not in busy)
    source = live or (busy[0] if busy else None)
    problems = list(_problems(found, live, busy, rendered))
    rename = None
    if live is None and not problems:
        rename = _rename(found, resolved, workload, rendered, busy[0] if busy else None)
        if rename is None and busy:
            problems.append(_unsettled(busy[0]))
    pods = wanted(source) if source else wanted(rename.replica_set) if rename else 0
    seconds = _gap(rendered, source, workload, settings) if pods else 0
    return Part(workload, live, rename, idle, pods, seconds, tuple(problems))


def _problems(found: Found, live: Object | None, busy: list[Object], rendered: Object) -> Iterator[Problem]:
    everything = [*([live] if live else []), *busy]
    if len(everything) > 1:
        names = " and ".join(name_of(item) for item in everything)
        yield Problem("invalid", "Deployment", f"{names} both have pods, expected one of them; {_WAIT}")
    for item in everything:
        if owner_uid(item) != uid_of(found.milvus):
            message = "is there and is not of this Milvus; delete it, or give it another name"
            yield Problem("invalid", f"Deployment {name_of(item)}", message)
        elif MILVUS_LABEL not in labels_of(item) and not is_complete(item):
            yield _unsettled(item)
    selector = rendered["spec"]["selector"]["matchLabels"]
    if live and live["spec"]["selector"].get("matchLabels") != selector:
        message = (
            f"found {live['spec']['selector']}, expected matchLabels {selector}, which cannot be changed; "
            "delete the Deployment with --cascade=orphan and let milvus-operator make it again"
        )
        yield Problem("invalid", f"Deployment {name_of(live)}: spec.selector", message)


def _unsettled(deployment: Object) -> Problem:
    message = f"not every pod is of its newest template and available; {_WAIT}"
    return Problem("invalid", f"Deployment {name_of(deployment)}", message)


def _rename(
    found: Found, resolved: Resolved, workload: Workload, rendered: Object, old: Object | None
) -> Rename | None:
    sets = found.of_deployment(old) if old else []
    sets = sets or found.orphans(workload.component, workload.group)
    if len(sets) != 1:
        return None
    spec = sets[0]["spec"]
    strategy = (old or {}).get("spec", {}).get("strategy") or {"type": _strategy(workload, rendered)}
    template = without_empty(spec["template"])
    template["metadata"]["labels"].pop(_HASH, None)
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": workload.name,
            "namespace": resolved.namespace,
            "labels": {**rendered["metadata"]["labels"], MILVUS_LABEL: resolved.name},
            "ownerReferences": [owner_reference(resolved.milvus)],
        },
        # Paused, a Deployment makes no ReplicaSet of its own beside the one that it is given.
        "spec": {
            "paused": True,
            "replicas": wanted(sets[0]),
            "selector": rendered["spec"]["selector"],
            "strategy": strategy,
            "minReadySeconds": spec.get("minReadySeconds", 0),
            "template": template,
        },
    }
    return Rename(workload.name, sets[0], old, body)


def _strategy(workload: Workload, rendered: Object) -> str:
    """Give the strategy where that of before is not known any more: the careful one for coordinators."""
    alone = workload.component.endswith("coord") or workload.component == "standalone"
    return "Recreate" if alone else str(rendered["spec"]["strategy"]["type"])


def _gap(rendered: Object, source: Object | None, workload: Workload, settings: Mapping[str, Any]) -> int:
    """Give for how many seconds a component has no pod, where an old and a new one may not overlap."""
    before = (source or {}).get("spec", {}).get("strategy", {}).get("type", _strategy(workload, rendered))
    if "Recreate" not in (before, rendered["spec"]["strategy"]["type"]):
        return 0
    pause = _pre_stop(container_of(source, workload.component)) if source else 0
    return pause + session_seconds(settings) + _START_SECONDS


def _pre_stop(container: Object) -> int:
    hook = container.get("lifecycle", {}).get("preStop", {})
    command = " ".join(hook.get("exec", {}).get("command", []))
    slept = re.search(r"sleep (\d{1,5})", command)
    return int(slept[1]) if slept else int(hook.get("sleep", {}).get("seconds", 0))
