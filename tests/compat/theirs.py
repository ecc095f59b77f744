"""What milvus-operator leaves in a namespace for one Milvus: its objects, and those that Helm installs.

Written from its behaviour at v1.3.8: names, labels, probes, strategies, defaults in the spec.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from tests.compat.pods import MONTH, template

from glede.kube.objects import Object

FINALIZER = "milvus.milvus.io/finalizer"
WORKER = "manager"
COORDINATOR_KEYS = ("dataCoord", "indexCoord", "queryCoord", "rootCoord")
FIELDS = {
    "proxy": "proxy",
    "mixcoord": "mixCoord",
    "datanode": "dataNode",
    "querynode": "queryNode",
    "indexnode": "indexNode",
    "streamingnode": "streamingNode",
    "standalone": "standalone",
}


@dataclass(frozen=True)
class Theirs:
    """A Milvus as milvus-operator runs it; ``counts`` are the pods of its components."""

    namespace: str
    mode: str
    image: str
    log: str
    counts: dict[str, int]
    rolling: bool = True
    # Its coordinators were started without a standby, and the manifest has changed since.
    late: bool = False
    # Components that have two Deployments, and those whose number of pods is an autoscaler's.
    twofold: frozenset[str] = frozenset({"querynode"})
    autoscaled: frozenset[str] = frozenset()
    service: dict[str, Any] = field(default_factory=dict)
    dependencies: dict[str, Any] = field(default_factory=dict)
    name: str = "kite"

    @property
    def claims(self) -> list[str]:
        """The claims of what Helm installs, and of the log."""
        found = [f"data-{self.name}-etcd-{n}" for n in range(self.servers["etcd"])]
        found += [f"export-{self.name}-minio-{n}" for n in range(self.servers["minio"])]
        found += [f"data-{self.name}-kafka-0"] if self.log == "kafka" else []
        return found + ([f"{self.name}-data"] if self.keeps_log else [])

    @property
    def servers(self) -> dict[str, int]:
        return {"etcd": 3, "minio": 4} if self.mode == "cluster" else {"etcd": 1, "minio": 1}

    @property
    def keeps_log(self) -> bool:
        """Whether the log within Milvus is on a volume."""
        return bool(self.dependencies.get(self.log, {}).get("persistence", {}).get("enabled"))

    def manifest(self) -> Object:
        """Give the manifest as somebody wrote it."""
        spec: Object = {
            "mode": self.mode,
            "components": {"image": self.image},
            "dependencies": {"msgStreamType": self.log, **self.dependencies},
        }
        if not self.rolling:
            spec["components"]["enableRollingUpdate"] = False
        metadata = {"name": self.name, "namespace": self.namespace}
        return {"apiVersion": "milvus.io/v1beta1", "kind": "Milvus", "metadata": metadata, "spec": spec}

    def written(self) -> Object:
        """Give the merge patch by which milvus-operator writes its defaults."""
        labels = {"milvus.io/operator-version": "1.3.8"}
        annotations = {
            "milvus.io/dependency-values-merged": "true",
            "milvus.io/pod-service-label-added": "true",
        }
        pods = {"paused": False}
        components: dict[str, Any] = {
            FIELDS[name]: {**pods, "replicas": -1 if name in self.autoscaled else count}
            for name, count in self.counts.items()
        }
        components["standalone"] = {
            **pods,
            "replicas": self.counts.get("standalone", 0),
            "serviceType": "ClusterIP",
            **self.service,
        }
        components |= {
            "enableRollingUpdate": self.rolling,
            "imageUpdateMode": "rollingUpgrade",
            "rollingMode": 3 if len(self.twofold) > 1 else 2,
            "updateConfigMapOnly": True,
            "targetPortType": "string",
        }
        spec: Object = {"components": components, "dependencies": self._dependencies()}
        if self.rolling:
            spec["config"] = {key: {"enableActiveStandby": True} for key in COORDINATOR_KEYS}
        metadata = {"labels": labels, "annotations": annotations, "finalizers": [FINALIZER]}
        return {"metadata": metadata, "spec": spec}

    def _dependencies(self) -> Object:
        at = self.namespace
        etcds = [
            f"{self.name}-etcd-{n}.{self.name}-etcd-headless.{at}:2379" for n in range(self.servers["etcd"])
        ]
        found: Object = {
            "etcd": {
                "external": False,
                "endpoints": etcds,
                "inCluster": {
                    "deletionPolicy": "Retain",
                    "values": {"replicaCount": len(etcds), "persistence": {"size": "10Gi"}},
                },
            },
            "storage": {
                "external": False,
                "type": "MinIO",
                "endpoint": f"{self.name}-minio.{at}:9000",
                "secretRef": f"{self.name}-minio",
                # Helm's own default, which Milvus never used.
                "inCluster": {"deletionPolicy": "Retain", "values": {"bucketName": "milvus-bucket"}},
            },
        }
        if self.log == "kafka":
            found["kafka"] = {"external": False, "brokerList": [f"{self.name}-kafka.{at}:9092"]}
        if self.log == "pulsar":
            found["pulsar"] = {"external": False, "endpoint": f"{self.name}-pulsar-proxy.{at}:6650"}
        return found

    def status(self) -> Object:
        """Give the status that milvus-operator wrote last."""
        moment = "2026-10-10T08:48:16Z"
        types = ("MilvusReady", "MilvusUpdated", "EtcdReady", "StorageReady", "MsgStreamReady")
        conditions = [
            {"type": name, "status": "True", "reason": name, "message": "", "lastTransitionTime": moment}
            for name in types
        ]
        return {
            "status": "Healthy",
            "conditions": conditions,
            "currentImage": self.image,
            "endpoint": f"{self.name}-milvus.{self.namespace}:19530",
            "observedGeneration": 1,
            "rollingModeVersion": 2,
            "componentsDeployStatus": {"standalone": {"generation": 1, "image": self.image, "status": {}}},
        }

    def settings(self) -> Object:
        """Give user.yaml."""
        etcd = self._dependencies()["etcd"]
        found: Object = {
            "etcd": {"rootPath": self.name, "endpoints": etcd["endpoints"]},
            "minio": {
                "bucketName": self.name,
                "address": f"{self.name}-minio.{self.namespace}",
                "port": 9000,
                "accessKeyID": "minioadmin",
                "secretAccessKey": "minioadmin",
            },
            "msgChannel": {"chanNamePrefix": {"cluster": self.name}},
            "mq": {"type": self.log},
            "messageQueue": self.log,
        }
        if self.log == "pulsar":
            found["pulsar"] = {"address": f"{self.name}-pulsar-proxy.{self.namespace}", "port": 6650}
        if self.log == "kafka":
            found["kafka"] = {"brokerList": f"{self.name}-kafka.{self.namespace}:9092"}
        if self.rolling:
            found |= {key: {"enableActiveStandby": True} for key in COORDINATOR_KEYS}
        return found

    def labels(self, component: str = "") -> dict[str, str]:
        found = {
            "app.kubernetes.io/instance": self.name,
            "app.kubernetes.io/name": "milvus",
            "app.kubernetes.io/managed-by": "milvus-operator",
        }
        return found | ({"app.kubernetes.io/component": component} if component else {})

    def objects(self, owner: Object) -> Iterator[Object]:
        """Give the objects that milvus-operator makes; ``owner`` is the reference to the Milvus."""
        data = {"user.yaml": yaml.safe_dump(self.settings())}
        yield self._owned("v1", "ConfigMap", self.name, owner) | {"data": data}
        ports = [
            {"name": "milvus", "port": 19530, "targetPort": "milvus", "protocol": "TCP"},
            {"name": "metrics", "port": 9091, "targetPort": "metrics", "protocol": "TCP"},
        ]
        spec = {
            "type": self.service.get("serviceType", "ClusterIP"),
            "selector": {**self.labels(), "milvus.io/service": "true"},
            "ports": ports,
        }
        yield self._owned("v1", "Service", f"{self.name}-milvus", owner) | {"spec": spec}
        if self.keeps_log:
            claim = self._owned("v1", "PersistentVolumeClaim", f"{self.name}-data", owner)
            del claim["metadata"]["ownerReferences"]
            resources = {"requests": {"storage": "5Gi"}}
            yield claim | {"spec": {"accessModes": ["ReadWriteOnce"], "resources": resources}}
        for component, count in {"standalone": 0, **self.counts}.items():
            if component in self.twofold:
                yield self._deployment(component, count, owner, slot="0")
                yield self._deployment(component, 0, owner, slot="1")
            else:
                yield self._deployment(component, count, owner)

    def _owned(self, version: str, kind: str, name: str, owner: Object) -> Object:
        metadata = {
            "name": name,
            "namespace": self.namespace,
            "labels": self.labels(),
            "ownerReferences": [owner],
        }
        return {"apiVersion": version, "kind": kind, "metadata": metadata}

    def _deployment(self, component: str, count: int, owner: Object, slot: str = "") -> Object:
        name = f"{self.name}-milvus-{component}" + (f"-{slot}" if slot else "")
        body = self._owned("apps/v1", "Deployment", name, owner)
        labels = self.labels(component) | ({f"milvus.io/{component}-group-id": slot} if slot else {})
        body["metadata"]["labels"] = labels
        alone = component.endswith("coord") or component == "standalone"
        body["spec"] = {
            "replicas": count,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "Recreate"}
            if alone and (self.late or not self.rolling)
            else {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "progressDeadlineSeconds": MONTH,
            "minReadySeconds": 30 if self.rolling else 0,
            "template": template(
                self.name,
                component,
                labels,
                "dummy" if slot == "1" else self.image,
                claim=f"{self.name}-data" if self.keeps_log else "",
            ),
        }
        return body
