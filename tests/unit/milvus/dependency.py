"""Dependencies of a manifest, resolved and rendered, for tests."""

from typing import Any

from glede.api.milvus.spec import Milvus
from glede.milvus.dependencies import Dependencies, render_dependency, resolve_dependencies
from glede.milvus.facts import Facts
from glede.milvus.resolved import Dependency, Object, Resolved
from glede.milvus.versions import parse_version

OLD, NEW = "2.3.5", "2.6.18"


def milvus(
    dependencies: dict[str, Any] | None = None,
    *,
    mode: str = "cluster",
    config: dict[str, Any] | None = None,
    components: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
) -> Milvus:
    spec = {
        "mode": mode,
        "dependencies": dependencies or {},
        "config": config or {},
        "components": components or {},
    }
    metadata = {"name": "a", "namespace": "ns", "uid": "6d7f0c9e-3a39-4c58-9b07-0f5a7e2e9c11"}
    return Milvus.model_validate({"metadata": metadata, "spec": spec, "status": status or {}})


def resolve(found: Milvus, facts: Facts | None = None, version: str = OLD) -> Dependencies:
    return resolve_dependencies(found, facts or Facts(nodes=3), parse_version(version, ""))


def in_cluster(name: str, values: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Give ``spec.dependencies`` with values for one dependency."""
    log = {"msgStreamType": name} if name == "kafka" else {}
    return {**log, name: {"inCluster": {"values": values, **fields}}}


def resolved(found: Milvus, facts: Facts | None = None, version: str = OLD) -> Resolved:
    facts = facts or Facts(nodes=3)
    three = resolve(found, facts, version)
    return Resolved(
        milvus=found,
        version=parse_version(version, ""),
        image="",
        tool_image="",
        pod_monitors=False,
        workloads=(),
        etcd=three.etcd,
        storage=three.storage,
        log=three.log,
        settings={},
        secret_digests={name: secret.digest for name, secret in facts.secrets.items()},
        derived=(),
        nodes=facts.nodes,
    )


def rendered(found: Milvus, facts: Facts | None = None, version: str = OLD) -> dict[str, Object]:
    """Give all rendered objects by KIND/NAME."""
    whole = resolved(found, facts, version)
    objects = [obj for dependency in whole.dependencies for obj in render_dependency(whole, dependency)]
    return {f"{obj['kind']}/{obj['metadata']['name']}": obj for obj in objects}


def pod(objects: dict[str, Object], name: str) -> Object:
    """Give the pod's spec of a StatefulSet."""
    spec: Object = objects[f"StatefulSet/{name}"]["spec"]["template"]["spec"]
    return spec


def container(objects: dict[str, Object], name: str) -> Object:
    found: Object = pod(objects, name)["containers"][0]
    return found


def env(part: Object | Dependency) -> dict[str, Any]:
    """Give variables by name: their values, or (Secret, key)."""
    listed = part.env if isinstance(part, Dependency) else part["env"]
    return {item["name"]: _value(item) for item in listed}


def _value(item: Object) -> Any:
    if "value" in item:
        return item["value"]
    source = item["valueFrom"]
    ref = source.get("secretKeyRef")
    return (ref["name"], ref["key"]) if ref else source["fieldRef"]["fieldPath"]
