"""A Milvus container's environment, and the Secrets that a pod reads."""

import hashlib
import json

from glede.milvus.inherit import by_key
from glede.milvus.references import secrets_in
from glede.milvus.render.configmap import config_secret_name, secret_texts
from glede.milvus.resolved import Object, Resolved, Workload


def environment(resolved: Resolved, workload: Workload) -> list[Object]:
    """Give the variables: ours by name, then the manifest's in its order, since one may refer to another.

    A variable of the manifest takes the place of ours.
    """
    ours = [_cache_size()]
    for dependency in resolved.dependencies:
        ours += dependency.env
    ours += [_from_secret(name, config_secret_name(resolved)) for name in resolved.credentials]
    given = workload.settings.env or []
    taken = {item.get("name") for item in given}
    kept = [item for item in by_key("name", ours) if item["name"] not in taken]
    return sorted(kept, key=lambda item: str(item["name"])) + given


def _cache_size() -> Object:
    """Give the memory that a node may take, in GiB, as milvus-operator does."""
    reference = {"resource": "limits.memory", "divisor": "1Gi"}
    return {"name": "CACHE_SIZE", "valueFrom": {"resourceFieldRef": reference}}


def _from_secret(name: str, secret: str) -> Object:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": name}}}


def secrets_digest(resolved: Resolved, template: Object) -> str | None:
    """Digest the contents of the Secrets that a pod's template names; None where it names none that exist."""
    digests = dict(resolved.secret_digests)
    texts = secret_texts(resolved)
    if texts:
        digests[config_secret_name(resolved)] = digest(texts)
    used = {name: digests[name] for name in set(secrets_in(template)) if name in digests}
    return digest(used) if used else None


def digest(value: object) -> str:
    """Digest plain data, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
