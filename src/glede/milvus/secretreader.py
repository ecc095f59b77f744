"""Secrets that manifests name: read when their version changes, never listed with their values."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from glede.kube.errors import NotFound
from glede.kube.objects import SECRET, Key, version_of
from glede.kube.store import Store
from glede.kube.transport import Transport
from glede.milvus.facts import SecretFacts
from glede.milvus.kinds import MANAGER
from glede.milvus.views import Held, held

_DIGEST_CHARS = 16
_project = held(MANAGER)


@dataclass(frozen=True, slots=True)
class SecretValue:
    """A Secret that was read. Its data appear in no representation."""

    resource_version: str
    facts: SecretFacts
    data: Mapping[str, bytes] = field(repr=False)


def data_of(values: Mapping[str, SecretValue]) -> dict[str, Mapping[str, bytes]]:
    """Give the data alone: name to key to value."""
    return {name: value.data for name, value in values.items()}


def project(obj: dict[str, Any]) -> Held:
    """Project a Secret's metadata, which is all that is watched of it."""
    found = _project(obj)
    return replace(found, owned=replace(found.owned, partial=True))


class SecretReader:
    """Reads Secrets by name and keeps what it read until the Secret has another version."""

    def __init__(self, transport: Transport, store: Store[Held]) -> None:
        self._transport = transport
        self._store = store
        self._read: dict[Key, SecretValue] = {}

    async def values(self, namespace: str, names: Iterable[str]) -> dict[str, SecretValue]:
        """Give those of the Secrets that exist, by name. Raises ApiError."""
        found = {}
        for name in sorted(names):
            value = await self._value(Key(namespace, name))
            if value:
                found[name] = value
        return found

    async def _value(self, key: Key) -> SecretValue | None:
        view = self._store.get(key)
        known = self._read.get(key)
        if view is None:
            self._read.pop(key, None)
            return None
        if known and known.resource_version == view.owned.resource_version:
            return known
        try:
            obj = await self._transport.get(SECRET, key)
        except NotFound:
            return None
        self._read[key] = _value_of(obj)
        return self._read[key]


def _value_of(obj: dict[str, Any]) -> SecretValue:
    data = {name: base64.b64decode(text) for name, text in (obj.get("data") or {}).items()}
    digest = hashlib.sha256()
    for name in sorted(data):
        # Lengths keep ("ab", "c") and ("a", "bc") apart.
        digest.update(f"{len(name)}:{len(data[name])}:{name}".encode() + data[name])
    facts = SecretFacts(frozenset(data), digest.hexdigest()[:_DIGEST_CHARS])
    return SecretValue(version_of(obj), facts, data)
