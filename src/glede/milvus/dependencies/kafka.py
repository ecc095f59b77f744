"""Kafka as the operator runs it: one or three servers that are brokers and controllers in one (KRaft)."""

import base64
import hashlib
import re
from dataclasses import replace
from typing import Any

from glede.milvus.dependencies.embedded import queue_settings
from glede.milvus.dependencies.plan import Asked, Kind, in_cluster, replicas_of
from glede.milvus.dependencies.pods import Program, domain_of, field_env, host_of, objects_of, plain_env
from glede.milvus.dependencies.values import Values
from glede.milvus.resolved import Dependency, InClusterPlan, Object, Resolved

CLIENT_PORT = 9092
CONTROLLER_PORT = 9093
KAFKA = Kind(
    kind="log",
    name="kafka",
    field="kafka",
    image="apache/kafka:3.9.1",
    size="20Gi",
    full=3,
    requests={"cpu": "250m", "memory": "1Gi"},
    limits={"memory": "2Gi"},
)
_PATH = "/var/lib/kafka/data"
# Milvus writes messages larger than Kafka's default of 1 MB.
_MESSAGE_BYTES = 10 << 20
_INDEX = "metadata.labels['apps.kubernetes.io/pod-index']"
_NUMBERS = {
    "numPartitions": "KAFKA_NUM_PARTITIONS",
    "logRetentionHours": "KAFKA_LOG_RETENTION_HOURS",
    "logRetentionBytes": "KAFKA_LOG_RETENTION_BYTES",
    "logSegmentBytes": "KAFKA_LOG_SEGMENT_BYTES",
}
_FACTORS = {
    "defaultReplicationFactor": "KAFKA_DEFAULT_REPLICATION_FACTOR",
    "offsetsTopicReplicationFactor": "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR",
    "transactionStateLogReplicationFactor": "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR",
    "transactionStateLogMinIsr": "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR",
}
_NOT_OFFERED = (
    "auth",
    "metrics",
    "externalAccess",
    "networkPolicy",
    "volumePermissions",
    "rbac",
    "sasl",
    "tls",
)
# ApiVersions (key 18), version 0, correlation 1, no client name; the answer begins with that correlation and
# the error code 0. It comes from the threads that serve clients, where an open port tells of none.
_ASK = r"\0\0\0\12\0\22\0\0\0\0\0\1\377\377"
_CHECK = (
    f"exec 3<>/dev/tcp/127.0.0.1/{CLIENT_PORT} && printf '{_ASK}' >&3 && "
    'test "$(head -c 10 <&3 | tail -c 6 | od -An -tx1 | tr -d " \\n")" = 000000010000'
)


def resolve_kafka(asked: Asked) -> Dependency:
    """Resolve the Kafka that the operator runs."""
    spec = asked.milvus.spec.dependencies.kafka.in_cluster
    values = asked.values("kafka", spec)
    replicas = replicas_of(asked, KAFKA, _written_replicas(values))
    plan = in_cluster(asked, KAFKA, spec, values, replicas)
    if "bitnami" in plan.image:
        values.section("image").wrong("repository", plan.image, f"an image like {KAFKA.image}", _OTHER_IMAGE)
    vintage = asked.facts.earlier.get(KAFKA.vintage_field, _VINTAGE)
    options = _options_of(vintage) | _options(values, replicas)
    plan = replace(plan, options=options, env=tuple(map(_renamed, plan.env)), vintage=vintage)
    values.off(*_NOT_OFFERED)
    values.without_effect(("zookeeper", "externalZookeeper"), "Kafka keeps its metadata itself (KRaft)")
    asked.notes.problems.extend(values.problems())
    endpoint = f"{plan.workload}.{asked.namespace}:{CLIENT_PORT}"
    settings = {
        **queue_settings("kafka"),
        "kafka": {"brokerList": endpoint, "securityProtocol": "PLAINTEXT"},
    }
    return Dependency("log", "kafka", endpoints=(endpoint,), in_cluster=plan, settings=settings)


# With 1 came the bounds for replicas that nobody hears of.
_VINTAGE = 1
_OTHER_IMAGE = "Bitnami's reads other variables and is no longer published; leave image out"


def _written_replicas(values: Values) -> int | None:
    controller = values.section("controller")
    values.section("kraft").flag("enabled")
    broker = values.section("broker")
    broker.without_effect(("replicaCount",), "every server is a broker and a controller: write replicaCount")
    numbers = (
        values.count("replicaCount", most=9),
        controller.count("replicaCount", most=9),
        values.count("brokers", most=9),
    )
    return next((number for number in numbers if number is not None), None)


def _options_of(vintage: int) -> dict[str, str]:
    """Give settings of ours that came later: what was made before them goes on without, and is not restarted.

    Until a replica that the leader does not hear of counts no more, nothing that is written is acknowledged.
    """
    if vintage < 1:
        return {}
    return {"KAFKA_REPLICA_LAG_TIME_MAX_MS": "10000", "KAFKA_REPLICA_SOCKET_TIMEOUT_MS": "10000"}


