"""Level ``api``: a real API server without nodes. It needs no root, and several run side by side."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lightkube import Client

from lab import daemons
from lab.binaries import ensure, find_binary
from lab.cluster import Clients, apply, ready_nodes
from lab.controlplane import MANAGERS, ControlPlane, Endpoint, free_ports
from lab.daemons import wait_for
from lab.places import Places
from lab.steps import Steps

Say = Callable[[str], None]

FAKE_NODES_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ApiLab:
    """A running API server."""

    places: Places
    server: str
    with_parent: bool
    clients: Clients

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.places.kubeconfig

    def client(self, namespace: str = "default") -> Client:
        """Give a client with all rights."""
        return self.clients.of(namespace)

    def add_fake_nodes(self, names: Sequence[str]) -> None:
        """Add nodes that kwok plays: pods on them become Running without a container. Raises LabError."""
        if "kwok" not in daemons.known(self.places):
            arguments: list[str | Path] = [
                find_binary("kwok"),
                f"--kubeconfig={self.kubeconfig}",
                "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
                # Pods that a test plays itself, since they are not to come up.
                "--disregard-status-with-annotation-selector=kwok.x-k8s.io/status=custom",
                # Its nodes report seldom by themselves, more seldom than our grace period allows.
                "--node-lease-duration-seconds=40",
                f"--server-address=127.0.0.1:{free_ports(1)[0]}",
            ]
            daemons.start(self.places, "kwok", arguments, with_parent=self.with_parent)
        api = self.client()
        for name in names:
            apply(api, _fake_node(name))
        for _ in wait_for(f"fake nodes {', '.join(names)} ready", FAKE_NODES_SECONDS, pause=0.1):
            daemons.check(self.places, daemons.one(self.places, "kwok"))
            if ready_nodes(api) >= set(names):
                return


def start(
    places: Places,
    say: Say,
    *,
    managers: bool = True,
    with_parent: bool = False,
) -> ApiLab:
    """Start a lab of level ``api`` on free loopback ports; ``say`` gets its steps. Raises LabError."""
    steps = Steps(say)
    names = ["etcd", "kube-apiserver", *(MANAGERS if managers else ())]
    with steps.step("binaries"):
        ensure(names, say)
    port, etcd, peer = free_ports(3)
    plane = ControlPlane(places, find_binary, Endpoint("127.0.0.1", port, etcd, peer), with_parent)
    with steps.step("etcd"):
        plane.start_etcd()
    with steps.step("API server"):
        plane.start_apiserver()
    if managers:
        with steps.step("controller manager and scheduler"):
            plane.start_managers()
    return ApiLab(places, plane.endpoint.server, with_parent, Clients(places.kubeconfig))


def _fake_node(name: str) -> dict[str, object]:
    capacity = {"cpu": "32", "memory": "256Gi", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"kubernetes.io/hostname": name, "type": "kwok"},
        },
        "status": {"capacity": capacity, "allocatable": capacity},
    }


@contextmanager
def api_lab(*, managers: bool = True) -> Iterator[ApiLab]:
    """Run a lab of level ``api`` in a folder of its own while the block, and this process, lasts."""
    with tempfile.TemporaryDirectory(prefix="glede-lab-") as folder:
        places = Places(Path(folder))
        try:
            lab = start(places, lambda _line: None, managers=managers, with_parent=True)
            try:
                yield lab
            finally:
                lab.clients.close()
        finally:
            for name in reversed(daemons.known(places)):
                daemons.stop(places, name)
