from typing import Any

import pytest
from tests.unit.milvus.rendered import FACTS, container, deployment, pod, with_secrets

from glede.milvus.facts import Facts

NAMES = ("mixcoord", "streamingnode", "datanode", "querynode", "proxy")


def annotations(component: str, facts: Facts = FACTS, **spec: Any) -> dict[str, str]:
    found = deployment(component, facts, **spec)["spec"]["template"]["metadata"].get("annotations", {})
    assert isinstance(found, dict)
    return found


def settings(**spec: Any) -> dict[str, str]:
    return {name: annotations(name, **spec)["glede.io/settings"] for name in NAMES}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in NAMES if before[name] != after[name]}


@pytest.mark.parametrize(
    ("config", "rolled"),
    [
        ({"log": {"level": "debug"}}, set()),
        ({"quotaAndLimits": {"dql": {"enabled": True}}}, set()),
        ({"quotaAndLimits": {"enabled": False}}, {"proxy", "mixcoord"}),
        ({"proxy": {"maxTaskNum": 1}}, {"proxy"}),
        ({"proxy": {"minPasswordLength": 8}}, set()),
        ({"queryNode": {"cache": {"enabled": True}}}, {"querynode", "streamingnode"}),
        ({"queryCoord": {"autoBalance": False}}, {"mixcoord"}),
        ({"dataCoord": {"segment": {"maxSize": 9}}}, {"mixcoord", "datanode", "streamingnode"}),
        ({"common": {"simdType": "avx2"}}, set(NAMES)),
        ({"brandNew": {"x": 1}}, set(NAMES)),
    ],
)
def test_a_changed_setting_rolls_the_components_that_it_concerns(
    config: dict[str, Any], rolled: set[str]
) -> None:
    assert changed(settings(), settings(config=config)) == rolled


def test_a_version_that_refreshes_nothing_rolls_for_every_setting() -> None:
    old = {"image": "milvus:v2.3.5"}
    before = annotations("querynode", components=old)
    after = annotations("querynode", components=old, config={"log": {"level": "debug"}})

    assert before != after


def test_where_only_the_config_map_is_to_change_no_pod_is_rolled() -> None:
    told = {"updateConfigMapOnly": True}

    assert "glede.io/settings" not in annotations("proxy", components=told)
    assert "glede.io/settings" in annotations("proxy", components={"updateConfigMapOnly": False})


def test_our_own_defaults_roll_nothing() -> None:
    written = {"queryCoord": {"updateNextTargetInterval": 1}}

    assert changed(settings(), settings(config=written)) == {"mixcoord"}


def test_a_changed_secret_rolls_the_pods_that_use_it() -> None:
    volume = [{"name": "certs", "secret": {"secretName": "certs"}}]
    spec = {"components": {"proxy": {"volumes": volume}}}
    before = {n: annotations(n, with_secrets(certs="1"), **spec) for n in NAMES}
    after = {n: annotations(n, with_secrets(certs="2"), **spec) for n in NAMES}

    assert {name for name in NAMES if before[name] != after[name]} == {"proxy"}


def test_a_changed_storage_secret_rolls_all() -> None:
    before = {n: annotations(n, with_secrets(**{"kite-minio": "1"})) for n in NAMES}
    after = {n: annotations(n, with_secrets(**{"kite-minio": "2"})) for n in NAMES}

    assert all(before[name] != after[name] for name in NAMES)


def test_a_changed_credential_in_the_settings_rolls_all() -> None:
    one = annotations("proxy", config={"etcd": {"auth": {"password": "hidden-1"}}})
    two = annotations("proxy", config={"etcd": {"auth": {"password": "hidden-2"}}})

    assert one["glede.io/settings"] == two["glede.io/settings"]
    assert one["glede.io/secrets"] != two["glede.io/secrets"]


def test_the_settings_are_merged_before_milvus_starts() -> None:
    found = pod("querynode")
    copy, merge = found["initContainers"]

    assert (copy["image"], merge["image"]) == ("milvusdb/milvus:v2.6.18", "glede:1.0")
    assert copy["command"] == ["/bin/cp", "-RL", "/milvus/configs/.", "/glede/base"]
    assert merge["command"][:3] == ["python3", "-m", "glede.milvus.merge"]
    assert merge["command"][-1] == "--refreshed"
    mounts = {mount["mountPath"]: mount["name"] for mount in found["containers"][0]["volumeMounts"]}
    assert mounts["/milvus/configs"] == "glede-configs"
    assert mounts["/milvus/configs/operator"] == "milvus-config"
    old = pod("querynode", components={"image": "milvus:v2.3.5"})["initContainers"][1]
    assert "--refreshed" not in old["command"]


def test_milvus_runs_by_the_images_own_entry_point() -> None:
    assert container("querynode")["args"] == ["milvus", "run", "querynode"]
    assert "command" not in container("querynode")
    assert container("mixcoord")["args"][2] == "mixture"
    sub = {"runWithSubProcess": True}
    assert container("proxy", components=sub)["args"][-1] == "--run-with-subprocess"
    own = container("proxy", components={**sub, "proxy": {"commands": ["mine", "run"]}})
    assert own["args"] == ["mine", "run"]


def test_variables_are_unique_and_ours_in_order_before_the_manifests() -> None:
    given = [
        {"name": "B", "value": "$(A)"},
        {"name": "CACHE_SIZE", "value": "9"},
        {"name": "A", "value": "x"},
    ]
    names = [item["name"] for item in container("proxy", components={"env": given})["env"]]

    assert len(names) == len(set(names))
    assert names[-3:] == ["B", "CACHE_SIZE", "A"]
    assert names[:-3] == sorted(names[:-3])
    assert "MINIO_ACCESS_KEY_ID" in names


