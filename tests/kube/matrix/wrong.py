"""Manifests that are wrong: each a change of the standalone that runs."""

from copy import deepcopy
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from tests.kube.matrix.manifests import STANDALONE

from glede.kube.objects import Object

Path = tuple[str, ...]
Change = tuple[Path, Any]
_STANDALONE = ("components", "standalone")
_COMPONENTS = ("components",)
_ETCD = ("dependencies", "etcd", "inCluster", "values")

WRONG: dict[str, Change] = {
    "replicas below minus one": ((*_STANDALONE, "replicas"), -2),
    "replicas as a word": ((*_STANDALONE, "replicas"), "three"),
    "a mode that is none": (("mode",), "clustr"),
    "a section given as a text": (_COMPONENTS, "none"),
    "a quantity that is none": ((*_COMPONENTS, "resources"), {"limits": {"memory": "8GB"}}),
    "a limit below its request": (
        (*_COMPONENTS, "resources"),
        {"requests": {"memory": "8Gi"}, "limits": {"memory": "1Gi"}},
    ),
    "a version of the future": ((*_COMPONENTS, "image"), "milvusdb/milvus:v9.0.0"),
    "a port that is out of range": ((*_STANDALONE, "port"), 70000),
    "a port that is taken": ((*_STANDALONE, "port"), 9091),
    "a type of Service that is none": ((*_STANDALONE, "serviceType"), "Loadbalancer"),
    "an Ingress with an address for a host": (
        (*_STANDALONE, "ingress"),
        {"hosts": ["https://kite.example.org"]},
    ),
    "a volume without a source": ((*_COMPONENTS, "volumes"), [{"name": "extra"}]),
    "a variable from a Secret that is not there": (
        (*_COMPONENTS, "env"),
        [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "a"}}}],
    ),
    "a log that is none": (("dependencies", "msgStreamType"), "rabbitmq"),
    "rolling updates with rocksmq": ((*_COMPONENTS, "enableRollingUpdate"), True),
    "members of an etcd that runs": ((*_ETCD, "replicaCount"), 3),
    "a volume that shrinks": ((*_ETCD, "persistence", "size"), "512Mi"),
    "external without endpoints": (("dependencies", "etcd"), {"external": True}),
    "settings given as a text": (("config",), "log.level=debug"),
    "a bucket that no store can have": (("config",), {"minio": {"bucketName": "My_Bucket"}}),
    # Only the API server knows these rules.
    "a label that no pod can have": ((*_COMPONENTS, "podLabels"), {"team": "not a label!"}),
    "a variable's name that is none": ((*_COMPONENTS, "env"), [{"name": "=", "value": "1"}]),
}


def changed(change: Change) -> Object:
    """Give the spec of the standalone with one change."""
    spec = deepcopy(STANDALONE.first)
    path, value = change
    place = spec
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = value
    return spec


_NUMBERS = st.one_of(
    st.sampled_from([-2, -1, 0, 1, 2, 999, 1000, 1001, 65535, 65536, 2**31 - 1, 2**31, 2**63]),
    st.integers(-3, 70_000),
)
_QUANTITIES = st.sampled_from(
    [
        "-1",
        "0",
        "1",
        "1Mi",
        "1023Ki",
        "8GB",
        "1e3",
        "1e30Gi",
        "0.5",
        "500m",
        ".5Gi",
        "",
        "1Gi ",
        "9223372036854775808",
    ]
)
_TEXTS = st.one_of(
    st.text(max_size=12), st.sampled_from(["", "-", "a" * 64, "a" * 254, "ä", "a_b", "A", "a.b", "0"])
)


def _at(path: Path, values: SearchStrategy[Any]) -> SearchStrategy[Change]:
    return values.map(lambda value: (path, value))


BOUNDS: SearchStrategy[Change] = st.one_of(
    _at((*_STANDALONE, "replicas"), _NUMBERS),
    _at((*_STANDALONE, "port"), _NUMBERS),
    _at((*_STANDALONE, "serviceRestfulPort"), _NUMBERS),
    _at((*_COMPONENTS, "terminationGracePeriodSeconds"), _NUMBERS),
    _at((*_COMPONENTS, "resources"), _QUANTITIES.map(lambda value: {"limits": {"memory": value}})),
    _at((*_COMPONENTS, "resources"), _QUANTITIES.map(lambda value: {"requests": {"cpu": value}})),
    _at((*_COMPONENTS, "metricInterval"), _TEXTS),
    _at((*_COMPONENTS, "image"), _TEXTS.map(lambda tag: f"milvusdb/milvus:{tag}")),
    _at((*_COMPONENTS, "podLabels"), _TEXTS.map(lambda value: {"team": value})),
    _at((*_COMPONENTS, "podAnnotations"), _TEXTS.map(lambda name: {name: "1"})),
    _at((*_COMPONENTS, "nodeSelector"), _TEXTS.map(lambda value: {"disk": value})),
    _at((*_COMPONENTS, "env"), _TEXTS.map(lambda name: [{"name": name, "value": "1"}])),
    _at((*_STANDALONE, "ingress"), _TEXTS.map(lambda host: {"hosts": [host]})),
    _at((*_ETCD, "persistence", "size"), _QUANTITIES),
    _at(("config",), _TEXTS.map(lambda name: {"minio": {"bucketName": name}})),
    _at(("availability", "maxReplicas"), _NUMBERS),
)
