"""What a machine must have before a lab of level ``nodes`` starts: each lack is one clear line."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import psutil

from lab import daemons
from lab.commands import run
from lab.errors import LabError
from lab.nodes import cgroups, network
from lab.nodes.layout import BRIDGE, HOST_ADDRESS
from lab.nodes.runtime import PLUGINS
from lab.places import Places

GIB = 1 << 30
LEAST_MEMORY = 3 * GIB
LEAST_DISK = 6 * GIB
LONGEST_SOCKET = 107  # bytes in a Unix socket's path
# Programs from the distribution, and the Debian package that has each.
PROGRAMS = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "tc": "iproute2",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "conntrack": "conntrack",
    "sysctl": "procps",
}
NEEDED_CAPABILITIES = {12: "CAP_NET_ADMIN", 19: "CAP_SYS_PTRACE", 21: "CAP_SYS_ADMIN"}

Say = Callable[[str], None]


def check(places: Places, port: int) -> None:
    """Raise LabError for the first thing that is missing."""
    _root()
    _capabilities()
    cgroups.version()
    _memory()
    _path(places)
    _disk(places)
    _half_started(places)
    _port(port)


def install_programs(say: Say) -> None:
    """Install the distribution's programs that are missing, where that is possible. Raises LabError."""
    missing = sorted({package for name, package in PROGRAMS.items() if not shutil.which(name)})
    if not PLUGINS.is_dir():
        missing.append("containernetworking-plugins")
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise LabError(
            f"missing: {', '.join(missing)}; install these packages (Debian's names) and try again"
        )
    say(f"installing {', '.join(missing)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], seconds=300, env=quiet)
    run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing], seconds=600, env=quiet)


def _root() -> None:
    if os.geteuid() != 0:
        raise LabError("level nodes needs root (network namespaces, mounts); use sudo, or --level api")


def _capabilities() -> None:
    lines = Path("/proc/self/status").read_text().splitlines()
    effective = int(next(line for line in lines if line.startswith("CapEff:")).split()[1], 16)
    missing = [name for bit, name in NEEDED_CAPABILITIES.items() if not effective >> bit & 1]
    if missing:
        raise LabError(f"missing {', '.join(missing)}: root is confined here; give it these capabilities")


def _memory() -> None:
    free = psutil.virtual_memory().available
    if free < LEAST_MEMORY:
        raise LabError(
            f"memory: {free / GIB:.1f} GiB available, {LEAST_MEMORY / GIB:.0f} GiB needed; end something"
        )


def _path(places: Places) -> None:
    socket_path = places.node("node-a") / "kubelet" / "device-plugins" / "kubelet.sock"
    surplus = len(str(socket_path)) - LONGEST_SOCKET
    if surplus > 0:
        raise LabError(
            f"{places.root}: {surplus} characters too long for kubelet's sockets; set GLEDE_LAB_STATE"
        )


def _disk(places: Places) -> None:
    folder = next(path for path in (places.root, *places.root.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    if free < LEAST_DISK:
        raise LabError(
            f"{folder}: {free / GIB:.1f} GiB free, {LEAST_DISK / GIB:.0f} GiB needed; or set GLEDE_LAB_STATE"
        )


def _half_started(places: Places) -> None:
    found = daemons.known(places) if places.run.is_dir() else {}
    ended = [name for name, daemon in found.items() if daemon.process() is None]
    if ended:
        raise LabError(f"the lab is half started ({', '.join(ended)} has ended); run `python -m lab down`")
    if found:
        raise LabError("the lab is running already; `python -m lab down` ends it")
    if network.exists():
        raise LabError(
            f"network {BRIDGE} is there: of another or a half-started lab; run `python -m lab down`"
        )


def _port(port: int) -> None:
    for address in ("0.0.0.0", HOST_ADDRESS):  # noqa: S104 - probed, not served
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                if address == HOST_ADDRESS and not network.exists():
                    continue  # the address comes with the network
                raise LabError(
                    f"port {port} is taken ({error.strerror}); end its owner, or give --port"
                ) from error
