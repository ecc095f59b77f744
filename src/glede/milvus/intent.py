"""What a manifest wants: read, checked, resolved and rendered, or refused with reasons."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from glede.api.milvus.convert import ManifestProblem, read_milvus
from glede.api.milvus.spec import Milvus
from glede.milvus.dependencies import resolve_dependencies
from glede.milvus.dependencies.logs import FIELD as LOG_FIELD
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
        *changes(_before(milvus, facts), milvus, image, dependencies.log.type),
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


def _before(milvus: Milvus, facts: Facts) -> Before:
    status = milvus.status
    # Volumes that a later manifest has grown are no reason to refuse the one of before.
    volumes = {} if facts.taken_back else status.get("volumes") or {}
    before = Before(status.get("currentVersion"), status.get("mode"), volumes)
    if before.mode == milvus.spec.mode:
        return before
    last = _last(milvus)
    return replace(before, manifest=last, log=_log(last, milvus) if last else "")


def _last(milvus: Milvus) -> Milvus | None:
    """Read the manifest that a Milvus last ran well by; None where there is none."""
    found = milvus.status.get("lastHealthy") or {}
    try:
        spec = json.loads(found.get("spec", ""))
        return read_milvus({"metadata": milvus.metadata.model_dump(by_alias=True), "spec": spec})
    except (ValueError, ManifestProblem):
        return None


def _log(last: Milvus, milvus: Milvus) -> str:
    """Give the type of a Milvus's log as the manifest of before had it, written or derived; "": not known."""
    entries = milvus.status.get("resolved") or []
    derived = next((entry.get("value") for entry in entries if entry.get("field") == LOG_FIELD), "")
    return str(last.spec.dependencies.msg_stream_type or derived or "")
