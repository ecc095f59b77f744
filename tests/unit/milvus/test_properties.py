"""What holds for every manifest that can be read."""

import re
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.milvus.rendered import milvus

from glede.api.milvus.components import Components, field_of
from glede.milvus.facts import Facts
from glede.milvus.render import render_milvus
from glede.milvus.render.clean import without_empty
from glede.milvus.resolve import resolve

SECRET = "hidden-credential"
NAMES = [
    field_of(name)
    for name in ("proxy", "mixcoord", "rootcoord", "datacoord", "querycoord", "indexcoord", "datanode")
] + ["queryNode", "indexNode", "streamingNode", "cdc", "standalone"]
SPECIAL = {"proxy", "dataNode", "queryNode", "streamingNode"}

labels = st.dictionaries(st.sampled_from(["team", "app.kubernetes.io/name", "x"]), st.sampled_from(["", "a"]))
env = st.lists(st.fixed_dictionaries({"name": st.sampled_from(["A", "CACHE_SIZE"]), "value": st.just("1")}))
mounts = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["a", "_remove"]), "mountPath": st.sampled_from(["/a", "/b"])}
    )
)
ports = st.lists(
    st.fixed_dictionaries(
        {"containerPort": st.integers(1, 65535)}, optional={"name": st.sampled_from(["p", "q"])}
    ),
    max_size=3,
)
sidecars = st.lists(st.fixed_dictionaries({"name": st.sampled_from(["s", "t"])}, optional={"ports": ports}))
pod_settings: dict[str, st.SearchStrategy[Any]] = {
    "podLabels": labels,
    "podAnnotations": labels,
    "image": st.sampled_from(["milvus:v2.3.5", "milvus:v2.6.1", "milvus", "milvus:master-1"]),
    "env": env,
    "nodeSelector": labels,
    "affinity": st.sampled_from([{}, {"podAffinity": {}}]),
    "tolerations": st.sampled_from([[], [{"operator": "Exists"}]]),
    "topologySpreadConstraints": st.just([]),
    "resources": st.sampled_from([{}, {"limits": {"memory": "1Gi"}}]),
    "volumes": st.sampled_from([[], [{"name": "a", "emptyDir": {}}]]),
    "volumeMounts": mounts,
    "probes": st.sampled_from([{}, {"livenessProbe": {}}, {"startupProbe": {"tcpSocket": {"port": 1}}}]),
    "securityContext": st.sampled_from([{}, {"runAsUser": 1}]),
    "commands": st.lists(st.just("x"), max_size=2),
    "hostNetwork": st.booleans(),
    "paused": st.booleans(),
}
component_settings = pod_settings | {
    "replicas": st.integers(-1, 9),
    "sidecars": sidecars,
    "hpa": st.fixed_dictionaries(
        {"maxReplicas": st.integers(1, 9)}, optional={"minReplicas": st.integers(1, 3)}
    ),
    "podDisruptionBudget": st.fixed_dictionaries({}, optional={"enabled": st.booleans()}),
    "terminationGracePeriodSeconds": st.integers(0, 900),
}
group = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "c"]), "replicas": st.integers(-1, 3)},
    optional={"nodeSelector": labels},
)
groups = st.lists(group, max_size=3, unique_by=lambda item: item["name"])
service = {
    "serviceType": st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer"]),
    "port": st.integers(0, 65535),
    "serviceRestfulPort": st.integers(0, 65535),
    "serviceLabels": labels,
    "ingress": st.fixed_dictionaries({}, optional={"hosts": st.lists(st.just("a.example.com"), max_size=1)}),
}


def component(name: str) -> st.SearchStrategy[dict[str, Any]]:
    more = service if name in ("proxy", "standalone") else {}
    more = more | ({"groups": groups} if name in SPECIAL else {})
    return st.fixed_dictionaries({}, optional=component_settings | more)


