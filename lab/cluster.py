"""Talking to the cluster."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from lightkube import Client, KubeConfig, codecs
from lightkube.core.exceptions import ApiError
from lightkube.core.resource import NamespacedResource
from lightkube.resources.core_v1 import Node, Pod

from lab.daemons import wait_for
from lab.errors import LabError
from lab.nodes import layout

MANAGER = "lab"
EVER = datetime.fromtimestamp(0, UTC)


def client(kubeconfig: Path, namespace: str = "default") -> Client:
    """Give a client with the rights of a kubeconfig."""
    config = KubeConfig.from_file(kubeconfig)
    return Client(config=config, namespace=namespace, field_manager=MANAGER, trust_env=False)


class Clients:
    """Clients with the rights of one kubeconfig, one for each namespace, closed together."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        self._made: dict[str, Client] = {}

    def of(self, namespace: str) -> Client:
        """Give the client of a namespace."""
        if namespace not in self._made:
            self._made[namespace] = client(self._kubeconfig, namespace)
        return self._made[namespace]

    def close(self) -> None:
        """Close their connections."""
        for made in self._made.values():
            made.close()


def apply(api: Client, body: Mapping[str, Any], namespace: str | None = None) -> None:
    """Server-side apply one object of a kind that Kubernetes itself has. Raises ApiError."""
    found = codecs.from_dict(dict(body))
    # A client refuses a namespace for what has none.
    place = namespace if isinstance(found, NamespacedResource) else None
    api.apply(found, namespace=found.metadata.namespace or place, force=True)


def apply_folder(api: Client, folder: Path, namespace: str) -> None:
    """Apply the manifests of a folder in the order of their names."""
    for path in sorted(folder.glob("*.yaml")):
        apply_file(api, path, namespace)


def apply_file(api: Client, path: Path, namespace: str) -> None:
    """Apply the manifests of a file."""
    for body in yaml.safe_load_all(path.read_text()):
        if body:
            apply(api, body, namespace)


def ready_nodes(api: Client, since: datetime = EVER) -> set[str]:
    """Give the names of the nodes that are Ready and said so ``since`` a moment."""
    return {
        str(node.metadata.name)
        for node in api.list(Node)
        if any(
            c.type == "Ready" and c.status == "True" and (c.lastHeartbeatTime or EVER) >= since
            for c in node.status.conditions or []
        )
    }


def ready(pod: Pod) -> bool:
    """Tell whether a pod is Ready and not on its way out."""
    conditions = (pod.status.conditions if pod.status else None) or []
    return not pod.metadata.deletionTimestamp and any(
        condition.type == "Ready" and condition.status == "True" for condition in conditions
    )


def wait_for_pods(
    api: Client, namespace: str, labels: Mapping[str, str], count: int, seconds: float
) -> list[Pod]:
    """Wait until exactly ``count`` pods with the labels are Ready, and no other is there; gives them."""
    for _ in wait_for(f"{count} ready pods {dict(labels)} in {namespace}", seconds, pause=0.3):
        pods = pods_of(api, namespace, labels)
        if len(pods) == count and all(ready(pod) for pod in pods):
            return pods
    raise AssertionError("wait_for ends by an error")


def pods_of(api: Client, namespace: str, labels: Mapping[str, str]) -> list[Pod]:
    """Give the pods with the labels."""
    return list(api.list(Pod, namespace=namespace, labels=dict(labels)))


def node_of(pod: Pod) -> layout.Node:
    """Give the lab's node that a pod is on. Raises LabError while it has none."""
    name = pod.spec.nodeName if pod.spec else None
    for node in layout.nodes(layout.MOST_NODES):
        if node.name == name:
            return node
    raise LabError(
        f"pod {pod.metadata.name}: on node {name}, which is none of the lab's; wait until it is placed"
    )


def missing_is_fine(error: ApiError) -> bool:
    """Tell whether an error only says that the object is not there."""
    return bool(error.status.code == 404)
