"""A control group for each node's pods, on version 1 and version 2 of control groups."""

import contextlib
import os
import signal
import time
from pathlib import Path

from lab.errors import LabError
from lab.nodes.layout import Node

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = (
    "cpu",
    "cpuacct",
    "cpuset",
    "memory",
    "devices",
    "freezer",
    "blkio",
    "pids",
    "systemd",
    "unified",
)
NEEDED = ("cpu", "memory", "pids")
KILL_SECONDS = 10.0


def version() -> int:
    """Give 1 or 2: which version of control groups this machine has. Raises LabError for neither."""
    if (ROOT / "cgroup.controllers").exists():
        return 2
    if all((ROOT / name).is_dir() for name in NEEDED):
        return 1
    raise LabError(f"{ROOT}: no control groups with {', '.join(NEEDED)} are mounted; mount version 1 or 2")


def create(node: Node) -> None:
    """Make the node's group in every hierarchy."""
    if version() == 2:
        folder = ROOT / node.cgroup
        folder.mkdir(exist_ok=True)
        _enable(ROOT)
        _enable(folder)
        return
    for folder in folders(node, missing=True):
        folder.mkdir(exist_ok=True)
    # A group of the cpuset controller takes no process before it has its own cores and memory.
    group = ROOT / "cpuset" / node.cgroup
    for name in ("cpuset.cpus", "cpuset.mems"):
        if group.exists() and not (group / name).read_text().strip():
            (group / name).write_text((ROOT / "cpuset" / name).read_text())


def folders(node: Node, *, missing: bool = False) -> list[Path]:
    """Give the node's group in each hierarchy; with ``missing`` also where it is not there yet."""
    if version() == 2:
        found = [ROOT / node.cgroup]
    else:
        found = [ROOT / name / node.cgroup for name in CONTROLLERS if (ROOT / name).is_dir()]
    return [folder for folder in found if missing or folder.exists()]


def processes(node: Node) -> set[int]:
    """Give the ids of all processes of the node's pods."""
    found: set[int] = set()
    for folder in folders(node):
        for path in folder.rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                found.update(int(line) for line in path.read_text().split())
    return found


def freeze(node: Node, *, frozen: bool) -> None:
    """Stop all processes of the node's pods where they are, or let them go on."""
    if version() == 2:
        (ROOT / node.cgroup / "cgroup.freeze").write_text(str(int(frozen)))
    else:
        (ROOT / "freezer" / node.cgroup / "freezer.state").write_text("FROZEN" if frozen else "THAWED")


def kill(node: Node) -> None:
    """End all processes of the node's pods. Raises LabError when some do not go."""
    end = time.monotonic() + KILL_SECONDS
    while alive := processes(node):
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > end:
            raise LabError(f"{node.name}: processes {sorted(alive)} do not end after SIGKILL")
        time.sleep(0.05)


def remove(node: Node) -> None:
    """Remove the node's groups, innermost first."""
    for folder in folders(node):
        inner = sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True)
        for path in (*inner, folder):
            with contextlib.suppress(OSError):
                path.rmdir()


def _enable(folder: Path) -> None:
    available = (folder / "cgroup.controllers").read_text().split()
    for name in available:
        with contextlib.suppress(OSError):
            (folder / "cgroup.subtree_control").write_text(f"+{name}")
