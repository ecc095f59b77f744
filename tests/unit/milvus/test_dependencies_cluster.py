"""etcd, the object store and Kafka as the operator runs them."""

import dataclasses
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

from glede.milvus.facts import Facts

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


def test_a_resolved_milvus_of_2_6_keeps_its_log_on_the_object_store() -> None:
    whole = resolved(milvus(), version=NEW)
    assert (whole.log.type, whole.log.embedded) == ("woodpecker", True)
    assert dataclasses.asdict(whole.log)["settings"] == {
        "mq": {"type": "woodpecker"},
        "messageQueue": "woodpecker",
    }
