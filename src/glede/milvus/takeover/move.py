"""The whole of a move: what is refused, what is done step by step, what restarts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from glede.api.milvus.components import field_of
from glede.api.milvus.convert import ManifestProblem, read_milvus
from glede.api.milvus.spec import Milvus
from glede.kube.objects import owner_uid, uid_of
from glede.milvus.credentials import holds_credential
from glede.milvus.desired import Desired, Ref, ref_of
from glede.milvus.foreign import is_foreign
from glede.milvus.intent import Intent, intent_of
from glede.milvus.labels import MILVUS_LABEL
from glede.milvus.layers import laid_over
from glede.milvus.manifest import PAUSED, is_paused
from glede.milvus.resolved import Problem, Resolved
from glede.milvus.takeover.edits import Edit, edits_of, missing_releases, shown, spec_patch
from glede.milvus.takeover.found import Found, Object, labels_of, name_of, wanted
from glede.milvus.takeover.ownership import is_ours, leaves, operator_of
from glede.milvus.takeover.settings import changes, moved, settings_in
from glede.milvus.takeover.workloads import Part, Rename, part_of
from glede.milvus.versions import upgrade_order

_EMBEDDED = ("rocksmq", "natsmq")


@dataclass(frozen=True, slots=True)
class Move:
    """A move of one Milvus. ``needed`` is False where it is ours already.

    ``parts`` are its workloads in the order in which pods are replaced. ``idle`` are Deployments without
    pods, which go; ``renames`` ReplicaSets that get a Deployment of another name; ``hand_over`` objects that
    stay and become ours: those that are ``kept``, since ours have their names. ``defaults`` are the fields
    that milvus-operator wrote into the spec, ``settings`` what changes in the ConfigMap, in words.
    """

    found: Found
    needed: bool = True
    refusals: tuple[Problem, ...] = ()
    edits: tuple[Edit, ...] = ()
    parts: tuple[Part, ...] = ()
    idle: tuple[Object, ...] = ()
    kept: frozenset[Ref] = frozenset()
    defaults: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    resolved: Resolved | None = None
    flush_first: bool = False

    @property
    def pods(self) -> list[Object]:
        """Pods that the operator does not see yet."""
        return [pod for pod in self.found.pods if MILVUS_LABEL not in labels_of(pod)]

    def with_refusals(self, refusals: Iterable[Problem]) -> "Move":
        """Give the same move, refused for these reasons."""
        return replace(self, refusals=tuple(refusals))

    @property
    def spec(self) -> Object:
        """The merge patch of the spec."""
        return spec_patch(list(self.edits))

    @property
    def renames(self) -> list[Rename]:
        """What gets another name."""
        return [part.rename for part in self.parts if part.rename]

    @property
    def hand_over(self) -> list[Object]:
        """What stays under its name and becomes ours."""
        live = [part.live for part in self.parts if part.live]
        others = [item for item in self.found.others if ref_of(item) in self.kept]
        return [item for item in (*live, *others) if not is_ours(item)]

    @property
    def left(self) -> list[Object]:
        """What milvus-operator made and nobody needs. Pods of now may read it, so it goes with the Milvus."""
        return [item for item in self.found.others if ref_of(item) not in self.kept]


def move_of(found: Found, *, flushed: bool = False) -> Move:
    """Plan the move of a Milvus; ``flushed`` says that nothing is in its log that is not in the store."""
    try:
        milvus = read_milvus(found.milvus)
    except ManifestProblem as problem:
        return Move(found, refusals=tuple(Problem("invalid", f.field, f.message) for f in problem.faults))
    if not is_foreign(milvus):
        return Move(found, needed=False)
    if "components" not in (found.milvus.get("spec") or {}):
        message = (
            "found none, which milvus-operator always writes; let it write them, in the shape of v1beta1"
        )
        return Move(found, refusals=(Problem("invalid", "spec.components", message),))
    name = milvus.spec.components.active_config_map or found.name
    try:
        settings = settings_in(found.config_map(name))
    except ValueError as error:
        message = f"its user.yaml cannot be read ({error}), expected the settings of the pods that run"
        return Move(found, refusals=(Problem("invalid", f"ConfigMap {name}", f"{message}; mend it"),))
    edits = edits_of(milvus, found, settings)
    later = {**found.milvus, "spec": laid_over(found.milvus.get("spec") or {}, spec_patch(edits))}
    intent = intent_of(read_milvus(later), found.facts, ())
    return _planned(found, milvus, intent, edits, settings, flushed=flushed)


def _planned(
    found: Found,
    milvus: Milvus,
    intent: Intent,
    edits: list[Edit],
    settings: Mapping[str, Any],
    *,
    flushed: bool,
) -> Move:
    refused = [*_standing(milvus), *(problem for problem in intent.problems if problem.kind == "invalid")]
    refused += missing_releases(milvus, found, settings)
    rest = tuple(problem for problem in intent.problems if problem.kind != "invalid")
    defaults = tuple(_defaults(found.milvus, edits))
    resolved = intent.resolved
    if resolved is None or intent.desired is None:
        return Move(found, refusals=tuple(refused), edits=tuple(edits), defaults=defaults, problems=rest)
    parts = _parts(found, resolved, intent.desired, settings)
    left, strange = _left_over(found, parts)
    refused += [problem for part in parts for problem in part.problems]
    refused += [*strange, *moved(settings, resolved.settings), *_paused(resolved)]
    volatile = _log_is_lost(resolved)
    if volatile and not flushed:
        refused.append(volatile)
    return Move(
        found,
        refusals=tuple(refused),
        edits=tuple(edits),
        parts=parts,
        idle=(*(item for part in parts for item in part.idle), *left),
        defaults=defaults,
        settings=tuple(changes(settings, resolved.settings)),
        kept=frozenset(map(ref_of, intent.desired.objects)),
        problems=rest,
        resolved=resolved,
        flush_first=volatile is not None,
    )


def _parts(
    found: Found, resolved: Resolved, intended: Desired, settings: Mapping[str, Any]
) -> tuple[Part, ...]:
    """Decide for each workload, in the order in which their pods are replaced."""
    rendered = {name_of(obj): obj for obj in intended.milvus if obj["kind"] == "Deployment"}
    names = dict.fromkeys(workload.component for workload in resolved.workloads)
    order = upgrade_order(resolved.version, resolved.version, names)
    return tuple(
        part_of(found, resolved, workload, rendered[workload.name], settings)
        for workload in sorted(resolved.workloads, key=lambda w: order.index(w.component))
    )


def _standing(milvus: Milvus) -> Iterator[Problem]:
    """Tell what keeps an operator from acting at all."""
    if milvus.metadata.deletion_timestamp:
        yield Problem("invalid", "metadata.deletionTimestamp", "is set: it is being deleted; let it go")
    if is_paused(milvus):
        yield Problem("invalid", f"annotation {PAUSED}", "is true, so that nothing would be done; remove it")


def _paused(resolved: Resolved) -> Iterator[Problem]:
    for workload in resolved.workloads:
        if workload.settings.paused:
            field = f"spec.components.{field_of(workload.component)}.paused"
            yield Problem(
                "invalid", field, "is true, so that its pods would not be replaced; set it to false"
            )


def _left_over(found: Found, parts: Iterable[Part]) -> tuple[list[Object], list[Problem]]:
    """Give the Deployments of this Milvus that no component is left for: those without pods, and others."""
    parts = tuple(parts)
    known = {part.workload.name for part in parts}
    for part in parts:
        slots = found.slots(part.workload.name, part.workload.component, part.workload.group)
        known |= {name_of(item) for item in slots}
    left = [
        item
        for item in found.deployments
        if name_of(item) not in known and owner_uid(item) == uid_of(found.milvus)
    ]
    strange = [
        Problem(
            "invalid",
            f"Deployment {name_of(item)}",
            f"has {wanted(item)} pods, and the manifest has no such component; wait until milvus-operator "
            "has removed it, or scale it to 0",
        )
        for item in left
        if wanted(item)
    ]
    return [item for item in left if not wanted(item)], strange


def _log_is_lost(resolved: Resolved) -> Problem | None:
    """Tell where the log goes with its pod, which any restart loses."""
    woodpecker = resolved.settings.get("woodpecker")
    local = isinstance(woodpecker, Mapping) and (woodpecker.get("storage") or {}).get("type") == "local"
    if not (resolved.log.type in _EMBEDDED or (local and resolved.log.type == "woodpecker")):
        return None
    if resolved.log.volumes:
        return None
    message = (
        f"found {resolved.log.type} without persistence: rows that are not flushed go with the pod, which is "
        "replaced. Stop writing, flush every collection, then add --flushed"
    )
    return Problem("invalid", f"spec.dependencies.{resolved.log.type}.persistence", message)


def _defaults(milvus: Object, edits: Iterable[Edit]) -> Iterator[str]:
    """Give the fields of the spec that milvus-operator wrote and that are followed, with their values."""
    former = operator_of(milvus)
    edited = {edit.field for edit in edits}
    found = set()
    for entry in milvus["metadata"].get("managedFields") or ():
        if former and entry.get("manager") == former and not entry.get("subresource"):
            found |= set(leaves(entry.get("fieldsV1", {}).get("f:spec", {})))
    for path in sorted(found - edited):
        value = _value(milvus["spec"], path)
        if ".inCluster." not in path and not holds_credential(path, value):
            yield f"{path}: {shown(value)}"


def _value(spec: Any, path: str) -> Any:
    for name in path.split("."):
        spec = spec.get(name) if isinstance(spec, Mapping) else None
    return spec
