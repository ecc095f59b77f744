"""Two ways to run the same Milvus: plain Deployments, and the operator. What drills ask of both."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lab.cluster import apply_folder, pods_of, ready
from lab.daemons import wait_for
from lab.fixtures import NodesLab
from lab.nodes.layout import Node
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod, Service
from tests.e2e.operated import RELEASE_NAMESPACE, REPOSITORY, Operated
from tests.e2e.roles import address_of, leading, pod_address

UP_SECONDS = 300.0
PLAIN_MANIFESTS = REPOSITORY / "lab" / "examples" / "milvus-cluster"
# Read by query nodes only, at their start.
SETTING = ("queryNode", "scheduler", "maxReadConcurrentRatio")
AUTOSCALED = {"minReplicas": 2, "maxReplicas": 4}


@dataclass
class Side(ABC):
    """One Milvus on the lab's nodes, in a namespace of its own."""

    lab: NodesLab
    namespace: str
    title: ClassVar[str]
    label: ClassVar[str]
    root_coordinator: ClassVar[str]
    root: ClassVar[str]
    value: int = field(default=1, init=False)

    @abstractmethod
    def up(self) -> None:
        """Make it, and wait until it is whole."""

    @property
    @abstractmethod
    def uri(self) -> str:
        """Where clients find it."""

    @abstractmethod
    def whole(self) -> bool:
        """Tell whether all pods are there, serve, and are as they were last wanted."""

    @abstractmethod
    def restart(self) -> None:
        """Restart every component."""

    @abstractmethod
    def image(self, image: str) -> None:
        """Give every component another image."""

    def another_setting(self) -> None:
        """Change a setting that only query nodes read."""
        self.value += 1
        self._set(self.value)

    @abstractmethod
    def _set(self, value: int) -> None:
        """Give that setting a value."""

    @abstractmethod
    def scale(self, query_nodes: int) -> None:
        """Have another number of query nodes."""

    @abstractmethod
    def autoscale(self, *, on: bool) -> None:
        """Have proxies follow their load, two to four; or be two."""

    @abstractmethod
    def dependency(self, kind: str) -> list[Pod]:
        """Give the pods of ``etcd``, ``storage`` or ``kafka``."""

    def kubectl(self, *arguments: str, seconds: float = 60.0) -> str:
        """Run kubectl in the namespace. Raises LabError."""
        return self.lab.kubectl("--namespace", self.namespace, *arguments, seconds=seconds)

    def pods(self, component: str) -> list[Pod]:
        """Give the pods of a component of Milvus."""
        return pods_of(self.lab.client(), self.namespace, {self.label: component})

    def serving(self, component: str) -> int:
        """Count the pods of a component that are Ready."""
        return sum(ready(pod) for pod in self.pods(component))

    def wanted(self, component: str) -> int:
        """Give how many pods a component's Deployment wants, by whoever scales it."""
        labels = {self.label: component}
        pods = self.lab.client(self.namespace)
        return sum(
            d.spec.replicas
            for d in pods.list(Deployment)
            if d.spec.template.metadata.labels.items() >= labels.items()
        )

    def leader(self, collection: str) -> Pod:
        """Give the query node that leads a collection's shard, of several in memory the first."""
        return self.playing(leading(self.uri, collection)[0])

    def playing(self, role: str) -> Pod:
        """Give the pod of the process that is registered for a role in Milvus's own etcd."""
        address = address_of(role, filter(ready, self.dependency("etcd")), self.root)
        pods = (pod for component in (self.root_coordinator, "querynode") for pod in self.pods(component))
        return next(pod for pod in pods if pod_address(pod) == address)

    def node_of(self, pod: Pod) -> Node:
        """Give the lab's node that a pod is on."""
        return next(node for node in self.lab.nodes if node.name == pod.spec.nodeName)

    def spread(self) -> None:
        """Put query nodes that share a node onto others, as before a drill."""
        taken: set[str] = set()
        for pod in self.pods("querynode"):
            if str(pod.spec.nodeName) in taken:
                self.lab.client().delete(Pod, str(pod.metadata.name), namespace=self.namespace)
            taken.add(str(pod.spec.nodeName))


