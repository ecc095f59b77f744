"""Gives volumes to claims, and outside addresses to services.

`python -m lab.addons.controller KUBECONFIG FOLDER`.

Level-triggered and stateless: each round compares what is there with what should be.
"""

import ipaddress
import logging
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim, Service
from lightkube.types import PatchType

from lab.addons.objects import PROVISIONER, SIZED_CLASS, STORAGE_CLASS
from lab.addons.volumes import make_folder, mount_file_system, remove
from lab.cluster import client
from lab.errors import LabError
from lab.nodes.layout import LOAD_BALANCER_CIDR

ROUND_SECONDS = 1.0
CLASSES = (STORAGE_CLASS, SIZED_CLASS)
SELECTED_NODE = "volume.kubernetes.io/selected-node"
ANNOTATION = "pv.kubernetes.io/provisioned-by"

log = logging.getLogger("lab.controller")


class Volumes:
    """A folder of this machine for each claim, bound to the node that its pod was placed on."""

    def __init__(self, api: Client, folder: Path) -> None:
        self._api = api
        self._folder = folder

    def round(self) -> None:
        """Make what is missing, grow what is too small, remove what was given back."""
        volumes = {
            volume.metadata.name: volume
            for volume in self._api.list(PersistentVolume)
            if (volume.metadata.annotations or {}).get(ANNOTATION) == PROVISIONER
        }
        for claim in self._api.list(PersistentVolumeClaim, namespace="*"):
            name = f"pvc-{claim.metadata.uid}"
            node = (claim.metadata.annotations or {}).get(SELECTED_NODE)
            if claim.spec.storageClassName in CLASSES and node and name not in volumes:
                self._make(name, node, claim)
            elif name in volumes:
                self._grow(volumes[name], claim)
        for name, volume in volumes.items():
            if volume.status.phase == "Released" and volume.spec.persistentVolumeReclaimPolicy == "Delete":
                remove(self._folder / name)
                self._api.delete(PersistentVolume, name)
            elif volume.spec.storageClassName == SIZED_CLASS:
                mount_file_system(self._folder / name, volume.spec.capacity["storage"])

    def _make(self, name: str, node: str, claim: PersistentVolumeClaim) -> None:
        path, size = self._folder / name, claim.spec.resources.requests["storage"]
        if claim.spec.storageClassName == SIZED_CLASS:
            mount_file_system(path, size)
        else:
            make_folder(path)
        terms = [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]
        body = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name, "annotations": {ANNOTATION: PROVISIONER}},
            "spec": {
                "capacity": {"storage": size},
                "accessModes": claim.spec.accessModes,
                "storageClassName": claim.spec.storageClassName,
                "persistentVolumeReclaimPolicy": "Delete",
                "local": {"path": str(path)},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": terms}]}},
                "claimRef": {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "namespace": claim.metadata.namespace,
                    "name": claim.metadata.name,
                    "uid": claim.metadata.uid,
                },
            },
        }
        self._api.create(PersistentVolume.from_dict(body))
        log.info("volume %s for %s/%s on %s", name, claim.metadata.namespace, claim.metadata.name, node)

    def _grow(self, volume: PersistentVolume, claim: PersistentVolumeClaim) -> None:
        """Take a larger request as granted: a folder has no size of its own."""
        wanted = claim.spec.resources.requests["storage"]
        granted = (claim.status.capacity or {}).get("storage")
        if granted is None or granted == wanted:
            return
        capacity: dict[str, Any] = {"capacity": {"storage": wanted}}
        self._api.patch(
            PersistentVolume, volume.metadata.name, {"spec": capacity}, patch_type=PatchType.MERGE
        )
        self._api.patch(
            PersistentVolumeClaim.Status,
            claim.metadata.name,
            {"status": capacity},
            namespace=claim.metadata.namespace,
            patch_type=PatchType.MERGE,
        )


class Addresses:
    """An address of the outside network for each Service of type LoadBalancer."""

    def __init__(self, api: Client) -> None:
        self._api = api

    def round(self) -> None:
        """Give addresses to the services that have none."""
        services = [
            service
            for service in self._api.list(Service, namespace="*")
            if service.spec.type == "LoadBalancer"
        ]
        taken = {ingress.ip for service in services for ingress in _given(service)}
        for service in services:
            if _given(service) or service.spec.loadBalancerClass:
                continue
            free = next(
                str(address)
                for address in ipaddress.ip_network(LOAD_BALANCER_CIDR).hosts()
                if str(address) not in taken
            )
            taken.add(free)
            self._api.patch(
                Service.Status,
                service.metadata.name,
                {"status": {"loadBalancer": {"ingress": [{"ip": free}]}}},
                namespace=service.metadata.namespace,
                patch_type=PatchType.MERGE,
            )
            log.info("address %s for %s/%s", free, service.metadata.namespace, service.metadata.name)


def _given(service: Service) -> list[Any]:
    balancer = service.status.loadBalancer if service.status else None
    return list(balancer.ingress or []) if balancer else []


def main(kubeconfig: Path, folder: Path) -> None:
    """Go round until ended; a server that is away is asked again."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    api = client(kubeconfig)
    parts = (Volumes(api, folder), Addresses(api))
    while True:
        for part in parts:
            try:
                part.round()
            except (ApiError, httpx2.HTTPError, LabError, OSError) as error:
                log.warning("%s: %s", type(part).__name__, error)
        time.sleep(ROUND_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
