"""A cluster for the tests, and what it is rendered to."""

from typing import Any

from glede.api.milvus.spec import Milvus
from glede.milvus.facts import Facts, SecretFacts
from glede.milvus.render import render_milvus
from glede.milvus.resolve import resolve
from glede.milvus.resolved import Object, Resolved

UID = "0f8e3c1c-0000-4000-8000-000000000001"
FACTS = Facts(nodes=3, tool_image="glede:1.0")


def milvus(name: str = "kite", **spec: Any) -> Milvus:
    metadata = {"name": name, "namespace": "birds", "uid": UID}
    return Milvus.model_validate({"metadata": metadata, "spec": {"mode": "cluster", **spec}})


def resolved(facts: Facts = FACTS, *, name: str = "kite", **spec: Any) -> Resolved:
    return resolve(milvus(name, **spec), facts)


def rendered(facts: Facts = FACTS, *, name: str = "kite", **spec: Any) -> dict[tuple[str, str], Object]:
    """Render a manifest; objects by kind and name."""
    objects = render_milvus(resolved(facts, name=name, **spec))
    found = {(obj["kind"], obj["metadata"]["name"]): obj for obj in objects}
    assert len(found) == len(objects)
    return found


def deployment(component: str, facts: Facts = FACTS, **spec: Any) -> Object:
    return rendered(facts, **spec)["Deployment", f"kite-milvus-{component}"]


def pod(component: str, facts: Facts = FACTS, **spec: Any) -> Object:
    found: Object = deployment(component, facts, **spec)["spec"]["template"]["spec"]
    return found


def container(component: str, facts: Facts = FACTS, **spec: Any) -> Object:
    found: Object = pod(component, facts, **spec)["containers"][0]
    return found


def with_secrets(**digests: str) -> Facts:
    keys = frozenset({"accesskey", "secretkey", "username", "password"})
    secrets = {name: SecretFacts(keys, digest) for name, digest in digests.items()}
    return Facts(nodes=3, tool_image="glede:1.0", secrets=secrets)