def test_probes_ask_for_health() -> None:
    found = container("proxy")

    assert found["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": 9091, "scheme": "HTTP"}
    assert found["livenessProbe"]["initialDelaySeconds"] == 30
    assert (found["livenessProbe"]["periodSeconds"], found["livenessProbe"]["failureThreshold"]) == (10, 3)
    assert (found["readinessProbe"]["periodSeconds"], found["readinessProbe"]["failureThreshold"]) == (5, 3)
    startup = found["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] == 180


def test_a_probe_of_the_manifest_replaces_one_of_ours() -> None:
    mine = {"tcpSocket": {"port": 9091}}
    found = container("proxy", components={"probes": {"livenessProbe": mine}})

    assert found["livenessProbe"] == mine
    assert found["readinessProbe"] == container("proxy")["readinessProbe"]


def test_pods_are_safe_as_they_are_and_restricted_on_request() -> None:
    found = pod("proxy")
    assert found["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
    for each in (*found["initContainers"], *found["containers"]):
        assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert each["securityContext"]["allowPrivilegeEscalation"] is False
    assert found["initContainers"][1]["securityContext"]["runAsNonRoot"] is True
    assert found["enableServiceLinks"] is False

    asked = pod("proxy", components={"runAsNonRoot": True})["securityContext"]
    assert (asked["runAsNonRoot"], asked["runAsUser"], asked["fsGroup"]) == (True, 1000, 1000)
    own = container("proxy", components={"securityContext": {"privileged": True}})["securityContext"]
    assert own["privileged"] is True


def test_pods_stop_in_bounded_time_after_a_pause() -> None:
    assert pod("querynode")["terminationGracePeriodSeconds"] == 120
    assert pod("proxy")["terminationGracePeriodSeconds"] == 60
    assert container("proxy")["lifecycle"]["preStop"]["exec"]["command"] == ["/bin/sleep", "15"]
    assert "lifecycle" not in container("datanode")
    quick = {"proxy": {"terminationGracePeriodSeconds": 10}}
    assert pod("proxy", components=quick)["terminationGracePeriodSeconds"] == 10
    assert container("proxy", components=quick)["lifecycle"]["preStop"]["exec"]["command"][1] == "5"
    assert "lifecycle" not in container("proxy", components={"proxy": {"terminationGracePeriodSeconds": 0}})


def test_a_coordinator_that_serves_nobody_while_it_stops_is_not_waited_for() -> None:
    def grace(image: str, **values: Any) -> int:
        found = pod("mixcoord", components={"image": f"milvusdb/milvus:{image}", "mixCoord": values})
        return int(found["terminationGracePeriodSeconds"])

    assert (grace("v2.3.5"), grace("v2.4.0"), grace("a-tag-of-ours")) == (2, 120, 120)
    assert grace("v2.3.5", terminationGracePeriodSeconds=30) == 30


def test_mounts_and_volumes_of_the_manifest_take_the_place_of_ours() -> None:
    found = pod(
        "datanode",
        components={
            "dataNode": {
                "volumes": [
                    {"name": "milvus-data", "hostPath": {"path": "/disk"}},
                    {"name": "x", "emptyDir": {}},
                ],
                "volumeMounts": [
                    {"name": "x", "mountPath": "/x"},
                    {"name": "_remove", "mountPath": "/var/lib/milvus"},
                ],
            }
        },
    )

    volumes = {volume["name"]: volume for volume in found["volumes"]}
    assert volumes["milvus-data"] == {"name": "milvus-data", "hostPath": {"path": "/disk"}}
    assert volumes["x"] == {"name": "x", "emptyDir": {}}
    paths = [mount["mountPath"] for mount in found["containers"][0]["volumeMounts"]]
    assert paths == ["/milvus/configs", "/milvus/configs/operator", "/x"]


def test_sidecars_and_init_containers_are_added_or_replace_one_of_the_same_name() -> None:
    found = pod(
        "proxy",
        components={
            "proxy": {
                "sidecars": [{"name": "side", "image": "s:1"}],
                "initContainers": [{"name": "config", "image": "mine:1"}, {"name": "more", "image": "m:1"}],
            }
        },
    )

    assert [each["name"] for each in found["containers"]] == ["proxy", "side"]
    assert [each["image"] for each in found["initContainers"]] == ["mine:1", "glede:1.0", "m:1"]


def test_places_are_as_written() -> None:
    found = pod(
        "proxy",
        components={
            "hostNetwork": True,
            "dnsPolicy": "ClusterFirstWithHostNet",
            "nodeSelector": {"a": "b"},
            "tolerations": [{"key": "x", "operator": "Exists"}],
            "priorityClassName": "high",
            "schedulerName": "mine",
            "serviceAccountName": "sa",
            "imagePullSecrets": [{"name": "pull"}],
        },
    )

    assert found["hostNetwork"] is True
    assert found["dnsPolicy"] == "ClusterFirstWithHostNet"
    assert found["nodeSelector"] == {"a": "b"}
    assert found["tolerations"] == [{"key": "x", "operator": "Exists"}]
    assert (found["priorityClassName"], found["schedulerName"]) == ("high", "mine")
    assert (found["serviceAccountName"], found["imagePullSecrets"]) == ("sa", [{"name": "pull"}])


def test_the_ports_are_named_and_say_their_protocol() -> None:
    assert container("querynode")["ports"] == [{"name": "metrics", "containerPort": 9091, "protocol": "TCP"}]
    assert [port["name"] for port in container("proxy")["ports"]] == ["milvus", "metrics"]
    rest = container("proxy", config={"proxy": {"http": {"port": 8080}, "port": 9530}})["ports"]
    assert [port["containerPort"] for port in rest] == [9530, 8080, 9091]
