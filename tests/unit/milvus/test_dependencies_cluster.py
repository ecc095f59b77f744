"""etcd, the object store and Kafka as the operator runs them."""

import base64
import dataclasses
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.milvus.dependency import (
    NEW,
    container,
    env,
    in_cluster,
    milvus,
    pod,
    rendered,
    resolve,
    resolved,
)

from glede.milvus.dependencies.kafka import cluster_id
from glede.milvus.facts import Facts, SecretFacts

DEPENDENCIES = {"etcd": "a-etcd", "storage": "a-minio", "kafka": "a-kafka"}


def replicas(facts: Facts, mode: str = "cluster", version: str = "2.3.5") -> dict[str, int]:
    objects = rendered(milvus(mode=mode), facts, version)
    return {
        name: obj["spec"]["replicas"]
        for name, obj in ((n.removeprefix("StatefulSet/a-"), o) for n, o in objects.items())
        if obj["kind"] == "StatefulSet"
    }


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        (None, {"etcd": 3, "minio": 4, "kafka": 3}),
        (5, {"etcd": 3, "minio": 4, "kafka": 3}),
        (3, {"etcd": 3, "minio": 4, "kafka": 3}),
        (2, {"etcd": 1, "minio": 1, "kafka": 1}),
        (1, {"etcd": 1, "minio": 1, "kafka": 1}),
        (0, {"etcd": 1, "minio": 1, "kafka": 1}),
    ],
)
def test_a_cluster_is_as_large_as_its_nodes_allow(nodes: int | None, expected: dict[str, int]) -> None:
    assert replicas(Facts(nodes=nodes)) == expected


def test_a_standalone_milvus_has_one_of_each_and_a_log_of_its_own() -> None:
    assert replicas(Facts(nodes=9), mode="standalone") == {"etcd": 1, "minio": 1}


def test_each_derived_number_is_told_with_its_reason() -> None:
    told = {d.field: (d.value, d.reason) for d in resolve(milvus()).derived}
    assert told["dependencies.etcd.replicas"] == (3, "mode cluster on 3 nodes")
    assert told["dependencies.storage.replicas"][0] == 4
    assert told["dependencies.msgStreamType"][0] == "kafka"
    assert "dependencies.kafka.replicas" in told


@given(
    nodes=st.none() | st.integers(0, 9),
    earlier=st.sampled_from([1, 3, 5]),
    mode=st.sampled_from(["cluster", "standalone"]),
)
def test_the_members_that_run_are_never_changed_by_derivation(
    nodes: int | None, earlier: int, mode: str
) -> None:
    known = {f"dependencies.{name}.replicas": earlier for name in ("etcd", "storage", "kafka")}
    found = replicas(Facts(nodes=nodes, earlier=known), mode)
    assert set(found.values()) == {earlier}


@pytest.mark.parametrize("name", DEPENDENCIES)
def test_a_new_number_for_members_that_run_is_refused(name: str) -> None:
    key = "replicas" if name == "storage" else "replicaCount"
    facts = Facts(nodes=3, earlier={f"dependencies.{name}.replicas": 1})
    problems = resolve(milvus(in_cluster(name, {key: 5})), facts).problems
    assert [(p.kind, p.field) for p in problems] == [
        ("invalid", f"spec.dependencies.{name}.inCluster.values")
    ]


def test_members_are_apart_where_the_nodes_suffice() -> None:
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    for facts, apart in ((Facts(nodes=3), True), (Facts(nodes=None), False)):
        objects = rendered(milvus(), facts)
        for name in ("a-etcd", "a-kafka"):
            anti = pod(objects, name)["affinity"]["podAntiAffinity"]
            assert (required in anti) == apart
        assert required not in pod(objects, "a-minio")["affinity"]["podAntiAffinity"]


def test_pods_are_spread_over_zones_where_there_are_several() -> None:
    for name in DEPENDENCIES.values():
        assert "topologySpreadConstraints" not in pod(rendered(milvus()), name)
        (spread,) = pod(rendered(milvus(), Facts(nodes=6, zones=3)), name)["topologySpreadConstraints"]
        assert spread["topologyKey"] == "topology.kubernetes.io/zone"


