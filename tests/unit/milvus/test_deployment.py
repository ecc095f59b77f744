from typing import Any

import pytest
from tests.unit.milvus.rendered import FACTS, UID, deployment, pod, rendered

from glede.milvus.facts import Facts

SELECTOR = {
    "app.kubernetes.io/instance": "kite",
    "app.kubernetes.io/name": "milvus",
    "app.kubernetes.io/managed-by": "milvus-operator",
    "app.kubernetes.io/component": "querynode",
}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def test_names_and_labels_are_those_of_milvus_operator() -> None:
    found = deployment("querynode")

    assert found["spec"]["selector"] == {"matchLabels": SELECTOR}
    assert found["spec"]["template"]["metadata"]["labels"] == SELECTOR
    assert found["metadata"]["labels"].items() >= SELECTOR.items() - {
        ("app.kubernetes.io/component", "querynode")
    }
    assert deployment("proxy")["spec"]["template"]["metadata"]["labels"]["milvus.io/service"] == "true"


def test_the_milvus_owns_what_is_made_for_it() -> None:
    for obj in rendered().values():
        assert obj["metadata"]["ownerReferences"] == [
            {
                "apiVersion": "milvus.io/v1beta1",
                "kind": "Milvus",
                "name": "kite",
                "uid": UID,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]


def test_a_label_of_the_manifest_cannot_take_pods_from_their_deployment() -> None:
    found = deployment("querynode", components={"podLabels": {"app.kubernetes.io/name": "x", "team": "a"}})

    assert found["spec"]["template"]["metadata"]["labels"] == {**SELECTOR, "team": "a"}


def test_a_group_is_found_by_its_label() -> None:
    groups = [{"name": "a", "replicas": 1, "labels": {"zone": "a"}}]
    found = deployment("querynode-a", components={"queryNode": {"groups": groups}})

    assert found["spec"]["selector"]["matchLabels"] == {**SELECTOR, "milvus.io/deployment-group": "a"}
    assert found["spec"]["template"]["metadata"]["labels"]["zone"] == "a"
    assert found["spec"]["template"]["spec"]["containers"][0]["name"] == "querynode"


def test_there_is_no_idle_standalone_in_a_cluster() -> None:
    names = [name for kind, name in rendered() if kind == "Deployment"]

    assert len(names) == 5
    assert "kite-milvus-standalone" not in names


@pytest.mark.parametrize(
    ("component", "spec", "expected"),
    [
        ("querynode", {}, "RollingUpdate"),
        ("mixcoord", {}, "RollingUpdate"),
        ("mixcoord", {"components": {"enableRollingUpdate": False}}, "Recreate"),
        ("mixcoord", {"config": {"mixCoord": {"enableActiveStandby": False}}}, "Recreate"),
        ("cdc", {"components": {"cdc": {}}}, "Recreate"),
        ("standalone", {"mode": "standalone"}, "RollingUpdate"),
        ("standalone", {"mode": "standalone", "dependencies": {"msgStreamType": "rocksmq"}}, "Recreate"),
        (
            "standalone",
            {"mode": "standalone", "dependencies": {"woodpecker": {"persistence": {"enabled": True}}}},
            "Recreate",
        ),
    ],
)
def test_pods_are_replaced_one_by_one_where_two_can_be(
    component: str, spec: dict[str, Any], expected: str
) -> None:
    strategy = deployment(component, **spec)["spec"]["strategy"]

    assert strategy["type"] == expected
    if expected == "RollingUpdate":
        assert strategy["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    else:
        assert "rollingUpdate" not in strategy


def test_without_a_number_the_autoscaler_says() -> None:
    assert "replicas" not in deployment("proxy", components={"proxy": {"replicas": -1}})["spec"]
    assert deployment("proxy", components={"proxy": {"replicas": 0}})["spec"]["replicas"] == 0


def test_a_paused_component_is_a_paused_deployment() -> None:
    assert deployment("proxy", components={"paused": True})["spec"]["paused"] is True
    assert "paused" not in deployment("proxy")["spec"]
    assert (
        "paused" not in deployment("proxy", components={"paused": True, "proxy": {"paused": False}})["spec"]
    )


@pytest.mark.parametrize(
    ("facts", "components", "rule"),
    [
        (FACTS, {}, REQUIRED),
        (FACTS, {"queryNode": {"replicas": 3}}, REQUIRED),
        (FACTS, {"queryNode": {"replicas": 4}}, PREFERRED),
        (FACTS, {"queryNode": {"replicas": -1}}, PREFERRED),
        (FACTS, {"queryNode": {"hpa": {"maxReplicas": 3}}}, REQUIRED),
        (FACTS, {"queryNode": {"hpa": {"maxReplicas": 4}}}, PREFERRED),
        (FACTS, {"nodeSelector": {"disk": "ssd"}}, PREFERRED),
        (Facts(), {}, PREFERRED),
    ],
)
def test_pods_are_kept_apart_surely_where_the_nodes_suffice(
    facts: Facts, components: dict[str, Any], rule: str
) -> None:
    apart = pod("querynode", facts, components=components)["affinity"]["podAntiAffinity"]

    assert list(apart) == [rule]
    term = apart[rule][0] if rule == REQUIRED else apart[rule][0]["podAffinityTerm"]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"] == {"matchLabels": SELECTOR}
    assert term["matchLabelKeys"] == ["pod-template-hash"]


def test_pods_are_spread_over_zones_where_that_works() -> None:
    (found,) = pod("querynode")["topologySpreadConstraints"]

    assert found["topologyKey"] == "topology.kubernetes.io/zone"
    assert found["whenUnsatisfiable"] == "ScheduleAnyway"
    assert found["matchLabelKeys"] == ["pod-template-hash"]
    assert "topologySpreadConstraints" not in pod("querynode", availability={"zoneSpread": False})


def test_the_manifests_affinity_and_spread_replace_ours() -> None:
    spread = [{"maxSkew": 2, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}]
    affinity = {"nodeAffinity": {"x": "y"}}
    found = pod("querynode", components={"affinity": affinity, "topologySpreadConstraints": spread})

    assert found["affinity"] == affinity
    assert found["topologySpreadConstraints"] == spread


def test_a_pods_template_does_not_depend_on_how_many_there_are() -> None:
    one = deployment("querynode", components={"queryNode": {"replicas": 1}})["spec"]["template"]
    three = deployment("querynode", components={"queryNode": {"replicas": 3}})["spec"]["template"]

    assert one == three
