"""Level ``nodes``: the whole machine becomes a cluster, and is itself again after ``down``."""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from lightkube.resources.core_v1 import ServiceAccount

from lab import daemons, preflight
from lab.addons import start as addons
from lab.binaries import ensure, find_binary
from lab.cluster import client, ready_nodes
from lab.commands import succeeds
from lab.controlplane import ControlPlane, Endpoint
from lab.daemons import wait_for
from lab.errors import LabError
from lab.images import load_all
from lab.nodes import cgroups, kubelet, network, runtime
from lab.nodes.layout import HOST_ADDRESS, MOST_NODES, RUN, Node, nodes
from lab.places import Places
from lab.steps import Steps

PORT = 6443
ETCD_PORT = 12379
BINARIES = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy",
    "coredns", "metrics-server",
)  # fmt: skip
NODES_READY_SECONDS = 60.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Machine:
    """Starts a lab of level ``nodes``; ``say`` gets a line for each step, with its seconds."""

    places: Places
    say: Say
    port: int = PORT

    def up(self, count: int, images: Sequence[str] = ()) -> None:
        """Start the control plane, the nodes and the add-ons, and load images. Raises LabError."""
        wanted = nodes(count)
        preflight.check(self.places, self.port)
        preflight.install_programs(self.say)
        steps = Steps(self.say)
        with steps.step("binaries"):
            ensure(BINARIES, self.say)
        try:
            self._up(steps, wanted, images)
        except BaseException:
            # What is left of a start that failed would be in the way of the next one.
            down(self.places)
            raise

    def _up(self, steps: Steps, wanted: Sequence[Node], images: Sequence[str]) -> None:
        self.places.make()
        self.places.nodes.mkdir(exist_ok=True)
        endpoint = Endpoint(HOST_ADDRESS, self.port, ETCD_PORT, ETCD_PORT + 1)
        plane = ControlPlane(self.places, find_binary, endpoint)
        plane.extra = addons.aggregation_flags(plane)
        with steps.step("network"):
            network.create(self.places, wanted)
        with steps.step("control plane"):
            plane.start_etcd()
            plane.start_apiserver()
            plane.start_managers()
        with steps.step("containerd"), ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: _runtime(self.places, node), wanted))
        if images:
            with steps.step("images"):
                load_all(images, [node.socket for node in wanted], self.say)
        with steps.step("add-ons"):
            addons.apply_objects(plane)
            addons.start_dns(plane)
            addons.start_controller(plane)
            addons.start_metrics(plane)
        # What nodes of the last time said of themselves is still there; heartbeats have whole seconds.
        since = datetime.now(UTC).replace(microsecond=0)
        with steps.step("nodes ready"):
            for node in wanted:
                kubelet.start(plane, node)
            _await_nodes(self.places, wanted, since)


def _runtime(places: Places, node: Node) -> None:
    cgroups.create(node)
    runtime.start(places, node)


def _await_nodes(places: Places, wanted: Sequence[Node], since: datetime) -> None:
    with client(places.kubeconfig) as api:
        for _ in wait_for("all nodes ready", NODES_READY_SECONDS, pause=0.2):
            for daemon in daemons.known(places).values():
                daemons.check(places, daemon)
            # Without its service account a namespace takes no pod.
            accounts = {str(account.metadata.name) for account in api.list(ServiceAccount)}
            if "default" in accounts and ready_nodes(api, since) >= {node.name for node in wanted}:
                return


def down(places: Places, *, fresh: bool = False) -> None:
    """End everything and give the machine back as it was; with ``fresh`` the lab's data go too."""
    # A lab of level api, which may end beside somebody's nodes, has no such folder.
    owner = places.nodes.is_dir() or not places.root.is_dir()
    found = present(places) if owner else []
    for name in reversed(daemons.known(places) if places.run.is_dir() else {}):
        daemons.stop(places, name)
    for node in found:
        _end_pods(node)
        _unmount(f"{places.node(node.name)}/", f"{node.run}/")
        cgroups.remove(node)
        shutil.rmtree(node.run, ignore_errors=True)
        shutil.rmtree(node.pod_logs, ignore_errors=True)
    if owner:
        _unmount(f"{places.volumes}/")
        network.remove(places, found)
        shutil.rmtree(RUN, ignore_errors=True)
    if fresh:
        shutil.rmtree(places.root, ignore_errors=True)


def present(places: Places) -> list[Node]:
    """Give the nodes of which anything is there: a folder, a namespace, a group."""
    return [
        node
        for node in nodes(MOST_NODES)
        if node.namespace.exists()
        or node.run.exists()
        or cgroups.folders(node)
        or places.node(node.name).exists()
    ]


def _end_pods(node: Node) -> None:
    if cgroups.folders(node):
        cgroups.freeze(node, frozen=False)
        cgroups.kill(node)
    # A shim is outside its pod's group; it names its containerd on its command line.
    shims = [process for process in psutil.process_iter(["cmdline"]) if _is_shim(process, node)]
    for process in shims:
        process.kill()
    psutil.wait_procs(shims, timeout=10)


def _is_shim(process: psutil.Process, node: Node) -> bool:
    words = process.info["cmdline"] or []
    return bool(words) and "containerd-shim" in words[0] and str(node.socket) in words


def _unmount(*folders: str) -> None:
    points = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for point in reversed([point for point in points if point.startswith(folders)]):
        if not succeeds(["umount", "--lazy", point]):
            raise LabError(f"{point}: cannot be unmounted; see what uses it: fuser -vm {point}")
