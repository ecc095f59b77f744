"""Where a stage ended: everything there is then, without what differs between any two runs."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.kube.matrix.chronicle import COUNTED, Change, Name, Now
from tests.kube.matrix.manifests import NAME

from glede.kube.objects import Object
from glede.milvus.kinds import MILVUS
from glede.milvus.labels import COMPONENT_LABEL

End = dict[str, Any]
_MILVUS = Name(MILVUS.plural, NAME)
_COUNTED = frozenset(resource.plural for resource in COUNTED)
_METADATA = ("name", "labels", "annotations", "ownerReferences", "finalizers", "generation")
_STATUS = ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas", "observedGeneration", "phase")
# What the operator knows may be so old when it tells it.
LATE_SECONDS = 1.0
_OF_A_RUN = frozenset({"uid", "lastTransitionTime"})


def end_of(now: Now) -> End:
    """Give every value of every object by its path; pods and ReplicaSets are only counted."""
    found: End = {}
    for name, body in now.items():
        if name.plural in _COUNTED:
            what = f"{name.plural} of {_part(body)}"
            found[what] = found.get(what, 0) + 1
        else:
            found |= _flat(f"{name.plural}/{name.name}", kept_of(name, body))
    return found


def _part(body: Object) -> str:
    return str(body["metadata"].get("labels", {}).get(COMPONENT_LABEL, ""))


def kept_of(name: Name, body: Object) -> Object:
    """Cut an object down to what two runs have in common, or may differ in."""
    metadata = {key: body["metadata"][key] for key in _METADATA if key in body["metadata"]}
    rest = {key: value for key, value in body.items() if key not in {"metadata", "status"}}
    status = body.get("status") or {}
    if name.plural != MILVUS.plural:
        status = {key: status[key] for key in _STATUS if key in status}
    namespace = body["metadata"]["namespace"]
    whole = json.dumps({**rest, "metadata": metadata, "status": status})
    kept: Object = json.loads(whole.replace(namespace, "NAMESPACE"))
    return kept


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, child in value.items():
            if name not in _OF_A_RUN:
                yield from _flat(f"{path}.{name}", child)
    elif isinstance(value, list) and value:
        for number, child in enumerate(value):
            yield from _flat(f"{path}[{number}]", child)
    else:
        yield path, value


def differing(one: End, other: End) -> frozenset[str]:
    """Give the paths at which two ends differ."""
    return frozenset(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def told(one: End, other: End, paths: Iterable[str]) -> str:
    """Tell differences: what is, and what should be."""
    lines = [f"{path}: {one.get(path)!r}, expected {other.get(path)!r}" for path in sorted(paths)]
    return "; ".join(lines[:8])


def made_and_gone(changes: Iterable[Change]) -> Counter[tuple[str, str]]:
    """Count what was made and deleted: objects by name, pods and ReplicaSets by the part they are of."""
    found: Counter[tuple[str, str]] = Counter()
    for change in changes:
        if change.type != "MODIFIED":
            plural = change.name.plural
            what = f"a pod of {_part(change.body)}" if plural in _COUNTED else change.name.name
            found[change.type, f"{plural}/{what}"] += 1
    return found


def settled(now: Now, milvus: str = NAME, generation: int = 1) -> str:
    """Tell what keeps a Milvus from being healthy and as its manifest wants it; "" for nothing.

    ``generation`` is the manifest's: what is known of the cluster here may be a moment behind.
    """
    body = now.get(Name(MILVUS.plural, milvus), {})
    status = body.get("status", {})
    conditions = {c["type"]: c["status"] for c in status.get("conditions", [])}
    current = body and status.get("observedGeneration", 0) >= max(generation, body["metadata"]["generation"])
    if current and status.get("status") == "Healthy" and conditions.get("MilvusUpdated") == "True":
        return ""
    return json.dumps(status)


def gone(now: Now) -> str:
    """Tell what is left of a Milvus that is deleted. The keys to its data stay: the data might."""
    return ", ".join(f"{name.plural}/{name.name}" for name in now if name.plural != "secrets")


def wrongly_healthy(changes: Iterable[Change], expected: Iterable[Name]) -> list[str]:
    """Find the moments at which a status was written that says Healthy while something was not as it says."""
    now: Now = {}
    bad_since = dict.fromkeys(expected, -math.inf)
    said: Any = None
    found: list[str] = []
    for change in sorted(changes, key=lambda change: change.version):
        now[change.name] = change.body
        if change.type == "DELETED":
            del now[change.name]
        if change.name in bad_since:
            available = _is_available(now.get(change.name))
            bad_since[change.name] = math.inf if available else min(bad_since[change.name], change.at)
        elif change.name == _MILVUS and change.body.get("status") != said:
            said = change.body.get("status")
            if said and said.get("status") == "Healthy":
                late = {name for name, since in bad_since.items() if change.at - since > LATE_SECONDS}
                found += [f"at {change.version}: {words}" for words in _lies(change.body, now, late)]
    return found


def _is_available(workload: Object | None) -> bool:
    if workload is None:
        return False
    return bool(workload.get("status", {}).get("availableReplicas", 0) >= workload["spec"].get("replicas", 1))


def _lies(body: Object, now: Now, unavailable: Iterable[Name]) -> Iterator[str]:
    for name in unavailable:
        yield f"{name.name} is not available"
    status = body["status"]
    conditions = {c["type"]: c["status"] for c in status["conditions"]}
    if (
        conditions["MilvusUpdated"] != "True"
        or status["observedGeneration"] != body["metadata"]["generation"]
    ):
        return
    image = body["spec"]["components"]["image"]
    for name, workload in now.items():
        if name.plural == "deployments":
            found = workload["spec"]["template"]["spec"]["containers"][0]["image"]
            if found != image:
                yield f"{name.name} has {found}, not {image}"
