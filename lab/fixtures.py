"""Pytest fixtures: a lab for a run of tests, a namespace for each test.

Use them by ``pytest_plugins = ["lab.fixtures"]``.
"""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from lightkube import Client
from lightkube.resources.core_v1 import Namespace

from lab import daemons, machine
from lab.api import ApiLab, api_lab
from lab.binaries import find_binary
from lab.cluster import Clients, apply
from lab.commands import run
from lab.ending import unwound_by_sigterm
from lab.images import IMAGES_OF_A_CLUSTER
from lab.nodes.layout import Node
from lab.places import Places, default_state


@pytest.fixture(scope="session")
def api() -> Iterator[ApiLab]:
    """A real API server with its managers, for the whole run."""
    with api_lab() as lab:
        yield lab


@pytest.fixture
def kube(api: ApiLab) -> Iterator[Client]:
    """A client whose namespace is the test's own."""
    with a_namespace(api.client()) as name:
        yield api.client(name)


@contextmanager
def a_namespace(api: Client) -> Iterator[str]:
    """Make a namespace with a name of its own; it is deleted at the end, without waiting for that."""
    name = f"test-{secrets.token_hex(4)}"
    apply(api, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        yield name
    finally:
        api.delete(Namespace, name)


@dataclass(frozen=True, slots=True)
class NodesLab:
    """A running lab of level ``nodes``."""

    places: Places
    nodes: list[Node]
    clients: Clients

    def client(self, namespace: str = "default") -> Client:
        """Give a client with all rights."""
        return self.clients.of(namespace)

    def kubectl(self, *arguments: str, seconds: float = 60.0) -> str:
        """Run kubectl. Raises LabError."""
        return run(
            [find_binary("kubectl"), f"--kubeconfig={self.places.kubeconfig}", *arguments], seconds=seconds
        )


@pytest.fixture(scope="session")
def nodes_lab() -> Iterator[NodesLab]:
    """Three real nodes with a Milvus cluster's images: the lab that runs, or one for this run of tests."""
    with a_nodes_lab() as found:
        yield found


@contextmanager
def a_nodes_lab() -> Iterator[NodesLab]:
    """Give the lab of level ``nodes`` that runs, or one for the block."""
    places = Places(default_state())
    running = places.run.is_dir() and bool(daemons.known(places))
    with nullcontext(places) if running else _lab_of_its_own() as found:
        clients = Clients(found.kubeconfig)
        try:
            yield NodesLab(found, machine.present(found), clients)
        finally:
            clients.close()


@contextmanager
def _lab_of_its_own() -> Iterator[Places]:
    """Run a lab that begins with nothing and leaves nothing; a lab that somebody keeps is not touched."""
    # pytest's own folders have names too long for a kubelet's sockets.
    with unwound_by_sigterm(), tempfile.TemporaryDirectory(prefix="lab-") as folder:
        places = Places(Path(folder) / "lab")
        machine.Machine(places, print).up(3, (*IMAGES_OF_A_CLUSTER, "base"))
        try:
            yield places
        finally:
            machine.down(places, fresh=True)


@pytest.fixture
def namespace(nodes_lab: NodesLab) -> Iterator[str]:
    """A namespace on real nodes, the test's own."""
    with a_namespace(nodes_lab.client()) as name:
        yield name
