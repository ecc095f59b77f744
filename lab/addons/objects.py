"""The objects that the add-ons put into the cluster."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.nodes.kubelet import DNS_VIP
from lab.nodes.layout import HOST_ADDRESS

DNS_PORT = 1053
METRICS_PORT = 4443
PROVISIONER = "glede.io/lab-volumes"
STORAGE_CLASS = "lab"
SIZED_CLASS = "lab-sized"

Object = dict[str, Any]


def service_of_host(
    name: str, ports: Sequence[tuple[str, str, int, int]], address: str | None
) -> list[Object]:
    """Give a Service in kube-system that leads to a daemon of this machine.

    ``ports``: name, protocol, the service's port, the daemon's port. ``address``: a fixed address.
    """
    metadata = {"name": name, "namespace": "kube-system"}
    spec: Object = {
        "ports": [
            {"name": port, "protocol": protocol, "port": outer, "targetPort": inner}
            for port, protocol, outer, inner in ports
        ]
    }
    if address:
        spec["clusterIP"] = address
    slice_metadata = {**metadata, "labels": {"kubernetes.io/service-name": name}}
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": slice_metadata,
        "addressType": "IPv4",
        "endpoints": [{"addresses": [HOST_ADDRESS], "conditions": {"ready": True}}],
        "ports": [{"name": port, "protocol": protocol, "port": inner} for port, protocol, _, inner in ports],
    }
    return [{"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}, endpoints]


def dns_objects() -> list[Object]:
    """The address that pods ask for names."""
    ports = [("dns", "UDP", 53, DNS_PORT), ("dns-tcp", "TCP", 53, DNS_PORT)]
    return service_of_host("kube-dns", ports, DNS_VIP)


def metrics_objects(authority: Path) -> list[Object]:
    """The metrics API, served by metrics-server."""
    api = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "caBundle": base64.b64encode(authority.read_bytes()).decode(),
            "service": {"name": "metrics-server", "namespace": "kube-system", "port": 443},
        },
    }
    return [*service_of_host("metrics-server", [("https", "TCP", 443, METRICS_PORT)], None), api]


def storage_objects() -> list[Object]:
    """The default StorageClass, folders; and one whose volumes are file systems of the size asked for."""
    return [_storage_class(STORAGE_CLASS, default=True), _storage_class(SIZED_CLASS, default=False)]


def _storage_class(name: str, *, default: bool) -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": name,
            "annotations": {"storageclass.kubernetes.io/is-default-class": str(default).lower()},
        },
        "provisioner": PROVISIONER,
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": default,
    }


def rights() -> list[Object]:
    """What users beyond Kubernetes' own roles may do."""
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "lab-kube-proxy"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "system:node-proxier",
            },
            "subjects": [
                {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "system:kube-proxy"}
            ],
        }
    ]
