"""Manifests that are right, of every shape; NAME, ETCD, STORE and QUEUE stand for what a test puts there.

What a field may be and still let kwok's pods become ready: no other scheduler, account or class, and no port
of the node.
"""

from collections.abc import Callable, Hashable
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from glede.kube.objects import Object

Fields = dict[str, SearchStrategy[Any]]


def _by(name: str) -> Callable[[Any], Hashable]:
    return lambda item: str(item[name])


IMAGES = {
    "2.6": ("milvusdb/milvus:v2.6.17", "milvusdb/milvus:v2.6.18"),
    "2.5": ("milvusdb/milvus:v2.5.16", "milvusdb/milvus:v2.5.18"),
    "2.3": ("milvusdb/milvus:v2.3.21",),
}
GROUPED = {"proxy", "dataNode", "queryNode", "streamingNode"}
DOORS = {"proxy", "standalone"}
_COMPONENTS = {
    "2.6": ("proxy", "mixCoord", "dataNode", "queryNode", "streamingNode", "cdc"),
    "2.5": ("proxy", "mixCoord", "dataNode", "queryNode", "indexNode"),
    "2.3": ("proxy", "rootCoord", "dataCoord", "queryCoord", "indexCoord", "dataNode", "queryNode"),
}

_COORDS = ("mixCoord", "queryCoord")
_texts = st.dictionaries(st.sampled_from(["team", "tier", "example.org/x"]), st.sampled_from(["a", "b"]))
_env = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["A", "CACHE_SIZE", "MINIO_ACCESS_KEY"]), "value": st.sampled_from("12")}
    ),
    max_size=2,
    unique_by=_by("name"),
)
_resources = st.sampled_from(
    [
        {},
        {"limits": {"memory": "1Gi"}},
        {"requests": {"cpu": "0.1"}},
        {"requests": {"cpu": "100m", "memory": "1024Mi"}, "limits": {"cpu": 2, "memory": "2Gi"}},
    ]
)
_probes = st.sampled_from(
    [{}, {"livenessProbe": {}}, {"startupProbe": {"tcpSocket": {"port": 9091}, "periodSeconds": 3}}]
)
_preferred = {"weight": 1, "preference": {"matchExpressions": [{"key": "type", "operator": "Exists"}]}}
_affinity = st.sampled_from(
    [{}, {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [_preferred]}}]
)
_tolerations = st.sampled_from([[], [{"operator": "Exists"}], [{"key": "a", "operator": "Exists"}]])
_PODS: Fields = {
    "podLabels": _texts,
    "podAnnotations": _texts,
    "env": _env,
    "nodeSelector": st.sampled_from([{}, {"type": "kwok"}]),
    "affinity": _affinity,
    "tolerations": _tolerations,
    "topologySpreadConstraints": st.just([]),
    "resources": _resources,
    "volumes": st.sampled_from([[], [{"name": "a", "emptyDir": {}}]]),
    "volumeMounts": st.sampled_from([[], [{"name": "milvus-data", "mountPath": "/more"}]]),
    "probes": _probes,
    "securityContext": st.sampled_from([{}, {"runAsUser": 1}]),
    "commands": st.sampled_from([[], ["milvus", "run", "all"]]),
    "runWithSubProcess": st.booleans(),
    "imagePullPolicy": st.sampled_from(["", "Always", "IfNotPresent"]),
    "imagePullSecrets": st.sampled_from([[], [{"name": "pull"}]]),
    "dnsPolicy": st.sampled_from(["", "Default"]),
}
_EVERYWHERE: Fields = {
    "runAsNonRoot": st.booleans(),
    "updateConfigMapOnly": st.booleans(),
    "enableRollingUpdate": st.booleans(),
    "imageUpdateMode": st.sampled_from(["rollingUpgrade", "rollingDowngrade", "all", "force"]),
    "targetPortType": st.sampled_from(["string", "integer"]),
    "rollout": st.sampled_from([{}, {"rollback": False}, {"progressDeadlineSeconds": 900}]),
    "disableMetric": st.booleans(),
}
_ports = st.lists(
    st.integers(7000, 7003).map(lambda number: {"containerPort": number, "name": f"p-{number}"})
    | st.integers(7000, 7003).map(lambda number: {"containerPort": number}),
    max_size=2,
    unique_by=_by("containerPort"),
)
_beside = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("st"), "image": st.just("busybox")}, optional={"ports": _ports}
    ),
    max_size=2,
    unique_by=_by("name"),
)
_OF_ONE: Fields = {
    "sidecars": _beside,
    "initContainers": st.sampled_from([[], [{"name": "before", "image": "busybox"}]]),
    "podDisruptionBudget": st.sampled_from(
        [{}, {"enabled": False}, {"minAvailable": 1}, {"maxUnavailable": "50%"}]
    ),
    "terminationGracePeriodSeconds": st.sampled_from([0, 5, 600]),
}
_hpa = st.sampled_from(
    [
        {"maxReplicas": 2},
        {"minReplicas": 1, "maxReplicas": 2},
        {"maxReplicas": 1, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 600}}},
    ]
)
_group = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b"]), "replicas": st.sampled_from([-1, 0, 1])},
    optional={"labels": _texts, "annotations": _texts, "extraEnv": _env, "tolerations": _tolerations},
)
_ingress = st.fixed_dictionaries(
    {},
    optional={
        "hosts": st.sampled_from([["a.example.org"], ["a.example.org", "b.example.org"]]),
        "labels": _texts,
        "annotations": _texts,
        "ingressClassName": st.just("nginx"),
        "tlsSecretRefs": st.just({"tls": ["a.example.org"]}),
    },
)
_DOOR: Fields = {
    "serviceType": st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer"]),
    "port": st.sampled_from([0, 19530, 29530]),
    "serviceRestfulPort": st.sampled_from([0, 8080]),
    "serviceLabels": _texts,
    "serviceAnnotations": _texts,
    "ingress": _ingress,
}


