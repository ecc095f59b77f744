"""Where a lab keeps its things: a cache that outlives labs, and a state folder for each lab."""

import os
from dataclasses import dataclass
from pathlib import Path


def cache() -> Path:
    """Give the folder of what is slow to make: binaries, images. ``GLEDE_LAB_CACHE`` names another."""
    given = os.environ.get("GLEDE_LAB_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else base / "glede" / "lab"


def default_state() -> Path:
    """Give the state folder of the lab that the command runs. ``GLEDE_LAB_STATE`` names another."""
    given = os.environ.get("GLEDE_LAB_STATE")
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return Path(given) if given else base / "glede" / "lab"


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one lab, below ``root``."""

    root: Path

    @property
    def pki(self) -> Path:
        """Keys and certificates, readable by their owner only."""
        return self.root / "pki"

    @property
    def logs(self) -> Path:
        """A log file for each daemon, and the API server's audit log."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """What runs: one file for each daemon."""
        return self.root / "run"

    @property
    def config(self) -> Path:
        """Configuration files that the daemons read."""
        return self.root / "config"

    @property
    def etcd(self) -> Path:
        """The control plane's data."""
        return self.root / "etcd"

    @property
    def volumes(self) -> Path:
        """Persistent volumes, a folder for each."""
        return self.root / "volumes"

    @property
    def audit_log(self) -> Path:
        """The API server's audit log, one JSON event a line."""
        return self.logs / "audit.log"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.root / "kubeconfig"

    @property
    def nodes(self) -> Path:
        """The nodes' folders; only a lab with nodes has it."""
        return self.root / "nodes"

    def node(self, name: str) -> Path:
        """Give the folder of one node: containerd's and kubelet's data."""
        return self.nodes / name

    def make(self) -> None:
        """Create the folders, for their owner only."""
        for folder in (self.root, self.pki, self.logs, self.run, self.config, self.etcd, self.volumes):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
