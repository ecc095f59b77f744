"""What each node is called and where it lives."""

import string
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

BRIDGE = "glede-lab"
HOST_ADDRESS = "10.245.0.1"
PREFIX = 24
LOAD_BALANCER_CIDR = "10.246.0.0/24"
# Unix sockets have paths of at most 107 bytes, so they are not below the lab's folder.
RUN = Path("/run/glede-lab")
MOST_NODES = 20


@dataclass(frozen=True, slots=True)
class Node:
    """One node; ``number`` counts from 1."""

    number: int

    @property
    def letter(self) -> str:
        """A short mark: a, b, c …"""
        return string.ascii_lowercase[self.number - 1]

    @property
    def name(self) -> str:
        """The node's name in Kubernetes, and of its network namespace."""
        return f"node-{self.letter}"

    @property
    def address(self) -> str:
        """Its address on the bridge."""
        return f"10.245.0.{10 + self.number}"

    @property
    def pod_cidr(self) -> str:
        """The range that its pods get addresses from."""
        return f"10.244.{self.number}.0/24"

    @property
    def link(self) -> str:
        """The host's end of its cable; interface names have at most 15 characters."""
        return f"lab-{self.letter}"

    @property
    def cgroup(self) -> str:
        """The control group that all its pods are in."""
        return f"lab-{self.name}"

    @property
    def namespace(self) -> Path:
        """Its network namespace."""
        return Path("/run/netns") / self.name

    @property
    def run(self) -> Path:
        """containerd's state and socket."""
        return RUN / self.letter

    @property
    def socket(self) -> Path:
        """containerd's socket."""
        return self.run / "containerd.sock"

    @property
    def pod_logs(self) -> Path:
        """Its pods' logs: kubelets that share a folder prune each other's."""
        return Path("/var/log") / f"glede-lab-{self.letter}"

    def inside(self, *arguments: str | Path) -> list[str | Path]:
        """Give a command that runs in the node's network; `ip netns exec` would hide the control groups."""
        return ["nsenter", f"--net={self.namespace}", *arguments]


def nodes(count: int) -> list[Node]:
    """Give the first nodes. Raises LabError for none, or more than there are names for."""
    if not 1 <= count <= MOST_NODES:
        raise LabError(f"--nodes {count}: found {count}, expected 1 to {MOST_NODES}")
    return [Node(number) for number in range(1, count + 1)]