@pytest.mark.parametrize("name", DEPENDENCIES.values())
def test_every_dependency_is_confined_and_protected(name: str) -> None:
    objects = rendered(milvus())
    spec, main = pod(objects, name), container(objects, name)
    assert spec["enableServiceLinks"] is False
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert main["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert main["securityContext"]["allowPrivilegeEscalation"] is False
    assert {"requests", "limits"} <= set(main["resources"])
    assert {"livenessProbe", "readinessProbe"} <= set(main)
    assert objects[f"PodDisruptionBudget/{name}"]["spec"]["maxUnavailable"] == 1
    stateful = objects[f"StatefulSet/{name}"]["spec"]
    assert stateful["podManagementPolicy"] == "Parallel"
    assert stateful["serviceName"] == f"{name}-headless"
    assert objects[f"Service/{name}-headless"]["spec"]["publishNotReadyAddresses"] is True


@pytest.mark.parametrize("name", DEPENDENCIES.values())
def test_the_selector_is_of_this_dependency_alone(name: str) -> None:
    objects = rendered(milvus())
    selectors = {
        str(obj["spec"]["selector"].get("matchLabels", obj["spec"]["selector"]))
        for key, obj in objects.items()
        if key.split("/")[1].startswith(name)
    }
    assert selectors == {
        str({"app.kubernetes.io/instance": "a", "app.kubernetes.io/name": name.removeprefix("a-")})
    }
    labels = objects[f"StatefulSet/{name}"]["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] != "milvus"


def test_etcd_is_bootstrapped_by_its_pods_names() -> None:
    settings = env(container(rendered(milvus()), "a-etcd"))
    peers = [f"a-etcd-{ordinal}=http://a-etcd-{ordinal}.a-etcd-headless.ns:2380" for ordinal in range(3)]
    assert settings["ETCD_INITIAL_CLUSTER"] == ",".join(peers)
    assert settings["ETCD_NAME"] == "$(POD_NAME)"
    assert settings["ETCD_QUOTA_BACKEND_BYTES"] == str(4 * 1024**3)
    assert (settings["ETCD_HEARTBEAT_INTERVAL"], settings["ETCD_ELECTION_TIMEOUT"]) == ("500", "2500")
    etcd = resolve(milvus()).etcd
    assert etcd.settings == {"etcd": {"endpoints": [f"a-etcd-{n}.a-etcd-headless.ns:2379" for n in range(3)]}}


@pytest.mark.parametrize(
    ("tag", "path"),
    [("v3.6.16", "/readyz"), ("v3.10.0", "/readyz"), ("3.5.25-r1", "/health"), ("v3.4.31", "/health")],
)
def test_etcd_is_asked_as_its_version_can_answer(tag: str, path: str) -> None:
    objects = rendered(milvus(in_cluster("etcd", {"image": {"tag": tag}})))
    assert container(objects, "a-etcd")["readinessProbe"]["httpGet"]["path"] == path


def test_the_words_of_the_etcd_chart() -> None:
    values = {
        "replicaCount": 1,
        "image": {"registry": "mirror.example", "repository": "x/etcd", "tag": 3.5, "pullPolicy": "Always"},
        "persistence": {"size": "5Gi", "storageClass": "fast", "accessMode": "ReadWriteOncePod"},
        "resources": {"requests": {"cpu": 1}},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "extraEnvVars": [{"name": "ETCD_HEARTBEAT_INTERVAL", "value": "250"}],
        "autoCompactionMode": "periodic",
        "autoCompactionRetention": "30m",
        "podAnnotations": {"a": "b"},
        "podLabels": {"team": "x", "app.kubernetes.io/name": "mine"},
        "priorityClassName": "high",
        "pdb": {"create": True, "minAvailable": 1},
    }
    found = milvus(in_cluster("etcd", values))
    assert not resolve(found).problems
    objects = rendered(found)
    spec, main = pod(objects, "a-etcd"), container(objects, "a-etcd")
    assert (main["image"], main["imagePullPolicy"]) == ("mirror.example/x/etcd:3.5", "Always")
    assert main["resources"] == values["resources"]
    assert spec["nodeSelector"] == {"disk": "ssd"}
    assert spec["affinity"] == {"nodeAffinity": {}}
    assert spec["priorityClassName"] == "high"
    settings = env(main)
    assert settings["ETCD_HEARTBEAT_INTERVAL"] == "250"
    assert settings["ETCD_AUTO_COMPACTION_MODE"] == "periodic"
    assert settings["ETCD_AUTO_COMPACTION_RETENTION"] == "30m"
    template = objects["StatefulSet/a-etcd"]["spec"]["template"]["metadata"]
    assert template["annotations"] == {"a": "b"}
    assert template["labels"]["team"] == "x"
    assert template["labels"]["app.kubernetes.io/name"] == "etcd"
    (claim,) = objects["StatefulSet/a-etcd"]["spec"]["volumeClaimTemplates"]
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOncePod"],
        "resources": {"requests": {"storage": "5Gi"}},
        "storageClassName": "fast",
    }
    assert objects["PodDisruptionBudget/a-etcd"]["spec"]["minAvailable"] == 1


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({}, "quay.io/coreos/etcd:v3.6.16"),
        ({"registry": "r.example"}, "r.example/coreos/etcd:v3.6.16"),
        ({"repository": "x/etcd", "digest": "sha256:0"}, "x/etcd@sha256:0"),
    ],
)
def test_an_image_is_put_together_from_its_parts(image: dict[str, str], expected: str) -> None:
    assert container(rendered(milvus(in_cluster("etcd", {"image": image}))), "a-etcd")["image"] == expected


def test_without_persistence_data_go_with_the_pod() -> None:
    objects = rendered(milvus(in_cluster("etcd", {"persistence": {"enabled": False}})))
    assert "volumeClaimTemplates" not in objects["StatefulSet/a-etcd"]["spec"]
    assert pod(objects, "a-etcd")["volumes"] == [{"name": "data", "emptyDir": {}}]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (False, False)),
        ({"deletionPolicy": "Delete"}, (True, False)),
        ({"deletionPolicy": "Delete", "pvcDeletion": True}, (True, True)),
        ({"pvcDeletion": True}, (False, False)),
    ],
)
def test_what_a_deletion_takes_along(fields: dict[str, Any], expected: tuple[bool, bool]) -> None:
    plan = resolve(milvus(in_cluster("etcd", {}, **fields))).etcd.in_cluster
    assert plan
    assert (plan.deletes_workload, plan.deletes_volumes) == expected


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


def test_a_resolved_milvus_of_2_6_keeps_its_log_on_the_object_store() -> None:
    whole = resolved(milvus(), version=NEW)
    assert (whole.log.type, whole.log.embedded) == ("woodpecker", True)
    assert dataclasses.asdict(whole.log)["settings"] == {
        "mq": {"type": "woodpecker"},
        "messageQueue": "woodpecker",
    }
