"""The object store and Kafka, as the operator runs them."""

import base64
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.milvus.dependency import (
    container,
    env,
    in_cluster,
    milvus,
    rendered,
    resolve,
)

from glede.milvus.dependencies.kafka import cluster_id
from glede.milvus.facts import Facts, SecretFacts


def test_a_distributed_store_is_served_by_four() -> None:
    objects = rendered(milvus())
    main = container(objects, "a-minio")
    assert main["args"] == [
        "server",
        "http://a-minio-{0...3}.a-minio-headless.ns.svc:9000/data",
        "--address",
        ":9000",
    ]
    assert "command" not in main
    assert env(main)["MINIO_ROOT_USER"] == ("a-minio", "accesskey")
    assert env(main)["MINIO_ROOT_PASSWORD"] == ("a-minio", "secretkey")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"mode": "standalone"}, 1),
        ({"mode": "standalone", "replicas": 4}, 1),
        ({"mode": "distributed"}, 4),
        ({"mode": "distributed", "replicas": 6}, 6),
        ({"replicas": 1}, 1),
    ],
)
def test_the_size_of_the_store(values: dict[str, Any], expected: int) -> None:
    found = milvus(in_cluster("storage", values))
    assert not resolve(found).problems
    assert rendered(found)["StatefulSet/a-minio"]["spec"]["replicas"] == expected


@pytest.mark.parametrize("values", [{"replicas": 2}, {"replicas": 3}, {"mode": "distributed", "replicas": 1}])
def test_a_store_that_no_lost_server_leaves_writable_is_refused(values: dict[str, Any]) -> None:
    (problem,) = resolve(milvus(in_cluster("storage", values))).problems
    assert (problem.kind, problem.field) == ("invalid", "spec.dependencies.storage.inCluster.values.replicas")


def test_the_store_has_keys_of_its_own() -> None:
    storage = resolve(milvus()).storage
    assert (storage.secret, storage.generated) == ("a-minio", ("accesskey", "secretkey"))
    assert storage.settings == {"minio": {"address": "a-minio.ns", "port": 9000, "useSSL": False}}
    names = env(storage)
    assert names["MINIO_ACCESSKEYID"] == names["MINIO_ACCESS_KEY"] == names["MINIO_ACCESS_KEY_ID"]
    assert names["MINIO_SECRETACCESSKEY"] == names["MINIO_SECRET_KEY"] == names["MINIO_SECRET_ACCESS_KEY"]
    assert set(names.values()) == {("a-minio", "accesskey"), ("a-minio", "secretkey")}


def test_keys_in_clear_go_to_the_secret_and_nowhere_else() -> None:
    found = milvus(in_cluster("storage", {"accessKey": "somebody", "secretKey": "something-long"}))
    storage = resolve(found).storage
    assert storage.generated == ()
    assert "something-long" not in repr(storage)
    objects = rendered(found)
    secret = objects.pop("Secret/a-minio")
    assert base64.b64decode(secret["data"]["secretkey"]) == b"something-long"
    assert "something-long" not in repr(objects)
    assert "something-long" not in repr(storage.settings)


@pytest.mark.parametrize("values", [{"accessKey": "ab"}, {"secretKey": "short-k"}])
def test_keys_that_the_store_would_refuse_are_refused_without_showing_them(values: dict[str, str]) -> None:
    (problem,) = resolve(milvus(in_cluster("storage", values))).problems
    assert problem.kind == "invalid"
    assert "ab" not in problem.message.split()
    assert "short-k" not in problem.message


@pytest.mark.parametrize(
    "dependencies",
    [
        in_cluster("storage", {"existingSecret": "mine"}),
        {"storage": {"secretRef": "mine"}},
    ],
)
def test_a_secret_that_is_there_is_used(dependencies: dict[str, Any]) -> None:
    facts = Facts(nodes=1, secrets={"mine": SecretFacts(frozenset({"rootUser", "rootPassword"}), "d1")})
    found = milvus(dependencies)
    storage = resolve(found, facts).storage
    assert (storage.secret, storage.generated) == ("mine", ())
    objects = rendered(found, facts)
    assert env(container(objects, "a-minio"))["MINIO_ROOT_USER"] == ("mine", "rootUser")
    template = objects["StatefulSet/a-minio"]["spec"]["template"]["metadata"]
    assert template["annotations"] == {"glede.io/secrets": "d1"}


def test_servers_of_a_distributed_store_are_not_restarted_one_by_one_for_new_keys() -> None:
    facts = Facts(nodes=3, secrets={"a-minio": SecretFacts(frozenset({"accesskey", "secretkey"}), "d1")})
    template = rendered(milvus(), facts)["StatefulSet/a-minio"]["spec"]["template"]["metadata"]
    assert "annotations" not in template


