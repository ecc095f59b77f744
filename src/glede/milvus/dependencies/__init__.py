"""What Milvus stands on: etcd, the object store and the log, run by the operator or by somebody else."""

import base64
from dataclasses import dataclass

from glede.api.milvus.spec import Milvus
from glede.milvus.dependencies.embedded import resolve_embedded, resolve_woodpecker_service
from glede.milvus.dependencies.etcd import quota_of, render_etcd, resolve_etcd
from glede.milvus.dependencies.external import (
    resolve_external_etcd,
    resolve_external_kafka,
    resolve_external_storage,
    resolve_pulsar,
)
from glede.milvus.dependencies.kafka import render_kafka, resolve_kafka
from glede.milvus.dependencies.logs import log_type
from glede.milvus.dependencies.plan import Asked, Notes
from glede.milvus.dependencies.pods import metadata_of
from glede.milvus.dependencies.storage import STORE, render_storage, resolve_storage
from glede.milvus.facts import Facts
from glede.milvus.resolved import Dependency, Derived, Object, Problem, Resolved
from glede.milvus.versions import Version

__all__ = ["Dependencies", "quota_of", "render_dependency", "resolve_dependencies"]


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The three that a Milvus stands on, what was derived for them, and what is wrong."""

    etcd: Dependency
    storage: Dependency
    log: Dependency
    derived: tuple[Derived, ...]
    problems: tuple[Problem, ...]


def resolve_dependencies(milvus: Milvus, facts: Facts, version: Version) -> Dependencies:
    """Resolve what a Milvus stands on; what is wrong in the manifest is told, not raised."""
    notes = Notes()
    asked = Asked(milvus, facts, version, notes)
    spec = milvus.spec.dependencies
    etcd = resolve_external_etcd(asked) if spec.etcd.external else resolve_etcd(asked)
    storage = resolve_external_storage(asked) if spec.storage.external else resolve_storage(asked)
    log = _log(asked)
    return Dependencies(etcd, storage, log, tuple(notes.derived), tuple(notes.problems))


def _log(asked: Asked) -> Dependency:
    spec = asked.milvus.spec.dependencies
    kind = log_type(asked)
    if kind == "kafka":
        return resolve_external_kafka(asked) if spec.kafka.external else resolve_kafka(asked)
    if kind == "pulsar":
        return resolve_pulsar(asked)
    if kind == "woodpecker" and spec.woodpecker.external:
        return resolve_woodpecker_service(asked)
    return resolve_embedded(asked, kind)


def render_dependency(resolved: Resolved, dependency: Dependency) -> list[Object]:
    """Render a dependency that the operator runs; nothing for another.

    Keys of a Secret that the operator has to make up are not among it.
    """
    plan = dependency.in_cluster
    if plan is None:
        return []
    if dependency.kind == "etcd":
        return render_etcd(resolved, dependency, plan)
    if dependency.kind == "log":
        return render_kafka(resolved, dependency, plan)
    secret = _secret(resolved, dependency)
    return [*secret, *render_storage(resolved, dependency, plan)]


def _secret(resolved: Resolved, dependency: Dependency) -> list[Object]:
    """Render the Secret of keys that the manifest itself gives."""
    if not dependency.credentials or dependency.secret is None:
        return []
    data = {key: base64.b64encode(text.encode()).decode() for key, text in dependency.credentials.items()}
    metadata = metadata_of(resolved, dependency.secret, dependency, STORE.name)
    return [{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}]