def _some(fields: Fields, most: int) -> SearchStrategy[Object]:
    """Draw a few of the fields: with all of them at once no two manifests would be alike in anything."""
    names = st.lists(st.sampled_from(sorted(fields)), min_size=most // 2, max_size=most, unique=True)
    return names.flatmap(
        lambda chosen: st.fixed_dictionaries({name: fields[name] for name in sorted(chosen)})
    )


def component(name: str) -> SearchStrategy[Object]:
    """Draw one component's own settings."""
    # At least one pod of what clients talk to: else it is never healthy, and should not be.
    least = 1 if name in DOORS else 0
    most = 1 if name in ("standalone", "cdc") else 2
    fields = _PODS | _OF_ONE | {"replicas": st.integers(least, most)}
    if name in DOORS:
        fields |= _DOOR
    if name in ("proxy", "queryNode", "dataNode"):
        fields |= {"hpa": _hpa}
    if name in GROUPED:
        fields |= {"groups": st.lists(_group, max_size=2, unique_by=_by("name"))}
    return _some(fields, 4)


def _components(line: str, *, cluster: bool) -> SearchStrategy[Object]:
    names = _COMPONENTS[line] if cluster else ("standalone",)
    written = _some({name: component(name) for name in names}, 3)
    # As few pods as can be, but for what is drawn: many clusters share a machine.
    few = [
        {name: {"replicas": 1} for name in names if name != "cdc" and name not in more}
        for more in ((), _COORDS)
    ]
    least = st.sampled_from(few if cluster else [{}])
    images = IMAGES[line] if line != "2.6" else (*IMAGES[line], "")
    image = st.sampled_from(images).map(lambda text: {"image": text} if text else {})
    return st.tuples(image, _some(_PODS | _EVERYWHERE, 4), least, written).map(
        lambda parts: parts[0] | parts[1] | _over(parts[2], parts[3])
    )


def _over(least: Object, drawn: Object) -> Object:
    return {name: least.get(name, {}) | drawn.get(name, {}) for name in sorted(least | drawn)}


_word = st.sampled_from(["debug", "info", "1", "", "ä: b"])
_leaf = st.one_of(st.booleans(), st.integers(-1, 2**40), _word)
_CONFIG: Fields = {
    "log": st.fixed_dictionaries(
        {}, optional={"level": _word, "file": st.fixed_dictionaries({"maxSize": _leaf})}
    ),
    "common": st.fixed_dictionaries(
        {},
        optional={
            "retentionDuration": _leaf,
            "security": st.fixed_dictionaries(
                {"defaultRootPassword": st.sampled_from(["of-a-test", "other"])}
            ),
            "session": st.fixed_dictionaries({"ttl": st.integers(10, 20)}),
        },
    ),
    "proxy": st.fixed_dictionaries(
        {}, optional={"maxTaskNum": _leaf, "http": st.sampled_from([{"port": 8080}, {"enabled": True}])}
    ),
    "queryNode": st.fixed_dictionaries({}, optional={"cache": st.fixed_dictionaries({"enabled": _leaf})}),
    "dataCoord": st.fixed_dictionaries({}, optional={"segment": st.fixed_dictionaries({"maxSize": _leaf})}),
    "mixCoord": st.fixed_dictionaries({"enableActiveStandby": st.booleans()}),
    "queryCoord": st.fixed_dictionaries({"enableActiveStandby": st.booleans()}),
    "etcd": st.fixed_dictionaries({"rootPath": st.sampled_from(["NAME", "NAME-other"])}),
    "minio": st.fixed_dictionaries({"bucketName": st.sampled_from(["NAME-bucket", "NAME-other"])}),
    "unknownSection": st.fixed_dictionaries({"a": _leaf}),
}
_HOOK = st.sampled_from([{"soPath": "/a.so"}, {"soConfig": {"token": "hidden"}}, {}])
_AVAILABILITY: Fields = {
    "maxReplicas": st.integers(1, 3),
    "zoneSpread": st.booleans(),
    "networkPolicy": st.booleans(),
}
_IN_CLUSTER: Fields = {
    "resources": _resources,
    "podLabels": _texts,
    "podAnnotations": _texts,
    "nodeSelector": st.sampled_from([{}, {"type": "kwok"}]),
    "tolerations": _tolerations,
    "extraEnvVars": st.sampled_from([[], [{"name": "A", "value": "1"}]]),
    "pdb": st.sampled_from([{}, {"create": True}, {"create": False}, {"create": True, "minAvailable": 1}]),
    "terminationGracePeriodSeconds": st.integers(0, 60),
}
_POLICIES: SearchStrategy[Object] = st.sampled_from(
    [
        {},
        {"deletionPolicy": "Delete"},
        {"deletionPolicy": "Delete", "pvcDeletion": True},
        {"deletionPolicy": "Retain"},
    ]
)


def _in_cluster(fixed: Object, more: Fields | None = None) -> SearchStrategy[Object]:
    """Draw a dependency that the operator runs; ``fixed`` is what its StatefulSet can never change."""
    values = _some(_IN_CLUSTER | (more or {}), 3).map(lambda drawn: fixed | drawn)
    return st.tuples(_POLICIES, values).map(lambda parts: {"inCluster": parts[0] | {"values": parts[1]}})


def _volume(*, kept: bool) -> Object:
    return {"persistence": {"enabled": True, "size": "1Gi"} if kept else {"enabled": False}}


def dependencies(*, cluster: bool, line: str, kept: bool, outside: bool) -> SearchStrategy[Object]:
    """Draw what a Milvus stands on; ``kept``: on volumes; ``outside``: mostly run by somebody else."""
    volume = _volume(kept=kept)
    etcd = _in_cluster({**volume, "replicaCount": 1})
    keys = {"accessKey": st.just("someone"), "secretKey": st.sampled_from(["long-enough", "longer-still"])}
    store = _in_cluster({**volume, "mode": "standalone"}, keys)
    there: SearchStrategy[Object] = st.just({"external": True, "endpoint": "STORE", "type": "S3"})
    log = _log(cluster=cluster, line=line, kept=kept)
    ours: SearchStrategy[Object] = st.just({"external": True, "endpoints": ["ETCD"]})
    pair = (ours, there) if outside else (etcd, store)
    return st.tuples(*pair, log).map(lambda parts: {"etcd": parts[0], "storage": parts[1], **parts[2]})


def _log(*, cluster: bool, line: str, kept: bool) -> SearchStrategy[Object]:
    kafka = _in_cluster({**_volume(kept=kept), "replicaCount": 1}).map(
        lambda found: {"msgStreamType": "kafka", "kafka": found}
    )
    pools = [{"name": "main", "seeds": ["QUEUE"]}]
    service = {"msgStreamType": "woodpecker", "woodpecker": {"external": True, "quorumBufferPools": pools}}
    custom = {"msgStreamType": "custom", "customMsgStream": {"note": "set up in config"}}
    logs: list[SearchStrategy[Object]] = [st.just(custom)]
    if line == "2.6":
        logs += [st.just({}), st.just({"msgStreamType": "woodpecker"}), st.just(service)]
    else:
        logs += [kafka]
    if not cluster:
        disk = {"persistence": {"enabled": True, "pvcDeletion": True}} if kept else {}
        logs += [st.just({"msgStreamType": "rocksmq", "rocksmq": disk})]
    return st.one_of(logs)


@st.composite
def manifests(draw: st.DrawFn, *, cluster: bool, line: str, kept: bool, outside: bool) -> Object:
    """Draw the spec of a Milvus."""
    spec: Object = {
        "mode": "cluster" if cluster else "standalone",
        "components": draw(_components(line, cluster=cluster)),
        "dependencies": draw(dependencies(cluster=cluster, line=line, kept=kept, outside=outside)),
        "config": draw(_some(_CONFIG, 3)),
    }
    if draw(st.booleans()):
        spec["availability"] = draw(_some(_AVAILABILITY, 2))
    if draw(st.booleans()):
        spec["hookConfig"] = draw(_HOOK)
    return spec