def _options(values: Values, replicas: int) -> dict[str, str]:
    factor = min(3, replicas)
    in_sync = 2 if replicas >= 3 else 1
    options = {
        "KAFKA_DEFAULT_REPLICATION_FACTOR": str(factor),
        "KAFKA_MIN_INSYNC_REPLICAS": str(in_sync),
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": str(factor),
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": str(factor),
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": str(in_sync),
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_MESSAGE_MAX_BYTES": str(_MESSAGE_BYTES),
        "KAFKA_REPLICA_FETCH_MAX_BYTES": str(_MESSAGE_BYTES),
        "KAFKA_HEAP_OPTS": "-Xms512m -Xmx1g",
    }
    for name, variable in _FACTORS.items():
        if (number := values.count(name, most=replicas)) is not None:
            options[variable] = str(number)
    if "KAFKA_DEFAULT_REPLICATION_FACTOR" in options:
        least = min(in_sync, int(options["KAFKA_DEFAULT_REPLICATION_FACTOR"]))
        options["KAFKA_MIN_INSYNC_REPLICAS"] = str(least)
    for name, variable in _NUMBERS.items():
        if (text := _number(values, name)) is not None:
            options[variable] = text
    if (text := _number(values, "maxMessageBytes")) is not None:
        options |= {"KAFKA_MESSAGE_MAX_BYTES": text, "KAFKA_REPLICA_FETCH_MAX_BYTES": text}
    for name in ("autoCreateTopicsEnable", "deleteTopicEnable"):
        if (flag := values.flag(name)) is not None:
            words = re.sub("([A-Z])", r"_\1", name).upper()
            options[f"KAFKA_{words}"] = str(flag).lower()
    if heap := values.text("heapOpts") or values.section("controller").text("heapOpts"):
        options["KAFKA_HEAP_OPTS"] = heap
    return options


def _number(values: Values, name: str) -> str | None:
    """Read a whole number; the charts put an underscore before large ones."""
    text = values.text(name)
    if not text:
        return None
    if re.fullmatch(r"_?-?\d{1,18}", text):
        return text.removeprefix("_")
    values.wrong(name, text, "a whole number", f"for example {name}: 168")
    return None


def _renamed(item: Object) -> Object:
    """Take a variable of the charts' image (KAFKA_CFG_X) for the one of the project's own (KAFKA_X)."""
    name = str(item.get("name", ""))
    return (
        {**item, "name": f"KAFKA_{name.removeprefix('KAFKA_CFG_')}"}
        if name.startswith("KAFKA_CFG_")
        else item
    )


def render_kafka(resolved: Resolved, dependency: Dependency, plan: InClusterPlan) -> list[Object]:
    """Render Kafka's objects. The node's number is the pod's ordinal, a label since Kubernetes 1.28."""
    program = Program(
        name=KAFKA.name,
        ports={"client": CLIENT_PORT, "controller": CONTROLLER_PORT},
        data_path=_PATH,
        probes=_probes(),
        env=_env(resolved, plan),
        grace=120,
    )
    return objects_of(resolved, dependency, program)


def _env(resolved: Resolved, plan: InClusterPlan) -> list[Object]:
    domain = domain_of(plan, resolved.namespace)
    voters = (
        f"{ordinal}@{host_of(plan, resolved.namespace, ordinal)}:{CONTROLLER_PORT}"
        for ordinal in range(plan.replicas)
    )
    place = {
        "CLUSTER_ID": cluster_id(resolved.namespace, resolved.name),
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{CLIENT_PORT},CONTROLLER://:{CONTROLLER_PORT}",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://$(POD_NAME){domain}:{CLIENT_PORT}",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "PLAINTEXT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": ",".join(voters),
        "KAFKA_LOG_DIRS": f"{_PATH}/log",
    }
    own = [field_env("POD_NAME", "metadata.name"), field_env("KAFKA_NODE_ID", _INDEX)]
    return [*own, *plain_env(place), *plain_env(plan.options)]


def cluster_id(namespace: str, name: str) -> str:
    """Give the id of a Milvus's Kafka: 16 bytes in base64, 22 characters.

    It follows from the name, so that a Milvus that is made again over retained volumes finds its own.
    """
    digest = hashlib.sha256(f"kafka of {namespace}/{name}".encode()).digest()[:16]
    text = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    # Kafka's tools take a leading dash for an option.
    return f"A{text[1:]}" if text.startswith("-") else text


def _probes() -> dict[str, Any]:
    port = {"tcpSocket": {"port": "client"}}
    check = {"exec": {"command": ["bash", "-c", _CHECK]}}
    return {
        # The port opens when the broker has caught up with the metadata and has recovered its log.
        "startupProbe": {**port, "periodSeconds": 2, "failureThreshold": 450},
        "livenessProbe": {**port, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
        "readinessProbe": {**check, "periodSeconds": 5, "timeoutSeconds": 4, "failureThreshold": 3},
    }
