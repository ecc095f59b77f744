"""Checks that the Secrets which a manifest names are there, with the keys that pods read from them."""

from collections.abc import Iterator
from typing import Any

from glede.api.milvus.components import field_of
from glede.api.milvus.spec import Milvus
from glede.milvus.facts import Facts
from glede.milvus.validate.findings import Findings, Words
from glede.milvus.validate.whole import COMPONENTS, SPEC


def check_secrets(milvus: Milvus, facts: Facts, findings: Findings) -> None:
    """Check every Secret without which a pod does not start.

    The keys of the dependencies' own Secrets are checked where the dependencies are resolved.
    """
    for at, name, key in _needed(milvus):
        found = facts.secrets.get(name)
        if found is None:
            expected = f"a Secret of that name in namespace {milvus.metadata.namespace}"
            findings.invalid(at, name, expected, "create the Secret, or correct the name")
        elif key is not None and key not in found.keys:
            findings.invalid(
                at, Words(f"key {key}"), f"a key of Secret {name}", "add it to the Secret, or correct the key"
            )
    _check_authority(milvus, facts, findings)


def _needed(milvus: Milvus) -> Iterator[tuple[str, str, str | None]]:
    """Give field, Secret and key (None: any)."""
    dependencies = milvus.spec.dependencies
    storage = dependencies.storage
    own = None if storage.external else f"{milvus.metadata.name}-minio"
    if storage.secret_ref and storage.secret_ref != own:
        yield "spec.dependencies.storage.secretRef", storage.secret_ref, None
    if dependencies.kafka.external and dependencies.kafka.secret_ref:
        yield "spec.dependencies.kafka.secretRef", dependencies.kafka.secret_ref, None
    places: list[tuple[str, Any]] = [(SPEC, milvus.spec.components)]
    for name in COMPONENTS:
        component = milvus.spec.components.component(name)
        if component is not None:
            places.append((f"{SPEC}.{field_of(name)}", component))
            for index, group in enumerate(getattr(component, "groups", None) or ()):
                yield from _in_env(group.extra_env, f"{SPEC}.{field_of(name)}.groups[{index}].extraEnv")
    for at, settings in places:
        yield from _in_env(settings.env, f"{at}.env")
        yield from _in_volumes(settings.volumes, f"{at}.volumes")


def _in_env(env: list[dict[str, Any]] | None, at: str) -> Iterator[tuple[str, str, str | None]]:
    for index, item in enumerate(env or ()):
        source = item.get("valueFrom")
        wanted = source.get("secretKeyRef") if isinstance(source, dict) else None
        if isinstance(wanted, dict) and wanted.get("name") and not wanted.get("optional"):
            place = f"{at}[{index}].valueFrom.secretKeyRef"
            yield place, str(wanted["name"]), str(wanted.get("key") or "")


def _in_volumes(volumes: list[dict[str, Any]] | None, at: str) -> Iterator[tuple[str, str, str | None]]:
    for index, volume in enumerate(volumes or ()):
        wanted = volume.get("secret")
        if isinstance(wanted, dict) and wanted.get("secretName") and not wanted.get("optional"):
            yield f"{at}[{index}].secret.secretName", str(wanted["secretName"]), None


def _check_authority(milvus: Milvus, facts: Facts, findings: Findings) -> None:
    """Check the certificate for the operator's own check: Milvus runs without it."""
    tls = milvus.spec.dependencies.storage.ssl
    name = tls.ca_certificate_ref if tls and tls.enabled else None
    if name and "ca.crt" not in (facts.secrets[name].keys if name in facts.secrets else ()):
        message = f"found no Secret {name} with the key ca.crt: the object store cannot be checked; create it"
        findings.warn("spec.dependencies.storage.ssl.caCertificateRef", message)
