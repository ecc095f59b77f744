"""The kinds beside Deployment and ConfigMap."""

from typing import Any

import pytest
from tests.unit.milvus.rendered import FACTS, rendered

from glede.milvus.facts import Facts
from glede.milvus.resolved import Object


def of_kind(kind: str, facts: Facts = FACTS, **spec: Any) -> dict[str, Object]:
    return {name: obj for (found, name), obj in rendered(facts, **spec).items() if found == kind}


def service(**spec: Any) -> Object:
    return of_kind("Service", **spec)["kite-milvus"]


def ports(**spec: Any) -> list[tuple[str, int, int | str]]:
    return [(p["name"], p["port"], p["targetPort"]) for p in service(**spec)["spec"]["ports"]]


def test_the_service_leads_to_the_proxies() -> None:
    found = service()

    assert found["spec"]["type"] == "ClusterIP"
    assert found["spec"]["selector"] == {
        "app.kubernetes.io/instance": "kite",
        "app.kubernetes.io/name": "milvus",
        "app.kubernetes.io/managed-by": "milvus-operator",
        "milvus.io/service": "true",
    }
    assert ports() == [("milvus", 19530, "milvus"), ("metrics", 9091, "metrics")]
    assert all(port["protocol"] == "TCP" for port in found["spec"]["ports"])


@pytest.mark.parametrize(
    ("components", "config", "expected"),
    [
        ({"targetPortType": "integer"}, {}, [("milvus", 19530, 19530), ("metrics", 9091, 9091)]),
        ({"proxy": {"port": 9000}}, {}, [("milvus", 9000, "milvus"), ("metrics", 9091, "metrics")]),
        ({"proxy": {"port": 0}}, {}, [("milvus", 19530, "milvus"), ("metrics", 9091, "metrics")]),
        (
            {"proxy": {"serviceRestfulPort": 8080}},
            {"proxy": {"http": {"port": 8080}}},
            [("milvus", 19530, "milvus"), ("metrics", 9091, "metrics"), ("restful", 8080, "restful")],
        ),
        (
            {"proxy": {"serviceRestfulPort": 8080}},
            {},
            [("milvus", 19530, "milvus"), ("metrics", 9091, "metrics"), ("restful", 8080, "milvus")],
        ),
        (
            {"targetPortType": "integer", "proxy": {"port": 9000}},
            {"proxy": {"port": 9001}},
            [("milvus", 9000, 9001), ("metrics", 9091, 9091)],
        ),
    ],
)
def test_the_ports_are_where_milvus_listens(
    components: dict[str, Any], config: dict[str, Any], expected: list[tuple[str, int, int | str]]
) -> None:
    assert ports(components=components, config=config) == expected


def test_a_sidecars_ports_are_on_the_service_once() -> None:
    sidecars = [
        {"name": "side", "ports": [{"name": "web", "containerPort": 80}, {"containerPort": 81}]},
        {"name": "other", "ports": [{"name": "web", "containerPort": 82}, {"containerPort": 9091}]},
    ]

    assert ports(components={"proxy": {"sidecars": sidecars}})[2:] == [
        ("web", 80, "web"),
        ("side-81", 81, 81),
    ]


def test_the_service_is_as_written() -> None:
    found = service(
        components={
            "proxy": {
                "serviceType": "LoadBalancer",
                "serviceLabels": {"x": "1", "app.kubernetes.io/name": "other"},
                "serviceAnnotations": {"y": "2"},
            }
        }
    )

    assert found["spec"]["type"] == "LoadBalancer"
    assert found["metadata"]["labels"]["x"] == "1"
    assert found["metadata"]["labels"]["app.kubernetes.io/name"] == "milvus"
    assert found["metadata"]["annotations"] == {"y": "2"}


