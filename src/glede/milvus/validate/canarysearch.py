"""Checks of the canary search: that the operator can reach what it is to search, and be let in."""

from collections.abc import Mapping
from typing import Any

from glede.api.milvus.components import ServiceComponent
from glede.api.milvus.spec import Milvus
from glede.milvus.credentials import setting_key
from glede.milvus.facts import Facts
from glede.milvus.validate.findings import Findings, Words
from glede.milvus.validate.whole import SPEC

_PLACE = f"{SPEC}.rollout.canarySearch"
_OFF = {"false", "0", "f"}


def check_canary_search(milvus: Milvus, facts: Facts, findings: Findings) -> None:
    """Check that what is wanted can be had: a Secret with a login, and a REST API at the Service."""
    wanted = milvus.spec.components.rollout.canary_search
    if not wanted.enabled:
        if wanted.secret_ref:
            findings.unsupported(f"{_PLACE}.secretRef", "enabled is not true", "set enabled, or remove it")
        return
    if wanted.secret_ref:
        _check_secret(milvus, wanted.secret_ref, facts, findings)
    elif _text(milvus, "common", "security", "authorizationenabled").lower() in {"true", "1", "t"}:
        message = (
            "is not set, and spec.config has authorizationEnabled: Milvus will refuse the search, and every "
            "rollout waits; name a Secret with token, or username and password"
        )
        findings.warn(f"{_PLACE}.secretRef", message)
    _check_door(milvus, findings)


def _check_secret(milvus: Milvus, name: str, facts: Facts, findings: Findings) -> None:
    at, found = f"{_PLACE}.secretRef", facts.secrets.get(name)
    if found is None:
        expected = f"a Secret of that name in namespace {milvus.metadata.namespace}"
        findings.invalid(at, name, expected, "create the Secret, or correct the name")
    elif "token" not in found.keys and not {"username", "password"} <= found.keys:
        keys = Words(f"Secret {name} with {', '.join(sorted(found.keys)) or 'no key'}")
        findings.invalid(at, keys, "token, or username and password", "add the keys to the Secret")


def _check_door(milvus: Milvus, findings: Findings) -> None:
    if _text(milvus, "proxy", "http", "enabled").lower() in _OFF:
        expected = "the REST API, which spec.config.proxy.http.enabled: false switches off"
        findings.invalid(f"{_PLACE}.enabled", True, expected, "remove one of the two")
    own, port = _text(milvus, "proxy", "http", "port"), _text(milvus, "proxy", "port") or "19530"
    components = milvus.spec.components
    door = components.standalone if milvus.spec.mode == "standalone" else components.proxy
    opened = isinstance(door, ServiceComponent) and door.service_restful_port
    if own and own != port and not opened:
        name = "standalone" if milvus.spec.mode == "standalone" else "proxy"
        expected = f"the REST API at the Service; spec.config.proxy.http.port gives it the port {own} apart"
        remedy = f"set {SPEC}.{name}.serviceRestfulPort"
        findings.invalid(f"{_PLACE}.enabled", True, expected, remedy)


def _text(milvus: Milvus, *path: str) -> str:
    """Give a setting of the manifest as text; "" where it is not written."""
    found: Any = milvus.spec.config
    for name in path:
        below = found.items() if isinstance(found, Mapping) else ()
        found = next((value for key, value in below if setting_key(str(key)) == name), None)
    return "" if found is None or isinstance(found, Mapping) else str(found).strip()