@dataclass
class Plain(Side):
    """Deployments, Services and budgets written by hand."""

    title = "plain Deployments"
    label = "component"
    root_coordinator = "rootcoord"
    root = "by-dev"

    def up(self) -> None:
        """Make it, and wait until it is whole."""
        apply_folder(self.lab.client(self.namespace), PLAIN_MANIFESTS, self.namespace)
        for _ in wait_for("plain Deployments are whole", UP_SECONDS, pause=0.5):
            if self.whole():
                return

    @property
    def uri(self) -> str:
        """Where clients find it."""
        balancer = self.lab.client(self.namespace).get(Service, "milvus").status.loadBalancer
        return f"http://{balancer.ingress[0].ip}:19530"

    def whole(self) -> bool:
        """Tell whether each Deployment has all its pods, Ready and new, and no other."""
        found = list(self.lab.client(self.namespace).list(Deployment))
        return all(_is_done(deployment) for deployment in found)

    def restart(self) -> None:
        """Restart every Deployment at once, as `kubectl rollout restart` does."""
        self.kubectl("rollout", "restart", "deployment")

    def image(self, image: str) -> None:
        """Give every Deployment another image."""
        self.kubectl("set", "image", "deployment", "--all", f"*={image}")

    def _set(self, value: int) -> None:
        """Change the environment of the query nodes."""
        self.kubectl("set", "env", "deployment/milvus-querynode", f"{'_'.join(SETTING).upper()}={value}")

    def scale(self, query_nodes: int) -> None:
        """Scale the query nodes' Deployment."""
        self.kubectl("scale", "deployment", "milvus-querynode", f"--replicas={query_nodes}")

    def autoscale(self, *, on: bool) -> None:
        """Make or delete an autoscaler for the proxies."""
        if on:
            limits = ("--min=2", "--max=4", "--cpu=60%")
            self.kubectl("autoscale", "deployment", "milvus-proxy", *limits)
        else:
            self.kubectl("delete", "horizontalpodautoscaler", "milvus-proxy")
            self.kubectl("scale", "deployment", "milvus-proxy", "--replicas=2")

    def dependency(self, kind: str) -> list[Pod]:
        """Give the pods of ``etcd``, ``storage`` or ``kafka``: one of each."""
        app = {"storage": "minio"}.get(kind, kind)
        return pods_of(self.lab.client(), self.namespace, {"app": app})


@dataclass
class Ours(Side):
    """A Milvus that the operator looks after."""

    title = "the operator"
    label = "app.kubernetes.io/component"
    root_coordinator = "mixcoord"
    root = "my-milvus"
    turns: int = 0
    _operated: Operated = field(init=False)

    def __post_init__(self) -> None:
        self._operated = Operated(self.lab, self.namespace, "my-milvus")

    def up(self) -> None:
        """Make it, and wait until it is whole."""
        self._operated.apply("cluster")
        self._operated.healthy()

    @property
    def uri(self) -> str:
        """Where clients find it."""
        return self._operated.uri

    def whole(self) -> bool:
        """Tell whether it is Healthy, not Degraded, and as its manifest wants it, or as it is safely kept."""
        found = self._operated.read()
        current = found["status"].get("observedGeneration") == found["metadata"]["generation"]
        conditions = {c["type"]: c for c in found["status"].get("conditions", [])}
        updated = conditions.get("MilvusUpdated", {}).get("status") == "True"
        held = conditions.get("Progressing", {}).get("reason") == "ScaleInHeld"
        return bool(current and (updated or held) and self._operated.whole())

    def restart(self) -> None:
        """Change an annotation of every component's pods."""
        self.turns += 1
        self._change({"podAnnotations": {"turn": str(self.turns)}})

    def image(self, image: str) -> None:
        """Give every component another image."""
        self._change({"image": image})

    def _set(self, value: int) -> None:
        """Change a setting of the query nodes."""
        section, part, name = SETTING
        self._patch({"config": {section: {part: {name: value}}}})

    def scale(self, query_nodes: int) -> None:
        """Have another number of query nodes."""
        self._change({"queryNode": {"replicas": query_nodes}})

    def autoscale(self, *, on: bool) -> None:
        """Have the proxies' autoscaler, or none."""
        self._change(
            {"proxy": {"hpa": AUTOSCALED if on else None, **({"replicas": -1} if on else {"replicas": 2})}}
        )

    def dependency(self, kind: str) -> list[Pod]:
        """Give the pods of ``etcd``, ``storage`` or ``kafka``."""
        return self.pods({"kafka": "log"}.get(kind, kind))

    def _change(self, components: dict[str, Any]) -> None:
        self._patch({"components": components})

    def _patch(self, spec: dict[str, Any]) -> None:
        patch = json.dumps({"spec": spec})
        self.kubectl("patch", "milvus", "my-milvus", "--type=merge", f"--patch={patch}")


def operators(lab: NodesLab) -> list[Pod]:
    """Give the operator's pods."""
    return pods_of(lab.client(), RELEASE_NAMESPACE, {"glede.io/operator": "true"})


def _is_done(deployment: Deployment) -> bool:
    status, wanted = deployment.status, deployment.spec.replicas
    counts = (status.replicas, status.updatedReplicas, status.availableReplicas)
    current = (status.observedGeneration or 0) >= deployment.metadata.generation
    return bool(current and counts == (wanted,) * 3)