def test_an_ingress_is_there_when_it_is_written() -> None:
    assert of_kind("Ingress") == {}
    wanted = {
        "hosts": ["a.example.com", "b.example.com"],
        "ingressClassName": "nginx",
        "tlsSecretRefs": {"cert": ["a.example.com"]},
        "labels": {"x": "1"},
        "annotations": {"y": "2"},
    }
    found = of_kind("Ingress", components={"proxy": {"ingress": wanted, "port": 9000}})["kite-milvus"]

    assert [rule["host"] for rule in found["spec"]["rules"]] == ["a.example.com", "b.example.com"]
    path = found["spec"]["rules"][0]["http"]["paths"][0]
    assert path["backend"] == {"service": {"name": "kite-milvus", "port": {"number": 9000}}}
    assert found["spec"]["tls"] == [{"secretName": "cert", "hosts": ["a.example.com"]}]
    assert found["metadata"]["annotations"] == {"y": "2"}
    bare = of_kind("Ingress", components={"proxy": {"ingress": {"labels": {}}}})["kite-milvus"]
    assert "rules" not in bare["spec"]
    assert bare["spec"]["defaultBackend"]["service"]["name"] == "kite-milvus"


def test_every_component_with_several_pods_has_a_budget() -> None:
    names = {"mixcoord", "streamingnode", "datanode", "querynode", "proxy"}
    found = of_kind("PodDisruptionBudget")

    assert set(found) == {f"kite-milvus-{name}" for name in names}
    for budget in found.values():
        assert budget["spec"]["maxUnavailable"] == 1
    assert of_kind("PodDisruptionBudget", Facts(nodes=1)) == {}
    groups = [{"name": "a", "replicas": 1}, {"name": "b", "replicas": 1}]
    grouped = of_kind("PodDisruptionBudget", Facts(nodes=1), components={"queryNode": {"groups": groups}})
    assert set(grouped) == {"kite-milvus-querynode"}
    assert (
        "milvus.io/deployment-group"
        not in grouped["kite-milvus-querynode"]["spec"]["selector"]["matchLabels"]
    )


def test_a_budget_is_as_written() -> None:
    written = {
        "proxy": {"podDisruptionBudget": {"minAvailable": "50%"}},
        "dataNode": {"podDisruptionBudget": {"enabled": False}},
        "queryNode": {"podDisruptionBudget": {"maxUnavailable": 0}, "replicas": -1},
    }
    found = of_kind("PodDisruptionBudget", components=written)

    assert found["kite-milvus-proxy"]["spec"]["minAvailable"] == "50%"
    assert "maxUnavailable" not in found["kite-milvus-proxy"]["spec"]
    assert "kite-milvus-datanode" not in found
    assert found["kite-milvus-querynode"]["spec"]["maxUnavailable"] == 0


