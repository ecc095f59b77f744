"""What a manifest wants: read, checked, resolved and rendered, or refused with reasons."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from glede.api.milvus.spec import Milvus
from glede.milvus.dependencies import resolve_dependencies
from glede.milvus.desired import Desired, desired
from glede.milvus.facts import Facts
from glede.milvus.resolve import resolve
from glede.milvus.resolved import Problem, Resolved
from glede.milvus.validate import Before, changes, clash, problems
from glede.milvus.versions import DEFAULT_IMAGE, IMAGE_FIELD, parse_version


@dataclass(frozen=True, slots=True)
class Intent:
    """What a manifest comes to. ``resolved`` and ``desired`` are None where it is refused."""

    milvus: Milvus
    problems: tuple[Problem, ...]
    resolved: Resolved | None = None
    desired: Desired | None = None


def intent_of(milvus: Milvus, facts: Facts, others: Iterable[Milvus]) -> Intent:
    """Check, resolve and render a manifest that could be read."""
    components = milvus.spec.components
    image = components.image or facts.images.get(IMAGE_FIELD, DEFAULT_IMAGE)
    version = parse_version(components.version, image)
    dependencies = resolve_dependencies(milvus, facts, version)
    found = (
        *problems(milvus, facts),
        *dependencies.problems,
        *changes(_before(milvus.status), milvus, image),
        *clash(milvus, others),
    )
    if _refused(found):
        return Intent(milvus, found)
    resolved = resolve(milvus, facts)
    found += resolved.problems
    if _refused(found):
        return Intent(milvus, found)
    return Intent(milvus, found, resolved, desired(resolved))


def _refused(found: Iterable[Problem]) -> bool:
    return any(problem.kind == "invalid" for problem in found)


def _before(status: Mapping[str, Any]) -> Before:
    return Before(status.get("currentVersion"), status.get("mode"), status.get("volumes") or {})
