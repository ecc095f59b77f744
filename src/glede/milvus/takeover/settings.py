"""The settings that pods read now, beside those that they will read."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from glede.milvus.credentials import split
from glede.milvus.resolved import Problem
from glede.milvus.takeover.found import Object

# Where the data are. Another value would be another, empty Milvus.
_PLACES = frozenset(
    {
        "etcd.endpoints",
        "etcd.rootPath",
        "etcd.metaSubPath",
        "minio.address",
        "minio.port",
        "minio.bucketName",
        "minio.rootPath",
        "msgChannel.chanNamePrefix.cluster",
        "mq.type",
        "kafka.brokerList",
        "pulsar.address",
        "pulsar.port",
        "rocksmq.path",
    }
)
# Milvus's own values where none is written, in seconds.
_SESSION_SECONDS = 30


def settings_in(config_map: Object | None) -> dict[str, Any]:
    """Read the settings in a ConfigMap. Raises ValueError where they cannot be read."""
    try:
        found = yaml.safe_load((config_map or {}).get("data", {}).get("user.yaml", ""))
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    if not isinstance(found, dict):
        raise ValueError("no mapping of settings")  # noqa: TRY004 - of what stands in it, not of a type here
    return found


def session_seconds(settings: Mapping[str, Any]) -> int:
    """Give how long the session of a process that ended may stay in etcd."""
    found = _flat(settings).get("common.session.ttl", "")
    return int(found) if found.isdecimal() else _SESSION_SECONDS


def moved(now: Mapping[str, Any], later: Mapping[str, Any]) -> Iterator[Problem]:
    """Tell the settings by which data would be looked for at another place."""
    before, after = _flat(now), _flat(later)
    for path in sorted(_PLACES & before.keys()):
        if before[path] != after.get(path):
            message = (
                f"Milvus would look for its data elsewhere: found {before[path]} in the ConfigMap, expected "
                f"the same afterwards, which would be {after.get(path, 'not written')}; write it there"
            )
            yield Problem("invalid", f"spec.config.{path}", message)


def changes(now: Mapping[str, Any], later: Mapping[str, Any]) -> Iterator[str]:
    """Tell in words which settings change in the ConfigMap. No credential is told."""
    plain = split(now)
    before, after = _flat(plain.settings), _flat(later)
    for path in sorted(plain.credentials):
        yield f"{path} goes: pods have it from the Secret, by environment"
    for path in sorted(before.keys() | after.keys()):
        if path not in before:
            yield f"{path}: {after[path]} (new)"
        elif path not in after:
            yield f"{path} goes (it was {before[path]})"
        elif before[path] != after[path]:
            yield f"{path}: {after[path]} (it was {before[path]})"


def _flat(settings: Mapping[str, Any], at: str = "") -> dict[str, str]:
    """Give the values as text by their dotted paths; a list as its items with commas, in any order."""
    found: dict[str, str] = {}
    for name, value in settings.items():
        path = f"{at}.{name}" if at else str(name)
        if isinstance(value, Mapping):
            found |= _flat(value, path)
        elif isinstance(value, list):
            found[path] = ",".join(sorted(map(str, value)))
        else:
            found[path] = str(value)
    return found