def test_kafka_keeps_three_copies_and_takes_large_messages() -> None:
    settings = env(container(rendered(milvus()), "a-kafka"))
    assert settings["KAFKA_NODE_ID"] == "metadata.labels['apps.kubernetes.io/pod-index']"
    assert settings["KAFKA_CONTROLLER_QUORUM_VOTERS"].split(",")[2] == "2@a-kafka-2.a-kafka-headless.ns:9093"
    assert settings["KAFKA_DEFAULT_REPLICATION_FACTOR"] == "3"
    assert settings["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
    assert settings["KAFKA_MESSAGE_MAX_BYTES"] == settings["KAFKA_REPLICA_FETCH_MAX_BYTES"] == "10485760"
    log = resolve(milvus()).log
    assert log.settings == {
        "mq": {"type": "kafka"},
        "messageQueue": "kafka",
        "kafka": {"brokerList": "a-kafka.ns:9092", "securityProtocol": "PLAINTEXT"},
    }


@pytest.mark.parametrize(
    ("earlier", "bounded"),
    [
        ({}, True),
        ({"dependencies.kafka.replicas": 3, "dependencies.kafka.vintage": 0}, False),
        ({"dependencies.kafka.replicas": 3, "dependencies.kafka.vintage": 1}, True),
    ],
)
def test_a_kafka_that_runs_is_not_restarted_for_a_setting_of_ours(
    earlier: dict[str, int], bounded: bool
) -> None:
    found = rendered(milvus(), Facts(nodes=3, earlier=earlier))
    stateful = found["StatefulSet/a-kafka"]
    assert ("KAFKA_REPLICA_LAG_TIME_MAX_MS" in env(container(found, "a-kafka"))) == bounded
    assert stateful["metadata"].get("annotations", {}) == ({"glede.io/vintage": "1"} if bounded else {})


def test_one_kafka_keeps_one_copy() -> None:
    settings = env(container(rendered(milvus(), Facts(nodes=1)), "a-kafka"))
    assert settings["KAFKA_DEFAULT_REPLICATION_FACTOR"] == settings["KAFKA_MIN_INSYNC_REPLICAS"] == "1"


def test_the_words_of_the_kafka_charts() -> None:
    values = {
        "controller": {"replicaCount": 3, "heapOpts": "-Xmx2g"},
        "defaultReplicationFactor": 1,
        "maxMessageBytes": "_5242880",
        "logRetentionHours": 24,
        "autoCreateTopicsEnable": True,
        "extraEnvVars": [{"name": "KAFKA_CFG_LOG_ROLL_HOURS", "value": "24"}],
        "kraft": {"enabled": True},
    }
    found = milvus(in_cluster("kafka", values))
    assert not resolve(found).problems
    settings = env(container(rendered(found), "a-kafka"))
    assert settings["KAFKA_HEAP_OPTS"] == "-Xmx2g"
    assert settings["KAFKA_DEFAULT_REPLICATION_FACTOR"] == settings["KAFKA_MIN_INSYNC_REPLICAS"] == "1"
    assert settings["KAFKA_MESSAGE_MAX_BYTES"] == "5242880"
    assert settings["KAFKA_LOG_RETENTION_HOURS"] == settings["KAFKA_LOG_ROLL_HOURS"] == "24"
    assert settings["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "true"


@pytest.mark.parametrize(
    ("values", "kind", "field"),
    [
        ({"zookeeper": {"replicaCount": 1}}, "unsupported", "zookeeper"),
        ({"broker": {"replicaCount": 2}}, "unsupported", "broker.replicaCount"),
        ({"replicaCount": 1, "defaultReplicationFactor": 3}, "invalid", "defaultReplicationFactor"),
        ({"image": {"repository": "bitnami/kafka", "tag": "3"}}, "invalid", "image.repository"),
        ({"logRetentionHours": "a day"}, "invalid", "logRetentionHours"),
    ],
)
def test_what_kafka_cannot_do_is_told(values: dict[str, Any], kind: str, field: str) -> None:
    problems = resolve(milvus(in_cluster("kafka", values))).problems
    place = "spec.dependencies.kafka.inCluster.values"
    assert [(p.kind, p.field) for p in problems] == [(kind, f"{place}.{field}")]


@given(namespace=st.text("abc-", max_size=9), name=st.text("abc-", max_size=9))
def test_a_kafka_cluster_has_one_id_of_sixteen_bytes(namespace: str, name: str) -> None:
    found = cluster_id(namespace, name)
    assert found == cluster_id(namespace, name)
    assert len(base64.urlsafe_b64decode(f"{found}==")) == 16
    assert not found.startswith("-")


def test_the_check_of_kafka_is_a_script_that_bash_takes() -> None:
    command = container(rendered(milvus()), "a-kafka")["readinessProbe"]["exec"]["command"]
    assert command[:2] == ["bash", "-c"]
    bash = shutil.which("bash")
    assert bash
    assert subprocess.run([bash, "-n", "-c", command[2]], check=False).returncode == 0
