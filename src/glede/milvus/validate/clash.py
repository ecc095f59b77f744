"""Checks that two Milvus do not write to the same place."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from glede.api.milvus.spec import Milvus
from glede.milvus.config import bucket_name
from glede.milvus.resolved import Problem
from glede.milvus.validate.settings import setting

_DEFAULT_ROOT = "files"
_PORTS = {"etcd": "2379", "kafka": "9092", "pulsar": "6650"}


@dataclass(frozen=True, slots=True)
class Claim:
    """A place that a Milvus takes for itself, and the field that would move it."""

    endpoint: str
    place: str
    field: str
    words: str


def clash(milvus: Milvus, others: Iterable[Milvus]) -> list[Problem]:
    """Give the places that another Milvus uses too.

    One that has run is only warned of a newcomer, and so is the older one of two that have not run: the other
    one is refused. Two that have both run are both refused.
    """
    mine = list(claims(milvus))
    problems = []
    for other in others:
        theirs = {(claim.endpoint, claim.place) for claim in claims(other)}
        shared = {c.field: c for c in mine if (c.endpoint, c.place) in theirs}
        problems += [_problem(claim, milvus, other) for claim in shared.values()]
    return problems


def _problem(claim: Claim, milvus: Milvus, other: Milvus) -> Problem:
    name = f"{other.metadata.namespace}/{other.metadata.name}"
    message = (
        f"found {claim.words} at {claim.endpoint}, which Milvus {name} uses too, expected one of its own; "
        f"set {claim.field} to another value"
    )
    return Problem("warning" if _comes_first(milvus, other) else "invalid", claim.field, message)


def _comes_first(milvus: Milvus, other: Milvus) -> bool:
    runs, other_runs = _has_run(milvus), _has_run(other)
    if runs or other_runs:
        return runs and not other_runs
    return _age(milvus) < _age(other)


def _has_run(milvus: Milvus) -> bool:
    return bool(milvus.status.get("currentImage"))


def _age(milvus: Milvus) -> tuple[str, str, str]:
    metadata = milvus.metadata
    return metadata.creation_timestamp or "", metadata.namespace, metadata.name


def claims(milvus: Milvus) -> Iterator[Claim]:
    """Give the places outside that a Milvus takes for itself."""
    dependencies, config = milvus.spec.dependencies, milvus.spec.config
    name = milvus.metadata.name
    if dependencies.storage.external and dependencies.storage.endpoint:
        bucket = _text(config, "minio", "bucketName") or bucket_name(name)
        root = (_text(config, "minio", "rootPath") or _DEFAULT_ROOT).strip("/")
        yield Claim(
            _normal(dependencies.storage.endpoint, ""),
            f"bucket {bucket}/{root}",
            "spec.config.minio.rootPath",
            f"bucket {bucket} with rootPath {root}",
        )
    if dependencies.etcd.external:
        root = (_text(config, "etcd", "rootPath") or name).strip("/")
        for endpoint in dependencies.etcd.endpoints:
            yield Claim(
                _normal(endpoint, _PORTS["etcd"]),
                f"etcd {root}",
                "spec.config.etcd.rootPath",
                f"rootPath {root}",
            )
    yield from _log_claims(milvus)


def _log_claims(milvus: Milvus) -> Iterator[Claim]:
    dependencies = milvus.spec.dependencies
    path = ("msgChannel", "chanNamePrefix", "cluster")
    prefix = _text(milvus.spec.config, *path) or milvus.metadata.name
    logs = {
        "kafka": dependencies.kafka.broker_list if dependencies.kafka.external else [],
        "pulsar": [dependencies.pulsar.endpoint or ""] if dependencies.pulsar.external else [],
    }
    kind = dependencies.msg_stream_type
    for name, endpoints in logs.items():
        for endpoint in endpoints if kind in ("", name) else ():
            if endpoint:
                place = _normal(endpoint, _PORTS[name])
                field = f"spec.config.{'.'.join(path)}"
                yield Claim(place, f"{name} {prefix}", field, f"topics that begin with {prefix}")


def _text(config: object, *path: str) -> str:
    found = setting(config, *path)
    return "" if found is None or isinstance(found, dict | list) else str(found)


def _normal(endpoint: str, port: str) -> str:
    """Give an endpoint as it is compared: without scheme, in lower case, with its usual port."""
    host = endpoint.strip().lower().rpartition("://")[2].rstrip("/")
    return host if ":" in host.rpartition("]")[2] or not port else f"{host}:{port}"
