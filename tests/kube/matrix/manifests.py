"""The Milvuses that are spoiled, each before and after an edit."""

from dataclasses import dataclass
from typing import Any

from glede.kube.objects import Object
from glede.milvus.scalein import UNSAFE
from glede.milvus.switches import SNAPSHOTS

NAME = "kite"
OLD, NEW = "milvusdb/milvus:v2.6.17", "milvusdb/milvus:v2.6.18"
ONE, TWO = {"replicas": 1}, {"replicas": 2}
_VOLATILE = {"persistence": {"enabled": False}}
_KEPT_ON_DISK = {"persistence": {"enabled": True, "size": "1Gi"}, "replicaCount": 1}


def milvus(namespace: str, spec: Object, name: str = NAME) -> Object:
    """Give a manifest. Nobody waits for what an etcd that kwok plays cannot give: loads and snapshots."""
    metadata: Object = {"name": name, "namespace": namespace}
    if not spec.get("dependencies", {}).get("etcd", {}).get("external"):
        metadata["annotations"] = {UNSAFE: "true", SNAPSHOTS: "off"}
    return {"apiVersion": "milvus.io/v1beta1", "kind": "Milvus", "metadata": metadata, "spec": spec}


@dataclass(frozen=True)
class Scenario:
    """A Milvus, what it is edited to, and the claims for which there are volumes."""

    name: str
    first: Object
    second: Object
    claims: tuple[str, ...]


def standalone(**components: Any) -> Object:
    """Give the spec of a standalone; its etcd goes with it, volume and all, and so does its log."""
    return {
        "mode": "standalone",
        "components": {"image": OLD, **components},
        "dependencies": {
            "etcd": {"inCluster": {"deletionPolicy": "Delete", "pvcDeletion": True, "values": _KEPT_ON_DISK}},
            "storage": {"inCluster": {"deletionPolicy": "Delete", "values": _VOLATILE}},
            "msgStreamType": "rocksmq",
            "rocksmq": {"persistence": {"enabled": True, "pvcDeletion": True}},
        },
    }


def cluster(**components: Any) -> Object:
    """Give the spec of a cluster with as few pods as it can have."""
    one = {"values": {**_VOLATILE, "replicaCount": 1}}
    store = {**_VOLATILE, "mode": "standalone"}
    return {
        "mode": "cluster",
        "components": {"image": OLD, "mixCoord": ONE, "dataNode": ONE, "streamingNode": ONE, **components},
        "dependencies": {
            "etcd": {"inCluster": {"deletionPolicy": "Delete", "pvcDeletion": True, "values": _KEPT_ON_DISK}},
            "storage": {"inCluster": {"deletionPolicy": "Delete", "values": store}},
            "msgStreamType": "kafka",
            "kafka": {"inCluster": {"deletionPolicy": "Delete", **one}},
        },
    }


_INGRESS = {"ingress": {"hosts": ["kite.example.org"]}}
STANDALONE = Scenario(
    "standalone",
    standalone(standalone=_INGRESS),
    standalone(image=NEW, standalone={"replicas": 1}),
    (f"data-{NAME}-etcd-0", f"{NAME}-data"),
)
CLUSTER = Scenario(
    "cluster",
    cluster(queryNode=ONE, proxy=TWO),
    cluster(image=NEW, queryNode=TWO, proxy=ONE),
    (f"data-{NAME}-etcd-0",),
)


def everything() -> Object:
    """Give the spec of a cluster that has every kind of object but a claim of the operator's own."""
    spec = cluster(
        proxy={"hpa": {"minReplicas": 1, "maxReplicas": 3}, **_INGRESS}, queryNode=TWO, dataNode=TWO
    )
    return {**spec, "config": {"common": {"security": {"defaultRootPassword": "of-a-test"}}}}
