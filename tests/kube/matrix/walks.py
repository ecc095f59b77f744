"""Walks of a Milvus through valid manifests: made, edited, also during a rollout, put back, deleted."""

import json
from dataclasses import dataclass, replace
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st
from tests.kube.matrix.valid import manifests

from glede.api.milvus.convert import ManifestProblem, read_milvus
from glede.kube.objects import Object
from glede.milvus.facts import Facts
from glede.milvus.intent import Intent, intent_of
from glede.milvus.versions import IMAGE_FIELD

NODES = 12
_KINDS = (
    # mode cluster, line, kept on volumes, dependencies outside; what is cheap comes more often
    *((False, line, False, True) for line in ("2.6", "2.6", "2.6", "2.5", "2.3")),
    *((False, line, kept, False) for line in ("2.6", "2.5") for kept in (True, False)),
    *((True, line, False, True) for line in ("2.6", "2.6", "2.5")),
    (True, "2.6", True, False),
)


@dataclass(frozen=True)
class Step:
    """A manifest; ``pause`` are the seconds after which the next one follows, None: when it has settled."""

    spec: Object
    pause: float | None = None


@dataclass(frozen=True)
class Walk:
    """Manifests of one Milvus, one after the other; at the end it is deleted."""

    steps: tuple[Step, ...]

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        """Give the manifests as YAML, each with what comes after it."""
        return "\n---\n".join(_shown(step) for step in self.steps)


def _shown(step: Step) -> str:
    then = "until it has settled" if step.pause is None else f"for {step.pause:g} s"
    return f"# {then}\n{yaml.safe_dump({'spec': step.spec}, sort_keys=True).rstrip()}"


def is_valid(walk: Walk) -> bool:
    """Tell whether each manifest is right, also after those before it, wherever these have come to."""
    statuses: list[Object] = [{}]
    volumes: dict[str, object] = {}
    for step in walk.steps:
        found = [_intent(step.spec, status) for status in statuses]
        if any(intent is None or intent.resolved is None for intent in found):
            return False
        if any(volumes.setdefault(*one) != one[1] for intent in found if intent for one in _volumes(intent)):
            return False
        told = [_status(intent) for intent in found if intent]
        statuses = told if step.pause is None else [*statuses, *told]
    return bool(walk.steps) and walk.steps[-1].pause is None


def _intent(spec: Object, status: Object) -> Intent | None:
    metadata = {"name": "kite", "namespace": "birds", "uid": "u", "generation": 1}
    placed = json.loads(json.dumps(spec).replace("NAME", "kite"))
    for place in ("ETCD", "STORE", "QUEUE"):
        placed = json.loads(json.dumps(placed).replace(place, "there:1"))
    try:
        milvus = read_milvus({"metadata": metadata, "spec": placed, "status": status})
    except ManifestProblem:
        return None
    earlier = {
        entry["field"]: int(entry["value"])
        for entry in status.get("resolved", [])
        if entry["value"].isdecimal()
    }
    facts = Facts(nodes=NODES, tool_image="tool", earlier=earlier, volumes=status.get("volumes", {}))
    return intent_of(milvus, facts, [])


def _volumes(intent: Intent) -> list[tuple[str, object]]:
    """Give the volumes of what the operator runs: a StatefulSet can never get others."""
    dependencies = intent.resolved.dependencies if intent.resolved else ()
    return [(d.in_cluster.workload, d.in_cluster.volume) for d in dependencies if d.in_cluster]


def _status(intent: Intent) -> Object:
    """Give what of the status the next manifest is judged by."""
    resolved = intent.resolved
    if resolved is None:
        return {}
    volumes = {
        d.kind: d.in_cluster.volume.size
        for d in resolved.dependencies
        if d.in_cluster and d.in_cluster.volume
    }
    told = [
        {"field": one.field, "value": str(one.value)} for one in resolved.derived if one.field != IMAGE_FIELD
    ]
    return {
        "currentImage": resolved.image,
        "currentVersion": str(resolved.version),
        "mode": intent.milvus.spec.mode,
        "volumes": volumes,
        "resolved": told,
    }


def _mixed(draw: st.DrawFn, old: Any, new: Any, depth: int = 0) -> Any:
    """Take a part of one manifest and a part of the other."""
    if not (isinstance(old, dict) and isinstance(new, dict)) or depth == 3:
        return draw(st.sampled_from([old, new]))
    found = {}
    for name in sorted(old | new):
        if name in old and name in new:
            found[name] = _mixed(draw, old[name], new[name], depth + 1)
        elif draw(st.booleans()):
            found[name] = (old | new)[name]
    return found


_pauses = st.one_of(st.none(), st.none(), st.sampled_from([0.0, 0.3, 1.0, 3.0]))


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    """Draw a walk: a manifest, edits of it, and mostly one that was there before."""
    cluster, line, kept, outside = draw(st.sampled_from(_KINDS))
    fresh = manifests(cluster=cluster, line=line, kept=kept, outside=outside)
    steps = [Step(draw(fresh), draw(_pauses))]
    for _ in range(draw(st.integers(1, 2 if cluster else 4))):
        before = steps[-1].spec
        spec = draw(fresh)
        if draw(st.integers(0, 3)):
            spec = _mixed(draw, before, spec)
        steps.append(Step(spec, draw(_pauses)))
    if draw(st.integers(0, 3)):
        steps.append(draw(st.sampled_from(steps)))
    walk = Walk((*steps[:-1], replace(steps[-1], pause=None)))
    assume(is_valid(walk))
    return walk


def drawn(number: int, start: int) -> list[Walk]:
    """Draw a number of walks; the same for the same ``start``."""
    found: list[Walk] = []

    @seed(start)
    @settings(
        max_examples=number,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(walks())
    def draw(walk: Walk) -> None:
        found.append(walk)

    draw()
    return found


def placed(spec: Object, name: str, places: dict[str, str]) -> Object:
    """Put the Milvus's name and the addresses into a manifest."""
    text = json.dumps(spec)
    for word, value in {"NAME": name, **places}.items():
        text = text.replace(word, value)
    found: Object = json.loads(text)
    return found
