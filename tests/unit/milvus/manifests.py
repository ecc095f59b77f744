"""All that is told of a manifest, by every part that reads it."""

from typing import Any

from glede.api.milvus.convert import ManifestProblem, read_milvus
from glede.api.milvus.spec import Milvus
from glede.milvus.config import settings_of
from glede.milvus.dependencies import resolve_dependencies
from glede.milvus.facts import Facts, SecretFacts
from glede.milvus.resolved import Problem
from glede.milvus.validate import Before, changes, clash, problems
from glede.milvus.versions import components_of, parse_version


def manifest(spec: object, name: str = "kite", **metadata: Any) -> dict[str, Any]:
    """Give an object as the API server holds it."""
    return {
        "apiVersion": "milvus.io/v1beta1",
        "kind": "Milvus",
        "metadata": {"name": name, "namespace": "default", **metadata},
        "spec": spec,
    }


def milvus(spec: object, name: str = "kite", **metadata: Any) -> Milvus:
    """Give a Milvus that was read."""
    return read_milvus(manifest(spec, name, **metadata))


def told(case: dict[str, Any]) -> list[Problem]:
    """Give all problems of a case of the table."""
    name = case.get("name", "kite")
    others = []
    if "other" in case:
        others.append(milvus(case["other"], "other", creationTimestamp="2026-01-01T00:00:00Z"))
    try:
        metadata = {"annotations": case.get("annotations", {}), "creationTimestamp": "2026-01-02T00:00:00Z"}
        read = milvus(case["spec"], name, **metadata)
    except ManifestProblem as problem:
        return [Problem("invalid", fault.field, fault.message) for fault in problem.faults]
    secrets = {name: SecretFacts(frozenset(keys), "") for name, keys in case.get("secrets", {}).items()}
    facts = Facts(nodes=3, secrets=secrets)
    return [
        *problems(read, facts),
        *_of_dependencies(read, facts),
        *changes(Before(**case.get("before", {})), read),
        *clash(read, others),
    ]


def _of_dependencies(read: Milvus, facts: Facts) -> tuple[Problem, ...]:
    components = read.spec.components
    version = parse_version(components.version, components.image)
    found = resolve_dependencies(read, facts, version)
    running = components_of(version, cluster=read.spec.mode == "cluster")
    settings = settings_of(read, version, running, (found.etcd, found.storage, found.log))
    return (*found.problems, *settings.problems)
