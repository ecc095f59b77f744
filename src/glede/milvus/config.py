"""Milvus's settings: ours, the manifest's over them, and where the dependencies are over all."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from glede.api.milvus.spec import Milvus
from glede.milvus.credentials import setting_key, split, variable_of
from glede.milvus.layers import laid_over
from glede.milvus.resolved import Dependency, Derived, Problem
from glede.milvus.versions import Version, standby_sections

ACTIVE_STANDBY = "enableActiveStandby"
# Milvus refuses shorter names; S3 refuses longer ones.
_BUCKET_SHORTEST, _BUCKET_LONGEST = 3, 63
_QUEUES_WITHOUT_STANDBY = {"rocksmq", "natsmq"}

# A session much shorter than 15 s would end Milvus itself while etcd elects a leader on a slow disk.
# Settings of ours, each with its reason. They may grow with the operator: they restart no pod by themselves.
_DEFAULTS: tuple[tuple[tuple[str, ...], int, str], ...] = (
    (
        ("common", "session", "ttl"),
        15,
        "whatever died is missed when its session ends, by Milvus's own value after 30 s",
    ),
    (
        ("queryCoord", "updateNextTargetInterval"),
        1,
        "a new shard leader answers empty until the coordinator's next target; Milvus's own value is 10 s",
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings and what goes with them.

    ``values`` is user.yaml; ``restarting`` is the part whose change matters to pods that run; ``hook`` is
    hook.yaml. ``credentials`` are by environment variable. ``standby`` are the coordinators that may run
    twice.
    """

    values: dict[str, Any]
    restarting: dict[str, Any]
    credentials: dict[str, str] = field(repr=False)
    standby: frozenset[str]
    derived: tuple[Derived, ...]
    problems: tuple[Problem, ...]


def settings_of(
    milvus: Milvus, version: Version, components: Iterable[str], dependencies: Iterable[Dependency]
) -> Settings:
    """Lay the settings over one another, and take the credentials out of them."""
    dependencies = tuple(dependencies)
    written = split(milvus.spec.config)
    apart, derived = _apart(milvus, written.settings)
    sections = {component: standby_sections(version, component) for component in components}
    types = {dependency.type for dependency in dependencies}
    standby = _standing_by(milvus, sections, types, written.settings)
    pairs = {name: {ACTIVE_STANDBY: True} for component in standby for name in sections[component]}
    defaults, reasons = _defaults(written.settings)
    forced = _forced(dependencies)
    restarting = laid_over(laid_over({**apart, **pairs}, written.settings), forced)
    supplied = {setting_key(v["name"]) for dependency in dependencies for v in dependency.env}
    kept = {path: v for path, v in written.credentials.items() if setting_key(path) not in supplied}
    return Settings(
        values=laid_over(defaults, restarting),
        restarting=restarting,
        credentials={variable_of(path): value for path, value in sorted(kept.items())},
        standby=standby,
        derived=(*derived, *reasons),
        problems=tuple(_told(path, in_use=path in kept) for path in sorted(written.credentials)),
    )


def _forced(dependencies: Iterable[Dependency]) -> dict[str, Any]:
    """Give what nobody may set otherwise: where the dependencies are, and which log is in use."""
    forced: dict[str, Any] = {}
    for dependency in dependencies:
        forced = laid_over(forced, dependency.settings)
        if dependency.kind == "log" and dependency.type != "custom":
            log = {"mq": {"type": dependency.type}, "messageQueue": dependency.type}
            forced = laid_over(forced, log)
    return forced


def _told(path: str, *, in_use: bool) -> Problem:
    field_ = f"spec.config.{path}"
    if in_use:
        message = "holds a credential, which everybody who may read the Milvus can see; put it in a Secret"
        return Problem("warning", field_, f"{message} and name that in spec.dependencies or components.env")
    return Problem("unsupported", field_, "the Secret in spec.dependencies holds this; remove it here")


def _apart(milvus: Milvus, written: Mapping[str, Any]) -> tuple[dict[str, Any], list[Derived]]:
    """Give the names that keep two Milvus apart on the same dependencies, as milvus-operator sets them."""
    name = milvus.metadata.name
    bucket = bucket_name(name)
    settings = {
        "etcd": {"rootPath": name},
        "minio": {"bucketName": bucket},
        "msgChannel": {"chanNamePrefix": {"cluster": name}},
    }
    if bucket == name or _at(written, "minio", "bucketName"):
        return settings, []
    reason = f"{name} cannot name a bucket: 3 to 63 lower-case letters, digits and hyphens"
    return settings, [Derived("spec.config.minio.bucketName", bucket, reason)]


def _standing_by(
    milvus: Milvus, sections_of: Mapping[str, tuple[str, ...]], types: set[str], written: Mapping[str, Any]
) -> frozenset[str]:
    """Give the components that may run twice, one standing by."""
    wanted = _wants_standby(milvus, types)
    found = set()
    for component, sections in sections_of.items():
        said = [_truth(_at(written, section, ACTIVE_STANDBY)) for section in sections]
        if sections and False not in said and (wanted or all(said) or _several(milvus, component)):
            found.add(component)
    return frozenset(found)


def _wants_standby(milvus: Milvus, types: set[str]) -> bool:
    """Tell whether pods are replaced one by one: as written, else wherever it works."""
    written = milvus.spec.components.enable_rolling_update
    if written is not None:
        return written
    return not types & _QUEUES_WITHOUT_STANDBY


def _several(milvus: Milvus, component: str) -> bool:
    found = milvus.spec.components.component(component)
    return found is not None and (found.replicas or 0) > 1


def _defaults(written: Mapping[str, Any]) -> tuple[dict[str, Any], list[Derived]]:
    defaults: dict[str, Any] = {}
    derived = []
    for path, value, reason in _DEFAULTS:
        if _at(written, *path) is None:
            defaults = laid_over(defaults, _nested(path, value))
            derived.append(Derived(f"spec.config.{'.'.join(path)}", value, reason))
    return defaults, derived


def _nested(path: tuple[str, ...], value: int) -> dict[str, Any]:
    found: Any = value
    for name in reversed(path):
        found = {name: found}
    return dict(found)


def _at(settings: Mapping[str, Any], *path: str) -> Any:
    found: Any = settings
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _truth(value: object) -> bool | None:
    """Read a switch as Milvus does; None where it is not written."""
    return None if value is None else str(value).strip().lower() in {"true", "1", "t"}


def bucket_name(name: str) -> str:
    """Give a bucket's name for a Milvus: its own name where that is legal.

    Lower-case letters, digits and hyphens, 3 to 63 characters.
    """
    legal = re.sub(r"[^a-z0-9-]", "-", name.lower())[:_BUCKET_LONGEST].strip("-")
    return legal if len(legal) >= _BUCKET_SHORTEST else f"{legal}-milvus".lstrip("-")