def test_an_autoscaler_is_kept_where_it_is_written() -> None:
    assert of_kind("HorizontalPodAutoscaler") == {}
    hpa = {"maxReplicas": 6, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 600}}}
    found = of_kind("HorizontalPodAutoscaler", components={"proxy": {"hpa": hpa}})["kite-milvus-proxy-hpa"]

    assert found["spec"]["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "kite-milvus-proxy",
    }
    assert (found["spec"]["minReplicas"], found["spec"]["maxReplicas"]) == (3, 6)
    assert found["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 60
    assert found["spec"]["behavior"] == hpa["behavior"]
    stopped = of_kind("HorizontalPodAutoscaler", components={"proxy": {"hpa": hpa, "replicas": 0}})
    assert stopped == {}


POLICY = {"type": "Pods", "value": 2, "periodSeconds": 60}
WRITTEN = {"selectPolicy": "Min", "policies": [POLICY]}


@pytest.mark.parametrize(
    ("component", "settings", "behavior", "expected"),
    [
        ("queryNode", {}, None, {"scaleDown": {"policies": [{**POLICY, "value": 1, "periodSeconds": 180}]}}),
        ("queryNode", {}, {"scaleDown": WRITTEN}, {"scaleDown": WRITTEN}),
        (
            "queryNode",
            {"terminationGracePeriodSeconds": 600},
            {"scaleUp": WRITTEN, "scaleDown": {"stabilizationWindowSeconds": 9}},
            {
                "scaleUp": WRITTEN,
                "scaleDown": {
                    "stabilizationWindowSeconds": 9,
                    "policies": [{**POLICY, "value": 1, "periodSeconds": 660}],
                },
            },
        ),
        (
            "queryNode",
            {"terminationGracePeriodSeconds": 9999},
            {},
            {"scaleDown": {"policies": [{**POLICY, "value": 1, "periodSeconds": 1800}]}},
        ),
        ("dataNode", {}, None, None),
    ],
)
def test_an_autoscaler_of_query_nodes_lets_one_go_at_a_time_where_nothing_else_is_written(
    component: str, settings: Object, behavior: Object | None, expected: Object | None
) -> None:
    own = {**settings, "hpa": {"maxReplicas": 6, "behavior": behavior}}
    found = of_kind("HorizontalPodAutoscaler", components={component: own})
    assert found[f"kite-milvus-{component.lower()}-hpa"]["spec"].get("behavior") == expected


def test_a_pod_monitor_is_there_where_its_kind_is() -> None:
    facts = Facts(nodes=3, pod_monitors=True)
    assert of_kind("PodMonitor") == {}
    assert of_kind("PodMonitor", facts, components={"disableMetric": True}) == {}
    components = {"metricInterval": "10s", "metricLabels": {"team": "x"}}
    spec = of_kind("PodMonitor", facts, components=components)["kite"]["spec"]

    (endpoint,) = spec["podMetricsEndpoints"]
    assert endpoint["interval"] == "10s"
    assert endpoint["relabelings"] == [{"targetLabel": "team", "replacement": "x"}]
    assert spec["namespaceSelector"] == {"matchNames": ["birds"]}


def test_the_health_port_is_closed_to_other_pods() -> None:
    found = of_kind("NetworkPolicy")
    inside, scrape = found["kite-milvus"]["spec"]["ingress"]

    assert "ports" not in inside
    assert inside["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "kite"
    assert scrape["ports"] == [{"protocol": "TCP", "port": 9091}]
    assert {"namespaceSelector": {"matchLabels": {"glede.io/scrape": "true"}}} in scrape["from"]
    assert {
        "namespaceSelector": {},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "glede"}},
    } in scrape["from"]
    (clients,) = found["kite-milvus-clients"]["spec"]["ingress"]
    assert clients == {"ports": [{"protocol": "TCP", "port": 19530}]}
    assert of_kind("NetworkPolicy", availability={"networkPolicy": False}) == {}


def test_client_ports_are_open_but_for_the_health_port() -> None:
    sidecars = [{"name": "s", "ports": [{"containerPort": 80}, {"containerPort": 9091}]}]
    config = {"proxy": {"http": {"port": 8080}}}
    found = of_kind("NetworkPolicy", components={"proxy": {"sidecars": sidecars}}, config=config)

    numbers = [p["port"] for p in found["kite-milvus-clients"]["spec"]["ingress"][0]["ports"]]
    assert numbers == [19530, 8080, 80]


ROCKSMQ = {"msgStreamType": "rocksmq"}


def test_an_embedded_log_has_a_claim_that_outlives_its_milvus() -> None:
    claim = {"labels": {"x": "1"}, "spec": {"storageClassName": "fast"}}
    persistence = {"enabled": True, "persistentVolumeClaim": claim}
    objects = rendered(mode="standalone", dependencies={**ROCKSMQ, "rocksmq": {"persistence": persistence}})
    found = objects["PersistentVolumeClaim", "kite-data"]

    assert "ownerReferences" not in found["metadata"]
    assert found["metadata"]["labels"]["x"] == "1"
    assert found["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "5Gi"}},
        "storageClassName": "fast",
    }
    template = objects["Deployment", "kite-milvus-standalone"]["spec"]["template"]
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    assert volumes["milvus-data"]["persistentVolumeClaim"] == {"claimName": "kite-data"}


@pytest.mark.parametrize(
    "persistence",
    [None, {"enabled": False}, {"enabled": True, "persistentVolumeClaim": {"existingClaim": "x"}}],
)
def test_no_claim_is_made_where_none_is_wanted(persistence: dict[str, Any] | None) -> None:
    log = {"persistence": persistence} if persistence else {}

    assert of_kind("PersistentVolumeClaim", mode="standalone", dependencies={**ROCKSMQ, "rocksmq": log}) == {}
