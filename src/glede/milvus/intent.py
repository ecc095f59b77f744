"""What a manifest wants: read, checked, resolved and rendered, or refused with reasons."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from glede.api.milvus.spec import Milvus
from glede.milvus.dependencies import resolve_dependencies
from glede.milvus.desired import Desired, desired
from glede.milvus.facts import Facts
from glede.milvus.resolve import resolve
from glede.milvus.resolved import Problem, Resolved
from glede.milvus.validate import Before, changes, clash, problems
from glede.milvus.versions import image_of, parse_version


@dataclass(frozen=True, slots=True)
class Intent:
    """What a manifest comes to. ``resolved`` and ``desired`` are None where it is refused."""

    milvus: Milvus
    problems: tuple[Problem, ...]
    resolved: Resolved | None = None
    desired: Desired | None = None


def intent_of(milvus: Milvus, facts: Facts, others: Iterable[Milvus], known: Intent | None = None) -> Intent:
    """Check, resolve and render a manifest that could be read.

    ``known`` is what an earlier version of it came to: what would be rendered the same is taken from there.
    """
    components = milvus.spec.components
    image = image_of(components.image, facts.images)
    version = parse_version(components.version, image)
    dependencies = resolve_dependencies(milvus, facts, version)
    found = (
        *problems(milvus, facts),
        *dependencies.problems,
        *changes(_before(milvus.status, facts), milvus, image),
        *clash(milvus, others),
    )
    if _refused(found):
        return Intent(milvus, found)
    resolved = resolve(milvus, facts, dependencies)
    found += resolved.problems
    if _refused(found):
        return Intent(milvus, found)
    return Intent(milvus, found, resolved, _rendered(resolved, known))


def _rendered(resolved: Resolved, known: Intent | None) -> Desired:
    if known and known.resolved and known.desired:
        before, generation = known.resolved, resolved.milvus.metadata.generation
        same_manifest = before.milvus.metadata.generation == generation
        if same_manifest and replace(before, milvus=resolved.milvus) == resolved:
            return known.desired
    return desired(resolved)


def _refused(found: Iterable[Problem]) -> bool:
    return any(problem.kind == "invalid" for problem in found)


def _before(status: Mapping[str, Any], facts: Facts) -> Before:
    # Volumes that a later manifest has grown are no reason to refuse the one of before.
    volumes = {} if facts.taken_back else status.get("volumes") or {}
    return Before(status.get("currentVersion"), status.get("mode"), volumes)