components = st.fixed_dictionaries(
    {},
    optional=pod_settings
    | {name: component(name) for name in NAMES}
    | {
        "runAsNonRoot": st.booleans(),
        "updateConfigMapOnly": st.booleans(),
        "enableRollingUpdate": st.booleans(),
        "targetPortType": st.sampled_from(["string", "integer"]),
        "metricLabels": labels,
    },
)
leaf = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
sections = st.sampled_from(
    ["etcd", "minio", "proxy", "common", "queryCoord", "mixCoord", "mq", "log", "http", "port"]
)
config = st.dictionaries(
    sections, st.recursive(leaf, lambda inner: st.dictionaries(sections, inner), max_leaves=6), max_size=4
)
secret_names = st.sampled_from(
    ["secretAccessKey", "password", "saslPassword", "authParams", "apikey", "token"]
)
credentials = st.dictionaries(
    sections, st.dictionaries(secret_names, st.just(SECRET), max_size=2), max_size=2
)
dependencies = st.fixed_dictionaries(
    {},
    optional={
        "msgStreamType": st.sampled_from(["", "kafka", "pulsar", "woodpecker", "rocksmq", "custom"]),
        "etcd": st.sampled_from([{}, {"external": True, "endpoints": ["e:2379"]}]),
        "storage": st.sampled_from([{}, {"external": True, "endpoint": "s:9000", "secretRef": "s"}]),
        "rocksmq": st.sampled_from([{}, {"persistence": {"enabled": True}}]),
    },
)
specs = st.fixed_dictionaries(
    {"mode": st.sampled_from(["cluster", "standalone"])},
    optional={
        "components": components,
        "config": config | credentials,
        "hookConfig": config | credentials,
        "dependencies": dependencies,
    },
)
facts = st.builds(
    Facts,
    nodes=st.none() | st.integers(0, 9),
    tool_image=st.just("glede:1"),
    pod_monitors=st.booleans(),
    earlier=st.dictionaries(st.sampled_from(["nodes", "spec.components.proxy.replicas"]), st.integers(0, 20)),
)
NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def values(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(data, dict):
        for name, child in data.items():
            yield from values(child, f"{path}.{name}")
    elif isinstance(data, list):
        for index, child in enumerate(data):
            yield from values(child, f"{path}[{index}]")
    yield path, data


@settings(max_examples=80)
@given(specs, facts)
def test_every_manifest_is_rendered(spec: dict[str, Any], world: Facts) -> None:
    resolved = resolve(milvus(**spec), world)
    objects = render_milvus(resolved)

    keys = [(obj["kind"], obj["metadata"]["name"]) for obj in objects]
    assert len(set(keys)) == len(keys)
    assert all(NAME.fullmatch(name) for _, name in keys)
    for obj in objects:
        assert without_empty(obj) == obj
        assert obj["metadata"]["namespace"] == "birds"
        if obj["kind"] != "Secret":
            assert SECRET not in str(obj)
    assert SECRET not in repr(resolved.derived) + repr(resolved.problems)


@settings(max_examples=80)
@given(specs, facts)
def test_every_pod_is_one_that_the_api_server_takes(spec: dict[str, Any], world: Facts) -> None:
    for obj in render_milvus(resolve(milvus(**spec), world)):
        if obj["kind"] != "Deployment":
            continue
        template = obj["spec"]["template"]
        assert template["metadata"]["labels"].items() >= obj["spec"]["selector"]["matchLabels"].items()
        pod = template["spec"]
        main = pod["containers"][0]
        for items, key in (
            (main["env"], "name"),
            (main["ports"], "containerPort"),
            (main["ports"], "name"),
            (main["volumeMounts"], "mountPath"),
            (pod["volumes"], "name"),
            (pod["containers"], "name"),
            (pod["initContainers"], "name"),
        ):
            found = [item[key] for item in items]
            assert len(set(found)) == len(found)
        names = {volume["name"] for volume in pod["volumes"]}
        asked = {mount["name"] for mount in main["volumeMounts"]}
        assert asked - names <= {"a"}


@settings(max_examples=40)
@given(specs, facts)
def test_the_same_manifest_is_rendered_the_same(spec: dict[str, Any], world: Facts) -> None:
    assert render_milvus(resolve(milvus(**spec), world)) == render_milvus(resolve(milvus(**spec), world))


def test_every_component_is_covered() -> None:
    aliases = {field.alias for field in Components.model_fields.values()}

    assert set(NAMES) <= aliases
