"""What a manifest would come to, in words: objects, derived values with their reasons, and what is wrong."""

from collections.abc import Iterable, Iterator

from glede.api.milvus.spec import Milvus
from glede.milvus.facts import Facts
from glede.milvus.intent import Intent, intent_of
from glede.milvus.resolved import Object, Problem, Resolved

_WEIGHT = ("invalid", "unknown", "unsupported", "warning")


def explain(milvus: Milvus, facts: Facts) -> str:
    """Tell what the operator would make of a manifest; of one that it refuses, why."""
    intent = intent_of(milvus, facts, ())
    return "\n".join(_lines(intent)) + "\n"


def _lines(intent: Intent) -> Iterator[str]:
    metadata = intent.milvus.metadata
    yield f"Milvus {metadata.namespace}/{metadata.name}"
    if intent.resolved and intent.desired:
        yield from _summary(intent.resolved)
        yield from _section("Objects", map(_object, intent.desired.objects))
        if canary := intent.desired.canary:
            yield from _section("While a change is watched", [_object(canary)])
        yield from _section(
            "Derived", (f"{d.field} = {d.value}: {d.reason}" for d in intent.resolved.derived)
        )
    else:
        yield "  refused: nothing would be made or changed"
    problems = sorted(intent.problems, key=lambda problem: _WEIGHT.index(problem.kind))
    yield from _section("Problems", map(_problem, problems))


def _summary(resolved: Resolved) -> Iterator[str]:
    yield f"  mode {resolved.milvus.spec.mode}, version {resolved.version}, image {resolved.image}"
    for dependency in resolved.dependencies:
        if dependency.in_cluster:
            place = f"in the cluster, image {dependency.in_cluster.image}"
        else:
            place = "within Milvus" if dependency.embedded else f"at {', '.join(dependency.endpoints)}"
        yield f"  {dependency.kind}: {dependency.type} {place}"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield ""
        yield title
        yield from (f"  {line}" for line in found)


def _object(obj: Object) -> str:
    words = f"{obj['kind']} {obj['metadata']['name']}"
    spec = obj.get("spec", {})
    if "template" not in spec:
        return words
    pods = f"{spec['replicas']} pods" if "replicas" in spec else "pods by its autoscaler"
    containers = spec["template"]["spec"]["containers"]
    return f"{words}: {'1 pod' if pods == '1 pods' else pods}, {', '.join(c['image'] for c in containers)}"


def _problem(problem: Problem) -> str:
    return f"{problem.kind} {problem.field}: {problem.message}"
