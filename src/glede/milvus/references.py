"""Which Secrets a manifest names, so that a change of one reaches the Milvus that uses it."""

from collections.abc import Iterator
from typing import Any

from glede.api.milvus.spec import Milvus


def secrets_named(milvus: Milvus) -> frozenset[str]:
    """Give the names of the Secrets in the manifest, and of the one that an in-cluster store has."""
    spec = milvus.spec
    storage = spec.dependencies.storage
    canary = spec.components.rollout.canary_search.secret_ref
    names = {spec.dependencies.kafka.secret_ref, storage.secret_ref, canary, *secrets_in(spec.components)}
    if storage.ssl:
        names.add(storage.ssl.ca_certificate_ref)
    if not storage.external:
        values = storage.in_cluster.values if storage.in_cluster else {}
        existing = values.get("existingSecret")
        own = f"{milvus.metadata.name}-minio"
        names.add(existing if isinstance(existing, str) else storage.secret_ref or own)
    return frozenset(name for name in names if name)


def secrets_in(value: Any) -> Iterator[str]:
    """Find the Secrets in parts of pods, plain or as models: in environment variables and volumes."""
    if isinstance(value, dict):
        for name, child in value.items():
            if name in {"secretKeyRef", "secretRef", "secret"} and isinstance(child, dict):
                yield str(child.get("secretName") or child.get("name") or "")
            else:
                yield from secrets_in(child)
    elif isinstance(value, list):
        for child in value:
            yield from secrets_in(child)
    elif hasattr(value, "model_fields_set"):
        for field in value.model_fields_set:
            yield from secrets_in(getattr(value, field))
