"""Dependencies that somebody else runs: etcd, an object store, Kafka, Pulsar."""

from collections.abc import Mapping
from typing import Any

from glede.milvus.dependencies.credentials import kafka_env, missing_keys, storage_env, storage_keys
from glede.milvus.dependencies.embedded import queue_settings
from glede.milvus.dependencies.endpoints import parse_endpoint, parse_endpoints, parse_only_endpoint
from glede.milvus.dependencies.plan import Asked
from glede.milvus.resolved import Dependency, Object

_FIELD = "spec.dependencies"
_ETCD_PORT = 2379
_KAFKA_PORT = 9092
_PULSAR_PORT = 6650
KAFKA_KEYS = ("username", "password")
KAFKA_CA_KEY = "ca.pem"
_KAFKA_CA_VOLUME = "kafka-ca"
_KAFKA_CA_FOLDER = "/milvus/configs/kafka-ca"


def resolve_external_etcd(asked: Asked) -> Dependency:
    """Resolve an etcd that is there already."""
    spec = asked.milvus.spec.dependencies.etcd
    _tell_in_cluster(asked, "etcd", spec.in_cluster)
    endpoints = parse_endpoints(asked.notes, f"{_FIELD}.etcd.endpoints", spec.endpoints, _ETCD_PORT)
    settings = {"etcd": {"endpoints": list(spec.endpoints)}}
    return Dependency("etcd", "etcd", endpoints=tuple(endpoints), settings=settings)


def resolve_external_storage(asked: Asked) -> Dependency:
    """Resolve an object store that is there already: MinIO, anything that speaks S3, or Azure."""
    spec = asked.milvus.spec.dependencies.storage
    _tell_in_cluster(asked, "storage", spec.in_cluster)
    # As milvus-operator has it: without a port, that of the scheme which minio.useSSL chooses.
    port = 443 if _truth(_section(asked, "minio").get("useSSL")) else 80
    endpoints = parse_only_endpoint(asked.notes, f"{_FIELD}.storage.endpoint", spec.endpoint, port)
    settings: dict[str, Any] = {}
    if endpoints:
        host, number = parse_endpoint(endpoints[0], port)
        settings = {"minio": {"address": host, "port": number}}
    facts = asked.facts.secrets.get(spec.secret_ref or "")
    _tell_missing(asked, "storage", spec.secret_ref, storage_keys(facts))
    return Dependency(
        "storage",
        spec.type.lower(),
        endpoints=tuple(endpoints),
        secret=spec.secret_ref,
        settings=settings,
        env=storage_env(spec.secret_ref, facts) if spec.secret_ref else (),
    )


def resolve_external_kafka(asked: Asked) -> Dependency:
    """Resolve a Kafka that is there already, with credentials and an authority from a Secret."""
    spec = asked.milvus.spec.dependencies.kafka
    _tell_in_cluster(asked, "kafka", spec.in_cluster)
    endpoints = parse_endpoints(asked.notes, f"{_FIELD}.kafka.brokerList", spec.broker_list, _KAFKA_PORT)
    kafka: dict[str, Any] = {"brokerList": ",".join(endpoints)}
    volumes: tuple[Object, ...] = ()
    mounts: tuple[Object, ...] = ()
    secret = spec.secret_ref
    _tell_missing(asked, "kafka", secret, KAFKA_KEYS)
    if secret and (facts := asked.facts.secrets.get(secret)) and KAFKA_CA_KEY in facts.keys:
        kafka["ssl"] = {"enabled": True, "tlsCaCert": f"{_KAFKA_CA_FOLDER}/{KAFKA_CA_KEY}"}
        items = [{"key": KAFKA_CA_KEY, "path": KAFKA_CA_KEY}]
        volumes = ({"name": _KAFKA_CA_VOLUME, "secret": {"secretName": secret, "items": items}},)
        mounts = ({"name": _KAFKA_CA_VOLUME, "mountPath": _KAFKA_CA_FOLDER, "readOnly": True},)
    return Dependency(
        "log",
        "kafka",
        endpoints=tuple(endpoints),
        secret=secret,
        settings={**queue_settings("kafka"), "kafka": kafka},
        env=kafka_env(secret) if secret else (),
        volumes=volumes,
        volume_mounts=mounts,
    )


def resolve_pulsar(asked: Asked) -> Dependency:
    """Resolve a Pulsar that is there already; one in the cluster is refused."""
    spec = asked.milvus.spec.dependencies.pulsar
    if not spec.external:
        message = (
            "found pulsar, which this operator does not run; set msgStreamType: kafka, "
            "or name one that runs by pulsar.external: true and pulsar.endpoint"
        )
        asked.notes.invalid(f"{_FIELD}.msgStreamType", message)
        return Dependency("log", "pulsar", settings=queue_settings("pulsar"))
    _tell_in_cluster(asked, "pulsar", spec.in_cluster)
    endpoints = parse_only_endpoint(asked.notes, f"{_FIELD}.pulsar.endpoint", spec.endpoint, _PULSAR_PORT)
    settings = queue_settings("pulsar")
    if endpoints:
        host, number = parse_endpoint(endpoints[0], _PULSAR_PORT)
        settings["pulsar"] = {"address": host, "port": number}
    return Dependency("log", "pulsar", endpoints=tuple(endpoints), settings=settings)


def _tell_in_cluster(asked: Asked, name: str, in_cluster: object) -> None:
    if in_cluster is not None:
        message = "has no effect beside external: true; remove one of the two"
        asked.notes.unsupported(f"{_FIELD}.{name}.inCluster", message)


def _tell_missing(asked: Asked, name: str, secret: str | None, keys: tuple[str, ...]) -> None:
    facts = asked.facts.secrets.get(secret or "")
    if missing := missing_keys(facts, keys):
        message = f"Secret {secret} has no {' and no '.join(missing)}; add it to the Secret"
        asked.notes.invalid(f"{_FIELD}.{name}.secretRef", message)


def _section(asked: Asked, name: str) -> Mapping[str, Any]:
    found = asked.milvus.spec.config.get(name)
    return found if isinstance(found, Mapping) else {}


def _truth(value: object) -> bool:
    return str(value).strip().lower() in {"true", "1", "t"}
